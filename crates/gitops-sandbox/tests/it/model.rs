//! Random writers and watchers that break off: every watcher ends with what is stored.

use std::collections::BTreeMap;

use futures::StreamExt as _;
use gitops_sandbox::Sandbox;
use k8s_openapi::api::core::v1::ConfigMap;
use kube::ResourceExt as _;
use kube::api::{Api, DeleteParams, ListParams, PostParams, WatchEvent, WatchParams};
use proptest::prelude::*;

use crate::client::{client, config_map};

/// What a step does: writes, deletes, or breaks the watch off.
#[derive(Clone, Copy, Debug)]
enum Step {
    Write(u8, u8),
    Delete(u8),
    BreakOff,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        5 => (0..4_u8, 0..3_u8).prop_map(|(name, value)| Step::Write(name, value)),
        2 => (0..4_u8).prop_map(Step::Delete),
        1 => Just(Step::BreakOff),
    ];
    proptest::collection::vec(step, 1..24)
}

/// Reads a watch up to a revision; gives the revision of the last event.
async fn follow(api: &Api<ConfigMap>, from: u64, upto: u64, cache: &mut BTreeMap<String, String>) -> u64 {
    let mut last = from;
    if from >= upto {
        return last;
    }
    let mut events = api.watch(&WatchParams::default(), &from.to_string()).await.unwrap().boxed();
    while last < upto {
        let event = events.next().await.unwrap().unwrap();
        let (object, gone) = match event {
            WatchEvent::Added(object) | WatchEvent::Modified(object) => (object, false),
            WatchEvent::Deleted(object) => (object, true),
            WatchEvent::Bookmark(_) => continue,
            WatchEvent::Error(error) => panic!("{error:?}"),
        };
        let revision: u64 = object.resource_version().unwrap().parse().unwrap();
        assert!(revision > last, "revision {revision} came after {last}");
        last = revision;
        let value = object.data.clone().unwrap_or_default().remove("k").unwrap_or_default();
        if gone {
            cache.remove(&object.name_any())
        } else {
            cache.insert(object.name_any(), value)
        };
    }
    last
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn watchers_converge_whenever_they_break_off(steps in steps()) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let sandbox = Sandbox::builder().without_controllers().seed(1).start();
            let api: Api<ConfigMap> = Api::default_namespaced(client(&sandbox));
            let (mut cache, mut seen, mut newest) = (BTreeMap::new(), sandbox.revision(), sandbox.revision());
            for step in steps {
                match step {
                    Step::Write(name, value) => {
                        let object = config_map(&format!("n{name}"), &value.to_string());
                        let written = match api.create(&PostParams::default(), &object).await {
                            Ok(created) => created,
                            Err(_) => api.replace(&format!("n{name}"), &PostParams::default(), &object).await.unwrap(),
                        };
                        newest = newest.max(written.resource_version().unwrap().parse().unwrap());
                    }
                    Step::Delete(name) => {
                        if api.delete(&format!("n{name}"), &DeleteParams::default()).await.is_ok() {
                            newest = sandbox.revision();
                        }
                    }
                    Step::BreakOff => seen = follow(&api, seen, newest, &mut cache).await,
                }
            }
            follow(&api, seen, newest, &mut cache).await;
            let stored = api.list(&ListParams::default()).await.unwrap().items.into_iter().map(|object| {
                let value = object.data.clone().unwrap_or_default().remove("k").unwrap_or_default();
                (object.name_any(), value)
            });
            assert_eq!(cache, stored.collect::<BTreeMap<_, _>>());
        });
    }
}
