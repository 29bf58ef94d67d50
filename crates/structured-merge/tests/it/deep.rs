//! Values that are nested deeper than anything real.

use serde_json::{Value, json};
use structured_merge::schema::{Table, deduced};
use structured_merge::{
    Duplicates, Force, ListKeys, MAX_DEPTH, Managers, OneVersion, Path, PathElement, Set, Updater,
};

fn deep(levels: usize) -> Value {
    (0..levels).fold(json!(1), |below, _| json!({"f:a": below}))
}

#[test]
fn as_deep_as_the_limit_works() {
    let value = deep(MAX_DEPTH);
    let of = deduced();
    assert!(of.validate(&value, Duplicates::Refuse).is_ok());
    let set = of.field_set(&value).unwrap();
    assert!(of.compare(&json!({}), &value).is_ok());
    assert_eq!(of.merge(&value, &value).unwrap(), value);
    assert_eq!(of.extract(&value, &set.leaves(), ListKeys::AsOwned), value);
}

#[test]
fn deeper_is_an_error_and_no_crash() {
    let value = deep(2000);
    let of = deduced();
    assert!(of.validate(&value, Duplicates::Refuse).is_err());
    assert!(of.field_set(&value).is_err());
    assert!(of.compare(&json!({}), &value).is_err());
    assert!(of.merge(&value, &json!({})).is_err());
    assert!(of.merge(&json!({}), &value).is_err());
    assert!(Set::from_fields_v1(&value).is_err());
    assert!(Set::guess(&value).is_empty());
    let versions = OneVersion(of);
    let updater = Updater::new(&versions);
    let me = "me".to_owned();
    assert!(updater.update(&value, &json!({}), "v1", Managers::new(), &me).is_err());
    assert!(updater.apply(&json!({}), &value, "v1", Managers::new(), &me, Force::Yes).is_err());
}

#[test]
fn deeper_schemas_are_refused() {
    let schema = || {
        let string = json!({"type": "string"});
        (0..600).fold(string, |below, _| json!({"type": "array", "items": below}))
    };
    assert!(Table::from_openapi(&json!({"Deep": schema()})).is_err());
    let crd = json!({"spec": {"group": "g", "names": {"kind": "Deep"}, "versions": [
        {"name": "v1", "schema": {"openAPIV3Schema": schema()}},
    ]}});
    assert!(Table::from_crd(&crd).is_err());
    let string = json!({"scalar": "string"});
    let list = (0..600).fold(string, |below, _| json!({"list": {"elementType": below}}));
    assert!(Table::from_smd(&json!({"types": [{"name": "deep", "list": {"elementType": list}}]})).is_err());
}

#[test]
fn paths_are_cut_off_where_nothing_can_be() {
    let path = Path::new((0..100_000).map(PathElement::index));
    assert_eq!(path.elements().len(), MAX_DEPTH);
    let set: Set = [path].into_iter().collect();
    assert_eq!(set.len(), 1);
}
