//! The player of scripts, and what it says of a server.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use tokio::process::Command;

/// The recorded scripts and the program that plays them.
pub(crate) struct Player {
    /// The folder of the scripts.
    pub(crate) corpus: PathBuf,
    /// The folder of the program.
    tools: PathBuf,
}

/// A server to play on.
pub(crate) enum Target<'a> {
    /// Plain HTTP and a token.
    Plain { url: &'a str, token: &'a str },
    /// The server of a kubeconfig.
    Kubeconfig(&'a Path),
}

/// What came of a run.
#[derive(Default)]
pub(crate) struct Outcome {
    pub(crate) areas: BTreeMap<String, Tally>,
    /// The scripts that differ where they must not.
    pub(crate) failed: BTreeSet<String>,
    /// All differences, as the player prints them.
    pub(crate) differences: String,
}

/// An area's scripts: how many there are, and how many are equal.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    pub(crate) scripts: usize,
    pub(crate) equal: usize,
}

impl Player {
    /// Returns the player; without it or its scripts the test is left out, but fails on CI.
    pub(crate) fn find() -> Option<Self> {
        let place = |variable: &str, default: &str| {
            let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared").join(default);
            std::env::var_os(variable).map_or(root, PathBuf::from)
        };
        let corpus = place("GITOPS_CORPORA", "corpora").join("apiserver");
        let tools = place("GITOPS_TOOLS", "tools").join("apiserver-transcripts");
        if corpus.is_dir() && tools.join("transcripts.py").is_file() {
            return Some(Self { corpus, tools });
        }
        let must =
            std::env::var_os("GITOPS_CORPORA").is_none() && std::env::var("CI").is_ok_and(|ci| ci == "true");
        assert!(
            !must,
            "corpus apiserver or its player is missing: {}, {}",
            corpus.display(),
            tools.display()
        );
        println!("corpus apiserver: not run, no {} or no {}", corpus.display(), tools.display());
        None
    }

    /// Plays recorded scripts, a file or a folder of them, and compares.
    pub(crate) async fn check(&self, scripts: &Path, target: &Target<'_>, needs: &str) -> Outcome {
        let scripts = scripts.to_str().unwrap();
        let arguments = ["check", scripts, "--needs", needs, "--workers", "3", "--show", "1000000"];
        let text = self.run("transcripts.py", &arguments, Some(target)).await;
        // `ID: step N [must] PATH: expected …`, then one line an area: `AREA SCRIPTS MUST …`.
        let (differences, tally) = text.split_once("area  ").unwrap_or_else(|| panic!("{text}"));
        let mut outcome = Outcome { differences: differences.to_owned(), ..Outcome::default() };
        for line in differences.lines().filter(|line| line.contains(" [must] ")) {
            if let Some((id, _)) = line.split_once(": step ") {
                outcome.failed.insert(id.to_owned());
            }
        }
        for line in tally.lines().skip(1) {
            let parts: Vec<&str> = line.split_whitespace().collect();
            if let [area, scripts, equal, ..] = parts.as_slice()
                && let (Ok(scripts), Ok(equal)) = (scripts.parse(), equal.parse())
                && *area != "total"
            {
                outcome.areas.insert((*area).to_owned(), Tally { scripts, equal });
            }
        }
        outcome
    }

    /// Plays scripts on a server and writes what it answered.
    pub(crate) async fn record(&self, scripts: &Path, target: &Target<'_>, out: &Path) {
        let (scripts, out) = (scripts.to_str().unwrap(), out.to_str().unwrap());
        self.run("transcripts.py", &["record", scripts, "--out", out, "--workers", "3"], Some(target)).await;
        assert!(Path::new(out).is_file(), "nothing was recorded");
    }

    /// Writes new random scripts.
    pub(crate) async fn generate(&self, seed: &str, count: usize, out: &Path) {
        let (count, out) = (count.to_string(), out.to_str().unwrap());
        self.run(
            "generate.py",
            &["--seed", seed, "--count", &count, "--prefix", "fresh", "--out", out],
            None,
        )
        .await;
    }

    async fn run(&self, program: &str, arguments: &[&str], target: Option<&Target<'_>>) -> String {
        // A Python that can read YAML; not every machine's first one can.
        let python = std::env::var_os("GITOPS_PYTHON").unwrap_or_else(|| "python3".into());
        let mut command = Command::new(python);
        command.arg(self.tools.join(program)).args(arguments).kill_on_drop(true);
        if target.is_some() {
            command.arg("--fixtures").arg(self.corpus.join("fixtures.jsonl"));
        }
        match target {
            Some(Target::Plain { url, token }) => command.args(["--server", url, "--token", token]),
            Some(Target::Kubeconfig(path)) => command.arg("--kubeconfig").arg(path),
            None => &mut command,
        };
        let output = command.output().await.unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(errors.is_empty(), "{program}: {errors}{text}");
        text
    }
}
