//! Definitions as YAML.

use gitops_api::{crd_yaml, crds};
use serde_json::Value;

#[test]
fn printed_definitions_read_back_as_they_were() {
    for crd in crds() {
        let printed = crd_yaml(&crd);
        let read: Value = serde_saphyr::from_str(&printed).unwrap();
        assert_eq!(read, serde_json::to_value(&crd).unwrap(), "{printed}");
    }
}

#[test]
fn printed_definitions_are_for_people() {
    let printed = crd_yaml(&crds()[0]);
    assert!(printed.contains("\n    shortNames:\n    - gitrepo\n    singular: gitrepository\n"), "{printed}");
    assert!(printed.contains("\n            default:\n") || printed.contains("default: 60s\n"), "{printed}");
    assert!(printed.lines().all(|line| line == line.trim_end()), "{printed}");
}
