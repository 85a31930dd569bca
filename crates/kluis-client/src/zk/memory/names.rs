//! What a name stands for: names are not sealed, so a server could pass one secret off as another.
//!
//! What a secret was called when it was first seen, or by an act of this client, is kept until somebody names the secret by
//! its id: a listing changes nothing of it.

use super::{Known, KnownSecret};
use crate::inkbox;
use crate::zk::Distrust;

impl Known {
    /// Makes sure that a name stands for what it stood for before. `listed` is all that the caller may read.
    pub(in crate::zk) fn check_name(
        &self,
        chosen: &inkbox::Secret,
        listed: &[&inkbox::Secret],
    ) -> Result<(), Distrust> {
        let (id, name) = (&chosen.id, &chosen.name);
        let mut before = self
            .secrets
            .iter()
            .filter(|(other, known)| *other != id && known.stands_for(name))
            .filter(|(other, known)| match called(listed, other) {
                Some(now) => now != name,
                // One that was never shown to this caller is not missing.
                None => known.was_shown_to(&self.viewer),
            });
        if let Some((before, _)) = before.next() {
            return Err(Distrust::NameMoved {
                name: name.clone(),
                known: before.clone(),
                claimed: id.clone(),
            });
        }
        match self.secrets.get(id) {
            Some(known) if known.name != *name => Err(Distrust::NameChanged {
                id: id.clone(),
                known: known.name.clone(),
                claimed: name.clone(),
            }),
            _ => Ok(()),
        }
    }

    /// Takes the name that the server says, since somebody named the secret by its id.
    pub(in crate::zk) fn accept_name(
        &mut self,
        chosen: &inkbox::Secret,
        listed: &[&inkbox::Secret],
    ) {
        let name = chosen.name.as_str();
        self.call(&chosen.id, name, |other| {
            called(listed, other) != Some(name)
        });
    }

    /// Remembers a name that was given from here.
    pub(in crate::zk) fn named(&mut self, id: &str, name: &str) {
        self.call(id, name, |_| true);
    }

    /// From now on a name stands for this secret, and for no other one that loses it.
    fn call(&mut self, id: &str, name: &str, loses: impl Fn(&str) -> bool) {
        for (other, known) in &mut self.secrets {
            if other == id {
                name.clone_into(&mut known.name);
                known.is_name_lost = false;
            } else if known.name == name && loses(other) {
                known.is_name_lost = true;
            }
        }
    }
}

impl KnownSecret {
    fn stands_for(&self, name: &str) -> bool {
        self.name == name && !self.is_name_lost
    }

    fn was_shown_to(&self, viewer: &str) -> bool {
        self.seen_by.contains(viewer) || self.missed_by.contains(viewer)
    }
}

/// What the server calls a secret now.
fn called<'a>(listed: &[&'a inkbox::Secret], id: &str) -> Option<&'a str> {
    let found = listed.iter().find(|secret| secret.id == id);
    found.map(|secret| secret.name.as_str())
}
