//! Expressions that say which resources a webhook is about.

use gitops_expr::cel::{Environment, Expression, OutputType};
use serde_json::{Map, Value};

use crate::NotifyError;

/// A CEL expression over `res` (the resource: API version, kind and metadata), `req` (the webhook's JSON body) and, for senders
/// that prove who they are with a token of OIDC, `claims`. Its cost is bounded by [`gitops_expr::cel::Limits`].
///
/// ```
/// use gitops_notify::receiver::{FilterRequest, ResourceFilter};
/// use serde_json::json;
///
/// let filter = ResourceFilter::new("req.repository == res.metadata.name", false)?;
/// let request = FilterRequest::default().with_body(json!({"repository": "web"}));
/// assert!(filter.accepts(&json!({"metadata": {"name": "web"}}), &request)?);
/// # Ok::<(), gitops_notify::NotifyError>(())
/// ```
#[derive(Clone, Debug)]
pub struct ResourceFilter(Expression);

/// What a filter knows of a webhook.
#[derive(Clone, Debug, Default)]
pub struct FilterRequest {
    body: Map<String, Value>,
    claims: Option<Map<String, Value>>,
}

impl FilterRequest {
    /// Reads the body of a webhook: empty unless its media type is `application/json`.
    ///
    /// # Errors
    /// What is wrong with the JSON; `null` is no body, anything else that is no object is an error.
    pub fn read(media_type: &str, body: &[u8]) -> Result<Self, String> {
        if media_type != "application/json" {
            return Ok(Self::default());
        }
        match serde_json::from_slice(body) {
            Ok(Value::Object(body)) => Ok(Self { body, claims: None }),
            Ok(Value::Null) => Ok(Self::default()),
            Ok(_) => Err("the body is JSON but no object".to_owned()),
            Err(error) => {
                let (line, column) = (error.line(), error.column());
                Err(format!("the body is no JSON at line {line} column {column}"))
            }
        }
    }

    /// Returns the request with this body; anything that is no object is as good as none.
    #[must_use]
    pub fn with_body(mut self, body: Value) -> Self {
        self.body = match body {
            Value::Object(body) => body,
            _ => Map::new(),
        };
        self
    }

    /// Returns the request with what the sender's token claims.
    #[must_use]
    pub fn with_claims(mut self, claims: Map<String, Value>) -> Self {
        self.claims = Some(claims);
        self
    }
}

impl ResourceFilter {
    /// Reads an expression; `claims` says whether it may use the sender's.
    ///
    /// # Errors
    /// [`NotifyError::Expression`] for what is no expression, names something unknown or yields no truth value.
    pub fn new(text: &str, claims: bool) -> Result<Self, NotifyError> {
        let names = ["res", "req"].into_iter().chain(claims.then_some("claims"));
        let environment = Environment::new().checked().with_variables(names).with_output(OutputType::Bool);
        Ok(Self(Expression::compile(text, &environment)?))
    }

    /// Returns whether the webhook is about this resource.
    ///
    /// # Errors
    /// [`NotifyError::Expression`] when the expression has no value for them or costs too much.
    pub fn accepts(&self, resource: &Value, request: &FilterRequest) -> Result<bool, NotifyError> {
        let mut variables = Map::new();
        variables.insert("res".to_owned(), resource.clone());
        variables.insert("req".to_owned(), Value::Object(request.body.clone()));
        variables.insert("claims".to_owned(), Value::Object(request.claims.clone().unwrap_or_default()));
        Ok(self.0.evaluate_bool(&variables)?)
    }
}
