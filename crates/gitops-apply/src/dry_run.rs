//! Trying an apply without effect, to learn what it would do.

use serde_json::Value;

use crate::cluster::{Applied, Cluster, Mode, Place};
use crate::compare::drifted_beyond;
use crate::diff::Diff;
use crate::failure::CallFailure;
use crate::fields::{resource_version, uid};
use crate::go_form::passes_through_go;
use crate::health::{HealthRules, Status};
use crate::ignore::{IgnoreRules, is_ignored, leave_alone};
use crate::live::LiveObjects;
use crate::managers::Takeover;
use crate::mask::Secrets;
use crate::options::{ApplyOptions, UnknownFields};
use crate::plan::{Intent, Live};
use crate::switches::{Strategy, Switches};
use crate::unknown_fields::drop_unknown_fields;

/// How often unknown fields are left out: the server need not name all of them at once.
const DROPS: usize = 8;

/// What a dry run needs to know.
pub(crate) struct DryRun<'a> {
    pub(crate) cluster: &'a Cluster,
    pub(crate) manager: &'a str,
    pub(crate) takeover: &'a Takeover,
    pub(crate) options: &'a ApplyOptions,
    pub(crate) ignore: &'a IgnoreRules,
    /// What is known of live objects already.
    pub(crate) known: &'a LiveObjects,
}

/// What a dry run has found out.
pub(crate) struct Tried {
    pub(crate) desired: Value,
    pub(crate) intent: Intent,
    pub(crate) diff: Diff,
    pub(crate) live: Option<Live>,
}

impl DryRun<'_> {
    /// Reads the live object, tries the apply, and compares.
    pub(crate) async fn try_object(&self, desired: Value) -> Result<Tried, CallFailure> {
        let secrets = Secrets::of([&desired]);
        self.try_any(desired).await.map_err(|failure| failure.scrubbed(&secrets))
    }

    async fn try_any(&self, desired: Value) -> Result<Tried, CallFailure> {
        let place = self.cluster.place(&desired).await?;
        match self.try_at(&place, desired.clone()).await {
            // What was remembered of the kind may be out of date; ask once more.
            Err(failure) if failure.is_not_found() && failure.missing_namespace().is_none() => {
                self.cluster.discovery.forget_version(&place.resource.group, &place.resource.version);
                let again = self.cluster.place(&desired).await?;
                if again.resource == place.resource {
                    Err(failure)
                } else {
                    self.try_at(&again, desired).await
                }
            }
            other => other,
        }
    }

    async fn try_at(&self, place: &Place, mut desired: Value) -> Result<Tried, CallFailure> {
        let prefix = &self.options.switch_prefix;
        let told = Switches::read(prefix, &desired, None);
        if told.reconcile_disabled || told.strategy == Strategy::Ignore {
            let live = self.cluster.get(place).await?;
            return Ok(skipped(desired, live.as_ref()));
        }
        let result = self.apply(place, &mut desired).await;
        // An object that would be made does not exist: no need to look.
        if let Ok(result) = &result
            && result.created
        {
            return Ok(Tried { desired, intent: Intent::Create, diff: Diff::default(), live: None });
        }
        let live = match (&result, self.known.get(place)) {
            // What was listed is as good as a read when nobody changed it since.
            (Ok(result), Some(known)) if resource_version(&result.object) == resource_version(known) => {
                Some(known.clone())
            }
            _ => match (self.cluster.get(place).await, &result) {
                (Ok(live), _) => live,
                // What the dry run says is closer to the cause.
                (Err(_), Err(failure)) => return Err(failure.clone()),
                (Err(failure), Ok(_)) => return Err(failure),
            },
        };
        let switches = Switches::read(prefix, &desired, live.as_ref());
        if switches.skips(live.is_some()) {
            return Ok(skipped(desired, live.as_ref()));
        }
        let Some(live) = live else {
            // It has gone since, or was refused before it could be made.
            result?;
            return Ok(Tried { desired, intent: Intent::Create, diff: Diff::default(), live: None });
        };
        let result = match result {
            Ok(result) => result,
            Err(failure) if failure.is_immutable() && (self.options.force || switches.force) => {
                let diff = Diff::between(&live, &desired);
                return Ok(Tried {
                    desired,
                    intent: Intent::Recreate,
                    diff,
                    live: Some(remembered(&live, false)),
                });
            }
            Err(failure) => return Err(failure.scrubbed(&Secrets::of([&live]))),
        };
        let takeover = switches.strategy != Strategy::Merge && self.takeover.patch(&live).is_some();
        let ignored = self.ignore.paths(&result.object);
        let changes = drifted_beyond(&live, &result.object, self.ignore);
        let intent = if changes || takeover { Intent::Configure } else { Intent::Unchanged };
        let mut diff = if changes { Diff::between(&live, &result.object) } else { Diff::default() };
        diff.retain(|difference| !is_ignored(&difference.path, &ignored));
        leave_alone(&mut desired, &live, &ignored, self.manager);
        Ok(Tried { desired, intent, diff, live: Some(remembered(&live, takeover)) })
    }

    async fn apply(&self, place: &Place, desired: &mut Value) -> Result<Applied, CallFailure> {
        let drops = self.options.unknown_fields == UnknownFields::Drop
            && passes_through_go(&place.resource.group, &place.resource.kind);
        let mut result = self.cluster.apply(place, self.manager, desired, Mode::DryRun).await;
        for _ in 0..DROPS {
            match &result {
                Err(failure) if drops && drop_unknown_fields(desired, &failure.to_string()) => {}
                _ => break,
            }
            result = self.cluster.apply(place, self.manager, desired, Mode::DryRun).await;
        }
        result
    }
}

fn remembered(live: &Value, takeover: bool) -> Live {
    let assessment = HealthRules::new().assess(live, jiff::Timestamp::now());
    Live { uid: uid(live).map(str::to_owned), takeover, ready: assessment.status == Status::Current }
}

fn skipped(desired: Value, live: Option<&Value>) -> Tried {
    let live = live.map(|live| remembered(live, false));
    Tried { desired, intent: Intent::Skip, diff: Diff::default(), live }
}
