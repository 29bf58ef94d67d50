//! Expressions over declared types: what they yield and what they may cost, found without evaluating them.
//!
//! The rules are those of cel-go's checker and of the libraries that Kubernetes' API server offers to rules of custom
//! resources; texts and numbers are compared with that server's.

mod calls;
mod checker;
mod cost;
mod declarations;
mod escape;
mod kinds;
mod literals;
mod lower;
mod sizes;
mod tree;

pub(super) use checker::{Scope, Variable, check};
pub(super) use cost::estimate;
pub(super) use declarations::Libraries;
pub(super) use escape::{after_dot, escape};
pub(super) use kinds::Type;
pub(super) use lower::lower;
