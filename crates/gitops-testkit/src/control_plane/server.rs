//! One server of a control plane, and what can happen to it.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::{Instant, sleep, timeout};

use crate::TestkitError;
use crate::supervise::{Signal, Supervised};

/// How long a server may take to become ready; two busy cores need a tenth of it.
const READY: Duration = Duration::from_secs(90);
/// How long a server may take to end when it is asked to; then it is killed.
const GRACE: Duration = Duration::from_secs(15);
/// How often a foreign process is looked at: it cannot tell us by itself.
const POLL: Duration = Duration::from_millis(20);

/// How a server tells that it is ready.
#[derive(Clone)]
pub(crate) enum Probe {
    /// `GET /health` on this loopback port.
    Etcd(u16),
    /// `GET /readyz` with this configuration.
    ApiServer(Box<kube::Config>),
    /// It does not tell; it runs.
    Running,
}

/// A server of a [`ControlPlane`](crate::ControlPlane): etcd, the API server or the controller-manager.
///
/// It can be stopped, killed, paused, resumed, started and restarted, each by itself; address and data stay.
pub struct Server {
    name: &'static str,
    program: PathBuf,
    arguments: Vec<OsString>,
    log: PathBuf,
    probe: Probe,
    process: Mutex<Option<Supervised>>,
    was_ready: AtomicBool,
}

impl std::fmt::Debug for Server {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Server")
            .field("name", &self.name)
            .field("log", &self.log)
            .finish_non_exhaustive()
    }
}

impl Server {
    pub(crate) fn new(
        name: &'static str,
        program: PathBuf,
        arguments: Vec<OsString>,
        log: PathBuf,
        probe: Probe,
    ) -> Self {
        Self {
            name,
            program,
            arguments,
            log,
            probe,
            process: Mutex::new(None),
            was_ready: AtomicBool::new(false),
        }
    }

    /// Starts it where it was before, and waits until it is ready. Does nothing while it runs.
    ///
    /// # Errors
    /// When it ends by itself, or is not ready within 90 s.
    pub async fn start(&self) -> Result<(), TestkitError> {
        let deadline = Instant::now() + READY;
        loop {
            match self.start_once(deadline).await {
                // Somebody else has the port for a moment; a fresh start has chosen another, a restart must wait.
                Err(error)
                    if is_port_taken(&error)
                        && self.was_ready.load(Ordering::Relaxed)
                        && Instant::now() < deadline =>
                {
                    sleep(POLL * 10).await
                }
                result => return result,
            }
        }
    }

    /// Asks it to end, as a node's shutdown does, and waits; kills it when it does not end within 15 s.
    ///
    /// # Errors
    /// When it cannot be signalled.
    pub async fn stop(&self) -> Result<(), TestkitError> {
        self.signal(Signal::Term)?;
        // A paused process gets the first signal only after the second.
        self.signal(Signal::Continue).or_else(ignore_ended)?;
        let deadline = Instant::now() + GRACE;
        while self.is_running() {
            if Instant::now() > deadline {
                return self.kill();
            }
            sleep(POLL).await;
        }
        self.lock().take();
        Ok(())
    }

    /// Ends it at once, as a power failure does.
    ///
    /// # Errors
    /// [`TestkitError::NotRunning`].
    pub fn kill(&self) -> Result<(), TestkitError> {
        match self.lock().take() {
            Some(process) => drop(process),
            None => return Err(TestkitError::NotRunning { server: self.name }),
        }
        Ok(())
    }

    /// Stops it in its tracks (`SIGSTOP`): connections stay open and nothing answers.
    ///
    /// # Errors
    /// [`TestkitError::NotRunning`].
    pub fn pause(&self) -> Result<(), TestkitError> {
        self.signal(Signal::Stop)
    }

    /// Lets it go on after [`Server::pause`].
    ///
    /// # Errors
    /// [`TestkitError::NotRunning`].
    pub fn resume(&self) -> Result<(), TestkitError> {
        self.signal(Signal::Continue)
    }

    /// Stops it, starts it again, and waits until it is ready.
    ///
    /// # Errors
    /// Those of [`Server::stop`] and [`Server::start`].
    pub async fn restart(&self) -> Result<(), TestkitError> {
        self.stop().await?;
        self.start().await
    }

    /// Returns whether the process is there (a paused one is).
    #[must_use]
    pub fn is_running(&self) -> bool {
        self.lock().as_mut().is_some_and(|process| matches!(process.exited(), Ok(None)))
    }

    /// Returns its process id while it runs.
    #[must_use]
    pub fn process_id(&self) -> Option<u32> {
        self.lock().as_ref().map(Supervised::process_id)
    }

    /// Returns its log, which goes on through restarts.
    #[must_use]
    pub fn log(&self) -> &Path {
        &self.log
    }

    async fn start_once(&self, deadline: Instant) -> Result<(), TestkitError> {
        if !self.is_running() {
            let spawned = Supervised::spawn(&self.program, &self.arguments, &self.log);
            let process = spawned.map_err(|source| TestkitError::Spawn { server: self.name, source })?;
            *self.lock() = Some(process);
        }
        while !self.is_ready().await {
            if !self.is_running() {
                self.lock().take();
                return Err(self.exited());
            }
            if Instant::now() > deadline {
                let (log, tail) = (self.log.clone(), self.tail());
                return Err(TestkitError::NotReady {
                    server: self.name,
                    seconds: READY.as_secs(),
                    log,
                    tail,
                });
            }
            sleep(POLL).await;
        }
        self.was_ready.store(true, Ordering::Relaxed);
        Ok(())
    }

    /// Returns whether it answers; a server that answers although ours has ended is another one on our port.
    async fn is_ready(&self) -> bool {
        let patience = Duration::from_secs(2);
        let answers = match &self.probe {
            Probe::Running => true,
            Probe::Etcd(port) => {
                timeout(patience, etcd_is_healthy(*port)).await.is_ok_and(|healthy| healthy.unwrap_or(false))
            }
            Probe::ApiServer(config) => timeout(patience, api_server_is_ready(config)).await.unwrap_or(false),
        };
        answers && self.is_running()
    }

    /// Returns the error that tells of its unexpected end.
    pub(crate) fn exited(&self) -> TestkitError {
        TestkitError::Exited { server: self.name, log: self.log.clone(), tail: self.tail() }
    }

    fn signal(&self, signal: Signal) -> Result<(), TestkitError> {
        let mut process = self.lock();
        let running = process.as_mut().ok_or(TestkitError::NotRunning { server: self.name })?;
        running.signal(signal).map_err(|_| TestkitError::NotRunning { server: self.name })
    }

    fn tail(&self) -> String {
        let log = std::fs::read(&self.log).unwrap_or_default();
        let log = String::from_utf8_lossy(&log);
        let lines: Vec<&str> = log.lines().rev().take(8).collect();
        lines.into_iter().rev().collect::<Vec<_>>().join(" | ")
    }

    fn lock(&self) -> MutexGuard<'_, Option<Supervised>> {
        self.process.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn ignore_ended(error: TestkitError) -> Result<(), TestkitError> {
    if matches!(error, TestkitError::NotRunning { .. }) { Ok(()) } else { Err(error) }
}

/// Returns whether a server ended because its port was taken between our choosing it and its binding.
pub(crate) fn is_port_taken(error: &TestkitError) -> bool {
    matches!(error, TestkitError::Exited { tail, .. } if tail.contains("address already in use"))
}

async fn etcd_is_healthy(port: u16) -> std::io::Result<bool> {
    let mut stream = tokio::net::TcpStream::connect(("127.0.0.1", port)).await?;
    stream.write_all(b"GET /health HTTP/1.0\r\nHost: 127.0.0.1\r\n\r\n").await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    Ok(answer.lines().next().is_some_and(|status| status.contains(" 200 ")) && answer.contains("\"true\""))
}

async fn api_server_is_ready(config: &kube::Config) -> bool {
    let Ok(client) = kube::Client::try_from(config.clone()) else { return false };
    let Ok(request) = http::Request::get("/readyz").body(Vec::new()) else { return false };
    client.request_text(request).await.is_ok_and(|text| text == "ok")
}
