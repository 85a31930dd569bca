//! What targets get, in the words of the API that integrations belong to: the engine knows what is sent, that API what it looks
//! like.

use kluis_crypto::Secret;

use crate::clock::Timestamp;
use crate::engine::Engine;
use crate::error::Error;
use crate::ids::{IntegrationId, IntegrationRunId};
use crate::secrets::SecretInfo;

/// How what is sent looks.
#[derive(Clone, Copy)]
pub struct IntegrationWords {
    /// The headers of a push, but for the signature: names in lower case, and values.
    pub headers: fn(&Envelope) -> Vec<(&'static str, String)>,
    /// The body of a push: a JSON object.
    pub consignment: fn(Consignment<'_>) -> Result<String, Error>,
    /// The body of a message to people: a JSON object, without values.
    pub report: fn(&Report<'_>) -> Result<String, Error>,
    /// The header that signs a push: its name and value, from the time in seconds and each signature in hexadecimal.
    pub signature: fn(i64, &[String]) -> (&'static str, String),
}

/// What a push is part of.
#[derive(Clone, Copy, Debug)]
pub struct Envelope {
    /// The integration.
    pub integration: IntegrationId,
    /// The run, the same in every attempt; none for a test.
    pub run: Option<IntegrationRunId>,
    /// Which attempt this is, from 1.
    pub attempt: u32,
}

/// What a push brings.
pub struct Consignment<'a> {
    /// What it is part of.
    pub envelope: Envelope,
    /// The integration's name.
    pub name: &'a str,
    /// When it is sent.
    pub at: Timestamp,
    /// Name of the vault that the secrets are in.
    pub vault: &'a str,
    /// All of the secrets.
    pub secrets: Vec<Sent>,
}

/// One secret of a push.
pub struct Sent {
    /// What is in clear.
    pub info: SecretInfo,
    /// Its value, by name.
    pub members: Vec<(String, Secret)>,
}

/// What people are told.
#[derive(Clone, Debug)]
pub struct Report<'a> {
    /// The integration's name.
    pub name: &'a str,
    /// Name of the vault.
    pub vault: &'a str,
    /// How many secrets are meant.
    pub total: usize,
    /// Paths of those that are new or have changed since the last message.
    pub changed: Vec<&'a str>,
    /// Paths of those that are not there any more.
    pub removed: Vec<&'a str>,
    /// Whether it is only to be seen whether a message arrives.
    pub is_test: bool,
}

impl Engine {
    /// Start what is done for integrations beside the requests; it ends when the engine is dropped.
    pub fn integrations_begin(&self, words: IntegrationWords) {
        if self.integrations().words.set(words).is_ok() {
            self.integrations_tend_begin();
        }
    }
}
