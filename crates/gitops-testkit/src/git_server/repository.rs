//! A bare repository that tests write into, with git itself.

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicI64, Ordering};

use crate::TestkitError;

/// The time of a repository's first commit: 2024-01-01 00:00:00 UTC.
const BEGINNING: i64 = 1_704_067_200;

/// A bare repository of a [`GitServer`](crate::GitServer).
///
/// Commits are always by the same person, and each is a minute after the one before, so that the same steps give the
/// same hashes everywhere.
#[derive(Debug)]
pub struct Repository {
    path: PathBuf,
    clock: AtomicI64,
}

impl Repository {
    pub(super) fn open_or_init(path: PathBuf) -> Result<Self, TestkitError> {
        let mut clock = 0;
        if path.exists() {
            let count = git(&path, &["rev-list", "--all", "--count"], b"")?;
            clock = count.trim().parse().unwrap_or_default();
        } else {
            std::fs::create_dir_all(&path).map_err(TestkitError::io("making a repository"))?;
            git(&path, &["init", "-q", "--bare", "-b", "main", "."], b"")?;
            for setting in [
                "uploadpack.allowAnySHA1InWant",
                "uploadpack.allowReachableSHA1InWant",
                "uploadpack.allowTipSHA1InWant",
                "uploadpack.allowFilter",
                "http.receivepack",
            ] {
                git(&path, &["config", setting, "true"], b"")?;
            }
            git(&path, &["config", "gc.auto", "0"], b"")?;
        }
        Ok(Self { path, clock: AtomicI64::new(clock) })
    }

    /// Returns the bare repository's folder.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Makes a commit on a branch, which is made when it is missing, and returns its hash. Other files stay.
    ///
    /// # Errors
    /// When git refuses.
    pub fn commit(&self, branch: &str, files: &[(&str, &str)]) -> Result<String, TestkitError> {
        files.iter().fold(self.change(branch), |change, (path, content)| change.file(path, content)).commit()
    }

    /// Begins a commit on a branch.
    pub fn change(&self, branch: &str) -> CommitBuilder<'_> {
        CommitBuilder {
            repository: self,
            branch: format!("refs/heads/{branch}"),
            message: None,
            time: None,
            orphan: false,
            stream: Vec::new(),
        }
    }

    /// Makes or moves a lightweight tag.
    ///
    /// # Errors
    /// When git refuses.
    pub fn tag(&self, name: &str, commit: &str) -> Result<(), TestkitError> {
        self.set_reference(&format!("refs/tags/{name}"), commit)
    }

    /// Makes or moves an annotated tag and returns its own hash.
    ///
    /// # Errors
    /// When git refuses.
    pub fn annotated_tag(&self, name: &str, commit: &str, message: &str) -> Result<String, TestkitError> {
        git(&self.path, &["tag", "-f", "-a", "-m", message, name, commit], b"")?;
        self.rev_parse(&format!("refs/tags/{name}"))
    }

    /// Makes a branch or moves it, forward or not.
    ///
    /// # Errors
    /// When git refuses.
    pub fn force(&self, branch: &str, commit: &str) -> Result<(), TestkitError> {
        self.set_reference(&format!("refs/heads/{branch}"), commit)
    }

    /// Makes or moves any reference, given by its full name.
    ///
    /// # Errors
    /// When git refuses.
    pub fn set_reference(&self, name: &str, commit: &str) -> Result<(), TestkitError> {
        git(&self.path, &["update-ref", name, commit], b"").map(drop)
    }

    /// Removes a reference, given by its full name.
    ///
    /// # Errors
    /// When git refuses.
    pub fn delete_reference(&self, name: &str) -> Result<(), TestkitError> {
        git(&self.path, &["update-ref", "-d", name], b"").map(drop)
    }

    /// Returns the hash that an expression of git means.
    ///
    /// # Errors
    /// When it means nothing.
    pub fn rev_parse(&self, expression: &str) -> Result<String, TestkitError> {
        Ok(git(&self.path, &["rev-parse", "--verify", "-q", expression], b"")?.trim().to_owned())
    }

    /// Runs git in the repository and returns what it printed.
    ///
    /// # Errors
    /// When git refuses.
    pub fn git(&self, arguments: &[&str]) -> Result<String, TestkitError> {
        git(&self.path, arguments, b"")
    }
}

/// A commit in the making.
#[derive(Debug)]
#[must_use]
pub struct CommitBuilder<'a> {
    repository: &'a Repository,
    branch: String,
    message: Option<String>,
    time: Option<i64>,
    orphan: bool,
    stream: Vec<u8>,
}

impl CommitBuilder<'_> {
    /// Writes a file.
    pub fn file(self, path: &str, content: impl AsRef<[u8]>) -> Self {
        self.entry("100644", path, content.as_ref())
    }

    /// Writes an executable file.
    pub fn executable(self, path: &str, content: impl AsRef<[u8]>) -> Self {
        self.entry("100755", path, content.as_ref())
    }

    /// Makes a symbolic link.
    pub fn link(self, path: &str, target: &str) -> Self {
        self.entry("120000", path, target.as_bytes())
    }

    /// Makes a submodule's entry, which names a commit of another repository.
    pub fn submodule(mut self, path: &str, commit: &str) -> Self {
        self.stream.extend_from_slice(format!("M 160000 {commit} {}\n", quoted(path)).as_bytes());
        self
    }

    /// Removes a file or folder.
    pub fn delete(mut self, path: &str) -> Self {
        self.stream.extend_from_slice(format!("D {}\n", quoted(path)).as_bytes());
        self
    }

    /// Sets the message; without it `Commit <n>`.
    pub fn message(self, message: &str) -> Self {
        Self { message: Some(message.to_owned()), ..self }
    }

    /// Sets the time in seconds since 1970.
    pub fn at(self, seconds: i64) -> Self {
        Self { time: Some(seconds), ..self }
    }

    /// Makes the commit a root without parents and without the files of before.
    pub fn orphan(self) -> Self {
        Self { orphan: true, ..self }
    }

    fn entry(mut self, mode: &str, path: &str, content: &[u8]) -> Self {
        let head = format!("M {mode} inline {}\ndata {}\n", quoted(path), content.len());
        self.stream.extend_from_slice(head.as_bytes());
        self.stream.extend_from_slice(content);
        self.stream.push(b'\n');
        self
    }

    /// Makes the commit and returns its hash.
    ///
    /// # Errors
    /// When git refuses.
    pub fn commit(self) -> Result<String, TestkitError> {
        let repository = self.repository;
        let number = repository.clock.fetch_add(1, Ordering::Relaxed) + 1;
        let time = self.time.unwrap_or(BEGINNING + 60 * number);
        let message = self.message.unwrap_or_else(|| format!("Commit {number}"));
        let branch = &self.branch;
        let mut head = String::new();
        if self.orphan {
            let _ = writeln!(head, "reset {branch}\n");
        }
        let _ = write!(
            head,
            "commit {branch}\nmark :1\nauthor Ada <ada@example.com> {time} +0000\n\
             committer Ada <ada@example.com> {time} +0000\ndata {}\n{message}\n",
            message.len()
        );
        if !self.orphan && repository.rev_parse(branch).is_ok() {
            let _ = writeln!(head, "from {branch}^0");
        }
        let mut stream = head.into_bytes();
        stream.extend_from_slice(&self.stream);
        stream.extend_from_slice(b"\nget-mark :1\n");
        let printed = git(&repository.path, &["fast-import", "--quiet", "--force"], &stream)?;
        Ok(printed.trim().to_owned())
    }
}

/// Returns a path as git's fast-import reads any path.
fn quoted(path: &str) -> String {
    let mut text = String::from("\"");
    for c in path.chars() {
        match c {
            '"' | '\\' => text.extend(['\\', c]),
            '\n' => text.push_str("\\n"),
            c => text.push(c),
        }
    }
    text.push('"');
    text
}

/// Keeps this machine's own settings of git out.
pub(super) fn isolate(command: &mut Command, home: &Path) {
    let path = std::env::var_os("PATH").unwrap_or_default();
    command
        .env_clear()
        .env("PATH", path)
        .env("HOME", home)
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_TERMINAL_PROMPT", "0")
        .env("GIT_AUTHOR_NAME", "Ada")
        .env("GIT_AUTHOR_EMAIL", "ada@example.com")
        .env("GIT_AUTHOR_DATE", "1704067200 +0000")
        .env("GIT_COMMITTER_NAME", "Ada")
        .env("GIT_COMMITTER_EMAIL", "ada@example.com")
        .env("GIT_COMMITTER_DATE", "1704067200 +0000")
        .env("LC_ALL", "C");
}

fn git(path: &Path, arguments: &[&str], input: &[u8]) -> Result<String, TestkitError> {
    let stage = || TestkitError::io(format!("git {}", arguments.join(" ")));
    let mut command = Command::new("git");
    isolate(&mut command, path);
    let mut child = command
        .args(arguments)
        .current_dir(path)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(stage())?;
    // None of the commands prints much before it has read its input.
    if let Some(mut stdin) = child.stdin.take() {
        let written = stdin.write_all(input);
        drop(stdin);
        if let Err(error) = written
            && error.kind() != std::io::ErrorKind::BrokenPipe
        {
            return Err(stage()(error));
        }
    }
    let output = child.wait_with_output().map_err(stage())?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(stage()(std::io::Error::other(format!("{}: {}", output.status, said.trim()))))
}
