//! The applier: one owner's way into a cluster.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use futures::future::BoxFuture;
use futures::{FutureExt, StreamExt};
use gitops_api::ObjectId;
use gitops_manifest::Manifests;
use serde_json::Value;

use crate::calls::Calls;
use crate::cluster::{Cluster, Place};
use crate::discovery::Discovery;
use crate::dry_run::{DryRun, Tried};
use crate::error::{ApplyError, ObjectFailure, Operation};
use crate::failure::CallFailure;
use crate::fields::at;
use crate::health::{HealthOptions, Target, removes_itself, until_healthy};
use crate::ignore::IgnoreRules;
use crate::inventory::{Inventory, InventoryEntry, InventoryStore};
use crate::live::LiveObjects;
use crate::managers::Takeover;
use crate::options::{ApplyOptions, EmptySet, FieldManager, OwnerLabels};
use crate::order::{Stage, compare, defined_kind, is_definition, is_namespace};
use crate::plan::{Intent, Plan, PlannedObject};
use crate::prepare::{Prepared, prepare, sort_key};
use crate::progress::{Listener, Progress};
use crate::report::{ChangeSet, HealthReport};

/// Brings sets of objects into a cluster, and takes out what left them.
///
/// # Flow
/// [`plan`](Self::plan) → [`claim`](Self::claim) → [`execute`](Self::execute) → [`prune`](Self::prune) and
/// [`health`](Self::health) → [`commit`](Self::commit); [`apply`](Self::apply) composes them.
///
/// # Guarantees
/// - A plan writes nothing. Every object that the server would refuse is named, not only the first.
/// - Before the first write the inventory holds everything that may be written, so a crash leaves no orphan.
/// - A stage is written only when every object of it passed its dry run, and begins only when the one before is in
///   place and ready.
/// - Nothing is deleted but the very object that was inventoried, as far as its UID is known, and only while
///   it still bears the owner's labels.
/// - A set that is in place costs no write.
///
/// # Assumptions
/// - The field manager's name is used by this owner's applier alone, or shared as Flux shares it.
/// - Two appliers of the same inventory do not run at the same time.
#[derive(Clone)]
pub struct Applier {
    pub(crate) cluster: Cluster,
    pub(crate) manager: FieldManager,
    pub(crate) owner: Option<OwnerLabels>,
    pub(crate) inventory: Option<Arc<dyn InventoryStore>>,
    pub(crate) options: ApplyOptions,
    pub(crate) listener: Listener,
}

impl Applier {
    /// Returns an applier that owns fields under a manager's name.
    ///
    /// Build the client with [`client_for`](crate::client_for), so that it does not repeat calls on its own. A client
    /// that impersonates somebody does so in every step: discovery, dry run, apply, health and prune.
    #[must_use]
    pub fn new(client: kube::Client, manager: FieldManager) -> Self {
        let options = ApplyOptions::default();
        let calls = Calls::new(client, options.calls.clone());
        Applier {
            cluster: Cluster { calls, discovery: Discovery::new() },
            manager,
            owner: None,
            inventory: None,
            options,
            listener: Listener::default(),
        }
    }

    /// Sets the owner whose labels every object gets, and without which nothing is deleted.
    #[must_use]
    pub fn owner(mut self, owner: OwnerLabels) -> Self {
        self.owner = Some(owner);
        self
    }

    /// Sets where the inventory is kept. Without one, nothing is pruned.
    #[must_use]
    pub fn inventory(mut self, mut store: impl InventoryStore + 'static) -> Self {
        store.lend(self.cluster.calls.client());
        self.inventory = Some(Arc::new(store));
        self
    }

    /// Sets how sets are applied.
    #[must_use]
    pub fn options(mut self, options: ApplyOptions) -> Self {
        self.cluster.calls = Calls::new(self.cluster.calls.client().clone(), options.calls.clone());
        self.options = options;
        self
    }

    /// Shares what is known of the cluster's kinds with other appliers of the same cluster and identity.
    #[must_use]
    pub fn discovery(mut self, discovery: Discovery) -> Self {
        self.cluster.discovery = discovery;
        self
    }

    /// Sets who is told of every step as it happens.
    #[must_use]
    pub fn on_progress(mut self, listener: impl Fn(Progress) + Send + Sync + 'static) -> Self {
        self.listener = Listener::new(listener);
        self
    }

    /// Finds out what applying a set would do, without writing anything.
    ///
    /// Every object is tried by a server-side dry run, many at once. Objects whose namespace or kind another object of
    /// the set makes or changes are deferred: they are tried when that object is in place.
    ///
    /// # Errors
    /// [`ApplyError::DryRun`] with every object that would be refused; also when an object is twice in the set or
    /// incomplete, when the inventory cannot be read, and when the set is empty and that was not allowed.
    pub async fn plan(&self, manifests: &Manifests) -> Result<Plan, ApplyError> {
        let prepared = prepare(manifests.objects(), self.owner.as_ref(), &self.options)?;
        let ignore = self.ignore_rules()?;
        let inventory = self.load().await?;
        if prepared.is_empty() && !inventory.is_empty() && self.options.empty_set == EmptySet::Refuse {
            return Err(ApplyError::EmptySet { inventoried: inventory.len() });
        }
        let mut pending = Pending::default();
        let mut objects = Vec::with_capacity(prepared.len());
        let mut failures = Vec::new();
        for stage in Stage::ALL {
            let of_stage: Vec<&Prepared> = prepared.iter().filter(|object| object.stage == stage).collect();
            let tried = self.try_stage(of_stage, &ignore, |object| pending.of(object));
            for (object, result) in tried.await {
                match result {
                    Ok(tried) => {
                        let planned = planned(object, tried);
                        pending.note(&planned);
                        objects.push(planned);
                    }
                    Err(cause) => match definition_of(&prepared, object, &cause) {
                        Some(until) => objects.push(planned(object, deferred(object, until))),
                        None => failures.push(failure(object, Operation::DryRun, cause)),
                    },
                }
            }
        }
        if !failures.is_empty() {
            return Err(ApplyError::DryRun { failures: failures.into(), changes: ChangeSet::new() });
        }
        let set: Inventory = objects.iter().map(PlannedObject::entry).collect();
        let mut stale = inventory.without(&set);
        stale.sort_by(|a, b| compare(&sort_key(&b.id), &sort_key(&a.id)));
        Ok(Plan { digest: manifests.digest().to_owned(), objects, stale, inventory })
    }

    /// Keeps the plan's objects in the inventory before any of them is written. Writes nothing when they are in it.
    ///
    /// # Errors
    /// When the inventory cannot be kept; then nothing may be written.
    pub async fn claim(&self, plan: &Plan) -> Result<(), ApplyError> {
        let Some(store) = &self.inventory else { return Ok(()) };
        let claimed = plan.claim();
        if claimed.len() == plan.inventory.len() {
            return Ok(());
        }
        store
            .claim(&claimed)
            .await
            .map_err(|source| ApplyError::Inventory { source, changes: ChangeSet::new() })?;
        self.listener.tell(|| Progress::Claimed { objects: claimed.len() });
        Ok(())
    }

    /// Keeps what is in the cluster after an apply and a prune: the plan's objects with their UIDs, and the survivors.
    /// Writes nothing when that is what was kept before.
    ///
    /// # Errors
    /// When the inventory cannot be kept; the claim stays, so nothing is lost.
    pub async fn commit(
        &self,
        plan: &Plan,
        changes: &ChangeSet,
        survivors: impl IntoIterator<Item = InventoryEntry>,
    ) -> Result<Inventory, ApplyError> {
        let mut inventory = changes.inventory();
        inventory.extend(survivors);
        let Some(store) = &self.inventory else { return Ok(inventory) };
        let kept =
            if plan.claim().len() == plan.inventory.len() { plan.inventory.clone() } else { plan.claim() };
        if kept != inventory {
            store
                .commit(&inventory)
                .await
                .map_err(|source| ApplyError::Inventory { source, changes: changes.clone() })?;
            self.listener.tell(|| Progress::Committed { objects: inventory.len() });
        }
        Ok(inventory)
    }

    /// Waits until objects are as asked for, driven by watches.
    ///
    /// # Errors
    /// Never for an unhealthy object, which the report tells of; only when the kinds cannot be looked up.
    pub async fn health(
        &self,
        ids: &[ObjectId],
        options: HealthOptions,
    ) -> Result<HealthReport, CallFailure> {
        let mut targets = Vec::with_capacity(ids.len());
        let mut kinds: HashMap<(String, String), Option<crate::discovery::Resource>> = HashMap::new();
        for id in ids {
            let kind = kind_of(id);
            if !kinds.contains_key(&kind) {
                let found =
                    self.cluster.discovery.any_version(&self.cluster.calls, id.group(), id.kind()).await?;
                kinds.insert(kind.clone(), found);
            }
            let place = kinds[&kind].clone().map(|resource| Place {
                resource,
                namespace: id.namespace().unwrap_or_default().to_owned(),
                name: id.name().to_owned(),
            });
            targets.push(Target { id: id.clone(), place });
        }
        Ok(until_healthy(&self.cluster, targets, &options, &self.listener).await)
    }

    /// Waits until the objects of a plan are as asked for; those that switches say to leave alone are left out.
    ///
    /// Jobs that remove themselves when they are done may be absent.
    pub async fn health_of(&self, plan: &Plan, mut options: HealthOptions) -> HealthReport {
        let mut targets = Vec::with_capacity(plan.objects.len());
        for object in plan.objects.iter().filter(|object| object.intent != Intent::Skip) {
            if removes_itself(&object.desired) {
                options.absent_is_fine.insert(object.id.clone());
            }
            let place = self.cluster.place(&object.desired).await.ok();
            targets.push(Target { id: object.id.clone(), place });
        }
        until_healthy(&self.cluster, targets, &options, &self.listener).await
    }

    async fn load(&self) -> Result<Inventory, ApplyError> {
        match &self.inventory {
            Some(store) => store
                .load()
                .await
                .map_err(|source| ApplyError::Inventory { source, changes: ChangeSet::new() }),
            None => Ok(Inventory::new()),
        }
    }

    /// Tries the objects of a stage, many at once; results come in the order of the objects.
    pub(crate) async fn try_stage<'o>(
        &self,
        objects: Vec<&'o Prepared>,
        ignore: &IgnoreRules,
        defer: impl Fn(&Prepared) -> Option<ObjectId>,
    ) -> Vec<(&'o Prepared, Result<Tried, CallFailure>)> {
        let takeover = self.takeover();
        let known =
            LiveObjects::list(&self.cluster, self.owner.as_ref(), &objects, self.options.concurrency).await;
        let dry_run = DryRun {
            cluster: &self.cluster,
            manager: self.manager.name(),
            takeover: &takeover,
            options: &self.options,
            ignore,
            known: &known,
        };
        let mut work = Vec::with_capacity(objects.len());
        for object in &objects {
            let until = defer(object);
            let dry_run = &dry_run;
            work.push(
                async move {
                    match until {
                        Some(until) => Ok(deferred(object, until)),
                        None => dry_run.try_object(object.desired.clone()).await,
                    }
                }
                .boxed(),
            );
        }
        let results = concurrently(work, self.options.concurrency).await;
        objects.into_iter().zip(results).collect()
    }

    pub(crate) fn ignore_rules(&self) -> Result<IgnoreRules, ApplyError> {
        IgnoreRules::new(&self.options.ignore).map_err(|source| ApplyError::Selector { source })
    }

    pub(crate) fn takeover(&self) -> Takeover {
        let rules = Takeover::new(self.manager.name());
        self.options.take_over.iter().fold(rules, |rules, prefix| rules.with_manager(prefix))
    }
}

/// The namespaces and definitions that the plan makes or changes.
#[derive(Default)]
struct Pending {
    namespaces: BTreeMap<String, ObjectId>,
    kinds: BTreeMap<(String, String), ObjectId>,
}

impl Pending {
    fn of(&self, object: &Prepared) -> Option<ObjectId> {
        let namespace = object.id.namespace().and_then(|namespace| self.namespaces.get(namespace));
        namespace.or_else(|| self.kinds.get(&kind_of(&object.id))).cloned()
    }

    fn note(&mut self, planned: &PlannedObject) {
        let id = &planned.id;
        match planned.intent {
            Intent::Create if is_namespace(id.group(), id.kind()) => {
                self.namespaces.insert(id.name().to_owned(), id.clone());
            }
            // A changed definition may know fields that its objects in the same set already use.
            Intent::Create | Intent::Configure | Intent::Recreate if is_definition(id.group(), id.kind()) => {
                if let Some(kind) = defined_kind(&planned.desired) {
                    self.kinds.insert((kind.group, kind.kind), id.clone());
                }
            }
            _ => {}
        }
    }
}

/// Finds the definition in the set that will serve an object whose kind is not served yet.
fn definition_of(prepared: &[Prepared], object: &Prepared, cause: &CallFailure) -> Option<ObjectId> {
    if !matches!(cause, CallFailure::NoMatch { .. }) {
        return None;
    }
    let serves = |definition: &Prepared| {
        let versions = at(&definition.desired, &["spec", "versions"]).and_then(Value::as_array);
        versions.into_iter().flatten().any(|version| {
            version.get("name").and_then(Value::as_str) == Some(&object.version)
                && version.get("served").and_then(Value::as_bool) == Some(true)
        })
    };
    prepared
        .iter()
        .filter(|other| is_definition(other.id.group(), other.id.kind()))
        .find(|other| {
            let kind = defined_kind(&other.desired);
            kind.is_some_and(|kind| kind.group == object.id.group() && kind.kind == object.id.kind())
                && serves(other)
        })
        .map(|definition| definition.id.clone())
}

fn kind_of(id: &ObjectId) -> (String, String) {
    (id.group().to_owned(), id.kind().to_owned())
}

fn deferred(object: &Prepared, until: ObjectId) -> Tried {
    Tried {
        desired: object.desired.clone(),
        intent: Intent::Deferred { until },
        diff: crate::Diff::default(),
        live: None,
    }
}

pub(crate) fn planned(object: &Prepared, tried: Tried) -> PlannedObject {
    PlannedObject {
        id: object.id.clone(),
        version: object.version.clone(),
        stage: object.stage,
        intent: tried.intent,
        diff: tried.diff,
        origin: object.origin.clone(),
        desired: tried.desired,
        live: tried.live,
    }
}

pub(crate) fn failure(object: &Prepared, operation: Operation, cause: CallFailure) -> ObjectFailure {
    ObjectFailure {
        id: object.id.clone(),
        origin: object.origin.clone(),
        stage: object.stage,
        operation,
        cause,
    }
}

/// Runs many futures, so many at once; results come in the order of the futures.
pub(crate) async fn concurrently<T>(work: Vec<BoxFuture<'_, T>>, limit: usize) -> Vec<T> {
    futures::stream::iter(work).buffered(limit.max(1)).collect().await
}
