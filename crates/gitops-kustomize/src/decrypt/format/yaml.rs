//! YAML as SOPS reads and prints it: comments are entries, aliases are expanded, merge keys are keys like any other.

mod comments;
mod print;
mod read;

pub(in super::super) use self::print::print;
pub(in super::super) use self::read::parse;
