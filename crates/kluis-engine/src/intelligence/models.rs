//! What judges secrets here, as its users are told.

use crate::action::Action;
use crate::caller::Caller;
use crate::engine::Engine;
use crate::error::Error;

/// Something that judges secrets.
#[derive(Debug)]
pub struct Model {
    /// What it is called.
    pub id: &'static str,
    /// Which edition of it comes with this program.
    pub version: &'static str,
    /// What it is for.
    pub purpose: &'static str,
    /// What it goes by.
    pub features: &'static [&'static str],
}

/// All of them.
const MODELS: &[Model] = &[
    Model {
        id: "text-classifier",
        version: "2",
        purpose: "Says what a text is: a kind of secret, or none.",
        features: &[
            "patterns of known keys, armour and addresses",
            "groups of three letters",
            "groups of two and three kinds of characters",
            "length, entropy and shares of kinds of characters",
        ],
    },
    Model {
        id: "secret-strength",
        version: "1",
        purpose: "Estimates how many guesses a secret withstands, in bits.",
        features: &[
            "common passwords, words, names, dates and keyboards, by zxcvbn",
            "the user's name and the record's",
            "length, alphabet and entropy of tokens",
            "algorithm and size of keys and certificates",
        ],
    },
    Model {
        id: "access-anomaly",
        version: "1",
        purpose: "Finds hours in which somebody read more than usual, and first reads from a new client address.",
        features: &[
            "reads in an hour against the median of the same hour in up to eight weeks before, in robust deviations",
            "client addresses, of version 6 by their networks of 64 bits",
        ],
    },
    Model {
        id: "secret-hygiene",
        version: "1",
        purpose: "Finds secrets that are old, idle, about to expire or used twice, and keys that may more than they need.",
        features: &[
            "age of a value against its cluster's interval or what is usual for its type",
            "time to the end of a value, and since its last read",
            "equal keyed digests, under a key that is forgotten after each run",
            "scopes that the acts of 30 days needed",
        ],
    },
];

impl Engine {
    /// The models that come with the program.
    pub async fn model_list(&self, caller: &Caller) -> Result<&'static [Model], Error> {
        self.look(caller, Action::ModelList, async |_, _| Ok(MODELS))
            .await
    }
}
