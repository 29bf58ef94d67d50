//! Shamir's secret sharing over GF(2^8), in the form in which SOPS splits data keys.
//!
//! A part is as long as the secret and one byte more: the last byte is the place x at which the polynomial of every
//! other byte was evaluated. The polynomial's value at 0 is the secret. The field is the one of AES (x^8+x^4+x^3+x+1).

use secrecy::{ExposeSecret, SecretSlice};

/// Puts the parts together.
///
/// # Errors
/// When there are fewer than two, their lengths differ, or two are of the same place. Parts of another secret, or too
/// few of them, cannot be told: the result is then another secret.
pub(super) fn combine(parts: &[SecretSlice<u8>]) -> Result<SecretSlice<u8>, &'static str> {
    let lists: Vec<&[u8]> = parts.iter().map(ExposeSecret::expose_secret).collect();
    let [first, _, ..] = lists.as_slice() else { return Err("fewer than two parts cannot be combined") };
    let length = first.len();
    if length < 2 || lists.iter().any(|part| part.len() != length) {
        return Err("the parts of the key differ in length, or are too short");
    }
    let places: Vec<u8> = lists.iter().map(|part| part[length - 1]).collect();
    let mut sorted = places.clone();
    sorted.sort_unstable();
    if sorted.windows(2).any(|pair| pair[0] == pair[1]) || sorted[0] == 0 {
        return Err("two parts of the key are the same part");
    }
    let weights: Vec<u8> = places.iter().map(|place| weight(*place, &places)).collect();
    let secret: Vec<u8> = (0..length - 1)
        .map(|at| lists.iter().zip(&weights).fold(0, |sum, (part, weight)| sum ^ multiply(part[at], *weight)))
        .collect();
    Ok(secret.into())
}

/// The value at 0 of the Lagrange polynomial that is 1 at `place` and 0 at the others.
fn weight(place: u8, places: &[u8]) -> u8 {
    let others = places.iter().filter(|other| **other != place);
    others.fold(1, |product, other| multiply(product, divide(*other, *other ^ place)))
}

/// Multiplies without a branch or a table that depends on a secret.
fn multiply(mut a: u8, mut b: u8) -> u8 {
    let mut product = 0;
    for _ in 0..8 {
        product ^= a & 0_u8.wrapping_sub(b & 1);
        a = (a << 1) ^ (0x1b & 0_u8.wrapping_sub(a >> 7));
        b >>= 1;
    }
    product
}

/// Divides; the divisor is not 0. The inverse is the power 254.
fn divide(a: u8, b: u8) -> u8 {
    let mut inverse = 1;
    for _ in 0..254 {
        inverse = multiply(inverse, b);
    }
    multiply(a, inverse)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_field_is_that_of_aes() {
        assert_eq!(multiply(0x57, 0x83), 0xc1);
        assert_eq!(divide(0xc1, 0x83), 0x57);
    }

    fn share(secret: &[u8], coefficients: &[u8], place: u8) -> SecretSlice<u8> {
        let mut part: Vec<u8> = secret
            .iter()
            .map(|byte| {
                let mut value = 0;
                for coefficient in coefficients.iter().rev() {
                    value = multiply(value, place) ^ coefficient;
                }
                multiply(value, place) ^ byte
            })
            .collect();
        part.push(place);
        part.into()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(128))]

        #[test]
        fn as_many_parts_as_the_threshold_give_the_secret(
            secret in prop::collection::vec(any::<u8>(), 1..40),
            coefficients in prop::collection::vec(any::<u8>(), 1..5),
            start in 1_u8..200,
        ) {
            let parts: Vec<SecretSlice<u8>> =
                (0..=coefficients.len()).map(|at| share(&secret, &coefficients, start + at as u8)).collect();
            let combined = combine(&parts).map(|secret| secret.expose_secret().to_vec());
            prop_assert_eq!(combined, Ok(secret));
        }
    }

    #[test]
    fn parts_that_cannot_belong_together_are_refused() {
        let part = |bytes: &[u8]| SecretSlice::from(bytes.to_vec());
        assert!(combine(&[part(&[1, 2])]).is_err());
        assert!(combine(&[part(&[1, 2]), part(&[1, 2, 3])]).is_err());
        assert!(combine(&[part(&[1, 2]), part(&[3, 2])]).is_err());
        assert!(combine(&[part(&[1, 2]), part(&[3, 0])]).is_err());
        assert!(combine(&[part(&[2]), part(&[3])]).is_err());
    }
}
