//! Numbers that move with every change, before it is acknowledged: what was read in the same generation is still true.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::ids::VaultId;

/// What a change can alter.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Touches {
    /// Secrets of this vault and their versions, and nothing else.
    Secrets(VaultId),
    /// Anything.
    Anything,
    /// Nothing that anybody remembers: what background work keeps for itself.
    Unremembered,
}

/// The generations of a database whose every change goes through one writer.
pub(crate) struct Generations {
    beside_secrets: AtomicU64,
    /// Of the secrets of many vaults; vaults that share one are only asked about once more than they need be.
    secrets: Box<[AtomicU64]>,
}

/// Generations of secrets: 8 KiB of them.
const SHARED: u16 = 1_024;

impl Default for Generations {
    fn default() -> Self {
        Self {
            beside_secrets: AtomicU64::new(0),
            secrets: (0..SHARED).map(|_| AtomicU64::new(0)).collect(),
        }
    }
}

impl Generations {
    /// Moved by every change but those of secrets alone.
    pub(crate) fn beside_secrets(&self) -> u64 {
        self.beside_secrets.load(Ordering::Acquire)
    }

    /// Moved by every change but those of other vaults' secrets. Neither number goes back, so their sum is the same only
    /// while both are.
    pub(crate) fn of_vault(&self, vault: VaultId) -> u64 {
        let secrets = self.secrets_of(vault).load(Ordering::Acquire);
        self.beside_secrets().wrapping_add(secrets)
    }

    /// Changes that touched this much are committed, or may be.
    pub(super) fn moved(&self, touched: Touches) {
        let moved = match touched {
            Touches::Secrets(vault) => self.secrets_of(vault),
            Touches::Anything => &self.beside_secrets,
            Touches::Unremembered => return,
        };
        moved.fetch_add(1, Ordering::Release);
    }

    fn secrets_of(&self, vault: VaultId) -> &AtomicU64 {
        // The end of an id is random.
        let [.., high, low] = *vault.bytes();
        let place = u16::from_be_bytes([high, low]) % SHARED;
        // There is one for each place; that of everything is never wrong.
        self.secrets
            .get(usize::from(place))
            .unwrap_or(&self.beside_secrets)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vault(end: u8) -> VaultId {
        let mut bytes = [0; 16];
        bytes[15] = end;
        VaultId::from_bytes(bytes)
    }

    #[test]
    fn a_change_moves_what_it_touches_and_nothing_else() {
        let generations = Generations::default();
        let seen = || {
            [
                generations.beside_secrets(),
                generations.of_vault(vault(1)),
                generations.of_vault(vault(2)),
            ]
        };
        let [beside, one, two] = seen();
        generations.moved(Touches::Secrets(vault(1)));
        let [beside_then, one_then, two_then] = seen();
        assert_eq!((beside_then, two_then), (beside, two));
        assert_ne!(one_then, one);
        generations.moved(Touches::Unremembered);
        assert_eq!(seen(), [beside_then, one_then, two_then]);
        generations.moved(Touches::Anything);
        let now = seen();
        assert!(now[0] != beside_then && now[1] != one_then && now[2] != two_then);
    }
}
