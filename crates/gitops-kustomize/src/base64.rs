//! Base64 as Go's encoder and decoder do it for Secrets and binary data.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// Returns the bytes as kustomize writes them: lines of 70 characters when there is more than one.
pub(crate) fn encode_lines(bytes: &[u8]) -> String {
    let encoded = STANDARD.encode(bytes);
    if encoded.len() < 70 {
        return encoded;
    }
    let mut text = String::with_capacity(encoded.len() + encoded.len() / 70 + 1);
    for chunk in encoded.as_bytes().chunks(70) {
        text.push_str(std::str::from_utf8(chunk).unwrap_or_default());
        text.push('\n');
    }
    text
}

/// Returns the bytes as one line.
pub(crate) fn encode(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

/// Returns the bytes that the text stands for; line breaks in it do not matter.
pub(crate) fn decode(text: &str) -> Option<Vec<u8>> {
    let text: String = text.chars().filter(|c| !matches!(c, '\n' | '\r')).collect();
    STANDARD.decode(text).ok()
}
