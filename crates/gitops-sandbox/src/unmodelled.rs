//! What the sandbox does not model: the table, and where each row is noticed.
//!
//! The API is whole for all of these: their objects are kept, watched, validated and defaulted. What is missing is
//! what a cluster does because of them.

use serde_json::Value;

use crate::lifecycle::Call;
use crate::wire::status::Answer;

/// Something that a cluster does and the sandbox does not.
///
/// A request that asks for it is logged (`tracing`, level WARN) and counted
/// ([`Sandbox::unmodelled_requests`](crate::Sandbox::unmodelled_requests)); a [strict](crate::SandboxBuilder::strict)
/// sandbox refuses it with 501.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Unmodelled {
    /// What it is.
    pub what: &'static str,
    /// What happens instead.
    pub instead: &'static str,
    on: On,
}

/// What asks for it.
#[derive(Clone, Copy, Debug)]
enum On {
    /// Writing an object of one of these resources that is so.
    Written(&'static [&'static str], fn(&Value) -> bool),
    /// The same, where controllers are played: an API server alone does nothing with it either.
    Controlled(&'static [&'static str], fn(&Value) -> bool),
    /// A request for something that is no object; the code that answers it names the row.
    Asked,
}

fn always(_: &Value) -> bool {
    true
}

/// The logs of pods.
pub(crate) const LOGS: &str = "logs of pods";
/// What goes to a kubelet.
pub(crate) const STREAMS: &str = "exec, attach, port-forward and proxies";

/// All that is not modelled.
pub const UNMODELLED: &[Unmodelled] = &[
    row(
        "admission webhooks",
        "kept, never called",
        On::Written(
            &[
                "validatingwebhookconfigurations.admissionregistration.k8s.io",
                "mutatingwebhookconfigurations.admissionregistration.k8s.io",
            ],
            |object| object["webhooks"].as_array().is_some_and(|webhooks| !webhooks.is_empty()),
        ),
    ),
    row(
        "admission policies",
        "kept, never evaluated",
        On::Written(
            &[
                "validatingadmissionpolicies.admissionregistration.k8s.io",
                "validatingadmissionpolicybindings.admissionregistration.k8s.io",
            ],
            always,
        ),
    ),
    row(
        "conversion webhooks",
        "versions differ in their name only, as with the strategy None",
        On::Written(&["customresourcedefinitions.apiextensions.k8s.io"], |object| {
            object["spec"]["conversion"]["strategy"] == "Webhook"
        }),
    ),
    row(
        "aggregated API servers",
        "kept, nothing is passed on to them",
        On::Written(&["apiservices.apiregistration.k8s.io"], |object| !object["spec"]["service"].is_null()),
    ),
    row("quotas", "kept, nothing is counted or refused", On::Written(&["resourcequotas"], always)),
    row("limit ranges", "kept, nothing is defaulted or refused", On::Written(&["limitranges"], always)),
    row(
        "pod security",
        "the labels of the namespace are kept, no pod is refused",
        On::Written(&["namespaces"], |object| {
            let labels = object["metadata"]["labels"].as_object();
            labels.is_some_and(|labels| {
                labels.iter().any(|(name, level)| {
                    name.starts_with("pod-security.kubernetes.io/")
                        && !name.ends_with("-version")
                        && *level != "privileged"
                })
            })
        }),
    ),
    row(
        "priority and fairness",
        "kept, no request waits or is refused",
        On::Written(
            &[
                "flowschemas.flowcontrol.apiserver.k8s.io",
                "prioritylevelconfigurations.flowcontrol.apiserver.k8s.io",
            ],
            always,
        ),
    ),
    row(
        "ranges of service addresses",
        "kept, addresses come from 10.0.0.0/16",
        On::Written(&["servicecidrs.networking.k8s.io", "ipaddresses.networking.k8s.io"], always),
    ),
    row(
        "autoscaling",
        "kept, nothing is scaled",
        On::Controlled(&["horizontalpodautoscalers.autoscaling"], always),
    ),
    row(
        "schedules of CronJobs",
        "kept, no Job is made",
        On::Controlled(&["cronjobs.batch"], |object| object["spec"]["suspend"] != true),
    ),
    row("ingress", "kept, without an address", On::Controlled(&["ingresses.networking.k8s.io"], always)),
    row(
        "network policies",
        "kept; there is no traffic",
        On::Controlled(&["networkpolicies.networking.k8s.io"], always),
    ),
    row("volumes", "kept, no claim is bound to it", On::Controlled(&["persistentvolumes"], always)),
    row(
        "volume attachments",
        "kept, nothing is attached",
        On::Controlled(&["volumeattachments.storage.k8s.io"], always),
    ),
    row(
        "disruption budgets",
        "kept, no eviction is held back",
        On::Controlled(&["poddisruptionbudgets.policy"], always),
    ),
    row(
        "replication controllers",
        "kept, without pods",
        On::Controlled(&["replicationcontrollers"], |object| object["spec"]["replicas"] != 0),
    ),
    row(
        "signing of certificates",
        "kept, nothing is signed",
        On::Controlled(&["certificatesigningrequests.certificates.k8s.io"], always),
    ),
    row(
        "dynamic resources",
        "kept, nothing is allocated",
        On::Controlled(&["resourceclaims.resource.k8s.io"], always),
    ),
    row(
        "tokens in Secrets",
        "the Secret of the type kubernetes.io/service-account-token stays without a token",
        On::Controlled(&["secrets"], |object| object["type"] == "kubernetes.io/service-account-token"),
    ),
    row(LOGS, "empty", On::Asked),
    row(STREAMS, "refused with 501; what a server says before it asks a kubelet is said", On::Asked),
];

const fn row(what: &'static str, instead: &'static str, on: On) -> Unmodelled {
    Unmodelled { what, instead, on }
}

/// Notices what an object asks for that is about to be written.
pub(crate) fn written(call: &Call<'_>, object: &Value) -> Answer<()> {
    for row in UNMODELLED {
        let (resources, asks) = match row.on {
            On::Written(resources, asks) => (resources, asks),
            On::Controlled(resources, asks) if call.server.settings.has_controllers => (resources, asks),
            _ => continue,
        };
        if resources.contains(&&*call.kind.resource) && asks(object) {
            call.server.unmodelled(row.what)?;
        }
    }
    Ok(())
}
