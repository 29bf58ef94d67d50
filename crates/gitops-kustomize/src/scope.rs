//! Which kinds kustomize knows to live outside namespaces.

/// Tells whether objects of this type are certainly cluster-wide; an unknown type is taken to have a namespace.
pub(crate) fn is_cluster_scoped(group: &str, version: &str, kind: &str) -> bool {
    match (group, version) {
        ("admissionregistration.k8s.io", "v1") => {
            matches!(kind, "MutatingWebhookConfiguration" | "ValidatingWebhookConfiguration")
        }
        ("admissionregistration.k8s.io", "v1beta1") => {
            matches!(kind, "MutatingWebhookConfiguration" | "ValidatingWebhookConfiguration")
        }
        ("apiextensions.k8s.io", "v1") => matches!(kind, "CustomResourceDefinition"),
        ("apiextensions.k8s.io", "v1beta1") => matches!(kind, "CustomResourceDefinition"),
        ("apiregistration.k8s.io", "v1") => matches!(kind, "APIService"),
        ("apiregistration.k8s.io", "v1beta1") => matches!(kind, "APIService"),
        ("certificates.k8s.io", "v1") => matches!(kind, "CertificateSigningRequest"),
        ("certificates.k8s.io", "v1beta1") => matches!(kind, "CertificateSigningRequest"),
        ("flowcontrol.apiserver.k8s.io", "v1beta1") => {
            matches!(kind, "FlowSchema" | "PriorityLevelConfiguration")
        }
        ("networking.k8s.io", "v1") => matches!(kind, "IngressClass"),
        ("networking.k8s.io", "v1beta1") => matches!(kind, "IngressClass"),
        ("node.k8s.io", "v1") => matches!(kind, "RuntimeClass"),
        ("node.k8s.io", "v1beta1") => matches!(kind, "RuntimeClass"),
        ("policy", "v1beta1") => matches!(kind, "PodSecurityPolicy"),
        ("rbac.authorization.k8s.io", "v1") => matches!(kind, "ClusterRole" | "ClusterRoleBinding"),
        ("rbac.authorization.k8s.io", "v1beta1") => matches!(kind, "ClusterRole" | "ClusterRoleBinding"),
        ("scheduling.k8s.io", "v1") => matches!(kind, "PriorityClass"),
        ("scheduling.k8s.io", "v1beta1") => matches!(kind, "PriorityClass"),
        ("storage.k8s.io", "v1") => {
            matches!(kind, "CSIDriver" | "CSINode" | "StorageClass" | "VolumeAttachment")
        }
        ("storage.k8s.io", "v1beta1") => {
            matches!(kind, "CSIDriver" | "CSINode" | "StorageClass" | "VolumeAttachment")
        }
        ("", "v1") => {
            matches!(kind, "ComponentStatus" | "Namespace" | "Node" | "NodeProxyOptions" | "PersistentVolume")
        }
        _ => false,
    }
}

/// Tells whether kustomize knows the scope of a type without a look into its schemas.
pub(crate) fn is_known(group: &str, version: &str, kind: &str) -> bool {
    is_cluster_scoped(group, version, kind)
        || match (group, version) {
            ("apps", "v1") => {
                matches!(
                    kind,
                    "ControllerRevision" | "DaemonSet" | "Deployment" | "ReplicaSet" | "StatefulSet"
                )
            }
            ("autoscaling", "v1") => matches!(kind, "HorizontalPodAutoscaler" | "Scale"),
            ("autoscaling", "v2beta1" | "v2beta2") => kind == "HorizontalPodAutoscaler",
            ("batch", "v1") => matches!(kind, "CronJob" | "Job"),
            ("batch", "v1beta1") => kind == "CronJob",
            ("coordination.k8s.io", "v1" | "v1beta1") => kind == "Lease",
            ("discovery.k8s.io", "v1" | "v1beta1") => kind == "EndpointSlice",
            ("events.k8s.io", "v1" | "v1beta1") => kind == "Event",
            ("extensions" | "networking.k8s.io", "v1beta1") => kind == "Ingress",
            ("networking.k8s.io", "v1") => matches!(kind, "Ingress" | "NetworkPolicy"),
            ("policy", "v1" | "v1beta1") => kind == "PodDisruptionBudget",
            ("rbac.authorization.k8s.io", "v1" | "v1beta1") => matches!(kind, "Role" | "RoleBinding"),
            ("storage.k8s.io", "v1beta1") => kind == "CSIStorageCapacity",
            ("", "v1") => matches!(
                kind,
                "ConfigMap"
                    | "Endpoints"
                    | "Event"
                    | "LimitRange"
                    | "PersistentVolumeClaim"
                    | "Pod"
                    | "PodAttachOptions"
                    | "PodExecOptions"
                    | "PodPortForwardOptions"
                    | "PodProxyOptions"
                    | "PodTemplate"
                    | "ReplicationController"
                    | "ResourceQuota"
                    | "Secret"
                    | "Service"
                    | "ServiceAccount"
                    | "ServiceProxyOptions"
            ),
            _ => false,
        }
}
