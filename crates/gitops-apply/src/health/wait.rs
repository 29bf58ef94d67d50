//! Waiting until objects are as asked for, or gone.

use std::collections::HashSet;
use std::fmt;
use std::future::Future;
use std::time::Duration;

use futures::future::{BoxFuture, Shared};
use futures::{FutureExt, StreamExt};
use gitops_api::ObjectId;
use jiff::Timestamp;
use serde_json::Value;
use tokio::time::Instant;

use super::observe::{Seen, observe};
use super::{Assessment, HealthRules, Status};
use crate::cluster::{Cluster, Place};
use crate::fields::uid;
use crate::progress::{Listener, Progress};
use crate::report::{HealthOutcome, HealthReport, ObjectHealth};

/// How health is waited for.
#[derive(Clone)]
#[non_exhaustive]
pub struct HealthOptions {
    /// The longest wait.
    pub timeout: Duration,
    /// Whether the first failed object ends the wait; on unless told otherwise, as in Flux.
    pub fail_fast: bool,
    /// The rules by which objects are assessed.
    pub rules: HealthRules,
    /// Objects that may be absent, such as Jobs that remove themselves when they are done.
    pub absent_is_fine: HashSet<ObjectId>,
    interrupt: Option<Shared<BoxFuture<'static, ()>>>,
}

impl HealthOptions {
    /// Returns options with a longest wait, Flux's rules, and an end at the first failure.
    #[must_use]
    pub fn new(timeout: Duration) -> Self {
        HealthOptions {
            timeout,
            fail_fast: true,
            rules: HealthRules::new(),
            absent_is_fine: HashSet::new(),
            interrupt: None,
        }
    }

    /// Sets the rules by which objects are assessed.
    #[must_use]
    pub fn with_rules(mut self, rules: HealthRules) -> Self {
        self.rules = rules;
        self
    }

    /// Waits for all objects even when one has failed.
    #[must_use]
    pub fn without_fail_fast(mut self) -> Self {
        self.fail_fast = false;
        self
    }

    /// Ends the wait when the future ends, for example because a newer revision has arrived.
    #[must_use]
    pub fn interrupted_by(mut self, signal: impl Future<Output = ()> + Send + 'static) -> Self {
        self.interrupt = Some(signal.boxed().shared());
        self
    }
}

impl fmt::Debug for HealthOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HealthOptions")
            .field("timeout", &self.timeout)
            .field("fail_fast", &self.fail_fast)
            .field("rules", &self.rules)
            .finish_non_exhaustive()
    }
}

/// An object that is waited for; without a place its kind is not served.
#[derive(Clone)]
pub(crate) struct Target {
    pub(crate) id: ObjectId,
    pub(crate) place: Option<Place>,
}

/// Waits until all objects are as asked for, one has failed, time is up, or the caller breaks it off.
pub(crate) async fn until_healthy(
    cluster: &Cluster,
    targets: Vec<Target>,
    options: &HealthOptions,
    listener: &Listener,
) -> HealthReport {
    let started = Instant::now();
    let deadline = started + options.timeout;
    let mut watch = Watching::new(targets, options);
    let mut seen = observe(cluster, &watch.places());
    let outcome = loop {
        if let Some(outcome) = watch.outcome() {
            break outcome;
        }
        let recheck = watch.next_recheck();
        tokio::select! {
            biased;
            () = interrupted(options) => break HealthOutcome::Interrupted,
            batch = next(&mut seen) => batch.into_iter().for_each(|one| watch.see(one, listener)),
            () = at(recheck) => watch.assess_again(listener),
            () = tokio::time::sleep_until(deadline) => break HealthOutcome::TimedOut,
        }
    };
    watch.report(outcome, started.elapsed())
}

/// Waits until all objects with these UIDs are gone; returns those that are left when time is up.
pub(crate) async fn until_gone(
    cluster: &Cluster,
    places: &[(Place, Option<String>)],
    timeout: Duration,
) -> Vec<usize> {
    let deadline = Instant::now() + timeout;
    let mut left: HashSet<usize> = (0..places.len()).collect();
    let indexed: Vec<(usize, Place)> = places.iter().map(|(place, _)| place.clone()).enumerate().collect();
    let mut seen = observe(cluster, &indexed);
    while !left.is_empty() {
        tokio::select! {
            batch = next(&mut seen) => for (index, object) in batch {
                let expected = places[index].1.as_deref();
                let gone = object.as_ref().is_none_or(|object| expected.is_some() && uid(object) != expected);
                if gone {
                    left.remove(&index);
                }
            },
            () = tokio::time::sleep_until(deadline) => break,
        }
    }
    let mut left: Vec<usize> = left.into_iter().collect();
    left.sort_unstable();
    left
}

async fn next(seen: &mut (impl futures::Stream<Item = Vec<Seen>> + Unpin)) -> Vec<Seen> {
    match seen.next().await {
        Some(batch) => batch,
        None => std::future::pending().await,
    }
}

async fn interrupted(options: &HealthOptions) {
    match options.interrupt.clone() {
        Some(signal) => signal.await,
        None => std::future::pending().await,
    }
}

async fn at(time: Option<Instant>) {
    match time {
        Some(time) => tokio::time::sleep_until(time).await,
        None => std::future::pending().await,
    }
}

struct Watching<'a> {
    options: &'a HealthOptions,
    targets: Vec<Watched>,
}

struct Watched {
    id: ObjectId,
    place: Option<Place>,
    assessment: Option<Assessment>,
    /// The object and when to look at it again, for rules that depend on age.
    recheck: Option<(Instant, Value)>,
}

impl<'a> Watching<'a> {
    fn new(targets: Vec<Target>, options: &'a HealthOptions) -> Self {
        let targets = targets
            .into_iter()
            .map(|target| Watched {
                assessment: target.place.is_none().then(Assessment::not_found),
                id: target.id,
                place: target.place,
                recheck: None,
            })
            .collect();
        Watching { options, targets }
    }

    fn places(&self) -> Vec<(usize, Place)> {
        self.targets
            .iter()
            .enumerate()
            .filter_map(|(index, target)| Some((index, target.place.clone()?)))
            .collect()
    }

    fn see(&mut self, (index, object): Seen, listener: &Listener) {
        let Some(target) = self.targets.get_mut(index) else { return };
        let assessment = match &object {
            Some(object) => self.options.rules.assess(object, Timestamp::now()),
            None => Assessment::not_found(),
        };
        target.recheck = assessment.recheck.and_then(|after| Some((Instant::now() + after, object?)));
        if target.assessment.as_ref() != Some(&assessment) {
            listener.tell(|| Progress::Health { id: target.id.clone(), assessment: assessment.clone() });
        }
        target.assessment = Some(assessment);
    }

    fn next_recheck(&self) -> Option<Instant> {
        self.targets.iter().filter_map(|target| target.recheck.as_ref().map(|(when, _)| *when)).min()
    }

    fn assess_again(&mut self, listener: &Listener) {
        let now = Instant::now();
        let due: Vec<Seen> = self
            .targets
            .iter_mut()
            .enumerate()
            .filter(|(_, target)| target.recheck.as_ref().is_some_and(|(when, _)| *when <= now))
            .filter_map(|(index, target)| Some((index, Some(target.recheck.take()?.1))))
            .collect();
        due.into_iter().for_each(|one| self.see(one, listener));
    }

    fn is_healthy(&self, target: &Watched) -> bool {
        match target.assessment.as_ref().map(|assessment| assessment.status) {
            Some(Status::Current) => true,
            Some(Status::NotFound) => self.options.absent_is_fine.contains(&target.id),
            _ => false,
        }
    }

    fn outcome(&self) -> Option<HealthOutcome> {
        let failed = |target: &Watched| {
            target.assessment.as_ref().is_some_and(|assessment| assessment.status == Status::Failed)
        };
        if self.targets.iter().all(|target| self.is_healthy(target)) {
            Some(HealthOutcome::Healthy)
        } else if self.options.fail_fast && self.targets.iter().any(failed) {
            Some(HealthOutcome::FailedEarly)
        } else {
            None
        }
    }

    fn report(self, outcome: HealthOutcome, elapsed: Duration) -> HealthReport {
        let objects = self
            .targets
            .iter()
            .map(|target| ObjectHealth {
                id: target.id.clone(),
                assessment: target.assessment.clone(),
                healthy: self.is_healthy(target),
            })
            .collect();
        HealthReport { outcome, objects, elapsed }
    }
}
