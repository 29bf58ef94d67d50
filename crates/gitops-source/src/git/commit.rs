//! What a commit says about itself.

use gix::ObjectId;
use gix::bstr::BStr;
use gix::objs::{CommitRef, CommitRefIter, Find, Kind};
use jiff::Timestamp;

/// What a commit says about itself, and what a signature over it is made of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommitInfo {
    id: ObjectId,
    tree: ObjectId,
    message: String,
    author: Actor,
    committer: Actor,
    signature: Option<Vec<u8>>,
    payload: Vec<u8>,
}

/// Who wrote or committed, and when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Actor {
    /// The name.
    pub name: String,
    /// The mail address, without angle brackets.
    pub email: String,
    /// The time.
    pub time: Timestamp,
}

/// Why a commit could not be read from the store.
#[derive(Debug, thiserror::Error)]
pub(super) enum Unreadable {
    #[error("commit {0} is not in the store")]
    Absent(ObjectId),
    #[error("object {0} is a {1}, not a commit")]
    NotACommit(ObjectId, Kind),
    #[error("commit {0} cannot be read: {1}")]
    Broken(ObjectId, String),
}

impl CommitInfo {
    pub(super) fn read(objects: &impl Find, id: &ObjectId) -> Result<Self, Unreadable> {
        let broken = |e: gix::error::Error| Unreadable::Broken(*id, e.to_string());
        let mut buffer = Vec::new();
        let found = objects.try_find(id, &mut buffer).map_err(broken)?;
        let object = found.ok_or(Unreadable::Absent(*id))?;
        if object.kind != Kind::Commit {
            return Err(Unreadable::NotACommit(*id, object.kind));
        }
        Self::parse(*id, object.data).map_err(broken)
    }

    fn parse(id: ObjectId, data: &[u8]) -> Result<Self, gix::error::Error> {
        let hash = gix::hash::Kind::Sha1;
        let commit = CommitRef::from_bytes(data, hash)?;
        let (signature, payload) = match CommitRefIter::signature(data, hash)? {
            Some((signature, payload)) => (Some(signature.to_vec()), payload.to_bstring().into()),
            None => (None, data.to_vec()),
        };
        Ok(Self {
            id,
            tree: commit.tree(),
            message: text(commit.message),
            author: actor(&commit.author()?),
            committer: actor(&commit.committer()?),
            signature,
            payload,
        })
    }

    pub(super) fn tree(&self) -> ObjectId {
        self.tree
    }

    /// Returns the hash in hexadecimal digits.
    pub fn id(&self) -> String {
        self.id.to_string()
    }

    /// Returns the whole message.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// Returns the message's first line.
    pub fn subject(&self) -> &str {
        self.message.split('\n').next().unwrap_or_default()
    }

    /// Returns the subject as Flux quotes it in events: at most 50 characters, then `...`.
    ///
    /// Source: fluxcd/pkg `git/git.go`, `Commit.ShortMessage`.
    pub fn short_subject(&self) -> String {
        match self.subject().char_indices().nth(50) {
            Some((end, _)) => format!("{}...", &self.subject()[..end]),
            None => self.subject().to_owned(),
        }
    }

    /// Returns who wrote the change.
    pub fn author(&self) -> &Actor {
        &self.author
    }

    /// Returns who made the commit.
    pub fn committer(&self) -> &Actor {
        &self.committer
    }

    /// Returns the armoured signature (PGP or SSH), none for an unsigned commit.
    pub fn signature(&self) -> Option<&[u8]> {
        self.signature.as_deref()
    }

    /// Returns the bytes that a signature is made over: the commit object without its signature.
    pub fn payload(&self) -> &[u8] {
        &self.payload
    }
}

fn actor(signature: &gix::actor::SignatureRef<'_>) -> Actor {
    let seconds = signature.time().map(|time| time.seconds).unwrap_or_default();
    Actor {
        name: text(signature.name),
        email: text(signature.email),
        time: Timestamp::from_second(seconds).unwrap_or(Timestamp::UNIX_EPOCH),
    }
}

fn text(bytes: &BStr) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn commit(extra: &str, message: &str) -> CommitInfo {
        let data = format!(
            "tree {tree}\nauthor Ada <ada@example.com> 1700000000 +0100\ncommitter Bob <bob@example.com> 1700000100 +0000\n{extra}\n{message}",
            tree = "1".repeat(40)
        );
        CommitInfo::parse(ObjectId::null(gix::hash::Kind::Sha1), data.as_bytes()).unwrap()
    }

    #[test]
    fn a_signature_is_parted_from_what_it_signs() {
        let signed =
            commit("gpgsig -----BEGIN SSH SIGNATURE-----\n abc\n -----END SSH SIGNATURE-----\n", "Change\n");
        let plain = commit("", "Change\n");
        let armour = String::from_utf8(signed.signature().unwrap().to_vec()).unwrap();
        assert_eq!(armour.trim_end(), "-----BEGIN SSH SIGNATURE-----\nabc\n-----END SSH SIGNATURE-----");
        assert_eq!(signed.payload(), plain.payload());
        assert_eq!(plain.signature(), None);
    }

    #[test]
    fn subjects_are_cut_after_fifty_characters() {
        let check = |message: &str, want: &str| assert_eq!(commit("", message).short_subject(), want);
        check("Short\n\nbody\n", "Short");
        check(&"ä".repeat(50), &"ä".repeat(50));
        check(&"ä".repeat(51), &format!("{}...", "ä".repeat(50)));
        check("", "");
    }

    #[test]
    fn people_and_times_are_kept() {
        let commit = commit("", "x");
        assert_eq!(commit.author().email, "ada@example.com");
        assert_eq!(commit.committer().time.as_second(), 1_700_000_100);
    }
}
