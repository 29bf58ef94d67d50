//! Expressions that are read once and evaluated often.

use std::collections::BTreeMap;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use serde_json::{Map, Value as Json};

use super::ast::Expr;
use super::declared::Declared;
use super::error::CelError;
use super::eval;
use super::lex::Flaw;
use super::meter::Fault;
use super::parse::parse;
use super::typed::{self, Libraries, Scope, Type, Variable};
use super::value::Value;

/// How much an expression may cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// The longest text, in bytes; 2 KiB unless told otherwise.
    pub bytes: usize,
    /// The steps of one evaluation; one million unless told otherwise, the limit of one call in Kubernetes' API server.
    ///
    /// They are counted much as cel-go counts the cost of an evaluation: names, selections and calls are one step, a list that
    /// is made ten, a map thirty, each turn of a loop at least three, and a function pays for each ten bytes that it reads or
    /// makes. A million take well under a second.
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
    libraries: Libraries,
    variables: Vec<Variable>,
    output: Option<OutputType>,
    limits: Limits,
}

impl Environment {
    /// Returns an environment in which only the grammar is looked at: variables are whatever is there on evaluation.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Returns an environment as the rules of custom resources have it: checked, with Kubernetes' functions beside the
    /// language's own (those of version 1.35, without the ones about authorisation).
    #[must_use]
    pub fn kubernetes() -> Self {
        Environment { checked: true, libraries: Libraries::Kubernetes, ..Self::default() }
    }

    /// Declares a variable by its type; needs [`checked`](Self::checked) or [`kubernetes`](Self::kubernetes).
    #[must_use]
    pub fn declare(mut self, name: impl Into<String>, declared: Declared) -> Self {
        self.variables.push(Variable { name: name.into(), declared, optional: false });
        self
    }

    /// Declares a variable that holds an optional value of a type: none when it is absent on evaluation.
    #[must_use]
    pub fn declare_optional(mut self, name: impl Into<String>, declared: Declared) -> Self {
        self.variables.push(Variable { name: name.into(), declared, optional: true });
        self
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
        // Maps of which nothing is known have no bounds either.
        let anything = Declared::map(Declared::anything(u64::MAX), u64::MAX);
        let declared = names.into_iter().map(|name| Variable {
            name: name.into(),
            declared: anything.clone(),
            optional: false,
        });
        self.variables.extend(declared);
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
    variables: Arc<[Variable]>,
    /// The variables that are read, and the most that an evaluation costs, of checked expressions.
    found: Option<Found>,
    limits: Limits,
}

#[derive(Clone)]
struct Found {
    reads: Arc<[String]>,
    cost: u64,
}

impl Expression {
    /// Reads an expression.
    ///
    /// # Errors
    /// [`CelError::Parse`] for a text that is too long, too deep, no expression or refused by the check;
    /// [`CelError::OutputType`] when it yields another type; [`CelError::Options`] when the environment contradicts itself.
    pub fn compile(text: &str, environment: &Environment) -> Result<Self, CelError> {
        let Environment { checked, libraries, variables, output, limits } = environment;
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
        let root = guarded(|| parse(text, *libraries))
            .map_err(&refused)?
            .map_err(|flaw| refused(pointed_out(text, &flaw)))?;
        let mut found = None;
        if *checked {
            let outcome = guarded(|| found_by_check(&root, *libraries, variables)).map_err(&refused)?;
            let (result, known) = outcome.map_err(|flaws| {
                let all: Vec<String> = flaws.iter().map(|flaw| pointed_out(text, flaw)).collect();
                refused(all.join("\n"))
            })?;
            let wanted = output.map(|output| match output {
                OutputType::Bool => Type::Bool,
                OutputType::String => Type::String,
            });
            check_output(wanted, &result)?;
            found = Some(known);
        }
        Ok(Expression {
            text: text.into(),
            root: Arc::new(root),
            checked: *checked,
            variables: variables.as_slice().into(),
            found,
            limits: *limits,
        })
    }

    /// Returns whether a checked expression reads a variable.
    #[must_use]
    pub fn reads(&self, variable: &str) -> bool {
        self.found.as_ref().is_some_and(|found| found.reads.iter().any(|read| read == variable))
    }

    /// Returns the most that one evaluation may cost in cel-go's units, estimated from the sizes that were declared; none for
    /// expressions that are not checked. The first declared variable bounds all of them.
    ///
    /// ```
    /// use gitops_expr::cel::{Declared, Environment, Expression};
    ///
    /// let cost = |most| {
    ///     let names = Declared::list(Declared::string(10), most);
    ///     let environment = Environment::kubernetes().declare("self", names);
    ///     Expression::compile("self.all(n, n != '')", &environment).map(|rule| rule.worst_cost())
    /// };
    /// assert!(cost(10)? < cost(1000)?);
    /// # Ok::<(), gitops_expr::cel::CelError>(())
    /// ```
    #[must_use]
    pub fn worst_cost(&self) -> Option<u64> {
        self.found.as_ref().map(|found| found.cost)
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

    /// Returns whether the expression is true of some variables, which are not copied.
    ///
    /// # Errors
    /// As [`evaluate_bool`](Self::evaluate_bool).
    pub fn holds(&self, variables: &[(&str, &Json)]) -> Result<bool, CelError> {
        self.holds_counted(variables).0
    }

    /// Returns whether the expression is true of some variables, and the steps that it took to know.
    pub fn holds_counted(&self, variables: &[(&str, &Json)]) -> (Result<bool, CelError>, u64) {
        let (value, steps) = self.counted(variables.iter().copied());
        let held = value.and_then(|value| match value {
            Value::Bool(value) => Ok(value),
            other => Err(self.other_type("boolean", &other)),
        });
        (held, steps)
    }

    /// Returns the text that the expression yields of some variables, which are not copied.
    ///
    /// # Errors
    /// As [`evaluate_string`](Self::evaluate_string).
    pub fn says(&self, variables: &[(&str, &Json)]) -> Result<String, CelError> {
        match self.value_of(variables.iter().copied())? {
            Value::String(text) => Ok(text.to_string()),
            other => Err(self.other_type("string", &other)),
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
        self.value_of(variables.iter().map(|(name, json)| (name.as_str(), json)))
    }

    fn value_of<'v>(&self, variables: impl Iterator<Item = (&'v str, &'v Json)>) -> Result<Value, CelError> {
        self.counted(variables).0
    }

    fn counted<'v>(
        &self,
        variables: impl Iterator<Item = (&'v str, &'v Json)>,
    ) -> (Result<Value, CelError>, u64) {
        let failed = |why: String| CelError::Evaluate { expression: self.text.to_string(), why };
        let mut known = BTreeMap::new();
        for (name, json) in variables {
            let value = match self.variables.iter().find(|variable| variable.name == name) {
                Some(variable) => {
                    let value = Value::of_declared(&variable.declared, json);
                    value.map(|value| if variable.optional { Value::some(value) } else { value })
                }
                None => Value::from_json(json),
            };
            let Some(value) = value else {
                return (Err(failed(format!("{name} is nested too deeply"))), 0);
            };
            known.insert(name.to_owned(), value);
        }
        for variable in self.variables.iter().filter(|variable| variable.optional) {
            known.entry(variable.name.clone()).or_insert(Value::Optional(None));
        }
        let outcome = guarded(|| eval::evaluate(&self.root, &known, self.checked, self.limits.steps));
        let (outcome, steps) = match outcome {
            Ok(outcome) => outcome,
            Err(why) => return (Err(failed(why)), 0),
        };
        let value = outcome.map_err(|fault| match fault {
            Fault::Unknown(path) => failed(format!("no such attribute(s): {path}")),
            Fault::Text(why) => failed(why),
            Fault::Spent => CelError::Budget { expression: self.text.to_string(), steps: self.limits.steps },
        });
        (value, steps)
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

/// Returns the type of an expression, and what is known of it without evaluating it.
fn found_by_check(
    root: &Expr,
    libraries: Libraries,
    variables: &[Variable],
) -> Result<(Type, Found), Vec<Flaw>> {
    let tree = typed::lower(root).map_err(|flaw| vec![flaw])?;
    let checked = typed::check(&tree, &Scope { libraries, variables, root: ROOT })?;
    let reads = variables.iter().map(|variable| &variable.name).filter(|name| checked.reads(name)).cloned();
    let cost = typed::estimate(&tree, &checked, libraries, variables);
    Ok((checked.result().clone(), Found { reads: reads.collect(), cost }))
}

/// The name of the type of a variable that is an object.
const ROOT: &str = "selfType";

/// A fault of ours must not end the process of someone whose expression found it.
fn guarded<T>(work: impl FnOnce() -> T) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(work))
        .map_err(|_| "the evaluation broke off, please report this".to_owned())
}

fn check_output(wanted: Option<Type>, found: &Type) -> Result<(), CelError> {
    match wanted {
        Some(wanted) if wanted != *found => {
            Err(CelError::OutputType { wanted: wanted.full_name(), found: found.full_name() })
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
