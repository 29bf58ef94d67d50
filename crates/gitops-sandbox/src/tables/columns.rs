//! The columns of the built-in kinds.

use std::io::Read as _;
use std::sync::LazyLock;

use flate2::read::GzDecoder;
use serde_json::Value;

use crate::schema::Kind;

/// What a real server said (`data/record.py`).
const RECORDED: &[u8] = include_bytes!("../../data/columns.json.gz");

static COLUMNS: LazyLock<Value> = LazyLock::new(|| {
    let mut text = Vec::new();
    GzDecoder::new(RECORDED).read_to_end(&mut text).expect("because a test reads the recorded file");
    serde_json::from_slice(&text).expect("because a test reads the recorded file")
});

/// Returns the definitions of a kind's columns.
pub(super) fn recorded(kind: &Kind) -> Value {
    COLUMNS[&*kind.resource].clone()
}
