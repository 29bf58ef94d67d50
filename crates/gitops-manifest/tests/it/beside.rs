//! The reader of the usual YAML beside the full parser: what each tells of a text.

use std::borrow::Cow;

use gitops_manifest::usual::{Collection, Mark, Placement, Sink, Stretch, Unusual, read};
use gitops_manifest::{Document, ParseOptions, ScalarStyle, parse};
use granit_parser::{Event, Marker, Parser, Span, StructureStyle};

/// What both readers tell.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Told {
    Scalar(String, ScalarStyle, Stretch),
    Open(Collection, bool, Stretch),
    Close(Option<Mark>),
    Comment(String, Placement, Stretch),
}

#[derive(Default)]
struct Ear(Vec<Told>);

impl<'t> Sink<'t> for Ear {
    fn scalar(&mut self, text: Cow<'t, str>, style: ScalarStyle, at: Stretch) -> Result<(), Unusual> {
        self.0.push(Told::Scalar(text.into_owned(), style, at));
        Ok(())
    }

    fn open(&mut self, collection: Collection, is_flow: bool, at: Stretch) -> Result<(), Unusual> {
        self.0.push(Told::Open(collection, is_flow, at));
        Ok(())
    }

    fn close(&mut self, end: Option<Mark>) -> Result<(), Unusual> {
        self.0.push(Told::Close(end));
        Ok(())
    }

    fn comment(&mut self, text: &'t str, placement: Placement, at: Stretch) -> Result<(), Unusual> {
        self.0.push(Told::Comment(text.to_owned(), placement, at));
        Ok(())
    }
}

/// Returns what the full parser tells of one document, or why it tells nothing.
fn full(text: &str) -> Result<Vec<Told>, String> {
    let options = granit_parser::options! { max_buffered_comment_events: usize::MAX };
    let mark = |marker: Marker| Mark {
        byte: marker.byte_offset().unwrap(),
        line: marker.line(),
        column: marker.col(),
    };
    let stretch = |span: Span| Stretch { start: mark(span.start), end: mark(span.end) };
    let mut told = Vec::new();
    let mut documents = 0;
    for event in Parser::new_from_str_with_options(text, options) {
        let (event, span) = event.map_err(|error| error.to_string())?;
        let at = stretch(span);
        let flow = |style| style == StructureStyle::Flow;
        told.push(match event {
            Event::StreamStart | Event::StreamEnd | Event::DocumentEnd => continue,
            Event::DocumentStart(..) => {
                documents += 1;
                continue;
            }
            Event::Scalar(text, style, 0, None) => Told::Scalar(
                text.into_owned(),
                match style {
                    granit_parser::ScalarStyle::Plain => ScalarStyle::Plain,
                    granit_parser::ScalarStyle::SingleQuoted => ScalarStyle::SingleQuoted,
                    granit_parser::ScalarStyle::DoubleQuoted => ScalarStyle::DoubleQuoted,
                    granit_parser::ScalarStyle::Literal => ScalarStyle::Literal,
                    granit_parser::ScalarStyle::Folded => ScalarStyle::Folded,
                },
                at,
            ),
            Event::MappingStart(style, 0, None) => Told::Open(Collection::Map, flow(style), at),
            Event::SequenceStart(style, 0, None) => Told::Open(Collection::List, flow(style), at),
            // What is no bracket ends where the next node begins.
            Event::MappingEnd | Event::SequenceEnd => {
                Told::Close((at.end.byte > at.start.byte).then_some(at.end))
            }
            Event::Comment(text, placement) => {
                let placement = match placement {
                    granit_parser::Placement::Above => Placement::Above,
                    granit_parser::Placement::Right => Placement::Right,
                    granit_parser::Placement::Last => Placement::Last,
                    _ => Placement::Free,
                };
                Told::Comment(text.into_owned(), placement, at)
            }
            other => return Err(format!("{other:?}")),
        });
    }
    if documents > 1 { Err("several documents".to_owned()) } else { Ok(told) }
}

/// Compares both readers, unless the text is none of the usual; returns whether it was.
pub(crate) fn check(text: &str) -> bool {
    let mut ear = Ear::default();
    if read(text, &mut ear) == Err(Unusual) {
        return false;
    }
    assert_eq!(Ok(ear.0), full(text), "{text:?}");
    // A no-break space in a comment is unusual, and says nothing.
    if text.ends_with('\n') {
        let other = format!("{text}#\u{a0}\n");
        assert_eq!(read(&other, &mut Ear::default()), Err(Unusual));
        for options in [ParseOptions::kubectl(), ParseOptions::kustomize(), ParseOptions::kubectl().strict()]
        {
            for options in [options.clone(), options.keep_spans()] {
                let Ok(quick) = parse("a", text.as_bytes(), &options) else { continue };
                let slow = parse("a", other.as_bytes(), &options).unwrap();
                assert_eq!(seen(&quick), seen(&slow), "{text:?}");
            }
        }
    }
    true
}

/// Returns everything of documents but the comment at the end.
fn seen(documents: &[Document]) -> Vec<String> {
    let seen = |document: &Document| {
        let comments: Vec<_> =
            document.comments().iter().filter(|comment| comment.text != "\u{a0}").collect();
        let (line, span, scalars) = (document.line(), document.span(), document.scalars());
        format!("{:?} {line} {span:?} {scalars:?} {comments:?}", document.value())
    };
    documents.iter().map(seen).collect()
}
