//! What the answer to a write shows of what is stored (RULES §4).

use kluis_crypto::Secret;

use super::row::{SecretRow, VersionRow};
use super::{Availability, Value};
use crate::access::Access;
use crate::act::Act;
use crate::action::Action;
use crate::error::Error;
use crate::keys::OrganizationKeys;
use crate::policy::{Permission, Verdict};
use crate::store::Tx;

/// What is stored, as far as the answer to a write shows it.
pub(super) struct Shown<'a> {
    pub(super) access: &'a Access,
    pub(super) secret: &'a SecretRow,
    pub(super) version: Option<&'a VersionRow>,
    pub(super) keys: &'a OrganizationKeys,
}

impl Shown<'_> {
    /// Value and notes for the answer. Writing back is not reading: what the write did not set itself is shown to those who
    /// may read it, and a value that has a limit to nobody (RULES §4, NT-02). A plaintext that leaves so is recorded.
    pub(super) fn after(
        &self,
        tx: &mut Tx,
        act: &mut Act,
        written: Option<Value>,
        notes_set: bool,
    ) -> Result<(Option<Value>, Option<Option<Secret>>), Error> {
        let may_read = self.may_read(act);
        let notes = if notes_set || may_read {
            Some(self.secret.open_notes(self.keys)?)
        } else {
            None
        };
        let mut reads = !notes_set && matches!(notes, Some(Some(_)));
        let value = match written {
            None if may_read => self.unlimited_value(act)?.inspect(|_| reads = true),
            written => written,
        };
        if reads {
            tx.record(act.also(Action::SecretRead)?);
        }
        Ok((value, notes))
    }

    fn may_read(&self, act: &Act) -> bool {
        let standing = self.access.standing(&act.caller);
        let verdict = standing.decide(Permission::Read, &self.secret.subject());
        matches!(verdict, Verdict::Allow(_))
            && act.caller.within_scopes(Action::SecretRead.rule().scopes)
    }

    /// The value, where one is available and has no limit.
    fn unlimited_value(&self, act: &Act) -> Result<Option<Value>, Error> {
        let info = self.version.map(|row| &row.info);
        let available = self.secret.availability(info, act.now) == Availability::Available
            && !self.secret.switching
            && info.is_some_and(|info| info.max_access_count.is_none());
        let Some(version) = self.version.filter(|_| available) else {
            return Ok(None);
        };
        let vault = self.access.vault.facts.id;
        let number = version.info.number;
        let value = version
            .sealed
            .open(self.keys, vault, self.secret.id, number)?;
        Ok(Some(value))
    }
}
