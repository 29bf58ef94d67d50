//! Masking a token.

use gitops_notify::mask;
use serde_json::Value;

use super::runner::same;

pub(crate) fn judge(case: &Value) -> Result<(), String> {
    let (input, expect) = (&case["input"], &case["expect"]);
    let token = match input["token_base64"].as_str() {
        Some(text) => unbase64(text),
        None => input["token"].as_str().unwrap_or_default().as_bytes().to_vec(),
    };
    let masked = mask(input["text"].as_str().unwrap_or_default(), &token);
    if expect["error"] == true {
        return same("error", masked.is_err(), &true.into());
    }
    same("text", masked.map_err(|error| error.to_string())?, &expect["text"])
}

/// A Secret's data is base64 too.
fn unbase64(text: &str) -> Vec<u8> {
    let object = serde_json::json!({"data": {"token": text}});
    super::runner::secret(&object).bytes("token").unwrap().to_vec()
}
