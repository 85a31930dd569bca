//! Names of users that tell whose they are: nobody without this server's keys makes one, so one that no lease knows can be
//! dropped, and nobody else's ever is.

use kluis_crypto::{MacKey, random};

use crate::engine::Engine;
use crate::error::Error;
use crate::ids::ClusterId;

/// How names begin.
pub(super) const PREFIX: &str = "v_";
/// Characters of the template's name; of random ones, which tell names apart; and of the tag behind them.
const OF_TEMPLATE: usize = 8;
const RANDOM: usize = 8;
const TAG: usize = 8;
/// What names are made of: five bits each, in one case, which some servers do not tell from the other.
const LETTERS: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";

impl Engine {
    /// A name that nobody has yet: at most 27 bytes, letters and digits in lower case and underscores.
    pub(super) fn lease_username(
        &self,
        cluster: ClusterId,
        template: &str,
    ) -> Result<String, Error> {
        let template: String = template
            .chars()
            .filter(char::is_ascii_alphanumeric)
            .take(OF_TEMPLATE)
            .collect();
        let random = spelled(&random::array::<RANDOM>()?);
        let name = format!("{PREFIX}{template}_{random}");
        let keys = self.keys()?;
        let tag = tag_of(keys.lease_names(), cluster, &name);
        Ok(format!("{name}{tag}"))
    }

    /// Whether this server has made that name for a user of that cluster.
    pub(super) fn is_lease_username(&self, cluster: ClusterId, name: &str) -> Result<bool, Error> {
        Ok(is_ours(self.keys()?.lease_names(), cluster, name))
    }
}

fn is_ours(key: &MacKey, cluster: ClusterId, name: &str) -> bool {
    let place = name.len().checked_sub(TAG);
    match place.and_then(|place| name.split_at_checked(place)) {
        Some((name, tag)) => name.starts_with(PREFIX) && tag == tag_of(key, cluster, name),
        None => false,
    }
}

fn tag_of(key: &MacKey, cluster: ClusterId, name: &str) -> String {
    let tag = key.tag(&[cluster.bytes(), name.as_bytes()]);
    spelled(tag.first_chunk::<TAG>().unwrap_or(&[0; TAG]))
}

fn spelled(bytes: &[u8]) -> String {
    let letter = |byte: &u8| LETTERS.get(usize::from(byte & 31)).copied();
    bytes.iter().filter_map(letter).map(char::from).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// NT-72
    #[test]
    fn no_other_server_cluster_or_name_passes_for_ours() {
        let key = MacKey::derive(&[1; 32], "test");
        let cluster = ClusterId::from_bytes([2; 16]);
        let name = format!(
            "v_read_abcdefgh{}",
            tag_of(&key, cluster, "v_read_abcdefgh")
        );
        assert!(name.len() <= 27 && is_ours(&key, cluster, &name));
        let other = MacKey::derive(&[3; 32], "test");
        assert!(!is_ours(&other, cluster, &name));
        assert!(!is_ours(&key, ClusterId::from_bytes([4; 16]), &name));
        for place in 0..name.len() {
            let mut changed = name.clone().into_bytes();
            changed[place] = if changed[place] == b'a' { b'b' } else { b'a' };
            let changed = String::from_utf8(changed).unwrap();
            assert!(
                changed == name || !is_ours(&key, cluster, &changed),
                "{changed}"
            );
        }
    }

    proptest! {
        #[test]
        fn no_name_makes_it_stumble(name in "\\PC{0,40}") {
            let key = MacKey::derive(&[1; 32], "test");
            prop_assert!(!is_ours(&key, ClusterId::from_bytes([2; 16]), &name));
        }
    }
}
