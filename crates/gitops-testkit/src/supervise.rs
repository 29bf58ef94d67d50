//! A foreign process that cannot outlive ours, and that can be stopped, paused and resumed.
//!
//! # Flow
//! A small shell stands between us and the program. It leads a process group of its own, so that a Ctrl-C in
//! the terminal does not reach it, and one of its halves reads a pipe whose only other end is ours. A line in the
//! pipe is a signal for the program. The end of the pipe means that our process is gone, however it went (SIGKILL
//! included): then the whole group is killed. The other half waits for the program and ends as it ended.
//!
//! # Guarantees
//! No process id is remembered here, so none can be reused under our feet; no unsafe code; nothing but `sh`.

use std::ffi::OsString;
use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, ChildStdin, ChildStdout, Command, ExitStatus, Stdio};

/// The shell's half of the contract. `$1` is the log file; the rest is the program and its arguments.
///
/// The reading half must not die of a closed pipe when it acknowledges to somebody who is gone, hence the trap.
/// Standard input and output of the program are redirected, or the shell's pipes would live as long as it.
const SUPERVISOR: &str = r#"
log=$1; shift
exec 3<&0 4>&1
"$@" </dev/null >>"$log" 2>&1 3<&- 4>&- &
program=$!
(
  trap '' PIPE
  echo "$program" >&4
  while read -r signal; do
    if kill -s "$signal" "$program" 2>/dev/null; then echo sent; else echo gone; fi >&4
  done
  kill -s KILL 0
) <&3 >/dev/null 2>&1 &
reader=$!
exec 3<&- 4>&- >/dev/null
wait "$program"
status=$?
kill -s KILL "$reader" 2>/dev/null
exit "$status"
"#;

/// The pipe's reading half alone: removes a folder once our process is gone.
///
/// The servers that write there are killed at the same moment, so it tries again for a while.
const JANITOR: &str = r#"
while read -r _; do :; done
for _ in 1 2 3 4 5 6 7 8 9 10; do
  rm -rf "$1" 2>/dev/null && test ! -e "$1" && exit 0
  sleep 1
done
"#;

/// A signal for a supervised program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Signal {
    Term,
    Stop,
    Continue,
}

impl Signal {
    fn name(self) -> &'static str {
        match self {
            Self::Term => "TERM",
            Self::Stop => "STOP",
            Self::Continue => "CONT",
        }
    }
}

/// A running program under its supervisor; dropped, it is killed and reaped.
#[derive(Debug)]
pub(crate) struct Supervised {
    shell: Child,
    commands: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
    process_id: u32,
}

impl Supervised {
    /// Starts `program` with `arguments`; its output is appended to `log`.
    pub(crate) fn spawn(program: &PathBuf, arguments: &[OsString], log: &PathBuf) -> std::io::Result<Self> {
        File::options().create(true).append(true).open(log)?;
        let mut shell = Command::new("sh")
            .args(["-c", SUPERVISOR, "supervisor"])
            .arg(log)
            .arg(program)
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()?;
        let commands = shell.stdin.take();
        let broken = || std::io::Error::other("the supervising shell has no pipes");
        let mut answers = BufReader::new(shell.stdout.take().ok_or_else(broken)?);
        let process_id = line(&mut answers)?.parse().map_err(std::io::Error::other)?;
        Ok(Self { shell, commands, answers, process_id })
    }

    /// Returns the program's process id, for tools that look at it.
    pub(crate) fn process_id(&self) -> u32 {
        self.process_id
    }

    /// Sends a signal and returns once it has been sent: a matter of milliseconds.
    pub(crate) fn signal(&mut self, signal: Signal) -> std::io::Result<()> {
        let closed = || std::io::Error::other("the supervising shell is gone");
        let commands = self.commands.as_mut().ok_or_else(closed)?;
        writeln!(commands, "{}", signal.name())?;
        commands.flush()?;
        match line(&mut self.answers)?.as_str() {
            "sent" => Ok(()),
            _ => Err(closed()),
        }
    }

    /// Returns how the program ended, or `None` while it runs.
    pub(crate) fn exited(&mut self) -> std::io::Result<Option<ExitStatus>> {
        self.shell.try_wait()
    }
}

impl Drop for Supervised {
    fn drop(&mut self) {
        drop(self.commands.take());
        // The group is killed as soon as the pipe is closed, so this does not wait for the program's goodwill.
        let _ = self.shell.wait();
    }
}

fn line(answers: &mut BufReader<ChildStdout>) -> std::io::Result<String> {
    let mut text = String::new();
    answers.read_line(&mut text)?;
    Ok(text.trim().to_owned())
}

/// A temporary folder that vanishes with its owner, also when that owner's process is killed.
#[derive(Debug)]
pub(crate) struct Folder {
    path: PathBuf,
    janitor: Child,
}

impl Folder {
    /// Creates an empty folder whose name starts with `prefix`.
    pub(crate) fn create(prefix: &str) -> std::io::Result<Self> {
        let path = tempfile::Builder::new().prefix(prefix).tempdir()?.keep();
        let janitor = Command::new("sh")
            .args(["-c", JANITOR, "janitor"])
            .arg(&path)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()?;
        Ok(Self { path, janitor })
    }

    /// Returns where it is.
    pub(crate) fn path(&self) -> &PathBuf {
        &self.path
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        drop(self.janitor.stdin.take());
        let _ = self.janitor.wait();
    }
}
