//! What an act that was done has to tell to others than the record ([`crate::webhooks`]).

use super::{Act, Thing};
use crate::ids::{SecretId, VaultId};
use crate::webhooks::About;

impl Act {
    /// What it wrote was not there before.
    pub(crate) fn creates(&mut self) {
        self.created = true;
    }

    /// Whether it did.
    pub(crate) fn has_created(&self) -> bool {
        self.created
    }

    /// Whether a value left with the answer to a change.
    pub(crate) fn has_read_along(&self) -> bool {
        self.reads_along
    }

    /// The vault that it was done in.
    pub(crate) fn vault(&self) -> Option<VaultId> {
        self.found.vault
    }

    /// The things that it was done to; the place, version and name of each, as far as it has them.
    pub(crate) fn things(&self) -> Vec<About> {
        let Thing {
            resource_type,
            resource,
            path,
            name,
            version,
            ..
        } = &self.found;
        if let Some(listed) = &self.listed {
            let each = listed.iter().filter_map(|secret| {
                let id = SecretId::from_uuid_text(&secret.id)?;
                Some(About {
                    name: secret.path.clone(),
                    version: secret.version,
                    ..About::thing("secret", id.bytes())
                })
            });
            return each.collect();
        }
        let Some(resource) = resource else {
            return Vec::new();
        };
        vec![About {
            name: path.as_ref().or(name.as_ref()).cloned(),
            version: *version,
            ..About::thing(resource_type, resource)
        }]
    }
}
