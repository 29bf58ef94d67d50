//! What tests can do to a server: faults by request, and a log of what was asked.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http::{StatusCode, request};

use crate::server::Random;
use crate::signal::{Listener, Signal};
use crate::wire::status::Refusal;

/// Which requests a fault is for; everything that is not said fits.
///
/// ```
/// use gitops_sandbox::{Fault, Matching};
/// let fault = Fault::status(503, "ServiceUnavailable", "try again").on(Matching::any().method("PATCH")).times(2);
/// # let _ = fault;
/// ```
#[derive(Clone, Debug, Default)]
pub struct Matching {
    method: Option<String>,
    path: Option<String>,
    query: Option<String>,
}

impl Matching {
    /// Returns what fits every request.
    #[must_use]
    pub fn any() -> Self {
        Self::default()
    }

    /// Asks for a method.
    #[must_use]
    pub fn method(mut self, method: &str) -> Self {
        self.method = Some(method.to_owned());
        self
    }

    /// Asks for a part of the path (`/deployments/app`).
    #[must_use]
    pub fn path(mut self, part: &str) -> Self {
        self.path = Some(part.to_owned());
        self
    }

    /// Asks for a part of the query (`watch=true`).
    #[must_use]
    pub fn query(mut self, part: &str) -> Self {
        self.query = Some(part.to_owned());
        self
    }

    fn fits(&self, parts: &request::Parts) -> bool {
        let contains =
            |wanted: &Option<String>, text: &str| wanted.as_ref().is_none_or(|part| text.contains(part));
        self.method.as_ref().is_none_or(|method| parts.method == method.as_str())
            && contains(&self.path, parts.uri.path())
            && contains(&self.query, parts.uri.query().unwrap_or_default())
    }
}

/// Something that goes wrong with a request.
///
/// The next request that [fits](Fault::on) meets it, [once](Fault::times) unless told otherwise. Several that fit one
/// request happen together: it waits, is done, and its reply is lost.
///
/// # A lost reply
/// The hardest case for a client: the write has happened, and the connection breaks before the answer comes. Whoever
/// writes again must find what is already there.
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), kube::Error> {
/// use gitops_sandbox::{Fault, Matching, Sandbox};
/// use k8s_openapi::api::core::v1::Namespace;
/// use kube::{Api, Client, ResourceExt, api::PostParams};
///
/// let sandbox = Sandbox::start();
/// let namespaces: Api<Namespace> = Api::all(Client::new(sandbox.service(), "default"));
/// let mut shop = Namespace::default();
/// shop.metadata.name = Some("shop".to_owned());
///
/// sandbox.inject(Fault::lost_reply().on(Matching::any().method("POST").path("/namespaces")));
/// let error = namespaces.create(&PostParams::default(), &shop).await.unwrap_err();
/// assert!(matches!(error, kube::Error::Service(_))); // no answer, as of a cable that was pulled
/// assert_eq!(namespaces.get("shop").await?.name_any(), "shop"); // and yet it is there
///
/// let again = namespaces.create(&PostParams::default(), &shop).await.unwrap_err();
/// assert!(matches!(again, kube::Error::Api(status) if status.is_already_exists()));
/// # Ok(()) }
/// ```
///
/// # A slow server
/// Delays pass on the server's [clock](crate::Clock), so a test need not wait for them.
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use gitops_sandbox::{Clock, Fault, Sandbox};
/// use kube::Client;
/// use std::time::Duration;
///
/// let clock = Clock::standing_at("2026-01-01T00:00:00Z".parse()?);
/// let sandbox = Sandbox::builder().clock(clock.clone()).start();
/// sandbox.inject(Fault::delay(Duration::from_secs(3600)));
///
/// let client = Client::new(sandbox.service(), "default");
/// let (version, ()) = tokio::join!(client.apiserver_version(), async {
///     clock.sleeper().await; // the request waits
///     clock.advance(Duration::from_secs(3600)); // an hour goes by at once
/// });
/// assert_eq!(version?.major, "1");
/// # Ok(()) }
/// ```
#[derive(Clone, Debug)]
pub struct Fault {
    what: What,
    on: Matching,
    times: usize,
}

#[derive(Clone, Debug)]
enum What {
    Status(Box<Refusal>),
    Delay(Duration),
    LostReply,
    EndedWatch(usize),
}

impl Fault {
    /// Refuses the request with this status; nothing is done.
    #[must_use]
    pub fn status(code: u16, reason: &'static str, message: &str) -> Self {
        Self::new(What::Status(Refusal::new(code, reason, message)))
    }

    /// Lets the request wait, on the server's clock.
    #[must_use]
    pub fn delay(duration: Duration) -> Self {
        Self::new(What::Delay(duration))
    }

    /// Does what is asked, and cuts the connection instead of answering.
    #[must_use]
    pub fn lost_reply() -> Self {
        Self::new(What::LostReply)
    }

    /// Ends the watch after so many events (0: before the first), as a proxy does that closes what is long open.
    ///
    /// [`Sandbox::drop_watches`](crate::Sandbox::drop_watches) ends all that are open at once.
    #[must_use]
    pub fn ended_watch(events: usize) -> Self {
        Self::new(What::EndedWatch(events))
    }

    fn new(what: What) -> Self {
        Self { what, on: Matching::any(), times: 1 }
    }

    /// Sets which requests it is for.
    #[must_use]
    pub fn on(mut self, on: Matching) -> Self {
        self.on = on;
        self
    }

    /// Sets how often it happens; once unless told otherwise.
    #[must_use]
    pub fn times(mut self, times: usize) -> Self {
        self.times = times;
        self
    }
}

/// A request that the server was asked.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Asked {
    /// The method.
    pub method: String,
    /// The path.
    pub path: String,
    /// The query, without its question mark.
    pub query: String,
    /// Who asked; empty when its token is nobody's.
    pub user: String,
    /// As whom, if it impersonated somebody.
    pub impersonated: Option<String>,
    /// What the client calls itself.
    pub user_agent: String,
    /// The body.
    pub body: Bytes,
    /// The status of the answer; 0 while there is none.
    pub status: u16,
}

/// How often a request lets others go first, at most one less.
const MOST_TURNS: u64 = 8;

/// How many requests are remembered.
const REMEMBERED: usize = 4096;

#[derive(Default)]
pub(crate) struct Powers {
    faults: Mutex<Vec<Fault>>,
    log: Mutex<Log>,
    /// Changes when all watches shall end.
    drops: Signal,
    observer: Option<Observer>,
    /// What the turns of requests are drawn from, if they are.
    schedule: Option<Mutex<Random>>,
}

/// What is told of each request when it has been answered.
pub(crate) type Observer = Arc<dyn Fn(&Asked) + Send + Sync>;

#[derive(Default)]
struct Log {
    on: bool,
    asked: VecDeque<Asked>,
    first: usize,
}

/// What was decided about a request.
pub(crate) struct Seen {
    pub(crate) delay: Option<Duration>,
    pub(crate) answer: Option<Box<Refusal>>,
    pub(crate) lose_reply: bool,
    /// After how many events a watch ends.
    pub(crate) end_after: Option<usize>,
    place: Option<usize>,
    asked: Option<Asked>,
}

impl Powers {
    pub(crate) fn new(observer: Option<Observer>, schedule: Option<u64>) -> Self {
        let schedule = schedule.map(|seed| Mutex::new(Random(seed)));
        Self { observer, schedule, ..Self::default() }
    }

    /// Lets others go first, as often as the schedule draws.
    pub(crate) async fn take_turn(&self) {
        let Some(schedule) = &self.schedule else { return };
        let turns = schedule.lock().unwrap_or_else(PoisonError::into_inner).next() % MOST_TURNS;
        for _ in 0..turns {
            tokio::task::yield_now().await;
        }
    }

    /// Draws one of so many; the first where nothing is drawn.
    pub(crate) fn draw(&self, of: usize) -> usize {
        let (Some(schedule), true) = (&self.schedule, of > 1) else { return 0 };
        let number = schedule.lock().unwrap_or_else(PoisonError::into_inner).next() % of as u64;
        usize::try_from(number).unwrap_or(0)
    }

    pub(crate) fn inject(&self, fault: Fault) {
        self.faults.lock().unwrap_or_else(PoisonError::into_inner).push(fault);
    }

    pub(crate) fn drop_watches(&self) {
        self.drops.add(1);
    }

    pub(crate) fn watch_drops(&self) -> Listener {
        self.drops.subscribe()
    }

    pub(crate) fn clear_faults(&self) {
        self.faults.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    pub(crate) fn log_requests(&self) {
        self.log.lock().unwrap_or_else(PoisonError::into_inner).on = true;
    }

    /// Returns the requests since the last time, oldest first.
    pub(crate) fn take_log(&self) -> Vec<Asked> {
        let mut log = self.log.lock().unwrap_or_else(PoisonError::into_inner);
        log.first += log.asked.len();
        log.asked.drain(..).collect()
    }

    /// Looks at a request; `who` tells who asks and as whom.
    pub(crate) fn see(
        &self,
        parts: &request::Parts,
        body: &Bytes,
        who: impl FnOnce() -> (String, Option<String>),
    ) -> Seen {
        let mut seen =
            Seen { delay: None, answer: None, lose_reply: false, end_after: None, place: None, asked: None };
        let mut faults = self.faults.lock().unwrap_or_else(PoisonError::into_inner);
        for fault in faults.iter_mut().filter(|fault| fault.on.fits(parts)) {
            // Of two of one kind the later one waits for the next request.
            let free = match &fault.what {
                What::Status(_) => seen.answer.is_none(),
                What::Delay(_) => seen.delay.is_none(),
                What::LostReply => !seen.lose_reply,
                What::EndedWatch(_) => seen.end_after.is_none(),
            };
            if !free || fault.times == 0 {
                continue;
            }
            fault.times -= 1;
            match &fault.what {
                What::Status(refusal) => seen.answer = Some(refusal.clone()),
                What::Delay(delay) => seen.delay = Some(*delay),
                What::LostReply => seen.lose_reply = true,
                What::EndedWatch(events) => seen.end_after = Some(*events),
            }
        }
        faults.retain(|fault| fault.times > 0);
        drop(faults);
        let mut log = self.log.lock().unwrap_or_else(PoisonError::into_inner);
        if !log.on && self.observer.is_none() {
            return seen;
        }
        let agent = parts.headers.get(http::header::USER_AGENT).and_then(|agent| agent.to_str().ok());
        let (user, impersonated) = who();
        let asked = Asked {
            method: parts.method.to_string(),
            path: parts.uri.path().to_owned(),
            query: parts.uri.query().unwrap_or_default().to_owned(),
            user,
            impersonated,
            user_agent: agent.unwrap_or_default().to_owned(),
            body: body.clone(),
            status: 0,
        };
        if log.on {
            seen.place = Some(log.first + log.asked.len());
            log.asked.push_back(asked.clone());
            if log.asked.len() > REMEMBERED {
                log.asked.pop_front();
                log.first += 1;
            }
        }
        seen.asked = self.observer.is_some().then_some(asked);
        seen
    }

    /// Takes down how a request was answered.
    pub(crate) fn saw(&self, seen: &Seen, status: StatusCode) {
        if let (Some(observer), Some(asked)) = (&self.observer, &seen.asked) {
            observer(&Asked { status: status.as_u16(), ..asked.clone() });
        }
        let Some(place) = seen.place else { return };
        let mut log = self.log.lock().unwrap_or_else(PoisonError::into_inner);
        let place = place.checked_sub(log.first);
        if let Some(asked) = place.and_then(|place| log.asked.get_mut(place)) {
            asked.status = status.as_u16();
        }
    }
}
