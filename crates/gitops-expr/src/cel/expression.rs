//! Expressions that are read once and evaluated often.

use std::collections::BTreeMap;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use serde_json::{Map, Value as Json};

use super::ast::Expr;
use super::check::{self, Type};
use super::error::CelError;
use super::eval;
use super::lex::Flaw;
use super::meter::Fault;
use super::parse::parse;
use super::value::Value;

/// How much an expression may cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// The longest text, in bytes; 2 KiB unless told otherwise.
    pub bytes: usize,
    /// The steps of one evaluation; one million unless told otherwise, the limit of one call in Kubernetes' API server.
    ///
    /// Each part that is evaluated is a step, for each item of a loop again; a function pays for each 32 bytes that it reads
    /// or makes. A million take well under a second.
    pub steps: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Limits { bytes: 2048, steps: 1_000_000 }
    }
}

impl Limits {
    /// Sets the longest text, in bytes.
    #[must_use]
    pub fn with_bytes(mut self, bytes: usize) -> Self {
        self.bytes = bytes;
        self
    }

    /// Sets the steps of one evaluation.
    #[must_use]
    pub fn with_steps(mut self, steps: u64) -> Self {
        self.steps = steps;
        self
    }
}

/// The type that an expression must yield.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum OutputType {
    /// True or false.
    Bool,
    /// A text.
    String,
}

/// What expressions are read against.
#[derive(Debug, Clone, Default)]
pub struct Environment {
    checked: bool,
    variables: Vec<String>,
    output: Option<OutputType>,
    limits: Limits,
}

impl Environment {
    /// Returns an environment in which only the grammar is looked at: variables are whatever is there on evaluation.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Checks names and types when an expression is read.
    #[must_use]
    pub fn checked(mut self) -> Self {
        self.checked = true;
        self
    }

    /// Declares variables, each of them a map from strings to anything; needs [`checked`](Self::checked).
    #[must_use]
    pub fn with_variables<N: Into<String>>(mut self, names: impl IntoIterator<Item = N>) -> Self {
        self.variables.extend(names.into_iter().map(Into::into));
        self
    }

    /// Asks for a type; needs [`checked`](Self::checked).
    #[must_use]
    pub fn with_output(mut self, output: OutputType) -> Self {
        self.output = Some(output);
        self
    }

    /// Sets what expressions may cost.
    #[must_use]
    pub fn with_limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }
}

/// An expression, ready to be evaluated; cheap to clone.
///
/// ```
/// use gitops_expr::cel::{Environment, Expression};
/// use serde_json::json;
///
/// let ready = Expression::compile("status.?replicas.orValue(0) > 0 || spec.replicas == 0", &Environment::new())?;
/// let object = json!({"spec": {"replicas": 3}, "status": {"replicas": 2}});
/// assert!(ready.evaluate_bool(object.as_object().expect("a map"))?);
/// # Ok::<(), gitops_expr::cel::CelError>(())
/// ```
#[derive(Clone)]
pub struct Expression {
    text: Arc<str>,
    root: Arc<Expr>,
    checked: bool,
    limits: Limits,
}

impl Expression {
    /// Reads an expression.
    ///
    /// # Errors
    /// [`CelError::Parse`] for a text that is too long, too deep, no expression or refused by the check;
    /// [`CelError::OutputType`] when it yields another type; [`CelError::Options`] when the environment contradicts itself.
    pub fn compile(text: &str, environment: &Environment) -> Result<Self, CelError> {
        let Environment { checked, variables, output, limits } = environment;
        if !checked && (output.is_some() || !variables.is_empty()) {
            return Err(CelError::Options);
        }
        let refused = |why: String| CelError::Parse { expression: text.to_owned(), why };
        if text.len() > limits.bytes {
            let (length, limit) = (text.len(), limits.bytes);
            let start: String = text.chars().take(64).collect();
            let why = format!("it has {length} bytes, at most {limit} are read");
            return Err(CelError::Parse { expression: format!("{start}…"), why });
        }
        let root =
            guarded(|| parse(text)).map_err(&refused)?.map_err(|flaw| refused(pointed_out(text, &flaw)))?;
        if *checked {
            let found = guarded(|| check::check(&root, variables)).map_err(&refused)?;
            let found = found.map_err(|flaw| refused(pointed_out(text, &flaw)))?;
            let wanted = output.map(|output| match output {
                OutputType::Bool => check::BOOL,
                OutputType::String => check::STRING,
            });
            check_output(wanted, &found)?;
        }
        Ok(Expression { text: text.into(), root: Arc::new(root), checked: *checked, limits: *limits })
    }

    /// Returns the text of the expression.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Returns the value of the expression.
    ///
    /// # Errors
    /// [`CelError::Evaluate`] when it has none, [`CelError::Budget`] when that is not known within the limits.
    pub fn evaluate(&self, variables: &Map<String, Json>) -> Result<Json, CelError> {
        self.value(variables).map(|value| value.to_json())
    }

    /// Returns whether the expression is true.
    ///
    /// # Errors
    /// As [`evaluate`](Self::evaluate), and [`CelError::ResultType`] when its value is neither true nor false.
    pub fn evaluate_bool(&self, variables: &Map<String, Json>) -> Result<bool, CelError> {
        match self.value(variables)? {
            Value::Bool(value) => Ok(value),
            other => Err(self.other_type("boolean", &other)),
        }
    }

    /// Returns the text that the expression yields.
    ///
    /// # Errors
    /// As [`evaluate`](Self::evaluate), and [`CelError::ResultType`] when its value is no string.
    pub fn evaluate_string(&self, variables: &Map<String, Json>) -> Result<String, CelError> {
        match self.value(variables)? {
            Value::String(text) => Ok(text.to_string()),
            other => Err(self.other_type("string", &other)),
        }
    }

    /// Returns the texts that the expression yields.
    ///
    /// # Errors
    /// As [`evaluate`](Self::evaluate), and [`CelError::ResultType`] when its value is no list of strings.
    pub fn evaluate_strings(&self, variables: &Map<String, Json>) -> Result<Vec<String>, CelError> {
        let value = self.value(variables)?;
        let Value::List(items) = &value else { return Err(self.other_type("[]string", &value)) };
        let texts = items.iter().map(|item| match item {
            Value::String(text) => Ok(text.to_string()),
            other => Err(self.other_type("[]string", other)),
        });
        texts.collect()
    }

    fn value(&self, variables: &Map<String, Json>) -> Result<Value, CelError> {
        let failed = |why: String| CelError::Evaluate { expression: self.text.to_string(), why };
        let mut known = BTreeMap::new();
        for (name, json) in variables {
            let value = Value::from_json(json);
            known.insert(name.clone(), value.ok_or_else(|| failed(format!("{name} is nested too deeply")))?);
        }
        let outcome = guarded(|| eval::evaluate(&self.root, &known, self.checked, self.limits.steps))
            .map_err(failed)?;
        outcome.map_err(|fault| match fault {
            Fault::Unknown(path) => failed(format!("no such attribute(s): {path}")),
            Fault::Text(why) => failed(why),
            Fault::Spent => CelError::Budget { expression: self.text.to_string(), steps: self.limits.steps },
        })
    }

    fn other_type(&self, wanted: &'static str, found: &Value) -> CelError {
        CelError::ResultType { expression: self.text.to_string(), wanted, found: found.type_name() }
    }
}

impl fmt::Debug for Expression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Expression").field(&self.text).finish()
    }
}

/// A fault of ours must not end the process of someone whose expression found it.
fn guarded<T>(work: impl FnOnce() -> T) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(work))
        .map_err(|_| "the evaluation broke off, please report this".to_owned())
}

fn check_output(wanted: Option<Type>, found: &Type) -> Result<(), CelError> {
    match wanted {
        Some(wanted) if wanted != *found => {
            Err(CelError::OutputType { wanted: wanted.to_string(), found: found.to_string() })
        }
        _ => Ok(()),
    }
}

/// Says what is wrong as cel-go does: the place, and the line with a mark under it.
fn pointed_out(text: &str, flaw: &Flaw) -> String {
    let before = text.get(..flaw.at).unwrap_or(text);
    let line = before.matches('\n').count();
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count();
    let source = text.split('\n').nth(line).unwrap_or_default();
    let mark = format!("{}^", ".".repeat(column));
    format!("ERROR: <input>:{}:{}: {}\n | {source}\n | {mark}", line + 1, column + 1, flaw.why)
}
