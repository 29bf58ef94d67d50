//! Answers, in the form that the client wants.

use std::sync::Arc;

use bytes::Bytes;
use futures::Stream;
use http::Response;
use serde_json::{Value, json};

use super::present;
use super::{Call, read};
use crate::schema::Kind;
use crate::server::{encoded, refusal, response};
use crate::store::Stored;
use crate::tables;
use crate::wire::Body;
use crate::wire::media::{Encoding, View};
use crate::wire::status::{Answer, Refusal};

/// What a request is answered with.
pub(crate) enum Reply {
    /// An object of the kind that was asked for.
    Object(u16, Value),
    /// The same, as it is stored.
    Stored(u16, Arc<Stored>),
    /// Objects and the metadata of the list.
    List {
        items: Vec<Arc<Stored>>,
        metadata: Value,
    },
    /// Anything else: a Status, a Scale, a review.
    Other(u16, Value),
    /// 204: there is nothing to say.
    Empty,
    Watch(std::pin::Pin<Box<dyn Stream<Item = Bytes> + Send>>),
}

impl Reply {
    pub(crate) fn write(self, call: &Call<'_>) -> Response<Body> {
        match self.try_write(call) {
            Ok(response) => response,
            Err(refused) => refusal(&refused, call.media),
        }
    }

    fn try_write(self, call: &Call<'_>) -> Answer<Response<Body>> {
        let (kind, media) = (&call.kind, call.media);
        let plain = media.view == View::Whole && media.encoding == Encoding::Json;
        match self {
            Self::Stored(code, stored) if plain && present::is_stored_form(kind) => {
                let mut bytes = Vec::with_capacity(stored.bytes.len() + 64);
                present::typed_bytes(kind, &stored, &mut bytes);
                Ok(response(code, "application/json", bytes.into()))
            }
            Self::Stored(code, stored) => Self::Object(code, present::load(kind, &stored)).try_write(call),
            Self::Object(code, object) => {
                let view = view_object(call, object)?;
                Ok(encoded(code, &view, media.encoding))
            }
            Self::List { items, metadata } if plain && present::is_stored_form(kind) => {
                Ok(response(200, "application/json", list_bytes(kind, &items, &metadata)))
            }
            Self::List { items, metadata } => {
                let items = items.iter().map(|stored| present::load(kind, stored)).collect();
                Ok(encoded(200, &view_list(call, items, metadata)?, media.encoding))
            }
            Self::Other(code, value) => Ok(encoded(code, &value, media.encoding)),
            Self::Empty => Ok(response(204, "", Bytes::new())),
            Self::Watch(stream) => {
                let mut response = Response::new(Body::stream(stream));
                let content_type = http::HeaderValue::from_static("application/json");
                response.headers_mut().insert(http::header::CONTENT_TYPE, content_type);
                Ok(response)
            }
        }
    }
}

/// Puts stored objects into a list without reading them.
fn list_bytes(kind: &Kind, items: &[Arc<Stored>], metadata: &Value) -> Bytes {
    let head = json!({"kind": kind.list_kind, "apiVersion": kind.api_version(), "metadata": metadata});
    let mut bytes = crate::server::to_bytes(&head);
    bytes.reserve(items.iter().map(|item| item.bytes.len() + 1).sum::<usize>() + 16);
    bytes.pop();
    bytes.extend_from_slice(b",\"items\":[");
    for (position, item) in items.iter().enumerate() {
        if position > 0 {
            bytes.push(b',');
        }
        bytes.extend_from_slice(&item.bytes);
    }
    bytes.extend_from_slice(b"]}\n");
    bytes.into()
}

pub(crate) fn partial(object: &Value) -> Value {
    let mut metadata = object["metadata"].clone();
    // Daemon sets get this one only as they are shown whole.
    if let Some(annotations) = metadata.get_mut("annotations").and_then(Value::as_object_mut) {
        annotations.remove(super::defaults::TEMPLATE_GENERATION);
        if annotations.is_empty()
            && let Some(metadata) = metadata.as_object_mut()
        {
            metadata.remove("annotations");
        }
    }
    json!({"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": metadata})
}

fn view_object(call: &Call<'_>, object: Value) -> Answer<Value> {
    match call.media.view {
        View::Whole => Ok(object),
        View::PartialMetadata => Ok(partial(&object)),
        View::PartialMetadataList => {
            let why = format!(
                "you requested PartialObjectMetadataList, but the requested object is not a list ({})",
                read::go_name(&call.kind)
            );
            Err(Refusal::new(406, "NotAcceptable", why))
        }
        View::Table => {
            let include = tables::Include::read(call.query.get("includeObject"))?;
            let revision = object["metadata"]["resourceVersion"].clone();
            let metadata = json!({"resourceVersion": revision});
            Ok(tables::table(call.server, &call.kind, &[object], metadata, include, true))
        }
    }
}

fn view_list(call: &Call<'_>, items: Vec<Value>, metadata: Value) -> Answer<Value> {
    let kind = &call.kind;
    Ok(match call.media.view {
        View::Whole => {
            let mut items = items;
            items.iter_mut().for_each(|item| present::as_item(kind, item));
            json!({"kind": kind.list_kind, "apiVersion": kind.api_version(), "metadata": metadata, "items": items})
        }
        View::PartialMetadataList => {
            let items: Vec<Value> = items.iter().map(partial).collect();
            json!({
                "kind": "PartialObjectMetadataList", "apiVersion": "meta.k8s.io/v1",
                "metadata": metadata, "items": items,
            })
        }
        View::PartialMetadata => {
            let why = format!(
                "you requested PartialObjectMetadata, but the requested object is a list ({}List)",
                read::go_name(kind)
            );
            return Err(Refusal::new(406, "NotAcceptable", why));
        }
        View::Table => {
            let include = tables::Include::read(call.query.get("includeObject"))?;
            let mut metadata = metadata;
            if let (true, Some(map)) = (metadata["continue"] == "", metadata.as_object_mut()) {
                map.remove("continue");
            }
            tables::table(call.server, kind, &items, metadata, include, true)
        }
    })
}
