//! Every single call of an apply fails once, before or after it had its effect.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use gitops_apply::{Applier, ApplyOptions, ConfigMapInventory, FieldManager, InventoryStore, OwnerLabels};
use http::{Request, Response, StatusCode};
use kube::client::Body;

use crate::ground::{Ground, OWNER, options};

/// What happens to one call.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Fault {
    /// The server answers so and does nothing.
    Answer(u16),
    /// The call does not arrive.
    NotSent,
    /// The call has its effect and the answer is lost.
    AnswerLost,
}

/// A client whose call number `which` (from 0) meets a fault; also returns the count of calls.
fn faulty(real: &kube::Client, which: usize, fault: Fault) -> (kube::Client, Arc<AtomicUsize>) {
    let calls = Arc::new(AtomicUsize::new(0));
    let (real, counter) = (real.clone(), Arc::clone(&calls));
    let service = tower::service_fn(move |request: Request<Body>| {
        let (real, hit) = (real.clone(), counter.fetch_add(1, Ordering::SeqCst) == which);
        async move {
            let lost = || std::io::Error::from(std::io::ErrorKind::ConnectionReset);
            match fault {
                Fault::Answer(code) if hit => {
                    let answer = Response::builder().status(StatusCode::from_u16(code).unwrap());
                    // A server that asks for a day's patience does not get it.
                    Ok(answer.header("retry-after", "86400").body(Body::from(Vec::new())).unwrap())
                }
                Fault::NotSent if hit => Err(Box::<dyn std::error::Error + Send + Sync>::from(lost())),
                Fault::AnswerLost if hit => {
                    real.send(request).await?;
                    Err(lost().into())
                }
                _ => Ok(real.send(request).await?),
            }
        }
    });
    (kube::Client::new(service, "default"), calls)
}

fn applier(ground: &Ground, client: kube::Client, retries: u32) -> Applier {
    let mut told: ApplyOptions = options();
    told.force = true;
    told.calls.retries = retries;
    told.calls.first_wait = Duration::from_millis(1);
    told.calls.longest_wait = Duration::from_millis(2);
    // The calls come in one order, so that each is met once.
    told.concurrency = 1;
    Applier::new(client, FieldManager::new("kustomize-controller"))
        .owner(OwnerLabels::new(OWNER, "app", &ground.namespace))
        .options(told)
        .inventory(ConfigMapInventory::new("app-inventory").in_namespace(&ground.namespace))
}

fn before(n: usize) -> String {
    format!(
        "{{apiVersion: v1, kind: ConfigMap, metadata: {{name: old{n}, namespace: $NS}}}}
---
{{apiVersion: v1, kind: ConfigMap, metadata: {{name: kept{n}, namespace: $NS}}, data: {{k: '1'}}}}
---
{{apiVersion: v1, kind: ConfigMap, metadata: {{name: fixed{n}, namespace: $NS}}, immutable: true, data: {{k: '1'}}}}
"
    )
}

/// One object is new, one changes, one is made again, one goes.
fn after(n: usize) -> String {
    let new =
        format!("---\n{{apiVersion: v1, kind: ConfigMap, metadata: {{name: new{n}, namespace: $NS}}}}\n");
    before(n).split_once("---").unwrap().1.replace("'1'", "'2'") + &new
}

impl Ground {
    /// Checks that exactly the new set is in the cluster and in the inventory.
    async fn check_converged(&self, n: usize) {
        assert!(!self.exists(&format!("old{n}")).await);
        assert!(self.exists(&format!("new{n}")).await);
        for name in ["kept", "fixed"] {
            assert_eq!(self.config_map(&format!("{name}{n}")).await.unwrap()["data"]["k"], "2");
        }
        assert_eq!(self.inventory().load().await.unwrap().len(), 3);
    }

    async fn run(&self, applier: &Applier, yaml: &str) -> Result<(), String> {
        let plan = applier.plan(&self.manifests(yaml)).await.map_err(|error| error.to_string())?;
        applier.apply(plan).await.map(drop).map_err(|error| error.to_string())
    }
}

#[tokio::test]
async fn a_call_that_fails_once_is_repeated_without_harm() {
    let Some(ground) = Ground::new().await else { return };
    let faults = [Fault::Answer(429), Fault::Answer(503), Fault::NotSent, Fault::AnswerLost];
    for which in 0..60 {
        let fault = faults[which % faults.len()];
        ground.run(&applier(&ground, ground.client.clone(), 0), &before(which)).await.unwrap();
        let (client, calls) = faulty(&ground.client, which, fault);
        let result = ground.run(&applier(&ground, client, 2), &after(which)).await;
        result.unwrap_or_else(|error| panic!("call {which} met {fault:?}: {error}"));
        ground.check_converged(which).await;
        if calls.load(Ordering::SeqCst) <= which {
            assert!(which > 10, "an apply made only {which} calls");
            return;
        }
    }
    panic!("an apply of three objects made more than 60 calls");
}

#[tokio::test]
async fn an_apply_that_died_at_any_call_is_finished_by_the_next() {
    let Some(ground) = Ground::new().await else { return };
    for which in 0..60 {
        for fault in [Fault::NotSent, Fault::AnswerLost] {
            ground.run(&applier(&ground, ground.client.clone(), 0), &before(which)).await.unwrap();
            let (client, calls) = faulty(&ground.client, which, fault);
            let _ = ground.run(&applier(&ground, client, 0), &after(which)).await;
            // Whatever is in the cluster is in the inventory: nothing can be orphaned.
            let kept = ground.inventory().load().await.unwrap();
            for name in ["old", "new", "kept", "fixed"] {
                let name = format!("{name}{which}");
                let is_known = kept.iter().any(|entry| entry.id.name() == name);
                assert!(
                    is_known || !ground.exists(&name).await,
                    "{name} is an orphan after call {which} met {fault:?}"
                );
            }
            ground.run(&applier(&ground, ground.client.clone(), 0), &after(which)).await.unwrap();
            ground.check_converged(which).await;
            if calls.load(Ordering::SeqCst) <= which {
                return;
            }
        }
    }
    panic!("an apply of three objects made more than 60 calls");
}
