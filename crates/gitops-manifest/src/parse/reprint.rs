//! What kustomize's printer does to folded blocks.

use crate::emit::fits_block;

/// Returns the text of a folded block after kustomize has printed it and read it again.
///
/// The folded printer of go-yaml v3 doubles a line feed before it has looked whether the next line is
/// indented, and looks at the start of the whole text to decide, so that text comes back with a line feed
/// more before an indented line, or with one less everywhere.
pub(super) fn folded(text: String) -> String {
    if !text.contains('\n') || !fits_block(&text) {
        return text;
    }
    let is_blank = |line: &str| line.starts_with([' ', '\t']);
    let content = text.trim_matches('\n');
    let doubles = !is_blank(content) && !content.is_empty();
    let mut out = String::with_capacity(text.len() + 8);
    let line_feeds = |out: &mut String, count: usize| out.extend(std::iter::repeat_n('\n', count));
    line_feeds(&mut out, text.len() - text.trim_start_matches('\n').len());
    let mut rest = content;
    loop {
        let end = rest.find('\n').unwrap_or(rest.len());
        let (line, after) = rest.split_at(end);
        out.push_str(line);
        let written = |breaks: usize| breaks + usize::from(doubles && !is_blank(line));
        let next = after.trim_start_matches('\n');
        if next.is_empty() {
            // One line feed at the end needs no mark and stays one; of more, all are kept.
            let breaks = text.len() - text.trim_end_matches('\n').len();
            if !content.is_empty() {
                line_feeds(&mut out, if breaks > 1 { written(breaks) } else { breaks });
            }
            return out;
        }
        let breaks = written(after.len() - next.len());
        match (is_blank(line) || is_blank(next), breaks) {
            (true, breaks) => line_feeds(&mut out, breaks),
            (false, 1) => out.push(' '),
            (false, breaks) => line_feeds(&mut out, breaks - 1),
        }
        rest = next;
    }
}
