//! The whole way from a plan to a committed inventory.

use std::future::IntoFuture;
use std::pin::Pin;
use std::time::{Duration, Instant};

use futures::channel::mpsc;
use futures::future::{self, BoxFuture};
use futures::stream::{self, Stream};
use futures::{FutureExt, StreamExt};

use crate::applier::Applier;
use crate::error::ApplyError;
use crate::health::HealthOptions;
use crate::plan::Plan;
use crate::progress::{Listener, Progress};
use crate::report::{ApplyReport, ChangeSet, HealthReport, PruneReport};

/// When what left the set is deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum PruneOrder {
    /// When the new set is healthy, or at once when health is not waited for.
    #[default]
    AfterHealth,
    /// As soon as the new set is written, as Flux does.
    BeforeHealth,
    /// Never; what left the set leaves the inventory and stays in the cluster.
    Never,
}

/// An apply that begins when it is awaited, or read as a stream of its steps.
#[must_use = "an apply does nothing until it is awaited"]
pub struct Apply {
    applier: Applier,
    plan: Plan,
    health: Option<HealthOptions>,
    prune: PruneOrder,
}

/// A step of an apply, or its end.
#[derive(Debug)]
#[non_exhaustive]
pub enum Update {
    /// What has just happened.
    Step(Progress),
    /// How it ended; the last item.
    Finished(Box<Result<ApplyReport, ApplyError>>),
}

impl Applier {
    /// Applies a plan: claim, execute, health, prune, commit.
    pub fn apply(&self, plan: Plan) -> Apply {
        Apply { applier: self.clone(), plan, health: None, prune: PruneOrder::default() }
    }
}

impl Apply {
    /// Waits until the set is healthy, at most so long.
    pub fn wait(self, timeout: Duration) -> Self {
        self.wait_with(HealthOptions::new(timeout))
    }

    /// Waits until the set is healthy.
    pub fn wait_with(mut self, options: HealthOptions) -> Self {
        self.health = Some(options);
        self
    }

    /// Sets when what left the set is deleted.
    pub fn prune(mut self, order: PruneOrder) -> Self {
        self.prune = order;
        self
    }

    /// Runs the apply and yields its steps as they happen; dropping the stream stops it.
    pub fn into_stream(mut self) -> Pin<Box<dyn Stream<Item = Update> + Send>> {
        let (sender, receiver) = mpsc::unbounded();
        let (told, steps) = (self.applier.listener.clone(), sender.clone());
        self.applier.listener = Listener::new(move |progress: Progress| {
            told.tell(|| progress.clone());
            // The reader may have gone; then nobody wants to know.
            let _ = steps.unbounded_send(Update::Step(progress));
        });
        // The end goes the way of the steps, so that it cannot overtake them.
        let run = async move {
            let result = self.run().await;
            let _ = sender.unbounded_send(Update::Finished(Box::new(result)));
        };
        let run = run.into_stream().filter_map(|()| future::ready(None)).boxed();
        stream::select(receiver, run).boxed()
    }

    async fn run(self) -> Result<ApplyReport, ApplyError> {
        let started = Instant::now();
        let Apply { applier, plan, health, prune } = self;
        applier.claim(&plan).await?;
        let changes = applier.execute(&plan).await?;
        let mut pruned = PruneReport::default();
        if prune == PruneOrder::BeforeHealth {
            pruned = applier.prune(&plan.stale).await;
            applier.commit(&plan, &changes, pruned.survivors().cloned()).await?;
        }
        let health = match health {
            Some(options) => Some(wait(&applier, &plan, options, &changes, &pruned).await?),
            None => None,
        };
        if prune == PruneOrder::AfterHealth {
            pruned = applier.prune(&plan.stale).await;
        }
        let inventory = applier.commit(&plan, &changes, pruned.survivors().cloned()).await?;
        if !pruned.is_complete() {
            return Err(ApplyError::Prune { changes, pruned: Box::new(pruned) });
        }
        Ok(ApplyReport { changes, pruned, health, inventory, elapsed: started.elapsed() })
    }
}

async fn wait(
    applier: &Applier,
    plan: &Plan,
    options: HealthOptions,
    changes: &ChangeSet,
    pruned: &PruneReport,
) -> Result<HealthReport, ApplyError> {
    let health = applier.health_of(plan, options).await;
    if health.is_healthy() {
        Ok(health)
    } else {
        Err(ApplyError::Unhealthy { health, changes: changes.clone(), pruned: Box::new(pruned.clone()) })
    }
}

impl IntoFuture for Apply {
    type Output = Result<ApplyReport, ApplyError>;
    type IntoFuture = BoxFuture<'static, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        self.run().boxed()
    }
}
