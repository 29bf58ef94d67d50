//! Order, retries, bounds, receipts: on a clock that stands still until everybody waits.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::FutureExt as _;
use futures::StreamExt as _;
use futures::future::BoxFuture;
use gitops_api::Event;
use gitops_notify::{
    Cause, Directory, DispatchOptions, Dispatcher, GiveUp, NotifyError, ObjectKey, Observation, Outcome,
    ProviderRecord, Receipt, RetryPolicy, RouteOptions, Routes, Skip,
};
use serde_json::json;
use tokio::time::Instant;

use crate::setup::{alert_of, dispatcher, event, is_delivered, nowhere, provider_of, scripted};

fn unavailable(retry_after: Option<u64>) -> NotifyError {
    NotifyError::Status {
        status: 503,
        body: String::new(),
        retry_after: retry_after.map(Duration::from_secs),
    }
}

fn why(receipt: &Receipt) -> GiveUp {
    match &receipt.outcome {
        Outcome::GivenUp(failed) => failed.why,
        other => panic!("{other:?}"),
    }
}

/// What arrived, per object, in the order of arrival.
#[derive(Clone, Default)]
struct Arrivals(Arc<Mutex<BTreeMap<String, Vec<String>>>>);

impl Arrivals {
    fn note(&self, event: &Event) {
        let name = event.involved_object.name.clone().unwrap();
        self.0.lock().unwrap().entry(name).or_default().push(event.message.clone());
    }

    fn of(&self, name: &str) -> Vec<String> {
        self.0.lock().unwrap().get(name).cloned().unwrap_or_default()
    }
}

/// A stream of numbers that is the same in every run (Knuth's MMIX generator).
fn random(seed: &AtomicUsize) -> usize {
    let next = |seed: usize| {
        Some(seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407))
    };
    seed.fetch_update(Ordering::SeqCst, Ordering::SeqCst, next).unwrap() >> 33
}

#[tokio::test(start_paused = true)]
async fn a_sink_that_fails_three_times_in_ten_gets_everything_in_order() {
    let arrivals = Arrivals::default();
    let (seed, noted) = (AtomicUsize::new(7), arrivals.clone());
    let options = scripted(DispatchOptions::default(), move |event| {
        let fails = random(&seed) % 10 < 3;
        if !fails {
            noted.note(event);
        }
        async move { if fails { Err(unavailable(None)) } else { Ok(()) } }.boxed()
    });
    let (dispatcher, _, receipts) = dispatcher(vec![nowhere("chat")], options);
    let start = Instant::now();
    for number in 0..50 {
        for name in ["a", "b", "c", "d"] {
            dispatcher.accept(event(name, &format!("{number}"))).await.unwrap();
        }
    }
    let receipts = receipts.wait(200).await;
    assert!(receipts.iter().all(is_delivered));
    assert!(start.elapsed() <= RetryPolicy::default().patience);
    assert!(receipts.iter().any(|receipt| receipt.attempts > 1), "some were tried again");
    let wanted: Vec<String> = (0..50).map(|number| number.to_string()).collect();
    for name in ["a", "b", "c", "d"] {
        assert_eq!(arrivals.of(name), wanted, "{name}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_sink_that_never_answers_costs_its_own_events_only_and_within_the_bound() {
    let arrivals = Arrivals::default();
    let noted = arrivals.clone();
    let options = DispatchOptions::default().factory(move |settings| {
        let (dead, noted) = (settings.channel() == "dead", noted.clone());
        Ok(Arc::new(crate::setup::Scripted(Arc::new(move |event: &Event| {
            if dead {
                return std::future::pending().boxed();
            }
            noted.note(event);
            async { Ok(()) }.boxed()
        }))))
    });
    let dead = provider_of(
        "dead",
        json!({"type": "generic", "address": "http://nowhere.example", "channel": "dead"}),
    );
    let (dispatcher, _, receipts) = dispatcher(vec![dead, nowhere("live")], options);
    let start = Instant::now();
    for number in 0..20 {
        let accepted = dispatcher.accept(event("app", &format!("{number}"))).await.unwrap();
        assert_eq!(accepted.deliveries, 2);
    }
    let early = receipts.wait(20).await;
    assert!(early.iter().all(|receipt| receipt.provider.name == "live" && is_delivered(receipt)));
    assert_eq!(start.elapsed(), Duration::ZERO, "nobody waited for the dead one");
    let all = receipts.wait(40).await;
    assert!(start.elapsed() <= RetryPolicy::default().patience + Duration::from_millis(50));
    let late: Vec<&Receipt> = all.iter().filter(|receipt| receipt.provider.name == "dead").collect();
    assert_eq!(late.iter().map(|receipt| receipt.event).collect::<Vec<_>>(), (0..20).collect::<Vec<_>>());
    assert!(late.iter().all(|receipt| why(receipt) == GiveUp::Time));
    assert_eq!(dispatcher.waiting(), 0);
}

#[tokio::test(start_paused = true)]
async fn the_service_says_how_long_to_wait() {
    let times = Arc::new(Mutex::new(Vec::new()));
    let (kept, start) = (Arc::clone(&times), Instant::now());
    let options = scripted(DispatchOptions::default(), move |_| {
        let mut times = kept.lock().unwrap();
        times.push(start.elapsed().as_secs());
        let answer = match times.len() {
            1 => Err(unavailable(Some(90))),
            2 => Err(unavailable(None)),
            _ => Ok(()),
        };
        async move { answer }.boxed()
    });
    let (dispatcher, _, receipts) = dispatcher(vec![nowhere("chat")], options);
    dispatcher.accept(event("app", "m")).await.unwrap();
    let receipt = receipts.wait(1).await.remove(0);
    assert!(is_delivered(&receipt));
    assert_eq!(receipt.attempts, 3);
    assert_eq!(*times.lock().unwrap(), [0, 90, 92]);
    let retries = receipts.observations().into_iter().filter_map(|observation| match observation {
        Observation::Retry { attempts, wait, .. } => Some((attempts, wait.as_secs())),
        _ => None,
    });
    assert_eq!(retries.collect::<Vec<_>>(), [(1, 90), (2, 2)]);
}

#[tokio::test(start_paused = true)]
async fn one_outage_of_a_day_is_told_as_such_and_at_once() {
    let options = scripted(DispatchOptions::default(), |_| async { Err(unavailable(Some(86_400))) }.boxed());
    let (dispatcher, _, receipts) = dispatcher(vec![nowhere("chat")], options);
    let start = Instant::now();
    dispatcher.accept(event("app", "m")).await.unwrap();
    assert_eq!(why(&receipts.wait(1).await[0]), GiveUp::Time);
    assert_eq!(start.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn tries_and_patience_end() {
    let check = async |retry: RetryPolicy, attempts: u32, want: GiveUp| {
        let options = DispatchOptions::default().retry(retry);
        let options = scripted(options, |_| async { Err(unavailable(None)) }.boxed());
        let (dispatcher, _, receipts) = dispatcher(vec![nowhere("chat")], options);
        dispatcher.accept(event("app", "m")).await.unwrap();
        let receipt = receipts.wait(1).await.remove(0);
        assert_eq!((why(&receipt), receipt.attempts), (want, attempts));
    };
    let second = Duration::from_secs(1);
    check(RetryPolicy::default().attempts(3), 3, GiveUp::Attempts).await;
    check(RetryPolicy::default().waits(second, second).patience(second * 5), 5, GiveUp::Time).await;
}

#[tokio::test(start_paused = true)]
async fn a_full_queue_gives_up_the_newest_and_leaves_other_providers_alone() {
    let options = scripted(DispatchOptions::default().queue(5, 1 << 20), |_| std::future::pending().boxed());
    let (dispatcher, _, receipts) = dispatcher(vec![nowhere("chat")], options);
    for number in 0..8 {
        dispatcher.accept(event(&format!("app-{number}"), "m")).await.unwrap();
    }
    let receipts = receipts.wait(3).await;
    assert_eq!(receipts.iter().map(|receipt| receipt.event).collect::<Vec<_>>(), [5, 6, 7]);
    assert!(receipts.iter().all(|receipt| why(receipt) == GiveUp::QueueFull));
    assert_eq!(
        receipts[0].to_string(),
        "failed to dispatch notification for Kustomization/apps/app-5: the queue of provider apps/chat is full (5 deliveries)"
    );
    assert_eq!(dispatcher.waiting(), 5);
}

#[tokio::test(start_paused = true)]
async fn large_events_fill_the_queue_by_their_bytes() {
    let options =
        scripted(DispatchOptions::default().queue(1000, 10_000), |_| std::future::pending().boxed());
    let (dispatcher, _, receipts) = dispatcher(vec![nowhere("chat")], options);
    for number in 0..5 {
        dispatcher.accept(event("app", &format!("{number}{}", "x".repeat(3000)))).await.unwrap();
    }
    assert_eq!(receipts.wait(3).await.len(), 3);
    assert_eq!(dispatcher.waiting(), 2);
}

#[tokio::test(start_paused = true)]
async fn an_event_that_finds_no_room_at_all_is_refused_and_may_come_again() {
    let options = scripted(DispatchOptions::default().queue(1, 1 << 20), |_| std::future::pending().boxed());
    let providers = (0..16).map(|number| nowhere(&format!("chat-{number}"))).collect();
    let (dispatcher, _, receipts) = dispatcher(providers, options);
    assert_eq!(dispatcher.accept(event("app", "first")).await.unwrap().deliveries, 16);
    let refused = dispatcher.accept(event("app", "second")).await;
    assert!(matches!(refused, Err(NotifyError::Overloaded { waiting: 16 })), "{refused:?}");
    receipts.wait(16).await;
    assert!(dispatcher.accept(event("app", "second")).await.is_ok(), "it was not taken for a repetition");
}

#[tokio::test(start_paused = true)]
async fn what_waits_at_the_end_is_delivered_or_told() {
    let options = scripted(DispatchOptions::default(), |event| {
        let slow = if event.message == "slow" { Duration::from_secs(3600) } else { Duration::from_secs(2) };
        async move {
            tokio::time::sleep(slow).await;
            Ok(())
        }
        .boxed()
    });
    let (dispatcher, _, receipts) = dispatcher(vec![nowhere("chat")], options);
    dispatcher.accept(event("quick", "quick")).await.unwrap();
    dispatcher.accept(event("slow", "slow")).await.unwrap();
    dispatcher.accept(event("slow", "behind the slow one")).await.unwrap();
    let start = Instant::now();
    dispatcher.shutdown(Duration::from_secs(10)).await;
    assert_eq!(start.elapsed().as_secs(), 10);
    let receipts = receipts.all();
    assert_eq!(receipts.len(), 3);
    assert!(is_delivered(&receipts[0]));
    assert_eq!((why(&receipts[1]), why(&receipts[2])), (GiveUp::ShutDown, GiveUp::ShutDown));
    let refused = dispatcher.accept(event("late", "late")).await;
    assert!(matches!(refused, Err(NotifyError::ShuttingDown)), "{refused:?}");
}

#[tokio::test(start_paused = true)]
async fn no_more_requests_than_allowed_are_under_way_to_one_provider() {
    let (now, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let (running, highest) = (Arc::clone(&now), Arc::clone(&most));
    let options = scripted(DispatchOptions::default().concurrency(3), move |_| {
        let running = Arc::clone(&running);
        highest.fetch_max(running.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
        async move {
            tokio::time::sleep(Duration::from_secs(1)).await;
            running.fetch_sub(1, Ordering::SeqCst);
            Ok(())
        }
        .boxed()
    });
    let (dispatcher, _, receipts) = dispatcher(vec![nowhere("chat")], options);
    for number in 0..12 {
        dispatcher.accept(event(&format!("app-{number}"), "m")).await.unwrap();
    }
    assert!(receipts.wait(12).await.iter().all(is_delivered));
    assert_eq!(most.load(Ordering::SeqCst), 3);
}

#[tokio::test(start_paused = true)]
async fn one_object_that_fails_does_not_hold_others_up() {
    let options = scripted(DispatchOptions::default().concurrency(1), |event| {
        let fails = event.involved_object.name.as_deref() == Some("broken");
        async move { if fails { Err(unavailable(None)) } else { Ok(()) } }.boxed()
    });
    let (dispatcher, _, receipts) = dispatcher(vec![nowhere("chat")], options);
    let start = Instant::now();
    dispatcher.accept(event("broken", "m")).await.unwrap();
    dispatcher.accept(event("fine", "m")).await.unwrap();
    let first = receipts.wait(1).await.remove(0);
    assert_eq!(first.object, "Kustomization/apps/fine");
    assert_eq!(start.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn a_provider_whose_code_breaks_off_is_told_and_the_next_event_goes_on() {
    let options = scripted(DispatchOptions::default(), |event| {
        let breaks = event.message == "bad";
        async move {
            assert!(!breaks, "as the test asks");
            Ok(())
        }
        .boxed()
    });
    let (dispatcher, _, receipts) = dispatcher(vec![nowhere("chat")], options);
    dispatcher.accept(event("app", "bad")).await.unwrap();
    dispatcher.accept(event("app", "good")).await.unwrap();
    let receipts = receipts.wait(2).await;
    assert_eq!(why(&receipts[0]), GiveUp::Panic);
    assert!(is_delivered(&receipts[1]));
}

#[tokio::test(start_paused = true)]
async fn what_a_provider_lacks_is_told_in_fluxs_words() {
    let (dispatcher, _, receipts) = dispatcher(vec![], DispatchOptions::default());
    let sources = json!([{"kind": "Kustomization", "name": "*"}]);
    dispatcher
        .routes()
        .set(&alert_of("a", json!({"providerRef": {"name": "nope"}, "eventSources": sources})));
    dispatcher.accept(event("app", "m")).await.unwrap();
    receipts.wait(1).await;
    let warnings: Vec<_> = receipts.observations().iter().filter_map(Observation::warning).collect();
    assert_eq!(warnings.len(), 1);
    assert_eq!(warnings[0].reason, "NotificationDispatchFailed");
    assert_eq!(
        warnings[0].message,
        "failed to dispatch notification for Kustomization/apps/app: failed to read provider: \
         Provider.notification.toolkit.fluxcd.io \"nope\" not found"
    );
}

#[tokio::test(start_paused = true)]
async fn suspended_providers_and_mere_updates_of_a_commits_status_are_skipped_and_told() {
    let options = scripted(DispatchOptions::default(), |_| async { Ok(()) }.boxed());
    let slack = provider_of("slack", json!({"type": "slack", "address": "http://nowhere.example"}));
    let idle =
        provider_of("idle", json!({"type": "generic", "address": "http://nowhere.example", "suspend": true}));
    let (dispatcher, _, receipts) = dispatcher(vec![slack, idle, nowhere("all")], options);
    let mut update = event("app", "m");
    update.metadata.insert("kustomize.toolkit.fluxcd.io/commit_status".to_owned(), "update".to_owned());
    dispatcher.accept(update).await.unwrap();
    let mut outcomes: Vec<(String, Outcome)> =
        receipts.wait(3).await.into_iter().map(|receipt| (receipt.provider.name, receipt.outcome)).collect();
    outcomes.sort_by(|a, b| a.0.cmp(&b.0));
    let want = [
        ("all".to_owned(), Outcome::Delivered),
        ("idle".to_owned(), Outcome::Skipped(Skip::Suspended)),
        ("slack".to_owned(), Outcome::Skipped(Skip::CommitStatus)),
    ];
    assert_eq!(outcomes, want);
}

#[tokio::test(start_paused = true)]
async fn a_change_of_a_provider_counts_for_what_waits() {
    let made = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&made);
    let options = DispatchOptions::default().factory(move |settings| {
        counted.fetch_add(1, Ordering::SeqCst);
        let good = settings.channel() == "good";
        Ok(Arc::new(crate::setup::Scripted(Arc::new(move |_: &Event| {
            async move { if good { Ok(()) } else { Err(unavailable(None)) } }.boxed()
        }))))
    });
    let (dispatcher, directory, receipts) = dispatcher(vec![nowhere("chat")], options);
    dispatcher.accept(event("app", "1")).await.unwrap();
    tokio::time::sleep(Duration::from_secs(10)).await;
    assert_eq!(made.load(Ordering::SeqCst), 1, "made once while nothing changes");
    let better = json!({"type": "generic", "address": "http://nowhere.example", "channel": "good"});
    directory.set_provider(provider_of("chat", better), Default::default());
    assert!(is_delivered(&receipts.wait(1).await[0]));
    assert_eq!(made.load(Ordering::SeqCst), 2);
}

#[tokio::test(start_paused = true)]
async fn whoever_reads_too_slowly_is_told_what_was_missed() {
    let mut options = scripted(DispatchOptions::default(), |_| async { Ok(()) }.boxed());
    options.backlog = 4;
    let (dispatcher, _, receipts) = dispatcher(vec![nowhere("chat")], options);
    let mut slow = dispatcher.observations();
    for number in 0..20 {
        dispatcher.accept(event("app", &format!("{number}"))).await.unwrap();
    }
    receipts.wait(20).await;
    assert!(matches!(slow.next().await, Some(Observation::Missed { count: 36 })));
}

/// A directory whose API server is away.
struct Away;

impl Directory for Away {
    fn provider<'a>(&'a self, _: &'a ObjectKey) -> BoxFuture<'a, Result<Option<ProviderRecord>, Cause>> {
        async { Err("the API server is away".into()) }.boxed()
    }

    fn labels<'a>(
        &'a self,
        _: &'a gitops_api::k8s_openapi::api::core::v1::ObjectReference,
    ) -> BoxFuture<'a, Result<Option<BTreeMap<String, String>>, Cause>> {
        async { Err("the API server is away".into()) }.boxed()
    }
}

#[tokio::test(start_paused = true)]
async fn while_nothing_can_be_read_it_is_tried_again_and_told_at_last() {
    let routes = Routes::new(RouteOptions::default());
    let source = |labels| json!([{"kind": "Kustomization", "name": "*", "matchLabels": labels}]);
    let spec = |labels| json!({"providerRef": {"name": "chat"}, "eventSources": source(labels)});
    routes.set(&alert_of("all", spec(json!({}))));
    routes.set(&alert_of("blue", spec(json!({"team": "blue"}))));
    let dispatcher = Dispatcher::new(routes, Arc::new(Away), DispatchOptions::default());
    let mut seen = dispatcher.observations();
    let accepted = dispatcher.accept(event("app", "m")).await.unwrap();
    assert_eq!(accepted.deliveries, 2);
    let mut receipts = Vec::new();
    while receipts.len() < 2 {
        if let Some(Observation::Receipt(receipt)) = seen.next().await {
            receipts.push(receipt);
        }
    }
    assert_eq!((receipts[0].alert.name.as_str(), why(&receipts[0])), ("blue", GiveUp::Labels));
    assert_eq!(
        receipts[0].to_string(),
        "failed to dispatch notification for Kustomization/apps/app: failed to read the labels of \
         Kustomization/apps/app: the API server is away"
    );
    assert_eq!((receipts[1].alert.name.as_str(), why(&receipts[1])), ("all", GiveUp::Time));
    assert_eq!(receipts[1].attempts, 0, "nothing was ever sent");
}

#[tokio::test(start_paused = true)]
async fn what_an_alerts_author_should_know_is_told_in_fluxs_words() {
    let options = scripted(DispatchOptions::default(), |_| async { Ok(()) }.boxed());
    let (dispatcher, _, receipts) = dispatcher(vec![nowhere("chat")], options);
    dispatcher.routes().set(&alert_of(
        "chat",
        json!({
            "providerRef": {"name": "chat"},
            "eventSources": [{"kind": "Kustomization", "name": "*"}],
            "summary": "production",
            "eventMetadata": {"revision": "mine", "team": "blue"},
            "exclusionList": ["["],
        }),
    ));
    let mut event = event("app", "m");
    for (key, value) in [
        ("kustomize.toolkit.fluxcd.io/revision", "main@sha1:0"),
        ("event.toolkit.fluxcd.io/team", "red"),
        ("event.toolkit.fluxcd.io/ticket", "12"),
    ] {
        event.metadata.insert(key.to_owned(), value.to_owned());
    }
    dispatcher.accept(event).await.unwrap();
    assert!(is_delivered(&receipts.wait(1).await[0]));
    let warnings: Vec<_> = receipts.observations().iter().filter_map(Observation::warning).collect();
    assert_eq!(
        warnings.iter().map(|warning| warning.reason).collect::<Vec<_>>(),
        ["InvalidConfig", "MetadataAppendFailed"]
    );
    assert_eq!(warnings[0].message, "failed to compile exclusion regex: [");
    let origins = [
        ("revision", "Alert object .spec.eventMetadata, involved object controller metadata"),
        ("team", "involved object annotations, Alert object .spec.eventMetadata"),
    ];
    let origins = origins.map(|(key, origin)| (key.to_owned(), origin.to_owned()));
    assert_eq!(warnings[1].annotations, BTreeMap::from(origins));
}
