//! Limits and hints of regular expressions; what they find is told by Go itself.

use gitops_expr::regexp::{MAX_NESTING, Regexp, RegexpError, RegexpLimits};
use proptest::prelude::*;

#[test]
fn large_patterns_are_refused() {
    let check = |pattern: &str, want: &str| {
        let error = Regexp::new(pattern).expect_err(pattern).to_string();
        assert!(error.contains(want), "{error}");
    };
    check(&"a".repeat(5000), "of 5000 bytes is longer than 4096");
    check(r"(?:[\pL\pN]{100}){10}", "needs more than 2097152 bytes");
    check(&format!("{}a{}", "(".repeat(MAX_NESTING + 1), ")".repeat(MAX_NESTING + 1)), "nests too deeply");
    check(&"(".repeat(4096), "nests too deeply");
    let deep = format!("{}a{}", "(?:".repeat(MAX_NESTING), ")".repeat(MAX_NESTING));
    assert!(Regexp::new(&deep).unwrap().is_match("a"));
}

#[test]
fn limits_can_be_chosen() {
    let short = RegexpLimits::default().with_pattern_bytes(3);
    assert!(Regexp::with_limits("abc", short).is_ok());
    assert_eq!(Regexp::with_limits("abcd", short), Err(RegexpError::TooLong { length: 4, limit: 3 }));
    let small = RegexpLimits::default().with_compiled_bytes(10_000);
    assert_eq!(Regexp::with_limits("a{1000}", small), Err(RegexpError::TooLarge { limit: 10_000 }));
}

#[test]
fn what_other_engines_have_is_refused_with_a_hint() {
    let check = |pattern: &str, want: &str| {
        assert_eq!(Regexp::new(pattern).expect_err(pattern).to_string(), want);
    };
    check(r"a\Z", r"error parsing regexp: invalid escape sequence: `\Z` (the end of the text is \z)");
    check(
        "a(?=b)",
        "error parsing regexp: invalid or unsupported Perl syntax: `(?=` (RE2 has no look-ahead)",
    );
    check("(?<=a)b", "error parsing regexp: invalid named capture: `(?<=a)b` (RE2 has no look-behind)");
    check(r"(a)\1", r"error parsing regexp: invalid escape sequence: `\1` (RE2 has no back references)");
    check(
        "a++",
        "error parsing regexp: invalid nested repetition operator: `++` (RE2 has no possessive repetitions)",
    );
    check("(unclosed", "error parsing regexp: missing closing ): `(unclosed`");
}

#[test]
fn a_search_takes_time_linear_in_the_text() {
    let pattern = Regexp::new("(a+)+$").unwrap();
    // Engines that go back would take 2 to the power of 100,000 steps.
    assert!(!pattern.is_match(&format!("{}!", "a".repeat(100_000))));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn no_pattern_template_or_text_panics(pattern in r"[a-c\\(){}\[\]|*+?.^$&~:<>P0-9,i-]{0,24}", template in r"[$a1{}]{0,12}", text in ".{0,12}") {
        if let Ok(pattern) = Regexp::new(&pattern) {
            let filled = pattern.expand(&template, &text);
            prop_assert_eq!(filled.is_some(), pattern.is_match(&text));
        }
    }

    #[test]
    fn quoted_text_finds_itself(text in ".{1,20}", around in "[a-z]{0,5}") {
        let text = text.replace('\\', "");
        let pattern = Regexp::new(&format!(r"\Q{text}\E")).unwrap();
        let whole = format!("{around}{text}{around}");
        prop_assert!(pattern.is_match(&whole));
    }
}
