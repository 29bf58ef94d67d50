//! One leader among replicas.

use std::time::Duration;

use gitops_runtime::lease::{Leadership, LeaseTimes};
use gitops_testkit::require_bare_cluster;
use tokio_util::sync::CancellationToken;

const TIMES: LeaseTimes = LeaseTimes { duration: Duration::from_secs(10), grace: Duration::from_secs(3) };

#[tokio::test]
async fn a_replica_leads_when_the_leader_gives_the_lease_back() {
    let Some(cluster) = require_bare_cluster().await else { return };
    let namespace = cluster.namespace().await.unwrap();
    let stop = CancellationToken::new();
    let acquire = |who: &'static str| {
        let (client, namespace, stop) = (cluster.client().unwrap(), namespace.clone(), stop.clone());
        async move { Leadership::acquire(client, &namespace, "lock", who, TIMES, &stop).await.unwrap().unwrap() }
    };
    let first = acquire("first").await;
    let mut second = tokio::spawn(acquire("second"));
    let early = tokio::time::timeout(Duration::from_secs(1), &mut second).await;
    assert!(early.is_err(), "two replicas lead");
    first.release().await;
    let led = tokio::time::timeout(Duration::from_secs(30), second).await;
    led.expect("the lease was not taken over").unwrap().release().await;
}

#[tokio::test]
async fn waiting_for_the_lease_ends_with_the_process() {
    let Some(cluster) = require_bare_cluster().await else { return };
    let namespace = cluster.namespace().await.unwrap();
    let stop = CancellationToken::new();
    let leader =
        Leadership::acquire(cluster.client().unwrap(), &namespace, "lock", "first", TIMES, &stop).await;
    let leader = leader.unwrap().unwrap();
    stop.cancel();
    let waited =
        Leadership::acquire(cluster.client().unwrap(), &namespace, "lock", "second", TIMES, &stop).await;
    assert!(waited.unwrap().is_none());
    leader.release().await;
}
