//! What holds for any input.

use base64::Engine as _;
use gitops_apply::{Diff, SortKey, Takeover, compare, mask_pair, normalize};
use proptest::prelude::*;
use serde_json::{Value, json};

fn name() -> impl Strategy<Value = String> {
    "[a-z]{1,3}"
}

fn kind() -> impl Strategy<Value = String> {
    prop_oneof![
        Just("Namespace".to_owned()),
        Just("ConfigMap".to_owned()),
        Just("Widget".to_owned()),
        Just("ValidatingWebhookConfiguration".to_owned()),
    ]
}

fn fields_v1() -> impl Strategy<Value = Value> {
    prop::collection::btree_map(
        "f:[a-d]",
        prop::collection::btree_map("f:[a-d]", Just(json!({})), 0..4),
        0..4,
    )
    .prop_map(|map| json!(map))
}

/// Returns every path of a FieldsV1 set.
fn paths(fields: &Value, prefix: &str, into: &mut Vec<String>) {
    for (key, value) in fields.as_object().into_iter().flatten() {
        let path = format!("{prefix}/{key}");
        paths(value, &path, into);
        into.push(path);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, ..ProptestConfig::default() })]

    #[test]
    fn the_order_of_applying_is_total(objects in prop::collection::vec((name(), kind(), name(), name()), 3)) {
        let key = |object: &'_ (String, String, String, String)| -> (String, String, String, String) { object.clone() };
        let of = |o: &(String, String, String, String), p: &(String, String, String, String)| {
            compare(
                &SortKey { group: &o.0, kind: &o.1, namespace: &o.2, name: &o.3 },
                &SortKey { group: &p.0, kind: &p.1, namespace: &p.2, name: &p.3 },
            )
        };
        let (a, b, c) = (key(&objects[0]), key(&objects[1]), key(&objects[2]));
        prop_assert_eq!(of(&a, &b), of(&b, &a).reverse());
        prop_assert_eq!(of(&a, &b).is_eq(), a == b);
        if of(&a, &b).is_le() && of(&b, &c).is_le() {
            prop_assert!(of(&a, &c).is_le());
        }
    }

    #[test]
    fn no_value_of_a_secret_is_in_its_diff(
        old in prop::collection::btree_map(name(), "canary-[a-z]{8}", 0..4),
        new in prop::collection::btree_map(name(), "canary-[a-z]{8}", 0..4),
    ) {
        let secret = |values: &std::collections::BTreeMap<String, String>| {
            let mut object = json!({"apiVersion": "v1", "kind": "Secret", "stringData": values});
            normalize(object.as_object_mut().unwrap());
            object
        };
        let (mut before, mut after) = (secret(&old), secret(&new));
        let diff = Diff::between(&before, &after);
        mask_pair(Some(&mut before), Some(&mut after));
        let shown = format!("{diff}{}{before}{after}", json!(diff));
        for value in old.values().chain(new.values()) {
            let encoded = base64::engine::general_purpose::STANDARD.encode(value);
            prop_assert!(!shown.contains(value.as_str()) && !shown.contains(&encoded), "{value} is in {shown}");
        }
    }

    #[test]
    fn a_take_over_loses_no_field_and_is_done_once(kubectl in fields_v1(), own in fields_v1(), other in fields_v1()) {
        let entry = |manager: &str, operation: &str, fields: &Value| {
            json!({"manager": manager, "operation": operation, "apiVersion": "v1", "fieldsType": "FieldsV1", "fieldsV1": fields})
        };
        let entries = json!([entry("kubectl", "Update", &kubectl), entry("me", "Apply", &own), entry("hpa", "Update", &other)]);
        let mut live = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"managedFields": entries}});
        let rules = Takeover::new("me");
        let patch = rules.patch(&live).unwrap();
        let united = patch[0]["value"].clone();
        let of = |manager: &str| {
            united.as_array().unwrap().iter().find(|entry| entry["manager"] == manager).unwrap()["fieldsV1"].clone()
        };
        let (mut got, mut want) = (Vec::new(), Vec::new());
        paths(&of("me"), "", &mut got);
        paths(&kubectl, "", &mut want);
        paths(&own, "", &mut want);
        got.sort();
        want.sort();
        want.dedup();
        prop_assert_eq!(got, want);
        prop_assert_eq!(of("hpa"), other);
        live["metadata"]["managedFields"] = united;
        prop_assert_eq!(rules.patch(&live), None);
    }

    #[test]
    fn normalizing_twice_changes_nothing(
        data in prop::collection::btree_map(name(), name(), 0..4),
        plain in prop::collection::btree_map(name(), name(), 0..4),
        is_secret in any::<bool>(),
    ) {
        let kind = if is_secret { "Secret" } else { "ConfigMap" };
        let mut once = json!({"apiVersion": "v1", "kind": kind, "data": data, "stringData": plain, "status": {}});
        normalize(once.as_object_mut().unwrap());
        let mut twice = once.clone();
        normalize(twice.as_object_mut().unwrap());
        prop_assert_eq!(once, twice);
    }
}
