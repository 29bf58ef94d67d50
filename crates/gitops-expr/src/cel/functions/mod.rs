//! The functions that expressions can call: CEL's standard ones and cel-go's extensions strings, sets and encoders.

mod convert;
mod encoders;
mod format;
pub(super) mod kubernetes;
mod operators;
mod optional;
mod regexp;
mod sets;
mod strings;
pub(super) mod time;

use super::meter::{Fault, Meter};
use super::typed::Libraries;
use super::value::Value;
pub(super) use regexp::Patterns;

/// What a family of functions answers; none when the function is not one of it.
type Answer = Option<Result<Value, Fault>>;

/// Functions whose names have a dot.
const QUALIFIED: &[&str] = &[
    "base64.decode",
    "base64.encode",
    "optional.none",
    "optional.of",
    "optional.ofNonZeroValue",
    "optional.unwrap",
    "sets.contains",
    "sets.equivalent",
    "sets.intersects",
    "strings.quote",
];

/// Returns whether a name with a dot is a function, and not a method of a variable.
pub(super) fn is_qualified(name: &str, libraries: Libraries) -> bool {
    QUALIFIED.contains(&name) || libraries == Libraries::Kubernetes && kubernetes::is_qualified(name)
}

/// Calls a function; the receiver of a method is the first value.
pub(super) fn call(
    name: &str,
    method: bool,
    values: &[Value],
    meter: &mut Meter,
    patterns: &mut Patterns,
) -> Result<Value, Fault> {
    let answer = if method {
        strings::method(name, values, meter)
            .or_else(|| regexp::call(name, values, meter, patterns))
            .or_else(|| time::method(name, values))
            .or_else(|| optional::method(name, values))
            .or_else(|| convert::size(name, values))
            .or_else(|| kubernetes::method(name, values, meter, patterns))
    } else {
        operators::call(name, values, meter)
            .or_else(|| convert::function(name, values, meter))
            .or_else(|| regexp::call(name, values, meter, patterns))
            .or_else(|| sets::function(name, values, meter))
            .or_else(|| encoders::function(name, values, meter))
            .or_else(|| strings::function(name, values, meter))
            .or_else(|| optional::function(name, values))
            .or_else(|| kubernetes::function(name, values, meter))
    };
    answer.unwrap_or_else(|| {
        if name.starts_with(['_', '@', '!', '-']) {
            return Err(Fault::overload());
        }
        let types: Vec<&str> = values.iter().map(Value::type_name).collect();
        Err(Fault::text(format!("no such overload: {name}({})", types.join(", "))))
    })
}
