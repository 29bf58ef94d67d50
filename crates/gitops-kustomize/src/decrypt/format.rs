//! The formats that SOPS encrypts.

pub(super) mod dotenv;
pub(super) mod ini;
pub(super) mod json;
pub(super) mod yaml;

use std::fmt;

use super::metadata::Shape;
use super::tree::{Branch, Value};

/// A format of files.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Format {
    /// YAML, of one or several documents.
    Yaml,
    /// One JSON object.
    Json,
    /// Lines of `NAME=value`.
    Dotenv,
    /// Sections of `name = value`.
    Ini,
    /// Anything; encrypted, it is a JSON object with one field `data`.
    Binary,
}

/// The formats with what Flux recognises them by. Binary and JSON have one mark; which is meant does not matter, since both
/// are read in the same way.
const MARKS: [(Format, &[u8]); 4] = [
    (Format::Json, b"\"mac\": \"ENC["),
    (Format::Dotenv, b"sops_mac=ENC["),
    (Format::Ini, b"[sops]"),
    (Format::Yaml, b"mac: ENC["),
];

impl Format {
    /// Returns the format that the ending of a file's name stands for, as Flux takes it: `.dockerconfigjson` is JSON, and
    /// an unknown ending is binary.
    ///
    /// ```
    /// use gitops_kustomize::decrypt::Format;
    ///
    /// assert_eq!(Format::of_name("values.yml"), Format::Yaml);
    /// assert_eq!(Format::of_name("token"), Format::Binary);
    /// ```
    pub fn of_name(name: &str) -> Self {
        let ends = |ending: &str| name.ends_with(ending);
        if ends(".yaml") || ends(".yml") {
            Self::Yaml
        } else if ends(".json") || ends(".dockerconfigjson") {
            Self::Json
        } else if ends(".env") {
            Self::Dotenv
        } else if ends(".ini") {
            Self::Ini
        } else {
            Self::Binary
        }
    }

    /// Returns the format whose mark stands anywhere in the content; nothing where none does, and the content is not taken
    /// for encrypted.
    pub fn of_content(content: &[u8]) -> Option<Self> {
        MARKS.iter().find(|(_, mark)| contains(content, mark)).map(|(format, _)| *format)
    }

    /// Tells whether the content has this format's mark.
    pub fn marks(self, content: &[u8]) -> bool {
        let format = if self == Self::Binary { Self::Json } else { self };
        MARKS.iter().any(|(of, mark)| *of == format && contains(content, mark))
    }

    pub(super) fn shape(self) -> Shape {
        match self {
            Self::Yaml | Self::Json | Self::Binary => Shape::Nested,
            Self::Ini => Shape::Section,
            Self::Dotenv => Shape::Flat,
        }
    }

    /// Reads the documents of an encrypted file.
    pub(super) fn read(self, content: &[u8]) -> Result<Vec<Branch>, String> {
        match self {
            Self::Yaml => yaml::parse(content),
            Self::Json | Self::Binary => json::parse(content).map(|branch| vec![branch]),
            Self::Dotenv => dotenv::parse(content).map(|branch| vec![branch]),
            Self::Ini => ini::parse(content).map(|branch| vec![branch]),
        }
    }

    /// Prints decrypted documents.
    pub(super) fn print(self, branches: &[Branch]) -> Result<Vec<u8>, String> {
        let first: &[_] = branches.first().map_or(&[], Vec::as_slice);
        match self {
            Self::Yaml => yaml::print(branches),
            Self::Json => json::print(first),
            Self::Dotenv => dotenv::print(first),
            Self::Ini => ini::print(branches),
            Self::Binary if branches.len() != 1 => Err("it is not one document".to_owned()),
            Self::Binary => binary(first),
        }
    }
}

/// A binary file is the text of its one field.
fn binary(branch: &[super::tree::Item]) -> Result<Vec<u8>, String> {
    match branch.iter().find(|item| item.name() == Some("data")).map(|item| &item.value) {
        Some(Value::Text(text)) => Ok(text.clone().into_bytes()),
        Some(Value::Bytes(bytes)) => Ok(bytes.clone()),
        Some(_) => Err("its field data is no text".to_owned()),
        None => Err("it is no binary file: it has no field data".to_owned()),
    }
}

fn contains(content: &[u8], mark: &[u8]) -> bool {
    content.windows(mark.len()).any(|window| window == mark)
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Yaml => "YAML",
            Self::Json => "JSON",
            Self::Dotenv => "dotenv",
            Self::Ini => "INI",
            Self::Binary => "binary",
        })
    }
}
