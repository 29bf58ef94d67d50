//! What must hold of whatever sets and objects there are.

use proptest::prelude::*;
use serde_json::{Value, json};
use structured_merge::schema::{Table, deduced};
use structured_merge::{
    Duplicates, Force, ListKeys, ManagedFields, Managers, ObjectUpdater, OneVersion, Owned, Path, Request,
    Set, Updater, equal_values,
};

use crate::random::{everything, json, object, set};

proptest! {
    #![proptest_config(ProptestConfig::with_cases(192))]

    #[test]
    fn sets_obey_set_algebra(a in set(), b in set(), c in set()) {
        prop_assert_eq!(a.union(&b), b.union(&a));
        prop_assert_eq!(a.intersection(&b), b.intersection(&a));
        prop_assert_eq!(a.union(&b).union(&c), a.union(&b.union(&c)));
        prop_assert_eq!(a.intersection(&b).intersection(&c), a.intersection(&b.intersection(&c)));
        prop_assert_eq!(a.intersection(&b.union(&c)), a.intersection(&b).union(&a.intersection(&c)));
        prop_assert_eq!(a.union(&b.intersection(&c)), a.union(&b).intersection(&a.union(&c)));
        prop_assert_eq!(a.difference(&b).union(&a.intersection(&b)), a.clone());
        prop_assert!(a.difference(&b).intersection(&b).is_empty());
        prop_assert_eq!(a.difference(&b.union(&c)), a.difference(&b).difference(&c));
        prop_assert_eq!(a.union(&a), a.clone());
        prop_assert_eq!(a.intersection(&a), a.clone());
        prop_assert!(a.difference(&a).is_empty());
        prop_assert!(a.recursive_difference(&b).is_subset(&a.difference(&b)));
        prop_assert!(a.leaves().is_subset(&a));
        prop_assert_eq!(a.is_subset(&b), a.difference(&b).is_empty());
        prop_assert_eq!(a.union(&b).len() + a.intersection(&b).len(), a.len() + b.len());
    }

    #[test]
    fn sets_have_the_paths_that_they_list(a in set(), b in set()) {
        prop_assert_eq!(a.iter().count(), a.len());
        prop_assert_eq!(a.iter().collect::<Set>(), a.clone());
        for path in a.iter() {
            prop_assert!(a.has(&path));
            prop_assert_eq!(b.has(&path), a.intersection(&b).has(&path));
        }
    }

    #[test]
    fn fields_v1_reads_what_it_writes(a in set()) {
        let text = a.to_fields_v1_text();
        prop_assert_eq!(&text.parse::<Set>().unwrap(), &a);
        prop_assert_eq!(&Set::from_fields_v1(&a.to_fields_v1()).unwrap(), &a);
        prop_assert_eq!(serde_json::to_string(&a).unwrap(), text.clone());
        prop_assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), a.to_fields_v1());
    }

    #[test]
    fn merging_is_idempotent(a in object(), b in object()) {
        let of = everything();
        let once = of.merge(&a, &b).unwrap();
        prop_assert_eq!(&of.merge(&once, &b).unwrap(), &once);
        prop_assert_eq!(&of.merge(&a, &a).unwrap(), &a);
        prop_assert_eq!(&of.merge(&Value::Null, &a).unwrap(), &a);
        of.validate(&once, Duplicates::Refuse).unwrap();
    }

    #[test]
    fn what_was_merged_can_be_extracted(a in object(), b in object()) {
        let of = everything();
        let merged = of.merge(&a, &b).unwrap();
        let owned = of.field_set(&b).unwrap().leaves();
        let extracted = of.extract(&merged, &owned, ListKeys::AsOwned);
        prop_assert!(equal_values(&extracted, &b), "{extracted} is not {b}");
    }

    #[test]
    fn comparing_there_and_back_swaps_the_sides(a in object(), b in object()) {
        let of = everything();
        prop_assert!(of.compare(&a, &a).unwrap().is_same());
        let (there, back) = (of.compare(&a, &b).unwrap(), of.compare(&b, &a).unwrap());
        prop_assert_eq!(there.added, back.removed);
        prop_assert_eq!(there.modified, back.modified);
        prop_assert_eq!(there.removed, back.added);
    }

    #[test]
    fn a_merge_changes_only_what_it_says(a in object(), b in object()) {
        let of = everything();
        let change = of.compare(&a, &of.merge(&a, &b).unwrap()).unwrap();
        let said = of.with_declared_parents(&of.field_set(&b).unwrap());
        prop_assert!(change.modified.is_subset(&said), "{} not in {said}", change.modified);
        prop_assert!(change.added.is_subset(&said), "{} not in {said}", change.added);
    }

    #[test]
    fn what_is_removed_is_gone_and_the_rest_stays(a in object(), b in object()) {
        let of = everything();
        // With the items themselves: an item that only loses its key is no item any more.
        let (all, gone) = (of.field_set(&a).unwrap(), of.field_set(&b).unwrap());
        let rest = of.remove(a.clone(), &gone);
        let left = of.field_set(&rest).unwrap();
        prop_assert!(left.intersection(&all.intersection(&gone)).is_empty());
        for path in all.leaves().difference(&gone).iter() {
            let is_below_gone = gone.iter().any(|gone| gone.contains(&path));
            prop_assert!(is_below_gone || left.has(&path), "{path} is gone");
        }
    }

    #[test]
    fn applying_again_changes_nothing(a in object(), b in object(), c in object()) {
        let of = everything();
        let versions = OneVersion(of);
        let updater = Updater::new(&versions);
        let [alice, bob] = ["alice", "bob"].map(str::to_owned);
        let first = updater.apply(&Value::Null, &a, "v1", Managers::new(), &alice, Force::No).unwrap();
        let second = updater.apply(&first.object, &b, "v1", first.managers, &bob, Force::Yes).unwrap();
        let third = updater.apply(&second.object, &c, "v1", second.managers, &alice, Force::Yes).unwrap();
        let again =
            updater.apply(&third.object, &c, "v1", third.managers.clone(), &alice, Force::No).unwrap();
        prop_assert!(!again.changed);
        prop_assert_eq!(&again.managers, &third.managers);
        prop_assert!(equal_values(&again.object, &third.object));
        // What nobody forced away is there, and owned.
        let owned = third.managers.get(&alice).unwrap();
        prop_assert_eq!(&owned.set, &of.field_set(&c).unwrap());
        prop_assert!(equal_values(&of.extract(&third.object, &owned.set.leaves(), ListKeys::AsOwned), &c));
    }

    #[test]
    fn who_applies_alone_gets_what_he_applies(a in object(), b in object()) {
        let versions = OneVersion(everything());
        let updater = Updater::new(&versions);
        let me = "me".to_owned();
        let first = updater.apply(&Value::Null, &a, "v1", Managers::new(), &me, Force::No).unwrap();
        let second = updater.apply(&first.object, &b, "v1", first.managers, &me, Force::No).unwrap();
        prop_assert!(equal_values(&second.object, &b), "{} is not {b}", second.object);
    }

    /// With managers of one version a shorter way is taken; it must lead to the same place.
    #[test]
    fn what_is_dropped_does_not_depend_on_versions(a in object(), b in object(), c in object()) {
        let versions = OneVersion(everything());
        let updater = Updater::new(&versions);
        let [alice, bob, other] = ["alice", "bob", "other"].map(str::to_owned);
        let elsewhere: Set = [Path::fields(["nowhere"])].into_iter().collect();
        let elsewhere = Owned { set: elsewhere, version: "v2".to_owned(), applied: true };
        let outcome = |managers: Managers| {
            let first = updater.apply(&Value::Null, &a, "v1", managers, &alice, Force::Yes).unwrap();
            let second = updater.apply(&first.object, &b, "v1", first.managers, &bob, Force::Yes).unwrap();
            let mut third = updater.apply(&second.object, &c, "v1", second.managers, &alice, Force::Yes).unwrap();
            third.managers.remove(&other);
            third
        };
        let (short, long) = (outcome(Managers::new()), outcome([(other.clone(), elsewhere)].into_iter().collect()));
        prop_assert!(equal_values(&short.object, &long.object), "{} is not {}", short.object, long.object);
        prop_assert_eq!(short.managers, long.managers);
    }

    #[test]
    fn nothing_panics_on_any_values(a in json(), b in json(), fields in json()) {
        for of in [everything(), deduced()] {
            let _ = of.validate(&a, Duplicates::Allow);
            let _ = of.compare(&a, &b);
            let _ = of.merge(&a, &b);
            if let Ok(set) = of.field_set(&a) {
                let _ = of.extract(&b, &set, ListKeys::Always);
                let _ = of.reconcile(&set);
                let _ = of.remove(b.clone(), &set);
            }
            let versions = OneVersion(of);
            let request = Request {
                manager: "m", version: "v1", subresource: "", time: "2026-01-01T00:00:00Z".parse().unwrap(),
            };
            let updater = ObjectUpdater::new(&versions);
            let _ = updater.update(&a, &b, request);
            let _ = updater.apply(&a, &b, request, Force::No);
        }
        let _ = Set::guess(&a);
        let _ = Set::from_fields_v1(&fields);
        let _ = ManagedFields::from_value(&json!([{
            "manager": "m", "operation": "Apply", "apiVersion": "v1", "fieldsType": "FieldsV1", "fieldsV1": fields,
        }]));
        let _ = Table::from_openapi(&fields);
        let _ = Table::from_smd(&fields);
        let _ = Table::from_crd(&fields);
    }
}
