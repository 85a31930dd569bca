//! Looking into the record: newest first, filtered, a page at a time.
//!
//! A row that stands for many secrets is shown, filtered and counted as one entry per secret (RULES §7). The search
//! goes down the log in portions, so it holds little in memory and lets other requests on, however long the log is.

use std::collections::BTreeSet;

use uuid::Uuid;

use super::entries::{AuditEntry, Shown, entries};
use super::row::EventRow;
use crate::action::Action;
use crate::caller::{Caller, Principal, Role};
use crate::clock::Timestamp;
use crate::engine::Engine;
use crate::error::Error;
use crate::ids::{EventId, VaultId};
use crate::pages::first_id_of;
use crate::store::sql::events as sql;
use crate::store::{Conn, Failure, Row, params};

/// Which entries to show; everything that is left out restricts nothing.
#[derive(Clone, Debug, Default)]
pub struct AuditFilter {
    /// What they are about.
    pub resource: Option<ResourceFilter>,
    /// Id of the user or agent who acted.
    pub actor: Option<[u8; 16]>,
    /// Name of the action.
    pub action: Option<String>,
    /// Not before this.
    pub from: Option<Timestamp>,
    /// Not after this.
    pub to: Option<Timestamp>,
    /// How many at most; more than 1,000 are never given.
    pub limit: u32,
    /// How many of the newest to leave out.
    pub offset: u32,
}

/// What an entry is about.
#[derive(Clone, Debug)]
pub enum ResourceFilter {
    /// The thing with this id, or anything in the vault with this id.
    Id([u8; 16]),
    /// The secret at this path, in any vault.
    Path(String),
}

/// What a caller sees of its organization's record (RULES §2).
pub(super) enum Sight {
    All,
    Own([u8; 16]),
    /// Own acts, and acts on these vaults.
    OwnAnd([u8; 16], BTreeSet<VaultId>),
}

/// A search under way.
struct Search<'f> {
    organization: [u8; 16],
    filter: &'f AuditFilter,
    sight: Sight,
    /// Whose looks at the record are left out, unless they are asked for: a walk over the pages would never come to its end
    /// (NT-58).
    without_looks_of: Option<[u8; 16]>,
    /// The only actor whose entries can be shown.
    actor: Option<[u8; 16]>,
    /// What the details of every entry about the resource contain.
    pattern: Option<String>,
    /// How many of the newest are still to be left out.
    skip: u64,
    found: Vec<AuditEntry>,
}

/// Entries that one call gives, at most.
const LARGEST_PAGE: usize = 1_000;
/// Rows examined until others are let on.
const STRETCH: i64 = 4_000;
/// Rows read at once.
const PORTION: i64 = 200;

impl Engine {
    /// The entries of the record that the caller sees and `filter` lets through, newest first.
    pub async fn audit_list(
        &self,
        caller: &Caller,
        filter: AuditFilter,
    ) -> Result<Vec<AuditEntry>, Error> {
        self.store().settle().await?;
        self.look(caller, Action::AuditList, async |conn, act| {
            let sight = Sight::of(conn, &act.caller).await?;
            match Search::new(&act.caller, &filter, sight) {
                Some(search) => search.run(conn).await,
                None => Ok(Vec::new()),
            }
        })
        .await
    }
}

impl Sight {
    pub(super) async fn of(conn: &mut Conn, caller: &Caller) -> Result<Self, Failure> {
        let user = match &caller.principal {
            Principal::Agent(agent) => return Ok(Self::Own(*agent.id.bytes())),
            Principal::User(user) => user,
        };
        let me = *user.id.bytes();
        match user.role {
            Role::Owner | Role::Admin => Ok(Self::All),
            Role::Viewer => Ok(Self::Own(me)),
            Role::Member => {
                let mut made = BTreeSet::new();
                let of = params![caller.organization.bytes(), &me];
                for mut row in conn.query(sql::MADE_VAULTS, of).await? {
                    made.insert(VaultId::from_bytes(row.array()?));
                }
                Ok(if made.is_empty() {
                    Self::Own(me)
                } else {
                    Self::OwnAnd(me, made)
                })
            }
        }
    }
}

impl<'f> Search<'f> {
    /// `None` when the caller sees nothing of what is asked for.
    fn new(caller: &Caller, filter: &'f AuditFilter, sight: Sight) -> Option<Self> {
        let actor = match (&sight, filter.actor) {
            (Sight::Own(me), Some(actor)) if actor != *me => return None,
            (Sight::Own(me), _) => Some(*me),
            (Sight::All | Sight::OwnAnd(..), actor) => actor,
        };
        let pattern = filter.resource.as_ref().map(|resource| {
            let text = match resource {
                ResourceFilter::Id(id) => Uuid::from_bytes(*id).to_string(),
                ResourceFilter::Path(path) => serde_json::Value::from(path.as_str()).to_string(),
            };
            containing(&text)
        });
        let looks = Action::AuditList.rule().name;
        let me = match &caller.principal {
            Principal::Agent(agent) => *agent.id.bytes(),
            Principal::User(user) => *user.id.bytes(),
        };
        Some(Self {
            organization: *caller.organization.bytes(),
            filter,
            sight,
            without_looks_of: (filter.action.as_deref() != Some(looks)).then_some(me),
            actor,
            pattern,
            skip: u64::from(filter.offset),
            found: Vec::new(),
        })
    }

    async fn run(mut self, conn: &mut Conn) -> Result<Vec<AuditEntry>, Error> {
        let lowest = self.filter.from.map_or([0; 16], first_id_of);
        let mut below = self.filter.to.map_or([0xff; 16], first_id_after);
        loop {
            let floor = self.floor(conn, &below, &lowest).await?;
            if self.stretch(conn, below, floor.unwrap_or(lowest)).await? {
                return Ok(self.found);
            }
            match floor {
                Some(floor) => below = floor,
                None => return Ok(self.found),
            }
            tokio::task::yield_now().await;
        }
    }

    /// Where the next stretch ends, unless it is the last one.
    async fn floor(
        &self,
        conn: &mut Conn,
        below: &[u8; 16],
        lowest: &[u8; 16],
    ) -> Result<Option<[u8; 16]>, Failure> {
        let row = if let Some(actor) = &self.actor {
            let of = params![&self.organization, below, lowest, STRETCH, actor];
            conn.query_one(sql::FLOOR_OF_ACTOR, of).await?
        } else {
            let of = params![&self.organization, below, lowest, STRETCH];
            conn.query_one(sql::FLOOR, of).await?
        };
        row.map(|mut row| row.array()).transpose()
    }

    /// Take what is found from `floor` up to `below`; whether the page is full.
    async fn stretch(
        &mut self,
        conn: &mut Conn,
        mut below: [u8; 16],
        floor: [u8; 16],
    ) -> Result<bool, Error> {
        let wanted = LARGEST_PAGE.min(self.filter.limit as usize);
        loop {
            if self.found.len() >= wanted {
                return Ok(true);
            }
            let rows = self.rows(conn, &below, &floor).await?;
            let last = i64::try_from(rows.len()).is_ok_and(|rows| rows < PORTION);
            for mut row in rows {
                let event = EventRow::from_columns(&mut row)?;
                below = event.id;
                let hash = row.optional_array()?;
                let previous = row.optional_array()?.map(EventId::from_bytes);
                self.take(conn, event, hash, previous, wanted).await?;
                if self.found.len() >= wanted {
                    return Ok(true);
                }
            }
            if last {
                return Ok(false);
            }
        }
    }

    async fn rows(
        &self,
        conn: &mut Conn,
        below: &[u8; 16],
        floor: &[u8; 16],
    ) -> Result<Vec<Row>, Failure> {
        let organization = &self.organization;
        let (action, pattern) = (self.filter.action.as_ref(), self.pattern.as_ref());
        let resource = match &self.filter.resource {
            Some(ResourceFilter::Id(id)) => Some(id),
            Some(ResourceFilter::Path(_)) | None => None,
        };
        if let Some(actor) = &self.actor {
            let of = params![
                organization,
                below,
                floor,
                action,
                pattern,
                resource,
                PORTION,
                actor
            ];
            return conn.query(sql::FIND_OF_ACTOR, of).await;
        }
        let of = params![
            organization,
            below,
            floor,
            action,
            pattern,
            resource,
            PORTION
        ];
        conn.query(sql::FIND, of).await
    }

    /// Take the entries of one row, but for those that are left out.
    async fn take(
        &mut self,
        conn: &mut Conn,
        mut event: EventRow,
        hash: Option<[u8; 32]>,
        previous: Option<EventId>,
        wanted: usize,
    ) -> Result<(), Error> {
        event.complete(conn).await?;
        for shown in entries(event, hash, previous) {
            if !self.shows(&shown) {
                continue;
            }
            if self.skip > 0 {
                self.skip -= 1;
                continue;
            }
            if self.found.len() >= wanted {
                break;
            }
            self.found.push(shown.entry);
        }
        Ok(())
    }
}

impl Search<'_> {
    /// Whether the caller sees this entry and asked for it; actor, action and time are decided in the database.
    fn shows(&self, shown: &Shown) -> bool {
        let sees = match &self.sight {
            Sight::All | Sight::Own(_) => true,
            Sight::OwnAnd(me, made) => {
                shown.entry.actor == Some(*me)
                    || shown.vault.is_some_and(|vault| made.contains(&vault))
            }
        };
        let asked = match &self.filter.resource {
            None => true,
            Some(ResourceFilter::Id(id)) => {
                shown.entry.resource == Some(*id) || shown.vault == Some(VaultId::from_bytes(*id))
            }
            Some(ResourceFilter::Path(path)) => shown.path.as_ref() == Some(path),
        };
        let is_own_look = self.without_looks_of.is_some()
            && shown.entry.actor == self.without_looks_of
            && shown.entry.action == Action::AuditList.rule().name;
        sees && asked && !is_own_look
    }
}

/// The lowest id of an event after `time`.
pub(super) fn first_id_after(time: Timestamp) -> [u8; 16] {
    first_id_of(Timestamp::from_millis(time.millis().saturating_add(1)))
}

/// A pattern for what contains `text`.
fn containing(text: &str) -> String {
    let mut pattern = String::with_capacity(text.len() + 8);
    pattern.push('%');
    for character in text.chars() {
        if matches!(character, '%' | '_' | '!') {
            pattern.push('!');
        }
        pattern.push(character);
    }
    pattern.push('%');
    pattern
}
