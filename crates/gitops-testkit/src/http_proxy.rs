//! An HTTP proxy for tests: Debian's tinyproxy.

use std::ffi::OsString;
use std::net::TcpListener;
use std::path::PathBuf;
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::time::{Instant, sleep};

use crate::TestkitError;
use crate::supervise::{Folder, Supervised};

/// How long the proxy may take to listen; it needs a few milliseconds.
const READY: Duration = Duration::from_secs(30);
/// How often it is looked at: it cannot tell us by itself.
const POLL: Duration = Duration::from_millis(10);

/// A proxy on loopback that lives as long as this value.
///
/// ```no_run
/// # async fn f() -> Result<(), gitops_testkit::TestkitError> {
/// use gitops_testkit::HttpProxy;
///
/// let proxy = HttpProxy::start(Some(("ada", "lovelace"))).await?;
/// println!("http_proxy={}", proxy.url());
/// assert!(proxy.requests().is_empty());
/// # Ok(()) }
/// ```
#[derive(Debug)]
pub struct HttpProxy {
    // Declared in the order in which they are to end.
    _process: Supervised,
    folder: Folder,
    port: u16,
}

impl HttpProxy {
    /// Starts a proxy for http and `CONNECT`, which lets in everybody or one user.
    ///
    /// # Errors
    /// [`TestkitError::ProgramMissing`] when there is no tinyproxy; when no port can be had, or it does not start.
    pub async fn start(user: Option<(&str, &str)>) -> Result<Self, TestkitError> {
        let io = || TestkitError::io("starting a proxy");
        let path = std::env::var_os("PATH").unwrap_or_default();
        let program: Option<PathBuf> = std::env::split_paths(&path)
            .map(|folder| folder.join("tinyproxy"))
            .find(|program| program.is_file());
        let program =
            program.ok_or(TestkitError::ProgramMissing { program: "tinyproxy", package: "tinyproxy-bin" })?;
        let folder = Folder::create("gitops-proxy-").map_err(io())?;
        let port =
            TcpListener::bind(("127.0.0.1", 0)).and_then(|free| free.local_addr()).map_err(io())?.port();
        let auth = user.map(|(name, password)| format!("BasicAuth {name} {password}\n")).unwrap_or_default();
        let settings = format!(
            "Port {port}\nListen 127.0.0.1\nTimeout 60\nMaxClients 50\nLogLevel Connect\n{auth}LogFile \"{}\"\n",
            folder.path().join("requests").display()
        );
        let file = folder.path().join("tinyproxy.conf");
        std::fs::write(&file, settings).map_err(io())?;
        let arguments: Vec<OsString> = vec!["-d".into(), "-c".into(), file.into()];
        let log = folder.path().join("log");
        let mut process = Supervised::spawn(&program, &arguments, &log)
            .map_err(|source| TestkitError::Spawn { server: "proxy", source })?;
        let deadline = Instant::now() + READY;
        while TcpStream::connect(("127.0.0.1", port)).await.is_err() {
            let server = "proxy";
            let tail = || std::fs::read_to_string(&log).unwrap_or_default();
            if process.exited().map_err(io())?.is_some() {
                return Err(TestkitError::Exited { server, tail: tail(), log });
            }
            if Instant::now() > deadline {
                return Err(TestkitError::NotReady { server, seconds: READY.as_secs(), tail: tail(), log });
            }
            sleep(POLL).await;
        }
        Ok(Self { _process: process, folder, port })
    }

    /// Returns its address.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Returns the request lines that it was sent, as `GET http://… HTTP/1.1` and `CONNECT host:port HTTP/1.1`.
    #[must_use]
    pub fn requests(&self) -> Vec<String> {
        let log = std::fs::read_to_string(self.folder.path().join("requests")).unwrap_or_default();
        let request = |line: &str| {
            Some(line.split_once("Request (file descriptor ")?.1.split_once("): ")?.1.to_owned())
        };
        log.lines().filter_map(request).collect()
    }
}
