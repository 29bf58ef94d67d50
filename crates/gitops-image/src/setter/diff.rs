//! Edits as a unified diff.

use std::ops::Range;

use super::edit::Edit;

/// Lines that are shown before and after a change, as `diff -u` and git do.
const CONTEXT: usize = 3;

/// A stretch of lines that changes: which lines before, and which after.
struct Changed {
    before: Range<usize>,
    after: Range<usize>,
}

/// The lines of a text, each with its line feed, and what is not to be shown.
struct Lines<'t> {
    text: &'t [u8],
    /// Where each line begins, and where the text ends.
    starts: Vec<usize>,
    hidden: &'t [Range<usize>],
}

/// Returns the unified diff of a file.
pub(super) fn unified(path: &str, before: &[u8], after: &[u8], edits: &[Edit]) -> Vec<u8> {
    masked(path, (before, &[]), (after, &[]), edits)
}

/// Returns the unified diff of a file with `***` for what is not to be shown.
pub(super) fn masked(
    path: &str,
    (before, hidden_before): (&[u8], &[Range<usize>]),
    (after, hidden_after): (&[u8], &[Range<usize>]),
    edits: &[Edit],
) -> Vec<u8> {
    let (before, after) = (Lines::new(before, hidden_before), Lines::new(after, hidden_after));
    let mut out = format!("--- {}\n+++ {}\n", name("a", path), name("b", path)).into_bytes();
    for hunk in hunks(&changed(&before, &after, edits)) {
        write_hunk(&mut out, &before, &after, hunk);
    }
    out
}

/// Returns a file's name in a diff, quoted as git does where a line could not hold it.
fn name(side: &str, path: &str) -> String {
    if path.chars().any(|c| c.is_control() || matches!(c, '"' | '\\')) {
        format!("\"{side}/{}\"", path.escape_default())
    } else if path.contains(' ') {
        format!("{side}/{path}\t")
    } else {
        format!("{side}/{path}")
    }
}

/// Returns the lines that change; edits that share a line are one change.
fn changed(before: &Lines<'_>, after: &Lines<'_>, edits: &[Edit]) -> Vec<Changed> {
    let mut changes: Vec<Changed> = Vec::new();
    // By how much what follows has moved.
    let (mut added, mut removed) = (0, 0);
    for edit in edits {
        let start = edit.span.start + added - removed;
        let lines = before.of(&edit.span);
        let lines_after = after.of(&(start..start + edit.replacement.len()));
        added += edit.replacement.len();
        removed += edit.span.len();
        match changes.last_mut() {
            Some(last) if lines.start < last.before.end => {
                last.before.end = lines.end.max(last.before.end);
                last.after.end = lines_after.end.max(last.after.end);
            }
            _ => changes.push(Changed { before: lines, after: lines_after }),
        }
    }
    changes
}

/// Parts the changes into those whose context touches.
fn hunks(changes: &[Changed]) -> impl Iterator<Item = &[Changed]> {
    changes.chunk_by(|a, b| b.before.start - a.before.end <= 2 * CONTEXT)
}

fn write_hunk(out: &mut Vec<u8>, before: &Lines<'_>, after: &Lines<'_>, hunk: &[Changed]) {
    let (Some(first), Some(last)) = (hunk.first(), hunk.last()) else { return };
    let lead = first.before.start.min(CONTEXT);
    let trail = (before.count() - last.before.end).min(CONTEXT);
    let old = first.before.start - lead..last.before.end + trail;
    let new = first.after.start - lead..last.after.end + trail;
    let header = format!("@@ -{} +{} @@\n", extent(&old), extent(&new));
    out.extend_from_slice(header.as_bytes());
    let mut at = old.start;
    for change in hunk {
        (at..change.before.start).for_each(|line| before.write(out, b' ', line));
        change.before.clone().for_each(|line| before.write(out, b'-', line));
        change.after.clone().for_each(|line| after.write(out, b'+', line));
        at = change.before.end;
    }
    (at..old.end).for_each(|line| before.write(out, b' ', line));
}

/// Returns the lines of a hunk as its header has them: first line and count, where one is left out.
fn extent(lines: &Range<usize>) -> String {
    match lines.len() {
        0 => format!("{},0", lines.start),
        1 => format!("{}", lines.start + 1),
        count => format!("{},{count}", lines.start + 1),
    }
}

impl<'t> Lines<'t> {
    fn new(text: &'t [u8], hidden: &'t [Range<usize>]) -> Self {
        let mut starts: Vec<usize> = vec![0];
        starts.extend(text.iter().enumerate().filter(|(_, b)| **b == b'\n').map(|(at, _)| at + 1));
        if starts.last() != Some(&text.len()) {
            starts.push(text.len());
        }
        Self { text, starts, hidden }
    }

    fn count(&self) -> usize {
        self.starts.len() - 1
    }

    /// Returns the lines that a stretch of the text touches; an empty stretch touches its line.
    fn of(&self, span: &Range<usize>) -> Range<usize> {
        let line_of = |at: usize| {
            let line = self.starts.partition_point(|start| *start <= at).saturating_sub(1);
            line.min(self.count().saturating_sub(1))
        };
        line_of(span.start)..line_of(span.end.saturating_sub(1).max(span.start)) + 1
    }

    fn write(&self, out: &mut Vec<u8>, sign: u8, line: usize) {
        let bound = |at: usize| self.starts.get(at).copied().unwrap_or(self.text.len());
        let (mut at, end) = (bound(line), bound(line + 1));
        out.push(sign);
        let first = self.hidden.partition_point(|range| range.end <= at);
        for range in self.hidden.iter().skip(first).take_while(|range| range.start < end) {
            out.extend_from_slice(self.text.get(at..range.start.max(at)).unwrap_or_default());
            out.extend_from_slice(b"***");
            at = range.end.min(end);
        }
        out.extend_from_slice(self.text.get(at..end).unwrap_or_default());
        if self.text.get(..end).is_some_and(|text| !text.ends_with(b"\n")) {
            out.extend_from_slice(b"\n\\ No newline at end of file\n");
        } else if !out.ends_with(b"\n") {
            // What is hidden took the line feed with it.
            out.push(b'\n');
        }
    }
}
