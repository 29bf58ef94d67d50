//! Provider: where events go.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::resource::resource;
use crate::schema::{INTERVAL_PATTERN, TIMEOUT_PATTERN};
use crate::wire_enum::wire_enum;
use crate::{GoDuration, LocalObjectReference, annotations};

resource! {
    /// A service that events are sent to.
    pub struct Provider {
        spec: ProviderSpec,
    }
    kind: "Provider",
    description: "A service that events are sent to.",
    group: "notification.toolkit.fluxcd.io",
    version: "v1beta3",
    plural: "providers",
    singular: "provider",
    short_names: [],
    categories: ["all", "fluxcd", "fluxcd-notifications"],
    annotations: [(annotations::SUBSTITUTE, annotations::DISABLED)],
    columns: [("Age", "date", ".metadata.creationTimestamp")],
}

/// What is wanted of a provider.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
#[schemars(!default, extend("x-kubernetes-validations" = [{
    "message": "spec.commitStatusExpr is only supported for the 'github', 'gitlab', 'gitea', \
                'bitbucketserver', 'bitbucket', 'azuredevops' provider types",
    "rule": "self.type == 'github' || self.type == 'gitlab' || self.type == 'gitea' || \
             self.type == 'bitbucketserver' || self.type == 'bitbucket' || \
             self.type == 'azuredevops' || !has(self.commitStatusExpr)",
}]))]
pub struct ProviderSpec {
    /// Where the service is: an address, a project, a namespace, whatever it calls it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 2048))]
    pub address: Option<String>,
    /// The Secret with the CA (`ca.crt`), or with the client's certificate and key (`tls.crt`, `tls.key`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cert_secret_ref: Option<LocalObjectReference>,
    /// Where in the service events appear.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 2048))]
    pub channel: Option<String>,
    /// A CEL expression that gives the name of a commit's status.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub commit_status_expr: Option<String>,
    /// Not used any more.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = INTERVAL_PATTERN))]
    pub interval: Option<GoDuration>,
    /// Address of a proxy. Deprecated: use `proxySecretRef`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 2048), regex(pattern = "^(http|https)://.*$"))]
    pub proxy: Option<String>,
    /// The Secret that says which proxy to use.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub proxy_secret_ref: Option<LocalObjectReference>,
    /// The Secret with the credentials.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub secret_ref: Option<LocalObjectReference>,
    /// The ServiceAccount that authenticates to a cloud's service.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service_account_name: Option<String>,
    /// Whether the provider is suspended.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub suspend: bool,
    /// How long sending may take.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = TIMEOUT_PATTERN))]
    pub timeout: Option<GoDuration>,
    /// What kind of service it is.
    #[serde(rename = "type")]
    pub kind: ProviderKind,
    /// The name under which events appear.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 2048))]
    pub username: Option<String>,
}

wire_enum! {
    /// A service that events can be sent to.
    pub enum ProviderKind {
        /// Slack.
        Slack = "slack",
        /// Discord.
        Discord = "discord",
        /// Microsoft Teams.
        MsTeams = "msteams",
        /// Rocket.Chat.
        Rocket = "rocket",
        /// Any address, as the event's JSON.
        Generic = "generic",
        /// Any address, with an HMAC over the event's JSON.
        GenericHmac = "generic-hmac",
        /// Commit statuses of GitHub.
        GitHub = "github",
        /// Commit statuses of GitLab.
        GitLab = "gitlab",
        /// Commit statuses of Gitea.
        Gitea = "gitea",
        /// Pull request comments of Gitea.
        GiteaPullRequestComment = "giteapullrequestcomment",
        /// Commit statuses of Bitbucket Server.
        BitbucketServer = "bitbucketserver",
        /// Commit statuses of Bitbucket.
        Bitbucket = "bitbucket",
        /// Commit statuses of Azure DevOps.
        AzureDevOps = "azuredevops",
        /// Google Chat.
        GoogleChat = "googlechat",
        /// Google Pub/Sub.
        GooglePubSub = "googlepubsub",
        /// Webex.
        Webex = "webex",
        /// Sentry.
        Sentry = "sentry",
        /// Azure Event Hub.
        AzureEventHub = "azureeventhub",
        /// Telegram.
        Telegram = "telegram",
        /// Lark.
        Lark = "lark",
        /// Matrix.
        Matrix = "matrix",
        /// Opsgenie.
        Opsgenie = "opsgenie",
        /// Alertmanager of Prometheus.
        Alertmanager = "alertmanager",
        /// Annotations of Grafana.
        Grafana = "grafana",
        /// Repository dispatches of GitHub.
        GitHubDispatch = "githubdispatch",
        /// Pull request comments of GitHub.
        GitHubPullRequestComment = "githubpullrequestcomment",
        /// Merge request comments of GitLab.
        GitLabMergeRequestComment = "gitlabmergerequestcomment",
        /// PagerDuty.
        PagerDuty = "pagerduty",
        /// Datadog.
        Datadog = "datadog",
        /// NATS.
        Nats = "nats",
        /// Zulip.
        Zulip = "zulip",
        /// OpenTelemetry traces.
        Otel = "otel",
        /// Zoom.
        Zoom = "zoom",
        /// incident.io.
        IncidentIo = "incident.io",
    }
}
