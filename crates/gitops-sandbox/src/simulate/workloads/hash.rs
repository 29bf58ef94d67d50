//! The short names of templates: as kube-controller-manager makes them (`ComputeHash`, `HashControllerRevision`).

use serde_json::Value;

use crate::schema::go_dump;

/// FNV's 32 bit numbers.
const OFFSET: u32 = 0x811c_9dc5;
const PRIME: u32 = 0x0100_0193;

/// Returns the hash of a template as Deployments and DaemonSets name what they make of it.
pub(super) fn of_template(template: &Value, collisions: Option<i64>) -> String {
    let dump = go_dump::pod_template(template);
    let mut number = fnv_1a(OFFSET, dump.as_bytes());
    if let Some(collisions) = collisions {
        let mut bytes = [0; 8];
        bytes[..4].copy_from_slice(&u32::try_from(collisions).unwrap_or(u32::MAX).to_le_bytes());
        number = fnv_1a(number, &bytes);
    }
    letters(number)
}

/// Returns the hash of what a StatefulSet keeps of a template.
pub(super) fn of_revision(data: &Value, collisions: i64) -> String {
    let mut text = String::new();
    go_dump::json(data, &mut text);
    letters(fnv_1(fnv_1(OFFSET, text.as_bytes()), collisions.to_string().as_bytes()))
}

fn fnv_1a(start: u32, bytes: &[u8]) -> u32 {
    bytes.iter().fold(start, |hash, byte| (hash ^ u32::from(*byte)).wrapping_mul(PRIME))
}

fn fnv_1(start: u32, bytes: &[u8]) -> u32 {
    bytes.iter().fold(start, |hash, byte| hash.wrapping_mul(PRIME) ^ u32::from(*byte))
}

/// Writes a number in letters that make no words (`SafeEncodeString`).
fn letters(number: u32) -> String {
    const LETTERS: &[u8] = b"bcdfghjklmnpqrstvwxz2456789";
    let digits = number.to_string();
    digits.bytes().map(|digit| char::from(LETTERS[usize::from(digit) % LETTERS.len()])).collect()
}
