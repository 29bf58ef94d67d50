//! The messages of `openapi.v2`: which key of a document is which field.
//!
//! The numbers are those of `OpenAPIv2.proto` in github.com/google/gnostic-models, the message that API servers send and
//! client-go reads. What servers never write is left out: files, forms, and the flows of OAuth.

use serde_json::Value;

use super::openapi_messages::From::{Each, Itself, Key, List};
use super::openapi_messages::Of::{self, Any, Choice, Double, Flag, Message, Text, Whole};
use super::openapi_messages::{Fields, REFERENCE, SECURITY_REQUIREMENT, each, extensions, field};

pub(super) static DOCUMENT: Fields = Fields(&[
    field(1, Key("swagger"), Text),
    field(2, Key("info"), Message(&INFO)),
    field(3, Key("host"), Text),
    field(4, Key("basePath"), Text),
    field(5, List("schemes"), Text),
    field(6, List("consumes"), Text),
    field(7, List("produces"), Text),
    field(8, Key("paths"), Message(&PATHS)),
    field(9, Key("definitions"), Message(&SCHEMAS)),
    field(10, Key("parameters"), Message(&PARAMETERS)),
    field(12, List("security"), Message(&SECURITY_REQUIREMENT)),
    field(13, Key("securityDefinitions"), Message(&SECURITY_DEFINITIONS)),
    extensions(16),
]);

static INFO: Fields = Fields(&[
    field(1, Key("title"), Text),
    field(2, Key("version"), Text),
    field(3, Key("description"), Text),
    field(4, Key("termsOfService"), Text),
    extensions(7),
]);

static PATHS: Fields =
    Fields(&[extensions(1), field(2, Each(|key| key.starts_with('/')), Message(&PATH_ITEM))]);

static PATH_ITEM: Fields = Fields(&[
    field(2, Key("get"), Message(&OPERATION)),
    field(3, Key("put"), Message(&OPERATION)),
    field(4, Key("post"), Message(&OPERATION)),
    field(5, Key("delete"), Message(&OPERATION)),
    field(6, Key("options"), Message(&OPERATION)),
    field(7, Key("head"), Message(&OPERATION)),
    field(8, Key("patch"), Message(&OPERATION)),
    field(9, List("parameters"), Choice(parameter_or_reference)),
    extensions(10),
]);

static OPERATION: Fields = Fields(&[
    field(1, List("tags"), Text),
    field(2, Key("summary"), Text),
    field(3, Key("description"), Text),
    field(5, Key("operationId"), Text),
    field(6, List("produces"), Text),
    field(7, List("consumes"), Text),
    field(8, List("parameters"), Choice(parameter_or_reference)),
    field(9, Key("responses"), Message(&RESPONSES)),
    field(10, List("schemes"), Text),
    field(11, Key("deprecated"), Flag),
    field(12, List("security"), Message(&SECURITY_REQUIREMENT)),
    extensions(13),
]);

static PARAMETERS: Fields = Fields(&[each(Choice(parameter))]);

fn parameter_or_reference(value: &Value) -> (u32, Of) {
    if value.get("$ref").is_some() { (2, Message(&REFERENCE)) } else { (1, Choice(parameter)) }
}

fn parameter(value: &Value) -> (u32, Of) {
    if value["in"] == "body" { (1, Message(&BODY)) } else { (2, Choice(elsewhere)) }
}

/// A parameter that is no body.
fn elsewhere(value: &Value) -> (u32, Of) {
    match value["in"].as_str() {
        Some("header") => (1, Message(&IN_HEADER)),
        Some("path") => (4, Message(&IN_HEADER)),
        _ => (3, Message(&IN_QUERY)),
    }
}

static BODY: Fields = Fields(&[
    field(1, Key("description"), Text),
    field(2, Key("name"), Text),
    field(3, Key("in"), Text),
    field(4, Key("required"), Flag),
    field(5, Key("schema"), Message(&SCHEMA)),
    extensions(6),
]);

/// A parameter in a header or in the path.
static IN_HEADER: Fields = Fields(&[
    field(1, Key("required"), Flag),
    field(2, Key("in"), Text),
    field(3, Key("description"), Text),
    field(4, Key("name"), Text),
    field(5, Key("type"), Text),
    field(6, Key("format"), Text),
    field(19, Key("uniqueItems"), Flag),
    extensions(22),
]);

static IN_QUERY: Fields = Fields(&[
    field(1, Key("required"), Flag),
    field(2, Key("in"), Text),
    field(3, Key("description"), Text),
    field(4, Key("name"), Text),
    field(5, Key("allowEmptyValue"), Flag),
    field(6, Key("type"), Text),
    field(7, Key("format"), Text),
    field(20, Key("uniqueItems"), Flag),
    extensions(23),
]);

static RESPONSES: Fields = Fields(&[
    field(1, Each(|key| !key.starts_with("x-")), Choice(|_| (1, Message(&RESPONSE)))),
    extensions(2),
]);

static RESPONSE: Fields = Fields(&[
    field(1, Key("description"), Text),
    field(2, Key("schema"), Choice(|_| (1, Message(&SCHEMA)))),
    extensions(5),
]);

/// Schemas by their names; the properties of one look alike.
static SCHEMAS: Fields = Fields(&[each(Message(&SCHEMA))]);

static SCHEMA: Fields = Fields(&[
    field(1, Key("$ref"), Text),
    field(2, Key("format"), Text),
    field(3, Key("title"), Text),
    field(4, Key("description"), Text),
    field(6, Key("multipleOf"), Double),
    field(7, Key("maximum"), Double),
    field(8, Key("exclusiveMaximum"), Flag),
    field(9, Key("minimum"), Double),
    field(10, Key("exclusiveMinimum"), Flag),
    field(11, Key("maxLength"), Whole),
    field(12, Key("minLength"), Whole),
    field(13, Key("pattern"), Text),
    field(14, Key("maxItems"), Whole),
    field(15, Key("minItems"), Whole),
    field(16, Key("uniqueItems"), Flag),
    field(17, Key("maxProperties"), Whole),
    field(18, Key("minProperties"), Whole),
    field(19, List("required"), Text),
    field(20, List("enum"), Any),
    field(21, Key("additionalProperties"), Choice(schema_or_flag)),
    field(22, Key("type"), Message(&TYPE)),
    field(23, Key("items"), Message(&ITEMS)),
    field(24, List("allOf"), Message(&SCHEMA)),
    field(25, Key("properties"), Message(&SCHEMAS)),
    field(26, Key("discriminator"), Text),
    field(27, Key("readOnly"), Flag),
    field(29, Key("externalDocs"), Message(&EXTERNAL_DOCS)),
    extensions(31),
]);

static TYPE: Fields = Fields(&[field(1, Itself, Text)]);

static ITEMS: Fields = Fields(&[field(1, Itself, Message(&SCHEMA))]);

static EXTERNAL_DOCS: Fields =
    Fields(&[field(1, Key("description"), Text), field(2, Key("url"), Text), extensions(3)]);

fn schema_or_flag(value: &Value) -> (u32, Of) {
    if value.is_boolean() { (2, Flag) } else { (1, Message(&SCHEMA)) }
}

static SECURITY_DEFINITIONS: Fields = Fields(&[each(Choice(|_| (2, Message(&API_KEY))))]);

static API_KEY: Fields = Fields(&[
    field(1, Key("type"), Text),
    field(2, Key("name"), Text),
    field(3, Key("in"), Text),
    field(4, Key("description"), Text),
    extensions(5),
]);
