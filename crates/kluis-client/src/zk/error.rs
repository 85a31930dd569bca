//! Why the vault is not used: what its owner did wrong, and what the server did.

use kluis_crypto::zk::{Fault, ZkError};

use super::PayloadFault;

/// Why an act on the vault did not happen. No variant holds a key, a code or a payload.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The call failed, or the server refused it.
    #[error("{0}")]
    Call(#[from] crate::Error),

    /// The server's answer cannot be believed.
    #[error("{0}")]
    Distrust(#[from] Distrust),

    /// The organization has no vault.
    #[error("the organization has no zero-knowledge vault yet")]
    NoVault,

    /// The organization has a vault, so no other is made.
    #[error("the organization has a zero-knowledge vault")]
    Exists,

    /// No key of the vault is made from what was given, if the server tells the truth.
    #[error("no key of the vault is made from this vault key or recovery code")]
    WrongKey,

    /// What was given as the current vault key is a recovery code, or the other way round.
    #[error("what was given as the current vault key is a recovery code, or the other way round")]
    OtherProof,

    /// A vault key that may not be set.
    #[error("this cannot be the vault key: {0}")]
    WeakKey(#[from] Fault),

    /// A payload that may not be kept.
    #[error("{0}")]
    Payload(#[from] PayloadFault),

    /// What opened is no payload of the type that the server names: another client wrote it so, or the type is a lie.
    #[error("what is in secret {id} is no payload of type '{}'", short(.secret_type))]
    Unfit {
        /// The secret.
        id: String,
        /// Its type, as the server says.
        secret_type: String,
    },

    /// The secret has changed since it was read.
    #[error("secret {id} was changed by somebody else in the meantime")]
    Changed {
        /// The secret.
        id: String,
    },

    /// What was asked for may have happened: it was sent, and nothing that came back says for certain. Holds what was met
    /// instead.
    #[error("{0}")]
    Unknown(Box<Error>),

    /// The system gives no random bytes or no memory.
    #[error("{0}")]
    System(ZkError),
}

/// What a server did that an honest one does not. Ids and types in here are the server's own words.
#[derive(Debug, Clone, Eq, PartialEq, thiserror::Error)]
pub enum Distrust {
    /// The salt is another one: keys derived with it would be of the server's choosing.
    #[error(
        "the server names organization '{}', and was the server of {known} before; no key was derived with it",
        short(.claimed),
    )]
    OrganizationChanged {
        /// Those met before.
        known: String,
        /// The one named now.
        claimed: String,
    },

    /// Too short for a salt.
    #[error("the server's organization id has {length} bytes, too few for the salt of a key")]
    OrganizationTooShort {
        /// Its length, in bytes.
        length: usize,
    },

    /// A vault was made with keys of one organization for another one: nothing opens it.
    #[error(
        "the vault {} was made with keys of organization '{}', and the server says now that it is of '{}', where they open nothing",
        short(.vault_id),
        short(.organization_id),
        short(.claimed),
    )]
    MadeElsewhere {
        /// The vault, as the server names it.
        vault_id: String,
        /// The one that the server named before, and the keys were derived with.
        organization_id: String,
        /// The one named now.
        claimed: String,
    },

    /// Another vault in the place of the one that was there.
    #[error("the server has vault {} in the place of vault {}", short(.claimed), short(.known))]
    VaultReplaced {
        /// The one met before.
        known: String,
        /// The one named now.
        claimed: String,
    },

    /// A vault that was there is not: it was deleted, or is hidden.
    #[error("the server says that there is no vault, and had vault {} before", short(.known))]
    VaultGone {
        /// The one met before.
        known: String,
    },

    /// There are no ids under which the wrapped key could open.
    #[error("the server lists no keys, although it found the one that was given")]
    NoKeys,

    /// Something else in the place of an id: of a secret or a key that is a UUID in lower case, as it is sealed with it.
    #[error("the server names a {what} by what is no id: '{}'", short(.id))]
    NoId {
        /// `secret` or `key`.
        what: &'static str,
        /// What stands there.
        id: String,
    },

    /// One id twice in a list.
    #[error("the server lists {} twice", short(.id))]
    ListedTwice {
        /// The id.
        id: String,
    },

    /// Something else in the place of a wrapped key.
    #[error("the wrapped key that the server sent is not in base-64")]
    WrappedKeyNotBase64,

    /// A wrapped key that was cut or lengthened.
    #[error("the wrapped key that the server sent has {length} bytes instead of 60")]
    WrappedKeyLength {
        /// Its length, in bytes.
        length: usize,
    },

    /// The server found the key by its hash, and sent what that key did not wrap.
    #[error(
        "the wrapped key that the server sent opens under no listed key: it is altered, or of another vault"
    )]
    WrappedKeyDoesNotOpen,

    /// Another payload key: what would be sealed with it, somebody else may open.
    #[error("the vault has another organization key than before")]
    PayloadKeyChanged,

    /// Something else in the place of a payload.
    #[error("the payload of secret {id} is not in base-64")]
    PayloadNotBase64 {
        /// The secret.
        id: String,
    },

    /// A payload that was cut.
    #[error(
        "the payload of secret {id} is cut off: it has {length} bytes, and the shortest has 28"
    )]
    PayloadTruncated {
        /// The secret.
        id: String,
        /// Its length, in bytes.
        length: usize,
    },

    /// A payload that was altered, or is another secret's.
    #[error(
        "the payload of secret {id} does not open as its own: it is altered, or another secret's"
    )]
    PayloadDoesNotOpen {
        /// The secret.
        id: String,
    },

    /// A payload that had been replaced.
    #[error("the payload of secret {id} is an old one that had been replaced")]
    PayloadReplayed {
        /// The secret.
        id: String,
    },

    /// Types never change.
    #[error("secret {id} was of type '{}', and the server says '{}' now", short(.known), short(.claimed))]
    TypeChanged {
        /// The secret.
        id: String,
        /// What it was.
        known: String,
        /// What it is said to be.
        claimed: String,
    },

    /// A name stood for another secret, which is missing or called otherwise by now.
    #[error(
        "'{}' is another secret than before: it was {known}, and the server says it is {claimed} now",
        short(.name),
    )]
    NameMoved {
        /// The name.
        name: String,
        /// The secret that it stood for.
        known: String,
        /// The one that it is said to stand for.
        claimed: String,
    },

    /// A secret was called otherwise.
    #[error(
        "the secret that the server calls '{}' now is {id}, which was called '{}' before",
        short(.claimed),
        short(.known),
    )]
    NameChanged {
        /// The secret.
        id: String,
        /// What it was called.
        known: String,
        /// What it is said to be called.
        claimed: String,
    },

    /// An id is never used again.
    #[error("secret {id} was deleted from here, and the server has it again")]
    DeletedCameBack {
        /// The secret.
        id: String,
    },

    /// An answer about something else than was asked for.
    #[error("the server was asked about {asked}, and answers about {}", short(.answered))]
    OtherAnswer {
        /// What was asked for.
        asked: String,
        /// What the answer is about.
        answered: String,
    },
}

/// What is odd, and may have an honest reason.
#[derive(Debug, Clone, Eq, PartialEq, thiserror::Error)]
pub enum Warning {
    /// A secret is missing.
    #[error(
        "secret {id} ('{}') is not there any more: another client deleted it, access to it was revoked, or the server withholds it",
        short(.name),
    )]
    Gone {
        /// The secret.
        id: String,
        /// What it was called.
        name: String,
    },

    /// Something was done, and looking at it afterwards failed.
    #[error("what was made could not be checked: {why}")]
    Unchecked {
        /// What went wrong.
        why: String,
    },

    /// A secret that was missing is back.
    #[error("secret {id} ('{}') was missing, and is there again", short(.name))]
    Back {
        /// The secret.
        id: String,
        /// What it is called.
        name: String,
    },

    /// Not every recovery code may open the vault.
    #[error(
        "{sent} recovery keys were sent, and the server says that it has {kept}: see with kluis zk unlock which codes open the vault"
    )]
    RecoveryKeys {
        /// How many were sent.
        sent: usize,
        /// How many the server says that it keeps.
        kept: u64,
    },

    /// A secret is called otherwise.
    #[error(
        "secret {id} is called '{}', and was called '{}'; names are not sealed",
        short(.name),
        short(.known),
    )]
    Renamed {
        /// The secret.
        id: String,
        /// What it was called.
        known: String,
        /// What it is called.
        name: String,
    },
}

impl Error {
    /// Of what came after something was sent, and does not say that it failed.
    pub(super) fn after_sending(error: impl Into<Self>) -> Self {
        match error.into() {
            unknown @ Self::Unknown(_) => unknown,
            other => Self::Unknown(Box::new(other)),
        }
    }

    /// Of a call that changes something: whether it failed, or nobody knows.
    pub(super) fn of_change(error: crate::Error) -> Self {
        if may_have_happened(&error) {
            Self::after_sending(error)
        } else {
            Self::Call(error)
        }
    }
}

/// Whether a call that failed may have done its work all the same.
fn may_have_happened(error: &crate::Error) -> bool {
    match error {
        // A sealed server does nothing.
        crate::Error::Refused(refusal) => 500 <= refusal.status && !refusal.is_sealed(),
        // Nothing was sent, or it was not heard.
        crate::Error::RateLimited { .. } | crate::Error::Request(_) | crate::Error::Tls { .. } => {
            false
        }
        crate::Error::Integrity { .. }
        | crate::Error::Malformed { .. }
        | crate::Error::TimedOut { .. }
        | crate::Error::TooLong { .. }
        | crate::Error::Unreachable { .. } => true,
    }
}

/// Makes sure that this is the id of a secret or key: a UUID with its hyphens, in lower case.
pub(super) fn check_id(what: &'static str, id: &str) -> Result<(), Distrust> {
    let groups: Vec<&str> = id.split('-').collect();
    let is_digit = |byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    if groups.iter().map(|group| group.len()).eq([8, 4, 4, 4, 12])
        && groups.iter().all(|group| group.bytes().all(is_digit))
    {
        return Ok(());
    }
    Err(Distrust::NoId {
        what,
        id: id.to_owned(),
    })
}

/// Words of a server in a sentence: their beginning, if they are many.
pub(super) fn short(words: &str) -> String {
    match words.char_indices().nth(MOST_SHOWN) {
        Some((end, _)) => format!("{}...", words.get(..end).unwrap_or_default()),
        None => words.to_owned(),
    }
}

/// What a 404 means to whoever asked.
pub(super) fn absent(error: crate::Error, meaning: Error) -> Error {
    if error.status() == Some(404) {
        meaning
    } else {
        Error::Call(error)
    }
}

/// How many characters of a server's words stand in a sentence.
const MOST_SHOWN: usize = 100;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sentence_holds_the_beginning_of_what_a_server_says() {
        let many = "\u{e9}".repeat(1_000_000);
        let [known, claimed] = ["org_fixture_0001".to_owned(), many.clone()];
        let told = Distrust::OrganizationChanged { known, claimed }.to_string();
        let shown = format!(
            "'{}...', and was the server of org_fixture_0001",
            "\u{e9}".repeat(100)
        );
        assert!(told.contains(&shown), "{}", told.len());
        let [id, name] = [String::new(), many];
        assert!(Warning::Back { id, name }.to_string().len() < 400);
    }
}
