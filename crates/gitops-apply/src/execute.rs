//! Writing a plan, stage by stage.

use std::time::{Duration, Instant};

use futures::FutureExt;
use serde_json::Value;

use crate::applier::{Applier, concurrently, failure, planned};
use crate::cluster::{Deletion, Mode, Place};
use crate::error::{ApplyError, ObjectFailure, Operation};
use crate::failure::CallFailure;
use crate::fields::uid;
use crate::health::{HealthOptions, Target, until_gone, until_healthy};
use crate::mask::Secrets;
use crate::order::{Stage, rank};
use crate::plan::{Intent, Plan, PlannedObject};
use crate::prepare::Prepared;
use crate::progress::Progress;
use crate::report::{Action, Change, ChangeSet, HealthOutcome};

/// How often a take-over of fields is begun anew when other writers are faster.
const TAKE_OVER_TRIES: usize = 5;
/// How long a failure of what was just written may be one of before: a definition does not say which generation its
/// conditions are about.
const JUDGED_ANEW: Duration = Duration::from_secs(2);
/// How long the kinds of an established definition may take to be served.
const KIND_APPEARS: Duration = Duration::from_secs(10);

impl Applier {
    /// Writes a plan: every stage in turn, the objects of a stage many at once, kind after kind in Flux's order.
    ///
    /// Call [`claim`](Self::claim) before. When an object cannot be written, its neighbours of the same kind still are;
    /// what comes after them is not begun.
    ///
    /// # Errors
    /// With what was written nevertheless, in [`ApplyError::changes`].
    pub async fn execute(&self, plan: &Plan) -> Result<ChangeSet, ApplyError> {
        let mut changes = ChangeSet::new();
        for stage in Stage::ALL {
            let objects = self.resolve(plan, stage, &changes).await?;
            if objects.is_empty() {
                continue;
            }
            self.listener.tell(|| Progress::StageStarted { stage, objects: objects.len() });
            self.write_stage(&objects, &mut changes).await?;
            if stage.waits() {
                self.settle(stage, &objects, &changes).await?;
            }
        }
        Ok(changes)
    }

    /// Tries what was deferred until now; a refusal keeps the whole stage from being written.
    async fn resolve(
        &self,
        plan: &Plan,
        stage: Stage,
        changes: &ChangeSet,
    ) -> Result<Vec<PlannedObject>, ApplyError> {
        let is_deferred = |object: &PlannedObject| matches!(object.intent, Intent::Deferred { .. });
        let waiting: Vec<Prepared> =
            plan.stage(stage).filter(|object| is_deferred(object)).map(prepared).collect();
        self.appear(&waiting).await;
        let mut resolved = Vec::with_capacity(waiting.len());
        let mut failures = Vec::new();
        for (object, result) in
            self.try_stage(waiting.iter().collect(), &self.ignore_rules()?, |_| None).await
        {
            match result {
                Ok(tried) => resolved.push(planned(object, tried)),
                Err(cause) => failures.push(failure(object, Operation::DryRun, cause)),
            }
        }
        if !failures.is_empty() {
            return Err(ApplyError::DryRun { failures: failures.into(), changes: changes.clone() });
        }
        let mut resolved = resolved.into_iter();
        Ok(plan
            .stage(stage)
            .filter_map(|object| if is_deferred(object) { resolved.next() } else { Some(object.clone()) })
            .collect())
    }

    /// Waits until the kinds of objects are served: a definition is established a little before its kind is.
    ///
    /// A kind that does not appear is left to the dry run, which names it.
    async fn appear(&self, objects: &[Prepared]) {
        let deadline = Instant::now() + KIND_APPEARS;
        let mut kinds: Vec<&Prepared> = objects.iter().collect();
        kinds.sort_by_key(|object| (object.id.group(), object.id.kind(), &object.version));
        kinds.dedup_by_key(|object| (object.id.group(), object.id.kind(), &object.version));
        for object in kinds {
            let mut wait = Duration::from_millis(20);
            while matches!(self.cluster.place(&object.desired).await, Err(CallFailure::NoMatch { .. })) {
                if Instant::now() + wait > deadline {
                    break;
                }
                tokio::time::sleep(wait).await;
                wait = (wait * 2).min(Duration::from_secs(1));
            }
        }
    }

    async fn write_stage(
        &self,
        objects: &[PlannedObject],
        changes: &mut ChangeSet,
    ) -> Result<(), ApplyError> {
        for kind in objects.chunk_by(|a, b| rank(a.id.kind()) == rank(b.id.kind())) {
            let work = kind.iter().map(|object| self.write(object).boxed()).collect();
            let mut failures = Vec::new();
            for (object, result) in kind.iter().zip(concurrently(work, self.options.concurrency).await) {
                match result {
                    Ok(change) => changes.extend([change]),
                    Err((operation, cause)) => failures.push(ObjectFailure {
                        id: object.id.clone(),
                        origin: object.origin.clone(),
                        stage: object.stage,
                        operation,
                        cause,
                    }),
                }
            }
            if !failures.is_empty() {
                return Err(ApplyError::Apply { failures: failures.into(), changes: changes.clone() });
            }
        }
        Ok(())
    }

    async fn write(&self, object: &PlannedObject) -> Result<Change, (Operation, CallFailure)> {
        let result = self.write_one(object).await;
        match &result {
            Ok(change) => {
                self.listener.tell(|| Progress::Applied { id: change.id.clone(), action: change.action });
            }
            Err((_, cause)) => {
                self.listener.tell(|| Progress::Failed { id: object.id.clone(), message: cause.to_string() });
            }
        }
        result
    }

    async fn write_one(&self, object: &PlannedObject) -> Result<Change, (Operation, CallFailure)> {
        let change = |action| Change::new(object.id.clone(), object.version.clone(), action);
        let live_uid = object.live.as_ref().and_then(|live| live.uid.as_deref());
        let secrets = Secrets::of([&object.desired]);
        let during = |operation| {
            let secrets = &secrets;
            move |cause: CallFailure| (operation, cause.scrubbed(secrets))
        };
        match object.intent {
            Intent::Unchanged => return Ok(change(Action::Unchanged).with_uid(live_uid)),
            Intent::Skip => return Ok(change(Action::Skipped).with_uid(live_uid)),
            _ => {}
        }
        let place = self.cluster.place(&object.desired).await.map_err(during(Operation::Apply))?;
        if object.intent == Intent::Recreate {
            self.clear(&place, live_uid).await.map_err(during(Operation::Recreate))?;
        } else if object.live.as_ref().is_some_and(|live| live.takeover) {
            self.take_over(&place).await.map_err(during(Operation::TakeOver))?;
        }
        let applied = self
            .cluster
            .apply(&place, self.manager.name(), &object.desired, Mode::Real)
            .await
            .map_err(during(Operation::Apply))?;
        let created = applied.created || object.intent == Intent::Recreate;
        let action = if created { Action::Created } else { Action::Configured };
        Ok(change(action).with_uid(uid(&applied.object)))
    }

    /// Deletes an object that must be made again, and waits until it is gone.
    async fn clear(&self, place: &Place, live_uid: Option<&str>) -> Result<(), CallFailure> {
        let Some(live_uid) = live_uid else { return Ok(()) };
        match self.cluster.delete(place, live_uid).await? {
            Deletion::Absent | Deletion::Replaced => return Ok(()),
            Deletion::Accepted => {}
        }
        let timeout = self.options.stage_timeout;
        let left = until_gone(&self.cluster, &[(place.clone(), Some(live_uid.to_owned()))], timeout).await;
        if left.is_empty() { Ok(()) } else { Err(CallFailure::Deadline(timeout)) }
    }

    /// Makes the applier the owner of what listed managers own.
    async fn take_over(&self, place: &Place) -> Result<(), CallFailure> {
        let rules = self.takeover();
        let mut last = None;
        for _ in 0..TAKE_OVER_TRIES {
            let Some(live) = self.cluster.get(place).await? else { return Ok(()) };
            let Some(patch) = rules.patch(&live) else { return Ok(()) };
            match self.cluster.json_patch(place, self.manager.name(), &patch).await {
                Ok(_) => return Ok(()),
                // A failed test of a JSON patch and a conflict both mean that somebody was faster.
                Err(failure) if failure.is_conflict() || failure.code() == Some(422) => last = Some(failure),
                Err(failure) => return Err(failure),
            }
        }
        last.map_or(Ok(()), Err)
    }

    /// Waits until the objects of a stage are ready; what was ready and did not change is not looked at.
    async fn settle(
        &self,
        stage: Stage,
        objects: &[PlannedObject],
        changes: &ChangeSet,
    ) -> Result<(), ApplyError> {
        let mut targets = Vec::new();
        for object in objects {
            let was_ready = object.live.as_ref().is_some_and(|live| live.ready);
            let settled = match object.intent {
                Intent::Unchanged => was_ready,
                // An absent object that is to be left alone will not appear.
                Intent::Skip => was_ready || object.live.is_none(),
                _ => false,
            };
            if !settled {
                let place = self.cluster.place(&object.desired).await.ok();
                targets.push(Target { id: object.id.clone(), place });
            }
        }
        if targets.is_empty() {
            return Ok(());
        }
        let options = HealthOptions::new(self.options.stage_timeout);
        let written = Instant::now();
        loop {
            let health = until_healthy(&self.cluster, targets.clone(), &options, &self.listener).await;
            if health.is_healthy() {
                return Ok(());
            }
            if health.outcome != HealthOutcome::FailedEarly || written.elapsed() > JUDGED_ANEW {
                return Err(ApplyError::NotReady { stage, health, changes: changes.clone() });
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }
}

fn prepared(object: &PlannedObject) -> Prepared {
    let desired: Value = object.desired.clone();
    Prepared {
        id: object.id.clone(),
        version: object.version.clone(),
        stage: object.stage,
        origin: object.origin.clone(),
        desired,
    }
}
