//! The command lines of the servers, as values.

use std::ffi::OsString;
use std::path::Path;

use super::audit::AuditLevel;

/// The loopback ports of one control plane.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ports {
    pub(crate) etcd: u16,
    pub(crate) etcd_peer: u16,
    pub(crate) api_server: u16,
}

/// Returns etcd's flags. Nothing that it holds must survive the machine, so it need not wait for the disk.
pub(crate) fn etcd(directory: &Path, ports: Ports, more: &[String]) -> Vec<OsString> {
    let client = format!("http://127.0.0.1:{}", ports.etcd);
    let peer = format!("http://127.0.0.1:{}", ports.etcd_peer);
    let mut flags = Flags::default();
    flags.file("data-dir", directory.join("etcd"));
    flags.bare("unsafe-no-fsync");
    flags.set("listen-client-urls", &client);
    flags.set("advertise-client-urls", &client);
    flags.set("listen-peer-urls", &peer);
    flags.set("initial-advertise-peer-urls", &peer);
    flags.set("initial-cluster", &format!("default={peer}"));
    flags.set("log-level", "warn");
    flags.more(more)
}

/// Returns kube-apiserver's flags.
///
/// Priority and fairness stay on, as they are by default: without them Go clients limit themselves and end in other
/// messages. The ServiceAccount admission plugin is off, because Pods are made before their account is.
pub(crate) fn api_server(
    directory: &Path,
    ports: Ports,
    audit: AuditLevel,
    more: &[String],
) -> Vec<OsString> {
    let mut flags = Flags::default();
    flags.set("etcd-servers", &format!("http://127.0.0.1:{}", ports.etcd));
    flags.set("bind-address", "127.0.0.1");
    flags.set("secure-port", &ports.api_server.to_string());
    flags.set("advertise-address", "127.0.0.1");
    flags.set("endpoint-reconciler-type", "none");
    flags.file("cert-dir", directory.join("certs"));
    flags.file("tls-cert-file", directory.join("server.crt"));
    flags.file("tls-private-key-file", directory.join("server.key"));
    flags.set("authorization-mode", "RBAC");
    flags.file("token-auth-file", directory.join("tokens.csv"));
    flags.set("service-cluster-ip-range", "10.0.0.0/24");
    flags.bare("allow-privileged");
    flags.set("service-account-issuer", "https://kubernetes.default.svc");
    flags.file("service-account-key-file", directory.join("service-account.pub"));
    flags.file("service-account-signing-key-file", directory.join("service-account.key"));
    flags.set("disable-admission-plugins", "ServiceAccount");
    if audit != AuditLevel::None {
        flags.file("audit-log-path", directory.join("audit.log"));
        flags.file("audit-policy-file", directory.join("audit-policy.yaml"));
    }
    flags.more(more)
}

/// Returns kube-controller-manager's flags: all controllers, no election, no port of its own.
pub(crate) fn controller_manager(directory: &Path, more: &[String]) -> Vec<OsString> {
    let mut flags = Flags::default();
    flags.file("kubeconfig", directory.join("kubeconfig"));
    flags.bare("leader-elect=false");
    flags.file("service-account-private-key-file", directory.join("service-account.key"));
    flags.file("root-ca-file", directory.join("ca.crt"));
    flags.set("secure-port", "0");
    flags.more(more)
}

#[derive(Default)]
struct Flags(Vec<OsString>);

impl Flags {
    fn bare(&mut self, flag: &str) {
        self.0.push(format!("--{flag}").into());
    }

    fn set(&mut self, flag: &str, value: &str) {
        self.0.push(format!("--{flag}={value}").into());
    }

    fn file(&mut self, flag: &str, path: impl AsRef<Path>) {
        let mut text = OsString::from(format!("--{flag}="));
        text.push(path.as_ref());
        self.0.push(text);
    }

    fn more(mut self, more: &[String]) -> Vec<OsString> {
        self.0.extend(more.iter().map(OsString::from));
        self.0
    }
}
