//! Which alerts an event belongs to.

use std::collections::BTreeMap;

use gitops_notify::{RouteOptions, Routes, Verdict, decode_event};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::setup::{alert, alert_of, event};

fn verdict(spec: Value, options: RouteOptions, labels: Option<&[(&str, &str)]>) -> Verdict {
    let labels: Option<BTreeMap<String, String>> = labels
        .map(|labels| labels.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect());
    let routes = Routes::new(options);
    let route = routes.set(&alert_of("a", spec));
    let verdict =
        routes.explain(&event("app", "apply failed"), labels.as_ref()).remove(route.alert()).unwrap();
    let routed = !routes.route(&event("app", "apply failed"), labels.as_ref()).is_empty();
    assert_eq!(routed, verdict == Verdict::Matches, "the index and the explanation agree");
    verdict
}

#[test]
fn every_rule_of_an_alert_says_its_own() {
    let check = |mut spec: Value, want: Verdict| {
        spec["providerRef"] = json!({"name": "chat"});
        assert_eq!(verdict(spec.clone(), RouteOptions::default(), None), want, "{spec}");
    };
    let any = json!([{"kind": "Kustomization", "name": "*"}]);
    let excluded = |pattern: &str| Verdict::Excluded { pattern: pattern.to_owned() };
    check(json!({"eventSources": any}), Verdict::Matches);
    check(json!({"eventSources": any, "suspend": true}), Verdict::Suspended);
    check(json!({"eventSources": []}), Verdict::NoSource);
    check(json!({"eventSources": [{"kind": "HelmRelease", "name": "*"}]}), Verdict::NoSource);
    check(json!({"eventSources": [{"kind": "Kustomization", "name": "other"}]}), Verdict::NoSource);
    check(
        json!({"eventSources": [{"kind": "Kustomization", "name": "app", "namespace": "x"}]}),
        Verdict::NoSource,
    );
    check(json!({"eventSources": any, "eventSeverity": "error"}), Verdict::Severity);
    check(
        json!({"eventSources": [{"kind": "Kustomization", "name": "app", "matchLabels": {"team": "blue"}}]}),
        Verdict::LabelsUnknown,
    );
    check(json!({"eventSources": any, "inclusionList": ["^failed"]}), Verdict::NotIncluded);
    check(json!({"eventSources": any, "inclusionList": ["^failed", "failed$"]}), Verdict::Matches);
    check(json!({"eventSources": any, "exclusionList": ["x", "fail"]}), excluded("fail"));
    check(
        json!({"eventSources": any, "inclusionList": ["fail"], "exclusionList": ["^apply"]}),
        excluded("^apply"),
    );
    check(json!({"eventSources": any, "inclusionList": ["["]}), Verdict::NotIncluded);
    check(json!({"eventSources": any, "exclusionList": ["["]}), Verdict::Matches);
}

#[test]
fn labels_are_asked_for_only_where_they_decide() {
    let spec = |extra: Value| {
        let mut spec = json!({
            "providerRef": {"name": "chat"},
            "eventSources": [{"kind": "Kustomization", "name": "*", "matchLabels": {"team": "blue", "tier": "web"}}],
        });
        for (key, value) in extra.as_object().unwrap() {
            spec[key] = value.clone();
        }
        spec
    };
    let check = |extra: Value, labels: &[(&str, &str)], want: Verdict| {
        assert_eq!(verdict(spec(extra), RouteOptions::default(), Some(labels)), want);
    };
    check(json!({}), &[("team", "blue"), ("tier", "web"), ("more", "yes")], Verdict::Matches);
    check(json!({}), &[("team", "blue")], Verdict::Labels);
    check(json!({}), &[], Verdict::Labels);

    let routes = Routes::new(RouteOptions::default());
    routes.set(&alert_of("a", spec(json!({"inclusionList": ["never"]}))));
    assert!(routes.waiting_for_labels(&event("app", "apply failed")).is_empty(), "the message decides");
    routes.set(&alert_of("a", spec(json!({}))));
    assert_eq!(routes.waiting_for_labels(&event("app", "apply failed")).len(), 1);
}

#[test]
fn other_namespaces_can_be_ruled_out() {
    let other = alert_of(
        "a",
        json!({"providerRef": {"name": "chat"}, "eventSources": [{"kind": "Bucket", "name": "*", "namespace": "far"}]}),
    );
    let event = br#"{"involvedObject": {"kind": "Bucket", "namespace": "far", "name": "b"}, "message": "m"}"#;
    let event = decode_event(event).unwrap();
    let check = |options: RouteOptions, want: usize| {
        let routes = Routes::new(options);
        routes.set(&other);
        assert_eq!(routes.route(&event, None).len(), want);
    };
    check(RouteOptions::default(), 1);
    check(RouteOptions::default().no_cross_namespace(true), 0);
}

#[test]
fn an_alert_that_changes_or_goes_leaves_nothing_behind() {
    let routes = Routes::new(RouteOptions::default());
    routes.set(&alert("a", "chat"));
    routes.set(&alert("b", "chat"));
    assert_eq!(routes.route(&event("app", "m"), None).len(), 2);
    routes.set(&alert_of("a", json!({"providerRef": {"name": "chat"}, "eventSources": []})));
    let left = routes.route(&event("app", "m"), None);
    assert_eq!(left.iter().map(|route| route.alert().name.as_str()).collect::<Vec<_>>(), ["b"]);
    routes.remove(left[0].alert());
    assert!(routes.route(&event("app", "m"), None).is_empty());
}

#[test]
fn a_kind_that_nobody_knows_can_be_a_source() {
    let routes = Routes::new(RouteOptions::default());
    let sources = json!([{"kind": "Canary", "name": "web"}]);
    routes.set(&alert_of("a", json!({"providerRef": {"name": "chat"}, "eventSources": sources})));
    let event =
        br#"{"involvedObject": {"kind": "Canary", "namespace": "apps", "name": "web"}, "message": "m"}"#;
    assert_eq!(routes.route(&decode_event(event).unwrap(), None).len(), 1);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    /// Whatever is set and removed, the index finds what asking every alert finds.
    #[test]
    fn the_index_finds_what_asking_every_alert_finds(
        changes in prop::collection::vec((0..4u8, 0..3u8, 0..3u8, 0..2u8, any::<bool>()), 0..24),
    ) {
        let routes = Routes::new(RouteOptions::default());
        for (name, kind, namespace, star, remove) in changes {
            let kind = ["Kustomization", "Bucket", "Canary"][usize::from(kind)];
            let namespace = ["apps", "infra", ""][usize::from(namespace)];
            let source = if star == 0 { "*" } else { "app" };
            let spec = json!({
                "providerRef": {"name": "chat"},
                "eventSources": [{"kind": kind, "name": source, "namespace": namespace}],
            });
            let route = routes.set(&alert_of(&format!("alert-{name}"), spec));
            if remove {
                routes.remove(route.alert());
            }
        }
        let event = event("app", "m");
        let all = routes.explain(&event, None);
        let wanted: Vec<String> =
            all.iter().filter(|(_, said)| **said == Verdict::Matches).map(|(key, _)| key.to_string()).collect();
        let found: Vec<String> =
            routes.route(&event, None).iter().map(|route| route.alert().to_string()).collect();
        prop_assert_eq!(found, wanted);
    }
}
