//! Secrets as the engine reads and writes them by itself, on behalf of a database cluster: no caller asks, so no caller's
//! rights decide, and what is read goes to a server and to nobody else.

use std::sync::Arc;

use kluis_crypto::Secret;

use super::row::{SecretRow, VersionRow};
use super::writing::Writing;
use super::{Availability, Expect, Form, NamedFields, SecretInfo, SecretWrite, Value, rotate};
use crate::access::VaultRow;
use crate::act::Act;
use crate::action::Action;
use crate::clock::Timestamp;
use crate::engine::Engine;
use crate::error::Error;
use crate::ids::{OrganizationId, SecretId, UserId, VaultId};
use crate::keys::OrganizationKeys;
use crate::policy::{Permission, PolicyPrincipal, Verdict};
use crate::store::sql::secrets as sql;
use crate::store::{Conn, Row, params};

/// A secret that nobody asked for.
pub(crate) struct Unattended {
    pub(crate) vault: VaultId,
    pub(crate) vault_name: String,
    pub(crate) info: SecretInfo,
    /// Its value; none where it cannot be had, or where each reading is counted (RULES §4).
    pub(crate) value: Option<Value>,
    row: SecretRow,
    version: Option<VersionRow>,
    keys: Arc<OrganizationKeys>,
}

/// The member of a value that is the password; a value without members is the password itself.
const PASSWORD: &str = "password";
/// The member that is the user's name, where it is not in clear.
const USERNAME: &str = "username";
/// The member that has the password inside of an address.
const CONNECTION_STRING: &str = "connection_string";
/// How long passwords are that are made here, in letters and digits: more than 190 bits.
const PASSWORD_LENGTH: u32 = 32;

impl Engine {
    /// A secret of this organization. `NotFound` when there is none, or it is closed.
    pub(crate) async fn secret_unattended(
        &self,
        conn: &mut Conn,
        organization: OrganizationId,
        secret: SecretId,
    ) -> Result<Unattended, Error> {
        let of = params![organization.bytes(), secret.bytes()];
        let mut row = conn
            .query_one(sql::UNATTENDED, of)
            .await?
            .ok_or(Error::NotFound)?;
        let found = VaultRow::from_columns(&mut row)?;
        let (vault, vault_name) = (found.facts.id, found.name);
        let row_of_secret = SecretRow::from_columns(&mut row)?.ok_or(Error::NotFound)?;
        if row_of_secret.closed_at.is_some() {
            return Err(Error::NotFound);
        }
        let version = VersionRow::from_columns(&mut row)?;
        let newest = row_of_secret.key_version(version.as_ref());
        let keys = self.keys()?;
        let keys = keys.organization_at(conn, organization, newest).await?;
        let now = self.clock().now();
        let stated = version.as_ref().map(|row| row.info.clone());
        let info = row_of_secret.clone().info(vault, stated, now);
        let value = match &version {
            Some(row)
                if info.availability == Availability::Available
                    && row.info.max_access_count.is_none() =>
            {
                Some(row.sealed.open(&keys, vault, secret, row.info.number)?)
            }
            _ => None,
        };
        Ok(Unattended {
            vault,
            vault_name,
            info,
            value,
            row: row_of_secret,
            version,
            keys,
        })
    }

    /// A secret that the caller may read, to be used on a cluster. `NotFound` for any other.
    pub(crate) async fn secret_to_bind(
        &self,
        conn: &mut Conn,
        act: &Act,
        secret: SecretId,
    ) -> Result<SecretInfo, Error> {
        let organization = act.caller.organization;
        let of = params![organization.bytes(), secret.bytes()];
        let mut row = conn
            .query_one(sql::UNATTENDED, of)
            .await?
            .ok_or(Error::NotFound)?;
        let vault = VaultRow::from_columns(&mut row)?;
        let id = vault.facts.id;
        let found = SecretRow::from_columns(&mut row)?.ok_or(Error::NotFound)?;
        let access = self.access_of(conn, act, vault).await?;
        let verdict = access
            .standing(&act.caller)
            .decide(Permission::Read, &found.subject());
        let may_read = matches!(verdict, Verdict::Allow(_))
            && act.caller.within_scopes(Action::SecretRead.rule().scopes);
        if !may_read {
            return Err(Error::NotFound);
        }
        if found.closed_at.is_some() {
            return Err(Error::Gone);
        }
        let version = VersionRow::from_columns(&mut row)?.map(|row| row.info);
        Ok(found.info(id, version, act.now))
    }
}

impl Unattended {
    /// The value, whether it may be had or not: to put another password into it.
    pub(crate) fn stored_value(&self) -> Result<Option<Value>, Error> {
        let Some(row) = &self.version else {
            return Ok(None);
        };
        let number = row.info.number;
        let value = row
            .sealed
            .open(&self.keys, self.vault, self.info.id, number)?;
        Ok(Some(value))
    }

    /// Give the secret this value as its next version, and these plain fields; on behalf of `by`.
    pub(crate) async fn replace(
        self,
        conn: &mut Conn,
        value: Value,
        fields: Option<String>,
        by: UserId,
        now: Timestamp,
        keep_versions: Option<u32>,
    ) -> Result<u32, Error> {
        let mut writing = Writing {
            now,
            by: PolicyPrincipal::User(by),
            keys: self.keys,
            vault: self.vault,
            secret: self.row,
            version: self.version,
        };
        let write = SecretWrite {
            value: Some(value),
            fields,
            ..SecretWrite::new("database", Expect::Present)
        };
        writing.apply(conn, write, true, keep_versions).await?;
        Ok(writing.secret.newest_version)
    }
}

/// The secret in these columns, without its value; they are of live secrets.
pub(crate) fn secret_of_columns(
    row: &mut Row,
    vault: VaultId,
    now: Timestamp,
) -> Result<Option<SecretInfo>, Error> {
    let Some(secret) = SecretRow::from_columns(row)? else {
        return Ok(None);
    };
    let version = VersionRow::from_columns(row)?.map(|row| row.info);
    Ok(Some(secret.info(vault, version, now)))
}

/// A value that is a password and nothing else.
pub(crate) fn password_alone(password: &Secret) -> Result<Value, Error> {
    let members = vec![(PASSWORD.to_owned(), password.duplicate())];
    NamedFields::new(members, PASSWORD)?.into_value()
}

/// A password that nobody has had.
pub(crate) fn generated_password() -> Result<Secret, Error> {
    rotate::generate(rotate::Charset::Alphanumeric, PASSWORD_LENGTH)
}

/// The password in a value.
pub(crate) fn password_of(value: &Value) -> Option<Secret> {
    match value.form {
        Form::Text => Some(value.text.duplicate()),
        Form::Fields => {
            let members = NamedFields::of(value).ok()?.into_members();
            let mut members = members.into_iter();
            members.find_map(|(name, text)| (name == PASSWORD).then_some(text))
        }
    }
}

/// The value with another password, and with another name where it has one.
pub(crate) fn with_password(
    value: &Value,
    old: &Secret,
    new: (&str, &Secret),
) -> Result<Value, Error> {
    if value.form == Form::Text {
        return Ok(Value::from_secret(new.1.duplicate()));
    }
    let mut members = NamedFields::of(value)?.into_members();
    let mut has_password = false;
    for (name, text) in &mut members {
        match name.as_str() {
            PASSWORD => {
                *text = new.1.duplicate();
                has_password = true;
            }
            USERNAME => *text = Secret::from_text(new.0.to_owned()),
            CONNECTION_STRING => {
                let changed = text
                    .expose_text()
                    .and_then(|address| with_credentials(address, old, new));
                if let Some(changed) = changed {
                    *text = Secret::from_text(changed);
                }
            }
            _ => {}
        }
    }
    if !has_password {
        members.push((PASSWORD.to_owned(), new.1.duplicate()));
    }
    NamedFields::new(members, PASSWORD)?.into_value()
}

/// An address `scheme://name:password@…` with other credentials; any other text with each old password replaced.
fn with_credentials(address: &str, old: &Secret, new: (&str, &Secret)) -> Option<String> {
    let (old_password, new_password) = (old.expose_text()?, new.1.expose_text()?);
    if let Some((scheme, rest)) = address.split_once("://") {
        let authority_end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
        let (authority, behind) = rest.split_at_checked(authority_end)?;
        if let Some((credentials, place)) = authority.rsplit_once('@') {
            let had_name = !credentials.starts_with(':');
            let name = if had_name {
                encoded(new.0)
            } else {
                String::new()
            };
            let password = encoded(new_password);
            return Some(format!("{scheme}://{name}:{password}@{place}{behind}"));
        }
    }
    if old_password.is_empty() {
        return Some(address.to_owned());
    }
    Some(address.replace(old_password, new_password))
}

/// A hexadecimal digit.
fn digit(number: u8) -> char {
    char::from_digit(u32::from(number), 16).map_or('0', |digit| digit.to_ascii_uppercase())
}

/// Percent-encoded, but for what never has to be (RFC 3986 §2.3).
fn encoded(text: &str) -> String {
    let mut encoded = String::with_capacity(3 * text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            for character in ['%', digit(byte >> 4), digit(byte & 15)] {
                encoded.push(character);
            }
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secret(text: &str) -> Secret {
        Secret::from_text(text.to_owned())
    }

    fn fields(text: &str) -> Value {
        Value {
            text: secret(text),
            form: Form::Fields,
        }
    }

    fn changed(value: &Value) -> String {
        let new = with_password(value, &secret("o/d"), ("svc_b", &secret("new+1")));
        new.unwrap().text.expose_text().unwrap().to_owned()
    }

    #[test]
    fn a_password_is_replaced_wherever_the_record_has_it() {
        for (before, after) in [
            (r#"{"password":"o/d"}"#, r#"{"password":"new+1"}"#),
            (r#"{"token":"t"}"#, r#"{"token":"t","password":"new+1"}"#),
            (
                r#"{"connection_string":"postgres://svc:o%2Fd@db:5432/app?x=o/d","password":"o/d"}"#,
                r#"{"connection_string":"postgres://svc_b:new%2B1@db:5432/app?x=o/d","password":"new+1"}"#,
            ),
            (
                r#"{"connection_string":"redis://:o%2Fd@db","password":"o/d"}"#,
                r#"{"connection_string":"redis://:new%2B1@db","password":"new+1"}"#,
            ),
            (
                r#"{"connection_string":"host=db password=o/d","password":"o/d","username":"svc"}"#,
                r#"{"connection_string":"host=db password=new+1","password":"new+1","username":"svc_b"}"#,
            ),
        ] {
            let changed = changed(&fields(before));
            let [changed, after]: [serde_json::Value; 2] =
                [changed.as_str(), after].map(|text| serde_json::from_str(text).unwrap());
            assert_eq!(changed, after, "{before}");
        }
        let text = Value::from_text("o/d".to_owned());
        assert_eq!(changed(&text), "new+1");
    }

    #[test]
    fn the_password_is_a_member_or_the_whole_text() {
        let found = |value: &Value| password_of(value).map(|found| found.expose().to_vec());
        assert_eq!(
            found(&Value::from_text("pw".to_owned())),
            Some(b"pw".to_vec())
        );
        assert_eq!(
            found(&fields(r#"{"password":"pw","x":"y"}"#)),
            Some(b"pw".to_vec())
        );
        assert_eq!(found(&fields(r#"{"x":"y"}"#)), None);
    }
}
