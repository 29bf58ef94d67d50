//! The YAML that nearly all manifests are written in, read at once.
//!
//! [`read`] takes one document of block maps and lists whose scalars are plain, quoted or blocks, with flow collections
//! on one line, and tells a [`Sink`] what it meets, without a token or an event in between. Whatever else YAML has
//! (anchors, tags, directives, explicit keys, tabs, carriage returns, …) and whatever is no YAML is [`Unusual`]: then
//! the whole document goes to the full parser, which also finds the words for what is wrong. So a caller undoes what
//! its sink was told, and reads again.
//!
//! What is read here is read exactly as the full parser has it, in the same order and with the same places; a test
//! holds one beside the other.

mod block;
mod cursor;
mod flow;
mod literal;
mod scalar;

use std::borrow::Cow;

use crate::span::ScalarStyle;

use self::cursor::Cursor;

/// The text has something that is not read here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unusual;

/// A place in the text that is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mark {
    /// The byte, counted from 0.
    pub byte: usize,
    /// The line, counted from 1.
    pub line: usize,
    /// The column in characters, counted from 0.
    pub column: usize,
}

/// The places where something begins and ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stretch {
    /// The first character.
    pub start: Mark,
    /// What follows the last.
    pub end: Mark,
}

/// Which collection begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Collection {
    /// A map, whose keys and values follow in turn.
    Map,
    /// A list.
    List,
}

/// Where a comment stands beside what is around it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Placement {
    /// On the line before something.
    Above,
    /// Behind something.
    Right,
    /// With an empty line below.
    Free,
    /// Below everything, in a text of comments alone.
    Last,
}

/// Is told what a document holds, in the order of the text.
pub trait Sink<'t> {
    /// Takes a scalar: a key, a value or an item. Nothing written, as after `key:`, is a plain `~` of no length.
    ///
    /// # Errors
    /// [`Unusual`] when the full parser shall read the document.
    fn scalar(&mut self, text: Cow<'t, str>, style: ScalarStyle, at: Stretch) -> Result<(), Unusual>;

    /// Begins a collection; only that of brackets has a length.
    ///
    /// # Errors
    /// [`Unusual`] when the full parser shall read the document.
    fn open(&mut self, collection: Collection, is_flow: bool, at: Stretch) -> Result<(), Unusual>;

    /// Ends the collection that was begun last, for brackets with the place behind them.
    ///
    /// # Errors
    /// [`Unusual`] when the full parser shall read the document.
    fn close(&mut self, end: Option<Mark>) -> Result<(), Unusual>;

    /// Takes a comment without its `#`.
    ///
    /// # Errors
    /// [`Unusual`] when the full parser shall read the document.
    fn comment(&mut self, text: &'t str, placement: Placement, at: Stretch) -> Result<(), Unusual>;
}

/// Reads a text of at most one document, which may begin with a line `---`.
///
/// # Errors
/// [`Unusual`] when something in the text is not read here, or the sink says so; the sink has been told a part.
pub fn read<'t>(text: &'t str, sink: &mut impl Sink<'t>) -> Result<(), Unusual> {
    Cursor::new(text, sink)?.document()
}
