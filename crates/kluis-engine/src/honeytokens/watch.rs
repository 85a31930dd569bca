//! What happens when somebody reads at the path of a honeytoken, or tries to: it is recorded and counted, and they are
//! neither stopped nor told.
//!
//! Every act that lets a value out, or refuses to, passes here on its way to the record. A vault's row says whether it has
//! honeytokens, and every read has that row: where there are none, nothing is asked.

use crate::act::Act;
use crate::audit::{Event, Outcome};
use crate::engine::Engine;
use crate::error::Error;
use crate::ids::{HoneytokenId, VaultId};
use crate::store::sql::honeytokens as sql;
use crate::store::{Conn, params};

/// A honeytoken that an act has touched, and the entry in the record that says so.
pub(crate) struct Touched {
    id: HoneytokenId,
    pub(crate) event: Event,
}

impl Engine {
    /// The honeytokens that an act has touched which ended with `error`, or well.
    pub(crate) async fn honeytokens_touched(
        &self,
        conn: &mut Conn,
        act: &Act,
        error: Option<&Error>,
    ) -> Result<Vec<Touched>, Error> {
        match act.watched() {
            None => Ok(Vec::new()),
            Some(vault) => touched_in(conn, act, vault, error).await,
        }
    }

    /// The same for an act that was refused before anything was looked for.
    pub(crate) async fn honeytokens_touched_unseen(
        &self,
        act: &Act,
    ) -> Result<Vec<Touched>, Error> {
        match act.would_read() {
            None => Ok(Vec::new()),
            Some(vault) => {
                let mut reader = self.store().reader().await?;
                touched_in(reader.conn()?, act, vault, Some(&Error::Forbidden)).await
            }
        }
    }

    /// Count what was touched and tell the operator; its entries in the record are the caller's to store.
    pub(crate) fn honeytokens_tell(&self, act: &Act, touched: &[Touched]) {
        for Touched { id, .. } in touched {
            self.sightings().triggered(*id, act.now);
            let (organization, request_id) = (act.caller.organization, act.caller.origin.request);
            tracing::warn!(honeytoken = %id, %organization, %request_id, "a honeytoken was touched");
        }
    }

    /// Both, for an act without a transaction.
    pub(crate) async fn honeytokens_record(
        &self,
        act: &Act,
        touched: Vec<Touched>,
    ) -> Result<(), Error> {
        self.honeytokens_tell(act, &touched);
        for Touched { event, .. } in touched {
            self.store().record(event).await?;
        }
        Ok(())
    }
}

async fn touched_in(
    conn: &mut Conn,
    act: &Act,
    vault: VaultId,
    error: Option<&Error>,
) -> Result<Vec<Touched>, Error> {
    let outcome = match error {
        None => Outcome::Success,
        Some(Error::Forbidden | Error::Hidden | Error::Unauthenticated) => Outcome::Denied,
        Some(_) => Outcome::Failed,
    };
    let of = params![vault.bytes(), act.caller.organization.bytes()];
    let mut touched = Vec::new();
    for mut row in conn.query(sql::WATCHED, of).await? {
        let id = HoneytokenId::from_bytes(row.array()?);
        let (path, secret) = (row.text()?, row.optional_array()?);
        if act.touches(&path, secret.as_ref()) {
            let event = act.trips(id, vault, &path, outcome)?;
            touched.push(Touched { id, event });
        }
    }
    Ok(touched)
}
