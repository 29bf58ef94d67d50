//! Go's durations. The expected texts were made with Go 1.26's time package:
//! `d, err := time.ParseDuration(text); fmt.Println(d, err)`.

use gitops_api::GoDuration;

/// Checks what Go prints for a text, or that Go's parser refuses it.
fn check(text: &str, want: Option<&str>) {
    let got = text.parse::<GoDuration>().map(|duration| duration.to_string());
    assert_eq!(got.as_deref().ok(), want, "{text}: {got:?}");
}

#[test]
fn texts_print_as_in_go() {
    check("0", Some("0s"));
    check("+0", Some("0s"));
    check("-0", Some("0s"));
    check("-0s", Some("0s"));
    check("5s", Some("5s"));
    check("+5s", Some("5s"));
    check("60s", Some("1m0s"));
    check("90s", Some("1m30s"));
    check("1h", Some("1h0m0s"));
    check("24h", Some("24h0m0s"));
    check("1h30m", Some("1h30m0s"));
    check("30m1h", Some("1h30m0s"));
    check("1.5h", Some("1h30m0s"));
    check(".5s", Some("500ms"));
    check("5.s", Some("5s"));
    check("1.000000001s", Some("1.000000001s"));
    check("1.0000000019s", Some("1.000000001s"));
    check("100ms", Some("100ms"));
    check("1500us", Some("1.5ms"));
    check("1.5\u{b5}s", Some("1.5\u{b5}s"));
    check("1\u{3bc}s", Some("1\u{b5}s"));
    check("999ns", Some("999ns"));
    check("0.3333333333333333333h", Some("20m0s"));
    check("0.100000000000000000000h", Some("6m0s"));
    check("0.830103483285477580700h", Some("49m48.372539827s"));
    check("39h9m14.425s", Some("39h9m14.425s"));
    check("9223372036854775807ns", Some("2562047h47m16.854775807s"));
    check("9223372036s854ms775us807ns", Some("2562047h47m16.854775807s"));
}

#[test]
fn texts_that_go_refuses_are_refused() {
    for text in [
        "",
        "+",
        "-",
        "3",
        "s",
        ".",
        "-.",
        ".s",
        "+.s",
        "1d",
        "1 s",
        " 1s",
        "1s ",
        "1S",
        "-1s1",
        "1e3s",
        "1..5s",
        "9223372036854775808ns",
        "9223372036854775.808us",
        "9223372036855ms",
        "99999999999999999999h",
        "2562048h",
        "0x1s",
        "\u{663}s",
    ] {
        check(text, None);
    }
}

/// Go knows negative durations, a reconciliation does not.
#[test]
fn negative_durations_are_refused() {
    check("-5s", None);
    check("-1ns", None);
}

#[test]
fn a_reason_is_told() {
    let told = |text: &str| text.parse::<GoDuration>().unwrap_err().to_string();
    assert_eq!(
        told("1d"),
        "'1d' is no duration: a unit is none of ns, us, ms, s, m, h; write for example 1m30s"
    );
    assert_eq!(
        told("99999999999h"),
        "'99999999999h' is no duration: it is longer than 292 years; write for example 1m30s"
    );
}
