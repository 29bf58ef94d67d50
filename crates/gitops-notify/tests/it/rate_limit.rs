//! How often the same event is taken.

use std::time::{Duration, Instant};

use gitops_notify::{RateLimiter, event_key};

use crate::setup::event;

#[test]
fn intervals_follow_one_another_from_the_first() {
    let mut limiter = RateLimiter::new(Duration::from_secs(300));
    let start = Instant::now();
    let mut check = |after: u64, taken: bool| {
        assert_eq!(limiter.admit("key", start + Duration::from_secs(after)).is_ok(), taken, "{after}");
    };
    check(0, true);
    check(299, false);
    check(540, true);
    check(599, false);
    check(600, true);
    check(601, false);
}

#[test]
fn an_interval_of_zero_takes_everything() {
    let mut limiter = RateLimiter::new(Duration::ZERO);
    let now = Instant::now();
    assert!((0..3).all(|_| limiter.admit("key", now).is_ok()));
}

#[test]
fn memory_is_bounded_and_the_oldest_are_forgotten_first() {
    let mut limiter = RateLimiter::new(Duration::from_secs(300));
    let start = Instant::now();
    for number in 0..80_000_u64 {
        assert!(limiter.admit(&number.to_string(), start + Duration::from_micros(number)).is_ok());
    }
    let now = start + Duration::from_secs(1);
    assert!(limiter.admit("79999", now).is_err(), "the newest is remembered");
    assert!(limiter.admit("0", now).is_ok(), "the oldest is forgotten");
}

#[test]
fn severity_and_reason_are_no_part_of_the_key_but_revisions_and_token_are() {
    let base = event("app", "m");
    let check = |change: &dyn Fn(&mut gitops_api::Event), same: bool| {
        let mut other = base.clone();
        change(&mut other);
        assert_eq!(event_key(&other) == event_key(&base), same);
    };
    check(&|event| event.severity = gitops_api::Severity::Error, true);
    check(&|event| event.reason = "Other".to_owned(), true);
    check(&|event| event.message = "other".to_owned(), false);
    check(&|event| event.involved_object.name = Some("other".to_owned()), false);
    for key in ["revision", "originRevision", "token"] {
        let set = |group: &str| {
            let key = format!("{group}/{key}");
            move |event: &mut gitops_api::Event| drop(event.metadata.insert(key.clone(), "1".to_owned()))
        };
        check(&set("kustomize.toolkit.fluxcd.io"), false);
        check(&set("event.toolkit.fluxcd.io"), true);
    }
}
