//! A conversation with one remote in Git's own protocol (version 2, or what older servers speak).

use std::num::NonZeroU32;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use gix::ObjectId;
use gix::bstr::{BString, ByteSlice as _};
use gix::error::Error as GixError;
use gix::odb::pack;
use gix::progress::Discard;
use gix::protocol::fetch::{self, Arguments, Negotiate, Response, Shallow, Tags, negotiate};
use gix::protocol::handshake::Ref;
use gix::protocol::ls_refs::RefPrefixes;
use gix::protocol::transport::{Protocol, Service, client::blocking_io::http::Transport};
use gix::protocol::{Handshake, LsRefsCommand};

use super::call::Call;
use super::client::client_of;
use super::failure::{RemoteAction, RemoteFailure};
use super::http::{Http, Link};
use super::remote::GitRemote;
use crate::error::SourceError;

/// How a client names itself inside the protocol.
const AGENT: &str = concat!("git/gitops-source-", env!("CARGO_PKG_VERSION"));

/// One reference of a remote.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct RemoteRef {
    /// The full name, such as `refs/heads/main`.
    pub(super) name: String,
    /// The object it leads to; an annotated tag has been followed.
    pub(super) target: ObjectId,
    /// The annotated tag's own object.
    pub(super) tag: Option<ObjectId>,
}

/// What to fetch, and how much of it.
pub(super) struct Wanted<'a> {
    pub(super) commits: &'a [ObjectId],
    /// Commits that we hold whole; the remote sends only what differs.
    pub(super) held: &'a [ObjectId],
    /// Commits without their trees, where the remote can do that.
    pub(super) bare: bool,
    /// With all that came before.
    pub(super) history: bool,
}

/// Where a fetch goes.
pub(super) struct Destination {
    /// The folder of packs.
    pub(super) packs: PathBuf,
    /// A file for the protocol's list of shallow commits.
    pub(super) shallow: PathBuf,
    /// What is already there, for packs that build on it.
    pub(super) objects: gix::odb::Handle,
    /// The limit for one object in memory.
    pub(super) object_bytes: u64,
}

/// A server that has greeted us.
pub(super) struct Session {
    link: Arc<Link>,
    transport: Transport<Http>,
    handshake: Handshake,
}

impl Session {
    /// Greets the server: one request.
    pub(super) fn open(remote: &GitRemote, call: &Call) -> Result<Self, SourceError> {
        let endpoint = remote.endpoint()?;
        let client = client_of(remote, &endpoint)?;
        let link = Arc::new(Link::new(remote.clone(), client, remote.authorization()?));
        link.begin(call.clone(), "list of references", remote.limits.references);
        let fail =
            |failure| SourceError::GitRemote { action: RemoteAction::Clone, url: remote.address(), failure };
        let url = gix::url::parse(endpoint.as_str())
            .map_err(|e| SourceError::GitUrl { url: remote.address(), reason: e.to_string() })?;
        let mut transport = Transport::new_http(Http(Arc::clone(&link)), url, Protocol::V2, false);
        // No credentials from helpers, and never a question on a terminal: the link has what is to be sent.
        let handshake = gix::protocol::handshake(
            &mut transport,
            Service::UploadPack,
            |_| Ok(None),
            Vec::new(),
            &mut Discard,
        )
        .map_err(|e| fail(link.explain(&e)))?;
        Ok(Self { link, transport, handshake })
    }

    /// Lists the references whose full names begin with one of the prefixes, all without any: one request, or
    /// none with older servers, who list everything when they greet.
    pub(super) fn list(&mut self, prefixes: &[String]) -> Result<Vec<RemoteRef>, RemoteFailure> {
        let listed = match &self.handshake.refs {
            Some(refs) => refs.clone(),
            None => {
                let wanted = (!prefixes.is_empty()).then(|| {
                    let mut wanted = RefPrefixes::new();
                    wanted.extend(prefixes.iter().map(|prefix| BString::from(prefix.as_str())));
                    wanted
                });
                let agent = ("agent", Some(AGENT.to_owned()));
                LsRefsCommand::new(wanted, &self.handshake.capabilities, agent)
                    .invoke_blocking(&mut self.transport, &mut Discard, false)
                    .map_err(|e| self.link.explain(&e))?
            }
        };
        Ok(listed.iter().filter_map(remote_ref).collect())
    }

    /// Fetches what is wanted: one request.
    ///
    /// The pack and its index appear under their final names only when they are complete and checked.
    pub(super) fn fetch(
        &mut self,
        call: &Call,
        wanted: &Wanted<'_>,
        destination: Destination,
        limit: u64,
    ) -> Result<(), RemoteFailure> {
        self.link.begin(call.clone(), "pack", limit);
        let held: String = wanted.held.iter().map(|id| format!("{id}\n")).collect();
        std::fs::write(&destination.shallow, held)
            .map_err(|e| RemoteFailure::Protocol { reason: e.to_string() })?;
        let mut negotiation = OneRound { wanted };
        let interrupt = call.interrupt();
        let outcome =
            fetch_pack(&mut self.transport, &mut self.handshake, &mut negotiation, destination, &interrupt);
        match outcome {
            Ok(()) => Ok(()),
            Err(error) => Err(self.link.explain(&error)),
        }
    }
}

fn fetch_pack(
    transport: &mut Transport<Http>,
    handshake: &mut Handshake,
    negotiation: &mut OneRound<'_>,
    destination: Destination,
    interrupt: &AtomicBool,
) -> Result<(), GixError> {
    let Destination { packs, shallow, objects, object_bytes } = destination;
    let depth =
        if negotiation.wanted.history { Shallow::NoChange } else { Shallow::DepthAtRemote(NonZeroU32::MIN) };
    let options = pack::bundle::write::Options {
        thread_limit: None,
        iteration_mode: pack::data::input::Mode::Verify,
        index_version: pack::index::Version::V2,
        alloc_limit_bytes: usize::try_from(object_bytes).ok(),
        compression: Default::default(),
    };
    gix::protocol::fetch(
        negotiation,
        |reader, progress, interrupt| {
            let hash = gix::hash::Kind::Sha1;
            pack::Bundle::write_to_directory(
                reader,
                Some(&packs),
                progress,
                interrupt,
                Some(objects),
                hash,
                options,
            )?;
            Ok(true)
        },
        Discard,
        interrupt,
        fetch::Context {
            handshake,
            transport,
            user_agent: ("agent", Some(AGENT.to_owned())),
            trace_packetlines: false,
        },
        fetch::Options {
            shallow_file: shallow,
            shallow: &depth,
            tags: Tags::None,
            reject_shallow_remote: false,
        },
    )?;
    Ok(())
}

/// We know what we want and what we hold, so there is nothing to negotiate: everything is said at once.
struct OneRound<'a> {
    wanted: &'a Wanted<'a>,
}

impl Negotiate for OneRound<'_> {
    fn mark_complete_and_common_ref(&mut self) -> Result<negotiate::Action, GixError> {
        Ok(negotiate::Action::MustNegotiate { remote_ref_target_known: Vec::new() })
    }

    fn add_wants(&mut self, arguments: &mut Arguments, _known: &[bool]) -> bool {
        if self.wanted.bare && arguments.can_use_filter() {
            arguments.filter("tree:0");
        }
        for commit in self.wanted.commits {
            arguments.want(commit);
        }
        !self.wanted.commits.is_empty()
    }

    fn one_round(
        &mut self,
        _state: &mut negotiate::one_round::State,
        arguments: &mut Arguments,
        _previous: Option<&Response>,
    ) -> Result<(negotiate::Round, bool), GixError> {
        for commit in self.wanted.held {
            arguments.have(commit);
        }
        let round = negotiate::Round {
            haves_sent: self.wanted.held.len(),
            in_vain: 0,
            haves_to_send: self.wanted.held.len(),
            previous_response_had_at_least_one_in_common: false,
        };
        Ok((round, true))
    }
}

fn remote_ref(listed: &Ref) -> Option<RemoteRef> {
    let (name, target, tag) = match listed {
        Ref::Peeled { full_ref_name, tag, object } => (full_ref_name, *object, Some(*tag)),
        Ref::Direct { full_ref_name, object } => (full_ref_name, *object, None),
        Ref::Symbolic { full_ref_name, object, tag, .. } => (full_ref_name, *object, *tag),
        Ref::Unborn { .. } => return None,
    };
    // A name that is not text cannot be written into a resource either.
    Some(RemoteRef { name: name.to_str().ok()?.to_owned(), target, tag })
}
