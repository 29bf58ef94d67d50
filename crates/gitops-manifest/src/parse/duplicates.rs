//! Keys that stand twice in a map.

/// The keys of one map with their lines; it remembers nothing unless it is asked to.
#[derive(Default)]
pub(super) struct KeyLines {
    lines: Vec<(String, usize)>,
}

impl KeyLines {
    pub(super) fn insert(&mut self, key: &str, line: usize) {
        self.lines.push((key.to_owned(), line));
    }

    /// Returns the line on which a key stands first.
    pub(super) fn first_line(&self, key: &str) -> Option<usize> {
        self.lines.iter().find(|(known, _)| known == key).map(|(_, line)| *line)
    }
}
