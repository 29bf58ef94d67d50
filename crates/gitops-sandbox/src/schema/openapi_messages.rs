//! The messages of `openapi.v3`: which key of a document is which field.
//!
//! The numbers are those of `OpenAPIv3.proto` in github.com/google/gnostic-models, the message that API servers send and
//! client-go reads.

use From::{Each, Elements, Itself, Key, List};
use Of::{Any, Default, Double, Flag, Message, OrFlag, OrReference, Text, Whole};

/// The fields of a message, by their numbers.
pub(super) struct Fields(pub(super) &'static [Field]);

/// One field.
pub(super) struct Field {
    pub(super) number: u32,
    pub(super) from: From,
    pub(super) of: Of,
}

/// Where a field's value stands in JSON.
pub(super) enum From {
    /// Under this key.
    Key(&'static str),
    /// Each element of the list under this key.
    List(&'static str),
    /// Each key of the object that is so, with its value: a message of a name (1) and a value (2).
    Each(fn(&str) -> bool),
    /// Each element of what the message stands for.
    Elements,
    /// What the message stands for.
    Itself,
}

/// What a value is.
pub(super) enum Of {
    Text,
    Flag,
    Whole,
    Double,
    /// Anything, as YAML (2).
    Any,
    /// A number (1), a truth (2) or a text (3); nothing of all else.
    Default,
    Message(&'static Fields),
    /// The message (1), or a reference to one (2).
    OrReference(&'static Fields),
    /// Such a choice (1), or a truth (2).
    OrFlag(&'static Fields),
    /// A message of one field, which the value chooses.
    Choice(fn(&serde_json::Value) -> (u32, Of)),
}

pub(super) const fn field(number: u32, from: From, of: Of) -> Field {
    Field { number, from, of }
}

/// Names that the specification leaves to others.
pub(super) const fn extensions(number: u32) -> Field {
    field(number, Each(|key| key.starts_with("x-")), Any)
}

/// A message that is nothing but a map.
pub(super) const fn each(of: Of) -> Field {
    field(1, Each(|_| true), of)
}

pub(super) static DOCUMENT: Fields = Fields(&[
    field(1, Key("openapi"), Text),
    field(2, Key("info"), Message(&INFO)),
    field(3, List("servers"), Message(&SERVER)),
    field(4, Key("paths"), Message(&PATHS)),
    field(5, Key("components"), Message(&COMPONENTS)),
    field(6, List("security"), Message(&SECURITY_REQUIREMENT)),
    field(7, List("tags"), Message(&TAG)),
    field(8, Key("externalDocs"), Message(&EXTERNAL_DOCS)),
    extensions(9),
]);

static INFO: Fields = Fields(&[
    field(1, Key("title"), Text),
    field(2, Key("description"), Text),
    field(3, Key("termsOfService"), Text),
    field(4, Key("contact"), Message(&CONTACT)),
    field(5, Key("license"), Message(&LICENSE)),
    field(6, Key("version"), Text),
    extensions(7),
    field(8, Key("summary"), Text),
]);

static CONTACT: Fields = Fields(&[
    field(1, Key("name"), Text),
    field(2, Key("url"), Text),
    field(3, Key("email"), Text),
    extensions(4),
]);

static LICENSE: Fields = Fields(&[field(1, Key("name"), Text), field(2, Key("url"), Text), extensions(3)]);

static SERVER: Fields = Fields(&[
    field(1, Key("url"), Text),
    field(2, Key("description"), Text),
    field(3, Key("variables"), Message(&SERVER_VARIABLES)),
    extensions(4),
]);

static SERVER_VARIABLES: Fields = Fields(&[each(Message(&SERVER_VARIABLE))]);

static SERVER_VARIABLE: Fields = Fields(&[
    field(1, List("enum"), Text),
    field(2, Key("default"), Text),
    field(3, Key("description"), Text),
    extensions(4),
]);

static TAG: Fields = Fields(&[
    field(1, Key("name"), Text),
    field(2, Key("description"), Text),
    field(3, Key("externalDocs"), Message(&EXTERNAL_DOCS)),
    extensions(4),
]);

static EXTERNAL_DOCS: Fields =
    Fields(&[field(1, Key("description"), Text), field(2, Key("url"), Text), extensions(3)]);

static PATHS: Fields =
    Fields(&[field(1, Each(|key| key.starts_with('/')), Message(&PATH_ITEM)), extensions(2)]);

static PATH_ITEM: Fields = Fields(&[
    field(1, Key("$ref"), Text),
    field(2, Key("summary"), Text),
    field(3, Key("description"), Text),
    field(4, Key("get"), Message(&OPERATION)),
    field(5, Key("put"), Message(&OPERATION)),
    field(6, Key("post"), Message(&OPERATION)),
    field(7, Key("delete"), Message(&OPERATION)),
    field(8, Key("options"), Message(&OPERATION)),
    field(9, Key("head"), Message(&OPERATION)),
    field(10, Key("patch"), Message(&OPERATION)),
    field(11, Key("trace"), Message(&OPERATION)),
    field(12, List("servers"), Message(&SERVER)),
    field(13, List("parameters"), OrReference(&PARAMETER)),
    extensions(14),
]);

static OPERATION: Fields = Fields(&[
    field(1, List("tags"), Text),
    field(2, Key("summary"), Text),
    field(3, Key("description"), Text),
    field(4, Key("externalDocs"), Message(&EXTERNAL_DOCS)),
    field(5, Key("operationId"), Text),
    field(6, List("parameters"), OrReference(&PARAMETER)),
    field(7, Key("requestBody"), OrReference(&REQUEST_BODY)),
    field(8, Key("responses"), Message(&RESPONSES)),
    field(9, Key("callbacks"), Message(&CALLBACKS)),
    field(10, Key("deprecated"), Flag),
    field(11, List("security"), Message(&SECURITY_REQUIREMENT)),
    field(12, List("servers"), Message(&SERVER)),
    extensions(13),
]);

static PARAMETER: Fields = Fields(&[
    field(1, Key("name"), Text),
    field(2, Key("in"), Text),
    field(3, Key("description"), Text),
    field(4, Key("required"), Flag),
    field(5, Key("deprecated"), Flag),
    field(6, Key("allowEmptyValue"), Flag),
    field(7, Key("style"), Text),
    field(8, Key("explode"), Flag),
    field(9, Key("allowReserved"), Flag),
    field(10, Key("schema"), OrReference(&SCHEMA)),
    field(11, Key("example"), Any),
    field(12, Key("examples"), Message(&EXAMPLES)),
    field(13, Key("content"), Message(&MEDIA_TYPES)),
    extensions(14),
]);

static REQUEST_BODY: Fields = Fields(&[
    field(1, Key("description"), Text),
    field(2, Key("content"), Message(&MEDIA_TYPES)),
    field(3, Key("required"), Flag),
    extensions(4),
]);

static MEDIA_TYPES: Fields = Fields(&[each(Message(&MEDIA_TYPE))]);

static MEDIA_TYPE: Fields = Fields(&[
    field(1, Key("schema"), OrReference(&SCHEMA)),
    field(2, Key("example"), Any),
    field(3, Key("examples"), Message(&EXAMPLES)),
    field(4, Key("encoding"), Message(&ENCODINGS)),
    extensions(5),
]);

static ENCODINGS: Fields = Fields(&[each(Message(&ENCODING))]);

static ENCODING: Fields = Fields(&[
    field(1, Key("contentType"), Text),
    field(2, Key("headers"), Message(&HEADERS)),
    field(3, Key("style"), Text),
    field(4, Key("explode"), Flag),
    field(5, Key("allowReserved"), Flag),
    extensions(6),
]);

static RESPONSES: Fields = Fields(&[
    field(1, Key("default"), OrReference(&RESPONSE)),
    field(2, Each(is_status), OrReference(&RESPONSE)),
    extensions(3),
]);

/// Tells whether a key is a status, or a class of them such as `4XX`.
fn is_status(key: &str) -> bool {
    key.len() == 3 && key.bytes().all(|byte| byte.is_ascii_digit() || byte == b'X')
}

static RESPONSE: Fields = Fields(&[
    field(1, Key("description"), Text),
    field(2, Key("headers"), Message(&HEADERS)),
    field(3, Key("content"), Message(&MEDIA_TYPES)),
    field(4, Key("links"), Message(&LINKS)),
    extensions(5),
]);

static HEADERS: Fields = Fields(&[each(OrReference(&HEADER))]);

static HEADER: Fields = Fields(&[
    field(1, Key("description"), Text),
    field(2, Key("required"), Flag),
    field(3, Key("deprecated"), Flag),
    field(4, Key("allowEmptyValue"), Flag),
    field(5, Key("style"), Text),
    field(6, Key("explode"), Flag),
    field(7, Key("allowReserved"), Flag),
    field(8, Key("schema"), OrReference(&SCHEMA)),
    field(9, Key("example"), Any),
    field(10, Key("examples"), Message(&EXAMPLES)),
    field(11, Key("content"), Message(&MEDIA_TYPES)),
    extensions(12),
]);

static EXAMPLES: Fields = Fields(&[each(OrReference(&EXAMPLE))]);

static EXAMPLE: Fields = Fields(&[
    field(1, Key("summary"), Text),
    field(2, Key("description"), Text),
    field(3, Key("value"), Any),
    field(4, Key("externalValue"), Text),
    extensions(5),
]);

static LINKS: Fields = Fields(&[each(OrReference(&LINK))]);

static LINK: Fields = Fields(&[
    field(1, Key("operationRef"), Text),
    field(2, Key("operationId"), Text),
    field(3, Key("parameters"), Message(&ANY_OR_EXPRESSION)),
    field(4, Key("requestBody"), Message(&ANY_OR_EXPRESSION)),
    field(5, Key("description"), Text),
    field(6, Key("server"), Message(&SERVER)),
    extensions(7),
]);

/// Servers take everything as an expression.
static ANY_OR_EXPRESSION: Fields = Fields(&[field(2, Itself, Message(&EXPRESSION))]);

static EXPRESSION: Fields = Fields(&[each(Any)]);

static CALLBACKS: Fields = Fields(&[each(OrReference(&CALLBACK))]);

static CALLBACK: Fields = Fields(&[each(Message(&PATH_ITEM)), extensions(2)]);

static COMPONENTS: Fields = Fields(&[
    field(1, Key("schemas"), Message(&SCHEMAS)),
    field(2, Key("responses"), Message(&NAMED_RESPONSES)),
    field(3, Key("parameters"), Message(&PARAMETERS)),
    field(4, Key("examples"), Message(&EXAMPLES)),
    field(5, Key("requestBodies"), Message(&REQUEST_BODIES)),
    field(6, Key("headers"), Message(&HEADERS)),
    field(7, Key("securitySchemes"), Message(&SECURITY_SCHEMES)),
    field(8, Key("links"), Message(&LINKS)),
    field(9, Key("callbacks"), Message(&CALLBACKS)),
    extensions(10),
]);

/// Schemas by their names; the properties of one look alike.
static SCHEMAS: Fields = Fields(&[each(OrReference(&SCHEMA))]);

static NAMED_RESPONSES: Fields = Fields(&[each(OrReference(&RESPONSE))]);

static PARAMETERS: Fields = Fields(&[each(OrReference(&PARAMETER))]);

static REQUEST_BODIES: Fields = Fields(&[each(OrReference(&REQUEST_BODY))]);

static SECURITY_SCHEMES: Fields = Fields(&[each(OrReference(&SECURITY_SCHEME))]);

static SECURITY_SCHEME: Fields = Fields(&[
    field(1, Key("type"), Text),
    field(2, Key("description"), Text),
    field(3, Key("name"), Text),
    field(4, Key("in"), Text),
    field(5, Key("scheme"), Text),
    field(6, Key("bearerFormat"), Text),
    field(7, Key("flows"), Message(&OAUTH_FLOWS)),
    field(8, Key("openIdConnectUrl"), Text),
    extensions(9),
]);

static OAUTH_FLOWS: Fields = Fields(&[
    field(1, Key("implicit"), Message(&OAUTH_FLOW)),
    field(2, Key("password"), Message(&OAUTH_FLOW)),
    field(3, Key("clientCredentials"), Message(&OAUTH_FLOW)),
    field(4, Key("authorizationCode"), Message(&OAUTH_FLOW)),
    extensions(5),
]);

static OAUTH_FLOW: Fields = Fields(&[
    field(1, Key("authorizationUrl"), Text),
    field(2, Key("tokenUrl"), Text),
    field(3, Key("refreshUrl"), Text),
    field(4, Key("scopes"), Message(&STRINGS)),
    extensions(5),
]);

pub(super) static SECURITY_REQUIREMENT: Fields = Fields(&[each(Message(&STRING_ARRAY))]);

static STRING_ARRAY: Fields = Fields(&[field(1, Elements, Text)]);

static STRINGS: Fields = Fields(&[each(Text)]);

pub(super) static REFERENCE: Fields = Fields(&[
    field(1, Key("$ref"), Text),
    field(2, Key("summary"), Text),
    field(3, Key("description"), Text),
]);

static SCHEMA: Fields = Fields(&[
    field(1, Key("nullable"), Flag),
    field(2, Key("discriminator"), Message(&DISCRIMINATOR)),
    field(3, Key("readOnly"), Flag),
    field(4, Key("writeOnly"), Flag),
    field(5, Key("xml"), Message(&XML)),
    field(6, Key("externalDocs"), Message(&EXTERNAL_DOCS)),
    field(7, Key("example"), Any),
    field(8, Key("deprecated"), Flag),
    field(9, Key("title"), Text),
    field(10, Key("multipleOf"), Double),
    field(11, Key("maximum"), Double),
    field(12, Key("exclusiveMaximum"), Flag),
    field(13, Key("minimum"), Double),
    field(14, Key("exclusiveMinimum"), Flag),
    field(15, Key("maxLength"), Whole),
    field(16, Key("minLength"), Whole),
    field(17, Key("pattern"), Text),
    field(18, Key("maxItems"), Whole),
    field(19, Key("minItems"), Whole),
    field(20, Key("uniqueItems"), Flag),
    field(21, Key("maxProperties"), Whole),
    field(22, Key("minProperties"), Whole),
    field(23, List("required"), Text),
    field(24, List("enum"), Any),
    field(25, Key("type"), Text),
    field(26, List("allOf"), OrReference(&SCHEMA)),
    field(27, List("oneOf"), OrReference(&SCHEMA)),
    field(28, List("anyOf"), OrReference(&SCHEMA)),
    field(29, Key("not"), Message(&SCHEMA)),
    field(30, Key("items"), Message(&ITEMS)),
    field(31, Key("properties"), Message(&SCHEMAS)),
    field(32, Key("additionalProperties"), OrFlag(&SCHEMA)),
    field(33, Key("default"), Default),
    field(34, Key("description"), Text),
    field(35, Key("format"), Text),
    extensions(36),
]);

static ITEMS: Fields = Fields(&[field(1, Itself, OrReference(&SCHEMA))]);

static DISCRIMINATOR: Fields = Fields(&[
    field(1, Key("propertyName"), Text),
    field(2, Key("mapping"), Message(&STRINGS)),
    extensions(3),
]);

static XML: Fields = Fields(&[
    field(1, Key("name"), Text),
    field(2, Key("namespace"), Text),
    field(3, Key("prefix"), Text),
    field(4, Key("attribute"), Flag),
    field(5, Key("wrapped"), Flag),
    extensions(6),
]);
