//! Secrets on their way to where an integration sends them: chosen by a filter, and read with somebody's rights.

use super::list::names_seen;
use super::{Availability, Filter, SecretAt, SecretInfo, Value, Which};
use crate::access::Access;
use crate::act::Act;
use crate::engine::Engine;
use crate::error::Error;
use crate::policy::{Permission, Subject, Verdict};
use crate::store::Conn;

/// A secret that is sent somewhere.
pub(crate) struct Outgoing {
    pub(crate) info: SecretInfo,
    /// Its value; none where only the name was wanted.
    pub(crate) value: Option<Value>,
}

/// What is wanted of the secrets that a filter admits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wanted {
    /// What is in clear.
    Names,
    /// To know that each could be read, whether it has a value now or not.
    Rights,
    /// The values that can be had and whose reading is not counted (RULES §4).
    Values,
}

/// The most secrets that are sent at once.
const MOST: usize = 1_000;
/// The most bytes that their values have together.
const MOST_BYTES: usize = 8 << 20;

impl Engine {
    /// The live secrets of a vault that `filter` admits, oldest first, as the caller may have them. `Forbidden` when one of them may
    /// not be read, `TooLarge` when they are too many or too much.
    pub(crate) async fn secrets_outgoing(
        &self,
        conn: &mut Conn,
        act: &mut Act,
        access: &Access,
        filter: &Filter,
        wanted: Wanted,
    ) -> Result<Vec<Outgoing>, Error> {
        let mut chosen = names_seen(conn, act, access, |_| true).await?;
        chosen.retain(|secret| filter.admits(secret));
        if wanted == Wanted::Values {
            chosen.retain(|secret| {
                let version = secret.version.as_ref();
                secret.availability == Availability::Available
                    && version.is_some_and(|version| version.max_access_count.is_none())
            });
        }
        if chosen.len() > MOST && wanted != Wanted::Rights {
            return Err(Error::TooLarge);
        }
        if wanted != Wanted::Names {
            for secret in &chosen {
                require_readable(act, access, secret)?;
            }
        }
        if wanted != Wanted::Values {
            let named = chosen.into_iter();
            return Ok(named.map(|info| Outgoing { info, value: None }).collect());
        }
        let mut bytes = 0;
        let mut outgoing = Vec::with_capacity(chosen.len());
        for secret in chosen {
            let Some(value) = self.value_outgoing(conn, act, access, &secret).await? else {
                continue;
            };
            bytes += value.text.len();
            if bytes > MOST_BYTES {
                return Err(Error::TooLarge);
            }
            outgoing.push(Outgoing {
                info: secret,
                value: Some(value),
            });
        }
        Ok(outgoing)
    }

    /// The value of one of them; none where that has gone, or cannot be had any more, or has become another version.
    async fn value_outgoing(
        &self,
        conn: &mut Conn,
        act: &Act,
        access: &Access,
        secret: &SecretInfo,
    ) -> Result<Option<Value>, Error> {
        let (vault, at) = (access.id(), SecretAt::Id(secret.id));
        let stored = self
            .secret_stored(conn, act, vault, &at, Which::Current)
            .await?;
        let (Some(row), Some(version)) = (&stored.secret, &stored.version) else {
            return Ok(None);
        };
        let number = version.info.number;
        let is_same = secret
            .version
            .as_ref()
            .is_some_and(|seen| seen.number == number);
        if !is_same || row.closed_at.is_some() {
            return Ok(None);
        }
        self.require_settled(act, row)?;
        let newest = row.key_version(Some(version));
        let organization = act.caller.organization;
        let keys = self
            .keys()?
            .organization_at(conn, organization, newest)
            .await?;
        let value = version.sealed.open(&keys, vault, row.id, number)?;
        Ok(Some(value))
    }
}

/// That the caller may read it.
fn require_readable(act: &mut Act, access: &Access, secret: &SecretInfo) -> Result<(), Error> {
    let subject = Subject {
        path: &secret.path,
        kind: Some(&secret.kind),
        tags: &secret.tags,
    };
    let standing = access.standing(&act.caller);
    match standing.decide(Permission::Read, &subject) {
        Verdict::Allow(basis) => {
            act.rests_on(basis);
            Ok(())
        }
        Verdict::Deny => Err(Error::Forbidden),
    }
}
