//! The files: commands and what they print.

use std::fmt;

/// A file of commands.
pub(super) struct Transcript {
    /// What stands before the first command.
    head: String,
    pub(super) needs_controllers: bool,
    pub(super) entries: Vec<Entry>,
}

/// A command.
pub(super) struct Entry {
    pub(super) command: String,
    /// What it prints on the real server.
    pub(super) want: String,
    /// Why the sandbox answers otherwise, and what.
    pub(super) differs: Option<(String, String)>,
}

const DIFFERS: &str = "! sandbox: ";

impl Transcript {
    pub(super) fn parse(text: &str) -> Self {
        let mut transcript = Self { head: String::new(), needs_controllers: false, entries: Vec::new() };
        for line in text.lines() {
            if let Some(command) = line.strip_prefix("$ ") {
                transcript.entries.push(Entry {
                    command: command.to_owned(),
                    want: String::new(),
                    differs: None,
                });
                continue;
            }
            let Some(entry) = transcript.entries.last_mut() else {
                transcript.needs_controllers |= line == "needs controllers";
                transcript.head += &format!("{line}\n");
                continue;
            };
            let is_first = entry.want.is_empty() && entry.differs.is_none();
            match (line.strip_prefix("> "), line.strip_prefix(DIFFERS), &mut entry.differs) {
                (Some(more), ..) if is_first => entry.command += &format!("\n{more}"),
                (_, Some(reason), _) => entry.differs = Some((reason.to_owned(), String::new())),
                (_, _, Some((_, other))) => *other += &format!("{line}\n"),
                (_, _, None) => entry.want += &format!("{line}\n"),
            }
        }
        transcript
    }
}

impl fmt::Display for Transcript {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.head)?;
        for entry in &self.entries {
            let command = entry.command.replace('\n', "\n> ");
            write!(f, "$ {command}\n{}", entry.want)?;
            if let Some((reason, other)) = &entry.differs {
                write!(f, "{DIFFERS}{reason}\n{other}")?;
            }
        }
        Ok(())
    }
}

#[test]
fn a_transcript_is_written_as_it_was_read() {
    let text =
        "# Title.\nneeds controllers\n$ a <<E\n> b\n> E\none\n[exit 1]\n! sandbox: because\ntwo\n$ c\n";
    let transcript = Transcript::parse(text);
    assert!(transcript.needs_controllers);
    assert_eq!(transcript.entries[0].command, "a <<E\nb\nE");
    assert_eq!(transcript.to_string(), text);
}
