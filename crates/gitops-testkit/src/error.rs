//! The one error of this crate.

use std::path::PathBuf;

/// Why a counterpart could not be started, reached or driven.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TestkitError {
    /// The programs of the control plane are nowhere to be found.
    #[error(
        "no control plane: {looked}; run tools/control-plane/build, or set KUBEBUILDER_ASSETS to a folder with etcd, kube-apiserver and kube-controller-manager"
    )]
    AssetsMissing {
        /// Where it was looked for, as a sentence.
        looked: String,
    },
    /// The variable that chooses the tests' cluster names none.
    #[error("{variable}={value} names no cluster; say assets or sandbox")]
    UnknownCluster {
        /// The variable.
        variable: &'static str,
        /// Its value.
        value: String,
    },
    /// Building the programs of the control plane failed.
    #[error("control plane: build failed: {reason}")]
    Build {
        /// The last lines of the build.
        reason: String,
    },
    /// The program of a server is not on this machine.
    #[error("no {program} on the PATH; Debian's package {package} has it")]
    ProgramMissing {
        /// The program's name.
        program: &'static str,
        /// Debian's package.
        package: &'static str,
    },
    /// A server could not be started.
    #[error("{server}: cannot be started")]
    Spawn {
        /// The server's name.
        server: &'static str,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// A server ended although it should run.
    #[error("{server}: ended by itself; the last lines of {}: {tail}", log.display())]
    Exited {
        /// The server's name.
        server: &'static str,
        /// Its log file.
        log: PathBuf,
        /// The end of its log.
        tail: String,
    },
    /// A server runs, but did not become ready in time.
    #[error("{server}: not ready after {seconds} s; the last lines of {}: {tail}", log.display())]
    NotReady {
        /// The server's name.
        server: &'static str,
        /// How long was waited.
        seconds: u64,
        /// Its log file.
        log: PathBuf,
        /// The end of its log.
        tail: String,
    },
    /// A server was asked for that this control plane does not have, or that is not running.
    #[error("{server}: is not running")]
    NotRunning {
        /// The server's name.
        server: &'static str,
    },
    /// A user was asked for that the control plane was not started with.
    #[error("user {name} is not known to the control plane; name it in the builder")]
    UnknownUser {
        /// The user's name.
        name: String,
    },
    /// A request to the API server failed.
    #[error("{stage}: the API server refused or could not be reached")]
    Api {
        /// What was being done.
        stage: &'static str,
        /// What the client said.
        #[source]
        source: Box<kube::Error>,
    },
    /// A file, folder, port or process could not be used.
    #[error("{stage} failed")]
    Io {
        /// What was being done.
        stage: String,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// Keys or certificates could not be made.
    #[error("{stage} failed")]
    Certificate {
        /// What was being made.
        stage: &'static str,
        /// What the library said.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// Something that was waited for did not happen in time.
    #[error("{what} did not happen within {seconds} s")]
    Timeout {
        /// What was waited for.
        what: String,
        /// How long was waited.
        seconds: u64,
    },
}

impl TestkitError {
    pub(crate) fn io(stage: impl Into<String>) -> impl FnOnce(std::io::Error) -> Self {
        let stage = stage.into();
        move |source| Self::Io { stage, source }
    }

    pub(crate) fn api(stage: &'static str) -> impl FnOnce(kube::Error) -> Self {
        move |source| Self::Api { stage, source: Box::new(source) }
    }
}
