//! The types that every API server has.

use std::sync::LazyLock;

use crate::table::Table;

/// Written by the example `extract`.
const TEXT: &str = include_str!("../data/kubernetes.txt");

static BUILTIN: LazyLock<Table> =
    LazyLock::new(|| Table::from_text(TEXT).expect("because a test reads the checked-in table"));

/// Returns the types of Kubernetes' own objects.
///
/// They are those of one version ([`Table::server_version`]); a kind or a field that is newer is not
/// there, one that went away may be.
#[must_use]
pub fn builtin() -> &'static Table {
    &BUILTIN
}
