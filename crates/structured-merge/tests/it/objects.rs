//! Whole objects: what becomes of `managedFields`.

use serde_json::{Value, json};
use structured_merge::schema::deduced;
use structured_merge::{
    ApplyError, Force, ManagedFields, ObjectUpdater, OneVersion, Path, Request, ResetFields, ScaleFields,
};

fn by(manager: &str) -> Request<'_> {
    at(manager, "2026-01-01T00:00:00Z")
}

fn at<'r>(manager: &'r str, time: &str) -> Request<'r> {
    Request { manager, version: "v1", subresource: "", time: time.parse().unwrap() }
}

fn config_map(data: Value) -> Value {
    json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}, "data": data})
}

fn stored(mut object: Value) -> Value {
    object["metadata"]["uid"] = json!("1");
    object
}

/// Who owns what, as `name operation: paths`.
fn owners(object: &Value) -> Vec<String> {
    let managed = ManagedFields::of(object).unwrap();
    let describe = |entry: structured_merge::ManagedFieldsEntry| {
        let paths = entry.owned.set.to_string().replace('\n', " ");
        format!("{} {}: {paths}", entry.manager.name(), entry.manager.operation())
    };
    managed.entries().into_iter().map(describe).collect()
}

#[test]
fn whoever_creates_owns_all_but_what_says_what_it_is() {
    let versions = OneVersion(deduced());
    let new = config_map(json!({"k": "1"}));
    let object = ObjectUpdater::new(&versions).update(&Value::Null, &new, by(""));
    assert_eq!(owners(&object), ["unknown Update: .data .data.k"]);
}

#[test]
fn what_was_there_before_the_first_apply_has_an_owner() {
    let versions = OneVersion(deduced());
    let updater = ObjectUpdater::new(&versions);
    let live = stored(config_map(json!({"k": "1", "l": "1"})));
    let applied = updater.apply(&live, &config_map(json!({"k": "1"})), by("a"), Force::No).unwrap();
    assert_eq!(
        owners(&applied.object),
        ["a Apply: .data .data.k", "before-first-apply Update: .data .data.k .data.l"]
    );
    assert!(!applied.changed);
    let error = updater.apply(&live, &config_map(json!({"k": "2"})), by("a"), Force::No).unwrap_err();
    assert_eq!(
        error.to_string(),
        "Apply failed with 1 conflict: conflict with \"before-first-apply\" using v1: .data.k"
    );
}

#[test]
fn an_update_of_an_untracked_object_stays_untracked() {
    let versions = OneVersion(deduced());
    let updater = ObjectUpdater::new(&versions);
    let live = stored(config_map(json!({"k": "1"})));
    let new = stored(config_map(json!({"k": "2"})));
    assert!(owners(&updater.update(&live, &new, by("u"))).is_empty());
}

#[test]
fn an_empty_list_of_managers_resets_them() {
    let versions = OneVersion(deduced());
    let updater = ObjectUpdater::new(&versions);
    let live = stored(
        updater.apply(&Value::Null, &config_map(json!({"k": "1"})), by("a"), Force::No).unwrap().object,
    );
    for reset in [json!([]), json!([{}])] {
        let mut new = live.clone();
        new["metadata"]["managedFields"] = reset;
        assert!(owners(&updater.update(&live, &new, by("u"))).is_empty());
    }
}

#[test]
fn managers_that_cannot_be_read_are_those_of_the_live_object() {
    let versions = OneVersion(deduced());
    let updater = ObjectUpdater::new(&versions);
    let live = stored(
        updater.apply(&Value::Null, &config_map(json!({"k": "1"})), by("a"), Force::No).unwrap().object,
    );
    let mut new = live.clone();
    new["metadata"]["managedFields"] = json!([{"manager": "x", "operation": "Guess"}]);
    assert_eq!(owners(&updater.update(&live, &new, by("u"))), ["a Apply: .data .data.k"]);
    // An apply cannot go on without them.
    let mut broken = live.clone();
    broken["metadata"]["managedFields"] = json!([{"manager": "x", "operation": "Guess"}]);
    let outcome = updater.apply(&broken, &config_map(json!({"k": "1"})), by("a"), Force::No);
    assert!(matches!(outcome, Err(ApplyError::ManagedFields(_))));
}

#[test]
fn of_many_updaters_the_oldest_are_put_together() {
    let versions = OneVersion(deduced());
    let updater = ObjectUpdater::new(&versions);
    let mut live = stored(updater.update(&Value::Null, &config_map(json!({"k00": "1"})), by("u00")));
    for number in 1..=12 {
        let mut new = live.clone();
        new["data"][format!("k{number:02}")] = json!("1");
        let (manager, time) = (format!("u{number:02}"), format!("2026-01-01T00:00:{number:02}Z"));
        live = updater.update(&live, &new, at(&manager, &time));
    }
    let owners = owners(&live);
    assert_eq!(owners.len(), 10);
    assert_eq!(owners[0], "ancient-changes Update: .data .data.k00 .data.k01 .data.k02 .data.k03");
    assert_eq!(owners[9], "u12 Update: .data.k12");
}

#[test]
fn nobody_comes_to_own_reset_fields() {
    let versions = OneVersion(deduced());
    let reset = ResetFields::none().with("v1", [["status"].as_slice()]);
    let updater = ObjectUpdater::new(&versions).with_reset_fields(&reset);
    let mut config = config_map(json!({"k": "1"}));
    config["status"] = json!({"phase": "Ready"});
    let applied = updater.apply(&Value::Null, &config, by("a"), Force::No).unwrap();
    assert_eq!(owners(&applied.object), ["a Apply: .data .data.k"]);
}

#[test]
fn one_name_on_a_subresource_is_another_manager() {
    let versions = OneVersion(deduced());
    let updater = ObjectUpdater::new(&versions);
    let live = stored(
        updater.apply(&Value::Null, &config_map(json!({"k": "1"})), by("a"), Force::No).unwrap().object,
    );
    let status = Request { subresource: "status", ..by("a") };
    let mut config = config_map(json!({}));
    config["data"] = json!({"k": "2"});
    let error = updater.apply(&live, &config, status, Force::No).unwrap_err();
    assert_eq!(error.to_string(), "Apply failed with 1 conflict: conflict with \"a\": .data.k");
    let forced = updater.apply(&live, &config, status, Force::Yes).unwrap();
    let error =
        updater.apply(&forced.object, &config_map(json!({"k": "1"})), by("a"), Force::No).unwrap_err();
    assert_eq!(
        error.to_string(),
        "Apply failed with 1 conflict: conflict with \"a\" with subresource \"status\": .data.k"
    );
}

#[test]
fn kubectl_takes_over_what_it_applied_on_the_client() {
    let versions = OneVersion(deduced());
    let updater = ObjectUpdater::new(&versions);
    let annotation = "kubectl.kubernetes.io/last-applied-configuration";
    let mut live = config_map(json!({"k": "1"}));
    live["metadata"]["annotations"] = json!({annotation: config_map(json!({"k": "1"})).to_string()});
    let live = stored(updater.update(&Value::Null, &live, by("kubectl-client-side-apply")));
    let config = config_map(json!({"k": "2"}));
    assert!(updater.apply(&live, &config, by("somebody"), Force::No).is_err());
    let applied = updater.apply(&live, &config, by("kubectl"), Force::No).unwrap().object;
    assert_eq!(applied["data"]["k"], "2");
    let kept: Value =
        serde_json::from_str(applied["metadata"]["annotations"][annotation].as_str().unwrap()).unwrap();
    assert_eq!(kept, config);
}

#[test]
fn requests_that_make_no_sense_are_refused() {
    let versions = OneVersion(deduced());
    let updater = ObjectUpdater::new(&versions);
    let check = |config: &Value, message: &str| {
        let error = updater.apply(&Value::Null, config, by("a"), Force::No).unwrap_err();
        assert_eq!(error.to_string(), message);
    };
    let mut config = config_map(json!({}));
    config["metadata"]["managedFields"] = json!([]);
    check(&config, "metadata.managedFields must be nil");
    config["apiVersion"] = json!("v2");
    check(&config, "Incorrect version specified in apply patch. Specified patch version: v2, expected: v1");
}

#[test]
fn an_apply_of_the_same_keeps_the_time() {
    let versions = OneVersion(deduced());
    let updater = ObjectUpdater::new(&versions);
    let config = config_map(json!({"k": "1"}));
    let live = stored(updater.apply(&Value::Null, &config, by("a"), Force::No).unwrap().object);
    let later = updater.apply(&live, &config, at("a", "2027-01-01T00:00:00Z"), Force::No).unwrap();
    assert_eq!(later.object, live);
    let mut touched = live.clone();
    touched["metadata"]["managedFields"][0]["time"] = json!("2027-01-01T00:00:00Z");
    assert!(ManagedFields::same_but_for_times(&live, &touched));
    touched["data"]["k"] = json!("2");
    assert!(!ManagedFields::same_but_for_times(&live, &touched));
}

#[test]
fn replicas_are_owned_through_scale() {
    let fields = ScaleFields::new().with("apps/v1", Path::fields(["spec", "replicas"]));
    let parent = ManagedFields::from_value(&json!([{
        "manager": "a", "operation": "Apply", "apiVersion": "apps/v1", "time": "2026-01-01T00:00:00Z",
        "fieldsType": "FieldsV1", "fieldsV1": {"f:spec": {"f:paused": {}, "f:replicas": {}}},
    }]))
    .unwrap();
    let scale = fields.to_scale(&parent);
    assert_eq!(scale.to_value()[0]["apiVersion"], "autoscaling/v1");
    assert_eq!(scale.to_value()[0]["fieldsV1"], json!({"f:spec": {"f:replicas": {}}}));
    // Nobody took them: nothing changes.
    assert_eq!(fields.to_parent(&parent, &scale, "apps/v1").to_value(), parent.to_value());
    let taken = ManagedFields::from_value(&json!([{
        "manager": "hpa", "operation": "Update", "apiVersion": "autoscaling/v1", "subresource": "scale",
        "fieldsType": "FieldsV1", "fieldsV1": {"f:spec": {"f:replicas": {}}},
    }]))
    .unwrap();
    let after =
        json!({"metadata": {"managedFields": fields.to_parent(&parent, &taken, "apps/v1").to_value()}});
    assert_eq!(owners(&after), ["a Apply: .spec.paused", "hpa Update: .spec.replicas"]);
}
