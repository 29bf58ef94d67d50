//! Where the programs of a control plane come from: a folder that the user names, or our cache, or a build.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::TestkitError;

/// A folder with `etcd`, `kube-apiserver` and perhaps `kube-controller-manager`.
///
/// ```no_run
/// # fn main() -> Result<(), gitops_testkit::TestkitError> {
/// use gitops_testkit::Assets;
/// let assets = Assets::find_or_build(&|line| eprintln!("{line}"))?;
/// # Ok(()) }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Assets {
    folder: PathBuf,
}

impl Assets {
    /// Takes the folder that `KUBEBUILDER_ASSETS` names, else what an earlier build left in the cache.
    ///
    /// # Errors
    /// [`TestkitError::AssetsMissing`] when neither has the programs.
    pub fn find() -> Result<Self, TestkitError> {
        if let Some(folder) = std::env::var_os("KUBEBUILDER_ASSETS").filter(|folder| !folder.is_empty()) {
            let folder = PathBuf::from(folder);
            return Self::at(&folder).ok_or_else(|| TestkitError::AssetsMissing {
                looked: format!(
                    "KUBEBUILDER_ASSETS names {}, which has no etcd and kube-apiserver",
                    folder.display()
                ),
            });
        }
        let cache = Self::cache_folder()?;
        Self::at(&cache).ok_or_else(|| TestkitError::AssetsMissing {
            looked: format!("KUBEBUILDER_ASSETS is not set and {} is not there", cache.display()),
        })
    }

    /// Does as [`Assets::find`], and builds the programs when there are none: about five minutes, once per machine.
    ///
    /// `progress` gets a line for each step. Several builders wait for one another. Blocks its thread.
    ///
    /// # Errors
    /// [`TestkitError::Build`] with the last lines of a failed build; [`TestkitError::AssetsMissing`] when
    /// `KUBEBUILDER_ASSETS` is set and wrong, because then the user meant something else.
    pub fn find_or_build(progress: &dyn Fn(&str)) -> Result<Self, TestkitError> {
        match Self::find() {
            Err(TestkitError::AssetsMissing { .. })
                if std::env::var_os("KUBEBUILDER_ASSETS").is_none_or(|v| v.is_empty()) => {}
            found => return found,
        }
        let failed = |reason: String| TestkitError::Build { reason };
        let mut build = Command::new(script())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .spawn()
            .map_err(|error| failed(format!("{}: {error}", script().display())))?;
        let mut last = String::new();
        if let Some(output) = build.stdout.take() {
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                progress(&line);
                last = line;
            }
        }
        let status = build.wait().map_err(|error| failed(error.to_string()))?;
        if !status.success() {
            return Err(failed(format!("{status}; its last line: {last}")));
        }
        Self::find()
    }

    /// Returns the assets in `folder` when at least etcd and kube-apiserver are there.
    #[must_use]
    pub fn at(folder: &Path) -> Option<Self> {
        let complete = ["etcd", "kube-apiserver"].iter().all(|program| folder.join(program).is_file());
        complete.then(|| Self { folder: folder.to_owned() })
    }

    /// Returns the folder of the programs.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Returns whether the controller-manager is there: envtest's own folders do not have it.
    #[must_use]
    pub fn has_controller_manager(&self) -> bool {
        self.program("kube-controller-manager").is_file()
    }

    pub(crate) fn program(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// Asks the build script, which alone knows the key of the versions it would build.
    fn cache_folder() -> Result<PathBuf, TestkitError> {
        let missing = |looked: String| TestkitError::AssetsMissing { looked };
        let output = Command::new(script())
            .arg("--where")
            .stdin(Stdio::null())
            .output()
            .map_err(|error| missing(format!("{} cannot be run ({error})", script().display())))?;
        let folder = String::from_utf8_lossy(&output.stdout).trim().to_owned();
        if folder.is_empty() {
            return Err(missing(format!("{} --where names no folder", script().display())));
        }
        Ok(PathBuf::from(folder))
    }
}

fn script() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tools/control-plane/build")
}
