//! Which entry a comment belongs to.
//!
//! What counts is where the comment stands, as in yaml.v3: beside a value it is the value's; right above an entry, in the
//! same column, it is the entry's; otherwise it ends what is above it, as deep inside as it is indented.

use std::collections::BTreeSet;

use super::super::super::tree::Comment;
use super::read::{Collection, Content, Document, Raw, Start};

/// A comment as it was read.
pub(super) struct Note {
    pub(super) line: usize,
    pub(super) column: usize,
    pub(super) text: String,
    /// Whether something stands before it on its line.
    pub(super) beside: bool,
}

/// Puts the comments of a document into its collections.
pub(super) fn place(nodes: &mut [Raw], document: &Document) {
    let own_lines: BTreeSet<usize> =
        document.notes.iter().filter(|note| !note.beside).map(|note| note.line).collect();
    let Some(root) = document.root else { return };
    for note in &document.notes {
        let next = document.entries.partition_point(|start| {
            if note.beside { start.line <= note.line } else { start.line < note.line }
        });
        let (above, below) = (next.checked_sub(1).map(|at| document.entries[at]), document.entries.get(next));
        let (collection, entry, inline) = match (above, below) {
            (Some(above), _) if note.beside => (above.collection, above.entry, !opens_block(nodes, above)),
            (_, Some(below)) if is_head(note, below, above, nodes, &own_lines) => {
                (below.collection, below.entry, false)
            }
            (Some(above), _) => {
                let (collection, entry) = ended_by(nodes, above, note.column);
                (collection, entry + 1, false)
            }
            (None, Some(below)) => (below.collection, below.entry, false),
            (None, None) => (root, 0, false),
        };
        if let Some(collection) = collection_of(nodes, collection) {
            let places = collection.entries() + 1;
            collection.comments.resize_with(places, Vec::new);
            if let Some(place) = collection.comments.get_mut(entry) {
                place.push(Comment { text: note.text.clone(), inline });
            }
        }
    }
}

fn collection_of(nodes: &mut [Raw], id: usize) -> Option<&mut Collection> {
    match &mut nodes.get_mut(id)?.content {
        Content::Collection(collection) => Some(collection),
        _ => None,
    }
}

/// Tells whether the entry's value is a block, so that a comment beside its key is beside no value.
fn opens_block(nodes: &[Raw], start: Start) -> bool {
    let Content::Collection(collection) = &nodes[start.collection].content else { return false };
    let value = if collection.is_map { 2 * start.entry + 1 } else { start.entry };
    let value = collection.nodes.get(value).map(|id| &nodes[*id].content);
    matches!(value, Some(Content::Collection(value)) if value.block)
}

/// Tells whether the comment is about the entry below it.
fn is_head(
    note: &Note,
    below: &Start,
    above: Option<Start>,
    nodes: &[Raw],
    own_lines: &BTreeSet<usize>,
) -> bool {
    let joined = (note.line + 1..below.line).all(|line| own_lines.contains(&line));
    if joined && note.column == below.column {
        return true;
    }
    // Before the first entry of a collection there is nothing that it could end.
    let within = above.map(|above| (above.collection, above.entry));
    let parent = nodes[below.collection].parent.map(|parent| (parent, nodes[below.collection].entry));
    below.entry == 0 && within == parent
}

/// Returns the innermost collection, and the entry in it, that a comment in this column ends.
fn ended_by(nodes: &[Raw], above: Start, column: usize) -> (usize, usize) {
    let (mut collection, mut entry) = (above.collection, above.entry);
    while nodes[collection].column > column {
        let Some(parent) = nodes[collection].parent else { break };
        entry = nodes[collection].entry;
        collection = parent;
    }
    (collection, entry)
}
