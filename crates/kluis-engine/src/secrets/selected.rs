//! Secrets of the vault of a name: listed, retrieved sealed, deleted (Crate contract §3, §5).

use std::collections::{BTreeMap, BTreeSet};

use kluis_crypto::{TransientKey, TransportPublicKey};
use zeroize::Zeroizing;

use super::list::names_seen;
use super::row::{SecretRow, VersionRow};
use super::stored::Listed;
use super::{Availability, Path, SecretAt, SecretInfo, Value, Which};
use crate::access::Access;
use crate::act::{Act, ListedSecret};
use crate::action::Action;
use crate::caller::Caller;
use crate::engine::Engine;
use crate::error::Error;
use crate::ids::{OrganizationId, VaultId};
use crate::policy::{Basis, Permission, Verdict};
use crate::store::sql::secrets as sql;
use crate::store::{Conn, params};
use crate::vaults::vault_named;

/// A vault, by its name.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct InVault {
    /// The organization that it is said to be in; `Forbidden` unless it is the caller's.
    pub organization: OrganizationId,
    /// Its name, compared byte by byte.
    pub vault: String,
}

/// Which secrets of a vault are meant; all, when nothing is stated.
#[derive(Clone, Debug, Default)]
pub struct Selection {
    /// Only those at these paths, where there are any.
    pub paths: BTreeSet<String>,
    /// Only those with these tags, where there are any.
    pub tags: BTreeSet<String>,
    /// Whether one of the tags is enough.
    pub any_tag: bool,
}

/// Who is to read values: the holder of a private key.
pub struct Reader {
    /// Its public half.
    pub key: TransportPublicKey,
    /// The dialect's word for it, for errors.
    pub field: &'static str,
}

/// Values that only the holder of a private key can read.
pub struct Retrieved {
    /// Nonce, ciphertext and tag of a JSON object from paths to values.
    pub body: Vec<u8>,
    /// The key that it is sealed with, sealed for the reader.
    pub key: Vec<u8>,
}

/// A value that goes out.
struct Opened {
    path: String,
    value: Value,
}

/// A secret whose value is to go out, and why it may.
struct Chosen<'a> {
    secret: &'a SecretRow,
    version: &'a VersionRow,
    basis: Basis,
}

/// What a look at the selected values comes to.
enum Looked {
    /// Some can be read so many times only.
    Limited(VaultId),
    /// No vault has the name.
    Nothing,
    Opened(VaultId, Vec<Opened>),
}

/// Bytes of the values that one retrieval gives at most.
const LARGEST_RETRIEVAL: usize = 16 << 20;

impl Engine {
    /// The selected secrets of a vault, by path in byte order, without values; none where no vault has the name.
    pub async fn sealed_secret_list(
        &self,
        caller: &Caller,
        at: &InVault,
        selection: &Selection,
    ) -> Result<Vec<SecretInfo>, Error> {
        self.look(caller, Action::SealedSecretList, async |conn, act| {
            let Some(access) = self.access_named(conn, act, at).await? else {
                return Ok(Vec::new());
            };
            let meant = |secret: &SecretRow| selection.takes(secret);
            let mut secrets = names_seen(conn, act, &access, meant).await?;
            secrets.sort_by(|one, other| one.path.cmp(&other.path));
            Ok(secrets)
        })
        .await
    }

    /// The values of the selected secrets, sealed for `reader`. What is not permitted, unavailable or not there is left out; each
    /// value uses one of its reads where they are limited (RULES §4).
    pub async fn sealed_secret_retrieve(
        &self,
        caller: &Caller,
        at: &InVault,
        selection: Selection,
        reader: Reader,
    ) -> Result<Retrieved, Error> {
        let action = Action::SealedSecretRead;
        self.sealed_permitted(caller, action, at.organization, |_| {})
            .await?;
        // Before any read is used up: a key that cannot encrypt costs nothing but itself.
        let Reader { key, field } = reader;
        let key = self.rsa().run(move || TransientKey::generate(&key));
        let key = key
            .await?
            .map_err(|_| Error::invalid(field, "does not encrypt"))?;
        let (vault, opened) = loop {
            let retrieved = self.retrieve_now(caller, at, &selection).await;
            if let Some(retrieved) = self.settled(retrieved).await? {
                break retrieved;
            }
        };
        if let Some(vault) = vault {
            self.not_given(caller, vault, selection, &opened).await?;
        }
        let (body, key) = key.seal(&json(&opened)?)?;
        Ok(Retrieved { body, key })
    }

    /// Destroy a secret with all its versions, at once.
    pub async fn sealed_secret_delete(
        &self,
        caller: &Caller,
        at: &InVault,
        path: Path,
    ) -> Result<(), Error> {
        let (engine, at) = (self.clone(), at.clone());
        self.change(caller, Action::SealedSecretDelete, move |tx, act| {
            Box::pin(async move {
                act.names_path(path.as_str());
                act.require_organization(at.organization)?;
                let vault = vault_named(tx.conn(), at.organization, &at.vault).await?;
                let vault = vault.ok_or(Error::NotFound)?;
                engine
                    .secret_delete_in(tx, act, vault, &SecretAt::Path(path), None)
                    .await
            })
        })
        .await
    }

    /// Every tag that a live secret of the organization has, in byte order.
    pub async fn tag_list(
        &self,
        caller: &Caller,
        organization: OrganizationId,
    ) -> Result<BTreeSet<String>, Error> {
        self.look(caller, Action::TagList, async |conn, act| {
            act.require_organization(organization)?;
            let mut tags = BTreeSet::new();
            for mut row in conn.query(sql::TAGS, params![organization.bytes()]).await? {
                tags.extend(row.json::<Vec<String>>()?);
            }
            Ok(tags)
        })
        .await
    }

    /// Record each name that was asked for and not given, as if it had been read alone: it was denied, or is not there, or cannot
    /// be had. What its tags left out was not asked for.
    async fn not_given(
        &self,
        caller: &Caller,
        vault: VaultId,
        selection: Selection,
        opened: &[Opened],
    ) -> Result<(), Error> {
        let mut names = selection.paths.clone();
        for given in opened {
            names.remove(&given.path);
        }
        for name in names {
            let Ok(at) = Path::parse(name, "path").map(SecretAt::Path) else {
                continue;
            };
            let selection = &selection;
            let read = self.look(caller, Action::SealedSecretRead, async |conn, act| {
                let which = Which::Current;
                let sought = self.secret_find(conn, act, vault, &at, which).await?;
                if sought
                    .secret
                    .as_ref()
                    .is_some_and(|secret| !selection.takes(secret))
                {
                    act.defer();
                    return Ok(());
                }
                sought.readable(act, &at, which).map(|_| act.defer())
            });
            match read.await {
                Ok(()) | Err(Error::Forbidden | Error::Gone | Error::Hidden | Error::NotFound) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// The values that are chosen, and the vault, if there is one.
    async fn retrieve_now(
        &self,
        caller: &Caller,
        at: &InVault,
        selection: &Selection,
    ) -> Result<(Option<VaultId>, Vec<Opened>), Error> {
        let looked = self
            .look(caller, Action::SealedSecretRead, async |conn, act| {
                let Some(access) = self.access_named(conn, act, at).await? else {
                    return Ok(Looked::Nothing);
                };
                let rows = self.secret_values(conn, act, access.id()).await?;
                let chosen = selection.choose(act, &access, &rows)?;
                for row in &chosen {
                    self.require_settled(act, row.secret)?;
                }
                if chosen.iter().any(Chosen::is_limited) {
                    act.defer();
                    return Ok(Looked::Limited(access.id()));
                }
                let opened = self.open_all(conn, act, &access, chosen).await?;
                Ok(Looked::Opened(access.id(), opened))
            })
            .await?;
        Ok(match looked {
            Looked::Nothing => (None, Vec::new()),
            Looked::Opened(vault, opened) => (Some(vault), opened),
            Looked::Limited(vault) => {
                let selection = selection.clone();
                let opened = self.retrieve_limited(caller, vault, selection).await?;
                (Some(vault), opened)
            }
        })
    }

    /// The same in a transaction that uses up a read of each limited value.
    async fn retrieve_limited(
        &self,
        caller: &Caller,
        vault: VaultId,
        selection: Selection,
    ) -> Result<Vec<Opened>, Error> {
        let (engine, action) = (self.clone(), Action::SealedSecretRead);
        self.change_secrets(caller, action, vault, move |tx, act| {
            Box::pin(async move {
                let conn = tx.conn();
                let access = engine.access(conn, act, vault).await?;
                let rows = engine.secret_values(conn, act, vault).await?;
                let mut chosen = selection.choose(act, &access, &rows)?;
                // Always in the same order, so that two retrievals never wait for each other.
                chosen.sort_by_key(|row| row.secret.id);
                let mut usable = Vec::with_capacity(chosen.len());
                for row in chosen {
                    engine.require_settled(act, row.secret)?;
                    if row.use_up(conn).await? {
                        usable.push(row);
                    }
                }
                engine.open_all(conn, act, &access, usable).await
            })
        })
        .await
    }

    /// The vault of this name, if there is one.
    async fn access_named(
        &self,
        conn: &mut Conn,
        act: &mut Act,
        at: &InVault,
    ) -> Result<Option<Access>, Error> {
        act.require_organization(at.organization)?;
        match vault_named(conn, at.organization, &at.vault).await? {
            Some(vault) => self.access(conn, act, vault).await.map(Some),
            None => Ok(None),
        }
    }

    /// Open what was chosen; the record tells each of them.
    async fn open_all(
        &self,
        conn: &mut Conn,
        act: &mut Act,
        access: &Access,
        chosen: Vec<Chosen<'_>>,
    ) -> Result<Vec<Opened>, Error> {
        let newest = chosen
            .iter()
            .map(|row| row.secret.key_version(Some(row.version)));
        let newest = newest.max().unwrap_or(0);
        let keys = self
            .keys()?
            .organization_at(conn, act.caller.organization, newest)
            .await?;
        let (mut listed, mut opened) = (Vec::new(), Vec::new());
        for Chosen {
            secret,
            version,
            basis,
        } in chosen
        {
            act.rests_on(basis);
            let number = version.info.number;
            listed.push(ListedSecret::at(secret.id, &secret.path, number));
            opened.push(Opened {
                path: secret.path.clone(),
                value: version.sealed.open(&keys, access.id(), secret.id, number)?,
            });
        }
        act.lists(listed);
        Ok(opened)
    }
}

impl Selection {
    /// Those of `rows` that are meant, that the caller may read, and whose value can be had. `TooLarge` when they are too much for
    /// one answer.
    fn choose<'a>(
        &self,
        act: &Act,
        access: &Access,
        rows: &'a [Listed],
    ) -> Result<Vec<Chosen<'a>>, Error> {
        let standing = access.standing(&act.caller);
        let mut chosen = Vec::new();
        let mut bytes = 0;
        for (secret, version) in rows {
            let Some(version) = version.as_ref().filter(|_| self.takes(secret)) else {
                continue;
            };
            let availability = secret.availability(Some(&version.info), act.now);
            let verdict = standing.decide(Permission::Read, &secret.subject());
            if let (Availability::Available, Verdict::Allow(basis)) = (availability, verdict) {
                bytes += version.sealed.ciphertext.len();
                chosen.push(Chosen {
                    secret,
                    version,
                    basis,
                });
            }
        }
        if bytes > LARGEST_RETRIEVAL {
            return Err(Error::TooLarge);
        }
        Ok(chosen)
    }

    /// Whether this secret is meant.
    fn takes(&self, secret: &SecretRow) -> bool {
        let has = |tag: &String| secret.tags.contains(tag);
        let tagged = if self.any_tag {
            self.tags.is_empty() || self.tags.iter().any(has)
        } else {
            self.tags.iter().all(has)
        };
        tagged && (self.paths.is_empty() || self.paths.contains(&secret.path))
    }
}

impl Chosen<'_> {
    fn is_limited(&self) -> bool {
        self.version.info.max_access_count.is_some()
    }

    /// Use up a read, where they are limited; whether there was one.
    async fn use_up(&self, conn: &mut Conn) -> Result<bool, Error> {
        if !self.is_limited() {
            return Ok(true);
        }
        let used = params![self.secret.id.bytes(), self.version.info.number];
        Ok(conn.query_one(sql::USE_READ, used).await?.is_some())
    }
}

/// A JSON object from paths, in byte order, to values.
fn json(opened: &[Opened]) -> Result<Zeroizing<Vec<u8>>, Error> {
    let mut members = BTreeMap::new();
    let mut length = 2;
    for Opened { path, value } in opened {
        let text = value.text.expose_text();
        let text = text.ok_or_else(|| Error::internal("a stored value is not UTF-8"))?;
        // Two pairs of quotes, a colon and a comma.
        length += escaped(path) + escaped(text) + 6;
        members.insert(path.as_str(), text);
    }
    // It never grows, so no copy is left behind.
    let mut body = Zeroizing::new(Vec::with_capacity(length));
    serde_json::to_writer(&mut *body, &members)
        .map_err(|cause| Error::internal(cause.to_string()))?;
    Ok(body)
}

/// Bytes that `text` takes in JSON at most, without its quotes.
fn escaped(text: &str) -> usize {
    let bytes = text.bytes().map(|byte| match byte {
        b'"' | b'\\' | b'\n' | b'\r' | b'\t' => 2,
        0..0x20 => 6,
        _ => 1,
    });
    bytes.sum()
}
