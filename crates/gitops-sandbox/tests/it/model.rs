//! Random writers and watchers that break off: whatever happens, every watcher ends with what is stored.
//!
//! The schedule is seeded: all that a run does follows from its steps and its seed.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use futures::StreamExt as _;
use gitops_sandbox::{Clock, Fault, Matching, Sandbox};
use k8s_openapi::api::core::v1::{ConfigMap, Namespace};
use kube::ResourceExt as _;
use kube::api::{Api, DeleteParams, ListParams, PostParams, WatchEvent, WatchParams};
use proptest::prelude::*;
use serde_json::json;

use crate::client::{client, config_map};

/// What is known of the objects: names and values.
type Cache = BTreeMap<String, String>;

/// What a step does: writes, deletes, lets a watcher follow, or makes its life hard.
#[derive(Clone, Copy, Debug)]
enum Step {
    Write(u8, u8),
    Delete(u8),
    /// A watcher follows up to now.
    Follow(usize),
    /// The watcher's next watch ends after so many events.
    EndWatch(usize, usize),
    /// The history up to now is forgotten.
    Compact,
    /// Everything goes back to how it was at the last such step.
    Restore,
}

const WATCHERS: usize = 3;

fn steps(restores: u32) -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        10 => (0..5_u8, 0..3_u8).prop_map(|(name, value)| Step::Write(name, value)),
        4 => (0..5_u8).prop_map(Step::Delete),
        4 => (0..WATCHERS).prop_map(Step::Follow),
        2 => (0..WATCHERS, 0..3_usize).prop_map(|(watcher, events)| Step::EndWatch(watcher, events)),
        1 => Just(Step::Compact),
        restores => Just(Step::Restore),
    ];
    proptest::collection::vec(step, 1..32)
}

/// Somebody who lists once and then watches, as informers do.
#[derive(Default)]
struct Watcher {
    cache: Cache,
    /// Up to which revision it has seen everything; 0 before the first list.
    seen: u64,
    /// After how many events its next watch ends.
    ends_after: Option<usize>,
    lists: usize,
}

impl Watcher {
    /// Follows up to a revision.
    async fn follow(&mut self, sandbox: &Sandbox, api: &Api<ConfigMap>, upto: u64) {
        while self.seen < upto {
            if self.seen == 0 {
                let list = api.list(&ListParams::default()).await.unwrap();
                self.seen = list.metadata.resource_version.unwrap().parse().unwrap();
                self.cache = list.items.iter().map(entry).collect();
                self.lists += 1;
                continue;
            }
            if let Some(events) = self.ends_after.take() {
                sandbox.inject(Fault::ended_watch(events).on(Matching::any().query("watch=true")));
            }
            self.watch(api, upto).await;
            sandbox.clear_faults();
        }
    }

    /// Watches until it is up to date, the watch ends, or what it would go on from is gone.
    async fn watch(&mut self, api: &Api<ConfigMap>, upto: u64) {
        let parameters = WatchParams::default();
        let mut events = api.watch(&parameters, &self.seen.to_string()).await.unwrap().boxed();
        while self.seen < upto {
            match events.next().await {
                Some(Ok(WatchEvent::Added(object) | WatchEvent::Modified(object))) => {
                    self.advance(&object);
                    self.cache.extend([entry(&object)]);
                }
                Some(Ok(WatchEvent::Deleted(object))) => {
                    self.advance(&object);
                    assert!(self.cache.remove(&object.name_any()).is_some(), "deleted twice");
                }
                Some(Ok(WatchEvent::Bookmark(mark))) => {
                    let revision: u64 = mark.metadata.resource_version.parse().unwrap();
                    assert!(revision >= self.seen, "a bookmark went back");
                    self.seen = revision;
                }
                Some(Ok(WatchEvent::Error(status))) => {
                    assert_eq!(status.code, 410, "{status:?}");
                    self.seen = 0;
                    return;
                }
                Some(Err(error)) => panic!("{error}"),
                None => return,
            }
        }
    }

    fn advance(&mut self, object: &ConfigMap) {
        let revision: u64 = object.resource_version().unwrap().parse().unwrap();
        assert!(revision > self.seen, "revision {revision} came after {}", self.seen);
        self.seen = revision;
    }
}

fn entry(object: &ConfigMap) -> (String, String) {
    let value = object.data.clone().unwrap_or_default().remove("k").unwrap_or_default();
    (object.name_any(), value)
}

async fn write(api: &Api<ConfigMap>, name: u8, value: u8) {
    let object = config_map(&format!("n{name}"), &value.to_string());
    if api.create(&PostParams::default(), &object).await.is_err() {
        api.replace(&format!("n{name}"), &PostParams::default(), &object).await.unwrap();
    }
}

/// Takes the steps of a writer; the others are nothing to it.
async fn write_all(api: &Api<ConfigMap>, steps: impl IntoIterator<Item = &Step>) {
    for step in steps {
        match *step {
            Step::Write(name, value) => write(api, name, value).await,
            Step::Delete(name) => drop(api.delete(&format!("n{name}"), &DeleteParams::default()).await),
            _ => {}
        }
    }
}

async fn stored(api: &Api<ConfigMap>) -> Cache {
    api.list(&ListParams::default()).await.unwrap().items.iter().map(entry).collect()
}

/// Takes the steps, and returns what the watchers and the requests were.
async fn run(steps: &[Step]) -> (Vec<(Cache, u64, usize)>, Vec<String>) {
    let clock = Clock::standing_at("2026-01-01T00:00:00Z".parse().unwrap());
    let sandbox = Sandbox::builder().without_controllers().seed(1).clock(clock).start();
    sandbox.log_requests();
    let api: Api<ConfigMap> = Api::default_namespaced(client(&sandbox));
    let mut watchers: [Watcher; WATCHERS] = Default::default();
    let mut saved = sandbox.snapshot();
    for step in steps {
        match *step {
            Step::Write(name, value) => write(&api, name, value).await,
            Step::Delete(name) => drop(api.delete(&format!("n{name}"), &DeleteParams::default()).await),
            Step::Follow(watcher) => watchers[watcher].follow(&sandbox, &api, sandbox.revision()).await,
            Step::EndWatch(watcher, events) => watchers[watcher].ends_after = Some(events),
            Step::Compact => sandbox.compact(sandbox.revision()),
            Step::Restore => {
                sandbox.restore(&saved);
                saved = sandbox.snapshot();
            }
        }
    }
    let there = stored(&api).await;
    for watcher in &mut watchers {
        watcher.follow(&sandbox, &api, sandbox.revision()).await;
        assert_eq!(watcher.cache, there);
    }
    let trace = sandbox
        .take_requests()
        .into_iter()
        .map(|asked| format!("{} {}?{} {}", asked.method, asked.path, asked.query, asked.status));
    let ends = watchers.into_iter().map(|watcher| (watcher.cache, watcher.seen, watcher.lists)).collect();
    (ends, trace.collect())
}

fn block_on<F: Future>(future: F) -> F::Output {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async { tokio::time::timeout(Duration::from_secs(60), future).await.unwrap() })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn watchers_converge_whatever_breaks_off(steps in steps(1)) {
        block_on(run(&steps));
    }

    #[test]
    fn a_watch_may_go_on_from_every_revision(steps in steps(0)) {
        block_on(async {
            let sandbox = Sandbox::builder().without_controllers().seed(1).start();
            let api: Api<ConfigMap> = Api::default_namespaced(client(&sandbox));
            let first = sandbox.revision();
            write_all(&api, &steps).await;
            let all = events(&api, first, sandbox.revision()).await;
            // Nothing else is written here, so no revision is left out and none comes twice.
            let revisions: Vec<u64> = all.iter().map(|(revision, _)| *revision).collect();
            assert_eq!(revisions, (first + 1..=sandbox.revision()).collect::<Vec<_>>());
            for (position, from) in revisions.iter().enumerate() {
                assert_eq!(events(&api, *from, sandbox.revision()).await, all[position + 1..]);
            }
        });
    }

    #[test]
    fn a_walk_over_pages_shows_one_moment(steps in steps(0), limit in 1..4_u32) {
        block_on(async {
            let sandbox = Sandbox::builder().without_controllers().seed(1).start();
            let api: Api<ConfigMap> = Api::default_namespaced(client(&sandbox));
            for name in 0..5 {
                write(&api, name, 0).await;
            }
            let there = stored(&api).await;
            let mut steps = steps.iter();
            let (mut walked, mut token) = (Vec::new(), String::new());
            loop {
                let page = ListParams::default().limit(limit).continue_token(&token);
                let page = if token.is_empty() { ListParams::default().limit(limit) } else { page };
                let page = api.list(&page).await.unwrap();
                walked.extend(page.items.iter().map(entry));
                token = page.metadata.continue_.unwrap_or_default();
                if token.is_empty() {
                    break;
                }
                // Somebody writes between two pages.
                write_all(&api, steps.by_ref().take(4)).await;
            }
            assert_eq!(walked, there.into_iter().collect::<Vec<_>>());
        });
    }

    #[test]
    fn no_increment_is_lost(schedule in any::<u64>(), writers in 2..5_usize, lost in 0..3_usize) {
        block_on(async {
            let sandbox = Sandbox::builder().without_controllers().seed(1).schedule(schedule).start();
            let api: Api<ConfigMap> = Api::default_namespaced(client(&sandbox));
            api.create(&PostParams::default(), &config_map("counter", "0")).await.unwrap();
            let created = sandbox.revision();
            let refused = Fault::status(503, "ServiceUnavailable", "try again").on(Matching::any().method("PUT"));
            sandbox.inject(refused.times(lost));
            let each = 4;
            futures::future::join_all((0..writers).map(|_| increment(api.clone(), each))).await;
            let counter = api.get("counter").await.unwrap();
            assert_eq!(entry(&counter).1, (writers * each).to_string());
            // Each increment is one write, and nothing else wrote.
            assert_eq!(sandbox.revision(), created + (writers * each) as u64);
        });
    }

    #[test]
    fn the_same_seed_gives_the_same_trace(schedule in any::<u64>(), steps in steps(1)) {
        let traces: Vec<_> = (0..2).map(|_| block_on(race(schedule, &steps))).collect();
        assert_eq!(traces[0], traces[1]);
    }

    #[test]
    fn a_snapshot_brings_back_what_was(before in steps(0), after in steps(0)) {
        block_on(async {
            let sandbox = Sandbox::builder().without_controllers().seed(1).start();
            let api: Api<ConfigMap> = Api::default_namespaced(client(&sandbox));
            write_all(&api, &before).await;
            let (there, snapshot) = (stored(&api).await, sandbox.snapshot());
            write_all(&api, &after).await;
            let revision = sandbox.revision();
            sandbox.restore(&snapshot);
            assert_eq!(stored(&api).await, there);
            // Time goes on: a watcher must never take old news for new.
            assert!(sandbox.revision() > revision);
            let other = Sandbox::builder().without_controllers().start();
            other.restore(&snapshot);
            assert_eq!(stored(&Api::default_namespaced(client(&other))).await, there);
        });
    }
}

/// Returns the events after a revision, up to another.
async fn events(api: &Api<ConfigMap>, from: u64, upto: u64) -> Vec<(u64, String)> {
    let mut found = Vec::new();
    if from >= upto {
        return found;
    }
    let parameters = WatchParams::default();
    let mut events = api.watch(&parameters, &from.to_string()).await.unwrap().boxed();
    while found.last().is_none_or(|(revision, _)| *revision < upto) {
        let (what, object) = match events.next().await.unwrap().unwrap() {
            WatchEvent::Added(object) => ("added", object),
            WatchEvent::Modified(object) => ("modified", object),
            WatchEvent::Deleted(object) => ("deleted", object),
            WatchEvent::Bookmark(_) => continue,
            WatchEvent::Error(error) => panic!("{error:?}"),
        };
        found.push((
            object.resource_version().unwrap().parse().unwrap(),
            format!("{what} {:?}", entry(&object)),
        ));
    }
    found
}

/// Increments the counter, as everybody should: what has changed meanwhile is read again.
async fn increment(api: Api<ConfigMap>, times: usize) {
    for _ in 0..times {
        loop {
            let counter = api.get("counter").await.unwrap();
            let mut next =
                config_map("counter", &(entry(&counter).1.parse::<usize>().unwrap() + 1).to_string());
            next.metadata.resource_version = counter.metadata.resource_version;
            match api.replace("counter", &PostParams::default(), &next).await {
                Ok(_) => break,
                Err(kube::Error::Api(status)) => assert!(matches!(status.code, 409 | 503), "{status:?}"),
                Err(error) => panic!("{error}"),
            }
        }
    }
}

/// Lets several write at once what the steps say, and returns what was asked and answered, in order.
async fn race(schedule: u64, steps: &[Step]) -> (Vec<String>, String) {
    let clock = Clock::standing_at("2026-01-01T00:00:00Z".parse().unwrap());
    let builder = Sandbox::builder().without_controllers().seed(1).schedule(schedule).clock(clock);
    let sandbox = builder.start();
    sandbox.log_requests();
    let api: Api<ConfigMap> = Api::default_namespaced(client(&sandbox));
    let writers = steps.chunks(8).map(|steps| {
        let api = api.clone();
        async move {
            for step in steps {
                match *step {
                    Step::Write(name, value) => {
                        let object = config_map(&format!("n{name}"), &value.to_string());
                        let _ = api.create(&PostParams::default(), &object).await;
                        let _ = api.replace(&format!("n{name}"), &PostParams::default(), &object).await;
                    }
                    Step::Delete(name) => {
                        drop(api.delete(&format!("n{name}"), &DeleteParams::default()).await)
                    }
                    _ => drop(api.list(&ListParams::default()).await),
                }
            }
        }
    });
    futures::future::join_all(writers).await;
    let asked = sandbox
        .take_requests()
        .into_iter()
        .map(|asked| format!("{} {} {}", asked.method, asked.path, asked.status));
    let asked = asked.collect();
    // With their uids and times: those come from the seed and the clock.
    (asked, format!("{:?}", api.list(&ListParams::default()).await.unwrap().items))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 16, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_has_no_owner_left_is_collected(
        owners in proptest::collection::vec(proptest::collection::vec(any::<prop::sample::Index>(), 0..3), 2..10),
        removed in proptest::collection::btree_set(0..10_usize, 1..4),
    ) {
        block_on(async {
            let sandbox = Sandbox::builder().seed(1).start();
            let api: Api<ConfigMap> = Api::default_namespaced(client(&sandbox));
            let mut uids: Vec<String> = Vec::new();
            let mut of: Vec<BTreeSet<usize>> = Vec::new();
            for (number, owners) in owners.iter().enumerate() {
                // Owners are older: there are no circles.
                let chosen: BTreeSet<usize> =
                    owners.iter().filter(|_| number > 0).map(|owner| owner.index(number)).collect();
                let mut object = config_map(&format!("n{number}"), "1");
                let references = chosen.iter().map(|owner| {
                    json!({"apiVersion": "v1", "kind": "ConfigMap", "name": format!("n{owner}"), "uid": uids[*owner]})
                });
                object.metadata.owner_references =
                    Some(serde_json::from_value(references.collect()).unwrap());
                uids.push(api.create(&PostParams::default(), &object).await.unwrap().uid().unwrap());
                of.push(chosen);
            }
            let mut gone: BTreeSet<usize> = removed.iter().copied().filter(|number| *number < of.len()).collect();
            for number in &gone {
                let _ = api.delete(&format!("n{number}"), &DeleteParams::default()).await;
            }
            for (number, owners) in of.iter().enumerate() {
                if !owners.is_empty() && owners.is_subset(&gone) {
                    gone.insert(number);
                }
            }
            let left: BTreeSet<String> =
                (0..of.len()).filter(|number| !gone.contains(number)).map(|number| format!("n{number}")).collect();
            // Every namespace has a ConfigMap of its own, too.
            until(&api, |there| there.iter().filter(|name| *name != "kube-root-ca.crt").eq(left.iter())).await;
        });
    }

    #[test]
    fn namespaces_end_with_all_that_is_in_them(objects in proptest::collection::vec((0..3_u8, 0..4_u8), 0..10), ends in 0..8_u8) {
        block_on(async {
            let sandbox = Sandbox::builder().seed(1).start();
            let namespaces: Api<Namespace> = Api::all(client(&sandbox));
            for number in 0..3 {
                let object = json!({"metadata": {"name": format!("s{number}")}});
                namespaces.create(&PostParams::default(), &serde_json::from_value(object).unwrap()).await.unwrap();
            }
            let all: Api<ConfigMap> = Api::all(client(&sandbox));
            for (namespace, name) in &objects {
                let api: Api<ConfigMap> = Api::namespaced(client(&sandbox), &format!("s{namespace}"));
                let name = format!("s{namespace}-{name}");
                let _ = api.create(&PostParams::default(), &config_map(&name, "1")).await;
            }
            let ended = |namespace: u8| ends & (1 << namespace) != 0;
            for number in (0..3).filter(|number| ended(*number)) {
                namespaces.delete(&format!("s{number}"), &DeleteParams::default()).await.unwrap();
            }
            let kept = objects.iter().filter(|(namespace, _)| !ended(*namespace));
            let kept: BTreeSet<String> = kept.map(|(namespace, name)| format!("s{namespace}-{name}")).collect();
            until(&all, |there| there.iter().filter(|name| *name != "kube-root-ca.crt").eq(kept.iter())).await;
            until(&namespaces, |there| (0..3).all(|number| there.contains(&format!("s{number}")) != ended(number))).await;
        });
    }
}

/// Waits, by watching, until the names of the objects are as wanted.
async fn until<K>(api: &Api<K>, wanted: impl Fn(&BTreeSet<String>) -> bool)
where
    K: kube::Resource + Clone + std::fmt::Debug + serde::de::DeserializeOwned + Send + 'static,
{
    let list = api.list(&ListParams::default()).await.unwrap();
    let mut there: BTreeSet<String> = list.items.iter().map(kube::ResourceExt::name_any).collect();
    let parameters = WatchParams::default();
    let mut events = api.watch(&parameters, &list.metadata.resource_version.unwrap()).await.unwrap().boxed();
    while !wanted(&there) {
        match events.next().await.unwrap().unwrap() {
            WatchEvent::Added(object) | WatchEvent::Modified(object) => drop(there.insert(object.name_any())),
            WatchEvent::Deleted(object) => drop(there.remove(&object.name_any())),
            WatchEvent::Bookmark(_) => {}
            WatchEvent::Error(error) => panic!("{error:?}"),
        }
    }
}
