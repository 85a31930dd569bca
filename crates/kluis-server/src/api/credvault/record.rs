//! What both doors to records do: `records.rs` names the collection, `resources.rs` means `default` (contract B2, B3).

use kluis_engine::{Engine, Error, InCluster, SecretAt, SecretId, SecretInfo, SecretWrite, Which};

use super::paging::{Cell, Field, List, ListItem};
use super::wire::{self, Answer, ListAnswer, created, success};
use crate::api::ids::prefixed;
use crate::caller::Caller;

/// A record with the collection that it is in.
pub(super) struct Entry {
    collection: String,
    secret: SecretInfo,
}

impl ListItem for Entry {
    const NAME: &'static str = "records";
    const FIELDS: &'static [Field<Self>] = &[
        Field::time("created_at", |entry| entry.secret.created_at.into()),
        Field::time("updated_at", |entry| entry.secret.updated_at.into()),
        Field::time("expires_at", |entry| {
            let version = entry.secret.version.as_ref();
            version.and_then(|version| version.expires_at).into()
        }),
        Field::time("last_rotated_at", |entry| entry.secret.rotated_at().into()),
        Field::text("name", |entry| entry.secret.path.as_str().into()),
        Field::word("type", |entry| wire::shown_type(&entry.secret.kind).into()),
        Field::word("status", |entry| entry.secret.state().as_str().into()),
        Field::word("cluster_id", |entry| match &entry.secret.cluster {
            Some(cluster) => prefixed("cluster_", cluster.bytes()).as_str().into(),
            None => Cell::Absent,
        }),
        Field::words("tag", |entry| Cell::Words(entry.secret.tags.clone())),
    ];

    fn id(&self) -> [u8; 16] {
        *self.secret.id.bytes()
    }
}

impl From<InCluster> for Entry {
    fn from(found: InCluster) -> Self {
        Self {
            collection: found.vault,
            secret: found.secret,
        }
    }
}

impl From<Entry> for wire::Record {
    fn from(entry: Entry) -> Self {
        Self::of(&entry.collection, entry.secret)
    }
}

/// The records of one collection, for one caller.
pub(super) struct Records<'a> {
    pub(super) engine: &'a Engine,
    pub(super) caller: &'a Caller,
    pub(super) collection: &'a str,
}

impl Records<'_> {
    fn entries(&self, secrets: Vec<SecretInfo>) -> Vec<Entry> {
        let secrets = secrets.into_iter();
        let entries = secrets.map(|secret| Entry {
            collection: self.collection.to_owned(),
            secret,
        });
        entries.collect()
    }

    fn shown(&self, secret: SecretInfo) -> wire::Record {
        wire::Record::of(self.collection, secret)
    }

    pub(super) async fn list(&self, list: List<Entry>) -> ListAnswer<wire::Record> {
        let list = list
            .within(self.collection)
            .open(self.engine, self.caller)?;
        let vault = self.engine.vault_id(self.caller, self.collection).await?;
        let secrets = self.engine.secret_list(self.caller, vault).await?;
        list.page(self.entries(secrets))
    }

    pub(super) async fn query(&self, query: wire::Query) -> ListAnswer<wire::RecordPart> {
        let (filter, text) = query.filter()?;
        let parts = query.parts()?;
        let sort = query.sort.filter(|sort| !sort.is_empty());
        let sort = sort.map(|sort| sort.join(","));
        let given = vec![("filter".to_owned(), text)];
        let list: List<Entry> = List::asked(given, sort.as_deref(), query.limit, query.cursor)?;
        let list = list
            .within(self.collection)
            .open(self.engine, self.caller)?;
        let vault = self.engine.vault_id(self.caller, self.collection).await?;
        let found = self
            .engine
            .secret_query(self.caller, vault, &filter)
            .await?;
        list.page_of(self.entries(found), |entry| parts.of(&entry.into()))
    }

    pub(super) async fn create<W: From<wire::Record> + serde::Serialize>(
        &self,
        body: wire::RecordPut,
    ) -> Answer<W> {
        let (path, write) = body.insert(self.collection)?;
        let vault = self.engine.vault_id(self.caller, self.collection).await?;
        let at = SecretAt::Path(path);
        let made = self.engine.secret_write(self.caller, vault, at, write);
        created(self.shown(made.await?.info).into())
    }

    pub(super) async fn create_many(&self, bodies: Vec<wire::RecordPut>) -> Answer<wire::Inserted> {
        if !(1..=MOST_AT_ONCE).contains(&bodies.len()) {
            return Err(Error::invalid("body", "must hold 1 to 100 records").into());
        }
        let new = bodies.into_iter().map(|body| body.insert(self.collection));
        let new = new.collect::<Result<_, _>>()?;
        let vault = self.engine.vault_id(self.caller, self.collection).await?;
        let made = self.engine.secret_insert(self.caller, vault, new).await?;
        let made = made.into_iter().map(|secret| self.shown(secret));
        created(wire::Inserted::Many(made.collect()))
    }

    pub(super) async fn read(&self, record: SecretId, reveal: bool) -> Answer<wire::RecordShown> {
        let vault = self.engine.vault_id(self.caller, self.collection).await?;
        let at = SecretAt::Id(record);
        success(if reveal {
            let read = self
                .engine
                .secret_read(self.caller, vault, &at, Which::Current);
            wire::RecordShown::revealed(self.collection, read.await?)?
        } else {
            let secret = self.engine.secret_view(self.caller, vault, &at).await?;
            wire::RecordShown::of(self.collection, secret)
        })
    }

    pub(super) async fn write(&self, record: SecretId, write: SecretWrite) -> Answer<wire::Record> {
        let vault = self.engine.vault_id(self.caller, self.collection).await?;
        let at = SecretAt::Id(record);
        let written = self.engine.secret_write(self.caller, vault, at, write);
        success(self.shown(written.await?.info))
    }

    pub(super) async fn delete(
        &self,
        record: SecretId,
        expected: Option<u32>,
    ) -> Answer<wire::Deleted> {
        let vault = self.engine.vault_id(self.caller, self.collection).await?;
        let at = SecretAt::Id(record);
        let deleted = self.engine.secret_delete(self.caller, vault, at, expected);
        deleted.await?;
        success(wire::Deleted::record(record))
    }
}

/// The most records that are made at once.
const MOST_AT_ONCE: usize = 100;
