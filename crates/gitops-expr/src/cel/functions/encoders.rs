//! cel-go's extension `encoders`.

use base64::Engine;
use base64::alphabet::STANDARD as ALPHABET;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig, STANDARD};

use super::Answer;
use crate::cel::meter::{Fault, Meter};
use crate::cel::value::Value;

/// Padding may be left out, as cel-go tries without when it does not work with.
const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &ALPHABET,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);

pub(super) fn function(name: &str, values: &[Value], meter: &mut Meter) -> Answer {
    Some(match (name, values) {
        ("base64.encode", [Value::Bytes(bytes)]) => {
            meter.pay_bytes(bytes.len() * 2).map(|()| Value::text(STANDARD.encode(bytes)))
        }
        ("base64.decode", [Value::String(text)]) => meter.pay_bytes(text.len()).and_then(|()| {
            // Go's decoder passes over line breaks.
            let packed: String = text.chars().filter(|c| !matches!(c, '\n' | '\r')).collect();
            let decoded =
                LENIENT.decode(packed).map_err(|e| Fault::text(format!("illegal base64 data: {e}")))?;
            Ok(Value::Bytes(decoded.into()))
        }),
        _ => return None,
    })
}
