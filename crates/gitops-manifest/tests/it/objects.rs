//! Objects and sets of them.

use gitops_manifest::{Manifests, Object, to_canonical_json};
use serde_json::json;

#[test]
fn accessors_answer_with_nothing_where_fields_are_missing_or_no_text() {
    for value in [
        json!({}),
        json!({"apiVersion": 1, "kind": null, "metadata": [1]}),
        json!({"metadata": {"name": 1, "namespace": "", "labels": "x"}}),
    ] {
        let object = Object::new(value).unwrap();
        let texts = (object.api_version(), object.group(), object.version(), object.kind(), object.name());
        assert_eq!(texts, ("", "", "", "", ""));
        assert_eq!((object.namespace(), object.label("a"), object.annotation("a")), (None, None, None));
    }
}

#[test]
fn setters_make_the_maps_they_need() {
    let mut object = Object::new(json!({"metadata": {"annotations": null}})).unwrap();
    object.set_namespace("n");
    object.set_label("l", "1");
    object.set_annotation("a", "2");
    assert_eq!(
        object.value(),
        &json!({"metadata": {"namespace": "n", "labels": {"l": "1"}, "annotations": {"a": "2"}}})
    );
    assert_eq!(
        (object.namespace(), object.label("l"), object.annotation("a")),
        (Some("n"), Some("1"), Some("2"))
    );
    assert_eq!(object.remove_annotation("b"), None);
    assert_eq!(object.remove_annotation("a"), Some(json!("2")));
    assert_eq!(object.value(), &json!({"metadata": {"namespace": "n", "labels": {"l": "1"}}}));
}

#[test]
fn only_maps_are_objects() {
    let error = Object::new(json!([1])).unwrap_err();
    assert_eq!(error.to_string(), "a Kubernetes object must be a map, this is a list");
}

#[test]
fn debug_text_shows_no_content() {
    let object = Object::new(
        json!({"kind": "Secret", "metadata": {"name": "s"}, "data": {"password": "aHVudGVyMg=="}}),
    );
    assert!(!format!("{:?}", object.unwrap()).contains("aHVudGVyMg"));
}

#[test]
fn digests_tell_content_and_order_and_nothing_else() {
    let object = |text: &str| Object::new(serde_json::from_str(text).unwrap()).unwrap();
    let digest =
        |texts: &[&str]| texts.iter().map(|text| object(text)).collect::<Manifests>().digest().to_owned();
    // sha256 of no bytes.
    assert_eq!(digest(&[]), "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    assert_eq!(digest(&[r#"{"a": 1, "b": 2}"#]), digest(&[r#"{"b": 2.0, "a": 1}"#]));
    assert_ne!(digest(&[r#"{"a": 1}"#, r#"{"b": 1}"#]), digest(&[r#"{"b": 1}"#, r#"{"a": 1}"#]));
    assert_ne!(digest(&[r#"{"a": 1}"#]), digest(&[r#"{"a": "1"}"#]));
}

#[test]
fn canonical_json_is_json() {
    for value in
        [json!({"a\"\\\n\u{1}": ["é😀", 1.5, -0.0, 1e300, u64::MAX, null, true]}), json!("\u{7f}\u{2028}")]
    {
        let text = to_canonical_json(&value);
        let read: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(to_canonical_json(&read), text);
    }
    assert_eq!(
        to_canonical_json(&json!([1844674403709551615_u64 as f64, 1e19, -1e18, 1e20])),
        "[1844674403709551600,10000000000000000000,-1000000000000000000,1e+20]"
    );
    assert_eq!(to_canonical_json(&json!({"b": 1e3, "a": -0.0, "c": 2.5})), r#"{"a":0,"b":1000,"c":2.5}"#);
}

#[test]
fn manifests_print_as_one_stream() {
    let manifests: Manifests =
        [json!({"a": 1}), json!({"b": "yes"})].map(|v| Object::new(v).unwrap()).into_iter().collect();
    assert_eq!(manifests.to_yaml(), "a: 1\n---\nb: \"yes\"\n");
}
