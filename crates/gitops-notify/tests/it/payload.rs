//! The event as bytes.

use gitops_notify::{NotifyError, decode_event, encode_event};
use proptest::prelude::*;

#[test]
fn written_as_go_writes_it() {
    let check = |body: &str, want: &str| {
        let event = decode_event(body.as_bytes()).unwrap();
        assert_eq!(String::from_utf8_lossy(&encode_event(&event)), want);
    };
    check(
        "{}",
        r#"{"involvedObject":{},"severity":"","timestamp":null,"message":"","reason":"","reportingController":""}"#,
    );
    check(
        "null",
        r#"{"involvedObject":{},"severity":"","timestamp":null,"message":"","reason":"","reportingController":""}"#,
    );
    check(
        r#"{"reportingInstance":"i","reportingController":"c","metadata":{"b":"2","a":null},"reason":"r",
            "message":"<\u0001\u2028é&\"\\/\n>","timestamp":"2026-01-02T04:04:05.678+01:00","severity":"strange",
            "involvedObject":{"fieldPath":"f","resourceVersion":"7","apiVersion":"g/v1","uid":"u","name":"n",
            "namespace":"s","kind":"K","unknown":[1,2]},"unknown":{}}"#,
        concat!(
            r#"{"involvedObject":{"kind":"K","namespace":"s","name":"n","uid":"u","apiVersion":"g/v1","resourceVersion":"7","fieldPath":"f"},"#,
            r#""severity":"strange","timestamp":"2026-01-02T03:04:05Z","message":"\u003c\u0001\u2028é\u0026\"\\/\n\u003e","#,
            r#""reason":"r","metadata":{"a":"","b":"2"},"reportingController":"c","reportingInstance":"i"}"#
        ),
    );
}

#[test]
fn what_is_no_event_is_named_without_its_values() {
    let check = |body: &[u8], want: &str| {
        let error = decode_event(body).unwrap_err();
        assert!(matches!(error, NotifyError::NotAnEvent { .. }));
        assert_eq!(error.to_string(), format!("request body is not an event: {want}"));
    };
    check(b"", "the JSON ends too early at line 1 column 0");
    check(b"{\"message\": ", "the JSON ends too early at line 1 column 12");
    check(b" []", "it is a list");
    check(b"5", "a field is of another type or there twice at line 1 column 1");
    check(b"{\"involvedObject\": []}", "a field is of another type or there twice at line 1 column 21");
    check(b"{\"message\": 5}", "a field is of another type or there twice at line 1 column 13");
    check(b"{\"metadata\": {\"k\": {}}}", "a field is of another type or there twice at line 1 column 19");
    check(b"secret-token", "no JSON, or nested too deeply at line 1 column 1");
    check("[".repeat(100_000).as_bytes(), "it is a list");
    let deep = format!("{{\"unknown\": {}", "[".repeat(100_000));
    check(deep.as_bytes(), "the JSON ends too early at line 1 column 100012");
}

#[test]
fn letters_that_are_no_utf8_are_replaced() {
    let event = decode_event(b"{\"message\": \"a\xffb\"}").unwrap();
    assert_eq!(event.message, "a\u{fffd}b");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn what_is_written_reads_as_it_was(message in "\\PC*", key in "\\PC{0,8}", value in ".*", reason in ".*") {
        let json = serde_json::json!({"message": message, "metadata": {key: value}, "reason": reason});
        let event = decode_event(json.to_string().as_bytes()).unwrap();
        let written = encode_event(&event);
        prop_assert_eq!(decode_event(&written).unwrap(), event);
        prop_assert!(!written.iter().any(|byte| matches!(byte, b'<' | b'>' | b'&')));
    }

    #[test]
    fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = decode_event(&bytes);
    }
}
