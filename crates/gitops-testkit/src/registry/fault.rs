//! What a registry is asked, and how it fails when it is told to.

use std::time::Duration;

/// What a request to a registry is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RegistryService {
    /// The greeting, `GET /v2/`.
    Greeting,
    /// A token of the token server.
    Token,
    /// A page of tags.
    Tags,
    /// A manifest or its digest.
    Manifest,
    /// Anything else.
    Other,
}

/// A way to fail.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RegistryFault {
    /// Answer with this status and nothing done.
    Status(u16),
    /// Answer that there are too many requests, and when to come again, in seconds.
    TooMany {
        /// The value of `Retry-After`.
        retry_after: Option<u64>,
    },
    /// Break the connection in the middle of the answer.
    Cut,
    /// Send half of the answer, and then nothing more.
    Hang,
    /// Wait before the answer.
    Slow(Duration),
    /// Answer with success and a page for people.
    Garbage,
    /// Answer a list of tags with a link to a page that never ends: each has other tags and leads to the next.
    EndlessPages,
    /// Leave out the header that says what a manifest's digest is.
    NoDigest,
}

/// How often a registry was asked for what, whether it answered or not.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct RegistryRequests {
    /// Greetings.
    pub greetings: usize,
    /// Tokens.
    pub tokens: usize,
    /// Pages of tags.
    pub tags: usize,
    /// Manifests and digests.
    pub manifests: usize,
    /// Anything else.
    pub other: usize,
    /// The `Authorization` headers of all of them, in order.
    pub authorizations: Vec<Option<String>>,
    /// The `User-Agent` headers of all of them, in order.
    pub user_agents: Vec<Option<String>>,
}

impl RegistryRequests {
    /// Returns the number of all requests.
    #[must_use]
    pub fn total(&self) -> usize {
        self.greetings + self.tokens + self.tags + self.manifests + self.other
    }

    pub(super) fn count(&mut self, service: RegistryService) {
        *match service {
            RegistryService::Greeting => &mut self.greetings,
            RegistryService::Token => &mut self.tokens,
            RegistryService::Tags => &mut self.tags,
            RegistryService::Manifest => &mut self.manifests,
            RegistryService::Other => &mut self.other,
        } += 1;
    }
}
