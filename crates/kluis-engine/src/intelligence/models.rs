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
const MODELS: &[Model] = &[Model {
    id: "text-classifier",
    version: "1",
    purpose: "Says what a text is: a kind of secret, or none.",
    features: &[
        "patterns of known keys, armour and addresses",
        "groups of three letters",
        "groups of two and three kinds of characters",
        "length, entropy and shares of kinds of characters",
    ],
}];

impl Engine {
    /// The models that come with the program.
    pub async fn model_list(&self, caller: &Caller) -> Result<&'static [Model], Error> {
        self.look(caller, Action::ModelList, async |_, _| Ok(MODELS))
            .await
    }
}
