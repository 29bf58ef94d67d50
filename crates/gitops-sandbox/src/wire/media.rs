//! Media types: what clients send, and in which form they want the answer.

use http::HeaderMap;
use http::header::ACCEPT;

use super::status::{Answer, Refusal};

/// How an answer is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Encoding {
    Json,
    Yaml,
    Protobuf,
}

/// What of an object is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum View {
    Whole,
    Table,
    PartialMetadata,
    PartialMetadataList,
}

/// The form of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Media {
    pub(crate) encoding: Encoding,
    pub(crate) view: View,
}

const JSON: &str = "application/json";
const YAML: &str = "application/yaml";
const PROTOBUF: &str = "application/vnd.kubernetes.protobuf";

/// What the server writes; custom resources have no protobuf.
const ALL: [&str; 3] = [JSON, YAML, PROTOBUF];

impl Media {
    pub(crate) const JSON: Self = Self { encoding: Encoding::Json, view: View::Whole };

    /// Chooses the first form of `Accept` that the server can write.
    pub(crate) fn choose(headers: &HeaderMap, has_protobuf: bool, watch: bool) -> Answer<Self> {
        let _ = watch;
        let accept: Vec<&str> =
            headers.get_all(ACCEPT).iter().filter_map(|value| value.to_str().ok()).collect();
        let accept = accept.join(",");
        if accept.trim().is_empty() {
            return Ok(Self::JSON);
        }
        let mut clauses: Vec<(f32, Clause<'_>)> = accept.split(',').map(Clause::parse).collect();
        clauses.sort_by(|(a, _), (b, _)| b.total_cmp(a));
        clauses
            .iter()
            .find_map(|(_, clause)| clause.media(has_protobuf))
            .ok_or_else(|| Refusal::not_acceptable(if has_protobuf { &ALL } else { &ALL[..2] }))
    }
}

/// Returns the form of a refusal: who only reads protobuf gets it even where objects have none.
pub(crate) fn of_refusal(headers: &HeaderMap, refused: &Refusal) -> Media {
    let accept = headers.get(ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if refused.code == 406 && accept.trim() == PROTOBUF {
        return Media { encoding: Encoding::Protobuf, view: View::Whole };
    }
    Media::JSON
}

/// One media range with its parameters.
pub(crate) struct Clause<'a> {
    pub(crate) range: &'a str,
    pub(crate) parameters: Vec<(&'a str, &'a str)>,
}

impl<'a> Clause<'a> {
    /// Returns the weight and the clause.
    pub(crate) fn parse(text: &'a str) -> (f32, Self) {
        let mut parts = text.split(';').map(str::trim);
        let range = parts.next().unwrap_or_default();
        let parameters: Vec<_> = parts.filter_map(|part| part.split_once('=')).collect();
        let weight =
            parameters.iter().find(|(name, _)| *name == "q").and_then(|(_, weight)| weight.parse().ok());
        (weight.unwrap_or(1.0), Self { range, parameters })
    }

    pub(crate) fn parameter(&self, name: &str) -> &'a str {
        self.parameters.iter().find(|(of, _)| *of == name).map_or("", |(_, value)| *value)
    }

    fn media(&self, has_protobuf: bool) -> Option<Media> {
        let encoding = match self.range {
            JSON | "*/*" => Encoding::Json,
            YAML | "application/yml" => Encoding::Yaml,
            PROTOBUF if has_protobuf => Encoding::Protobuf,
            _ => return None,
        };
        let (group, version) = (self.parameter("g"), self.parameter("v"));
        let view = match self.parameter("as") {
            "" => View::Whole,
            _ if group != "meta.k8s.io" || version != "v1" => return None,
            "Table" => View::Table,
            "PartialObjectMetadata" => View::PartialMetadata,
            "PartialObjectMetadataList" => View::PartialMetadataList,
            _ => return None,
        };
        Some(Media { encoding, view })
    }
}

/// Returns the media type of a body without its parameters.
pub(crate) fn content_type(headers: &HeaderMap) -> &str {
    let given =
        headers.get(http::header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    given.split(';').next().unwrap_or_default().trim()
}
