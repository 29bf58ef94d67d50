//! Any text as an expression, with and without the check: no text breaks the reader, no evaluation breaks off.
//!
//! `cargo +nightly fuzz run cel`
#![no_main]

use gitops_expr::cel::{Environment, Expression, Limits};
use libfuzzer_sys::fuzz_target;
use serde_json::json;

fuzz_target!(|text: &str| {
    let object = json!({
        "spec": {"replicas": 3, "name": "Grüße", "half": 0.5},
        "status": {"conditions": [{"type": "Ready", "status": "True"}], "list": [1, 2, 3], "nothing": null},
    });
    let variables = object.as_object().expect("it is a map");
    let limits = Limits::default().with_steps(100_000);
    for environment in [Environment::new(), Environment::new().checked().with_variables(["spec", "status"])] {
        let Ok(expression) = Expression::compile(text, &environment.with_limits(limits)) else { continue };
        if let Err(error) = expression.evaluate(variables) {
            assert!(!error.to_string().contains("broke off"), "{error}");
        }
    }
});
