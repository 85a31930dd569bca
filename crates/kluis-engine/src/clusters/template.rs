//! Statements that make a user and end it, as owners and admins write them and as a server is given them.
//!
//! A placeholder brings its own quotation marks, by the rules of the server's kind: `{{username}}` is a name, `{{password}}` and
//! `{{expiration}}` are texts. So none may stand between marks already (NT-46).

use kluis_crypto::Secret;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::caller::{Caller, Principal, Role};
use crate::clock::Timestamp;
use crate::error::Error;
use crate::policy::PolicyPrincipal;
use crate::store::{Failure, unexpected};
use crate::targets::{DatabaseKind, Quoted, TargetError, quoted};

/// What can be leased: a user that statements make.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeaseTemplate {
    /// Its name, unique in its cluster: a letter, then letters, digits, `_` and `-`, in lower case.
    pub name: String,
    /// What makes the user, one after the other.
    pub statements: Vec<String>,
    /// What ends it; its sessions are ended, what it owns is given away and it is dropped unless given.
    pub revocation_statements: Vec<String>,
    /// Who may lease it, beside owners and admins.
    pub principals: Principals,
}

/// Who may lease something, beside owners and admins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Principals {
    /// These users and agents.
    Listed(Vec<PolicyPrincipal>),
    /// Every member.
    Members,
}

/// What is put in place of placeholders.
pub(crate) struct Filling<'a> {
    pub(crate) username: &'a str,
    pub(crate) password: &'a Secret,
    pub(crate) expires_at: Timestamp,
}

/// A template as it is stored.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Stored {
    name: String,
    statements: Vec<String>,
    revocation: Vec<String>,
    /// Every member when there is no list.
    principals: Option<Vec<StoredPrincipal>>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct StoredPrincipal {
    kind: String,
    id: [u8; 16],
}

/// A piece of a statement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Piece<'a> {
    Expiration,
    Password,
    Plain(&'a str),
    Username,
}

const MOST_TEMPLATES: usize = 50;
const MOST_STATEMENTS: usize = 20;
const MOST_PRINCIPALS: usize = 200;
const LONGEST_STATEMENT: usize = 4_000;
const LONGEST_NAME: usize = 32;
/// The members that statements stand in, as errors name them.
const STATEMENTS: &str = "lease.templates.statements";
const REVOCATION: &str = "lease.templates.revocation_statements";
const NAME: &str = "lease.templates.name";

impl LeaseTemplate {
    /// Whether `caller` may lease it.
    pub(crate) fn is_for(&self, caller: &Caller) -> bool {
        if caller.role().is_some_and(|role| role >= Role::Admin) {
            return true;
        }
        match (&self.principals, &caller.principal) {
            (Principals::Members, Principal::User(user)) => user.role >= Role::Member,
            (Principals::Members, Principal::Agent(_)) => false,
            (Principals::Listed(listed), _) => listed.contains(&PolicyPrincipal::of(caller)),
        }
    }

    fn check(&self, kind: DatabaseKind) -> Result<(), Error> {
        let is_word = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
        let begins = self.name.bytes().next();
        if self.name.len() > LONGEST_NAME
            || !begins.is_some_and(|byte| byte.is_ascii_lowercase())
            || !self
                .name
                .bytes()
                .all(|byte| is_word(byte) || b"_-".contains(&byte))
        {
            let why = "must be a letter and up to 31 letters, digits, _ and -, all in lower case";
            return Err(Error::invalid(NAME, why));
        }
        if self.statements.is_empty() {
            return Err(Error::invalid(STATEMENTS, "must be at least one"));
        }
        let mut named = [false; 2];
        for (field, statements) in [
            (STATEMENTS, &self.statements),
            (REVOCATION, &self.revocation_statements),
        ] {
            if statements.len() > MOST_STATEMENTS {
                return Err(Error::invalid(field, "must be at most 20"));
            }
            for statement in statements {
                for piece in checked(field, statement, kind)? {
                    match piece {
                        Piece::Password if field == REVOCATION => {
                            let why = "cannot hold {{password}}, which nobody knows by then";
                            return Err(Error::invalid(field, why));
                        }
                        Piece::Username => named[0] |= field == STATEMENTS,
                        Piece::Password => named[1] = true,
                        Piece::Expiration | Piece::Plain(_) => {}
                    }
                }
            }
        }
        if named != [true; 2] {
            let why = "must hold {{username}} and {{password}}";
            return Err(Error::invalid(STATEMENTS, why));
        }
        match &self.principals {
            Principals::Listed(listed) if listed.len() > MOST_PRINCIPALS => Err(Error::invalid(
                "lease.templates.principals",
                "must be at most 200",
            )),
            _ => Ok(()),
        }
    }
}

/// Check all templates of a cluster of servers of this kind.
pub(super) fn all_checked(kind: DatabaseKind, templates: &[LeaseTemplate]) -> Result<(), Error> {
    if templates.len() > MOST_TEMPLATES {
        return Err(Error::invalid("lease.templates", "must be at most 50"));
    }
    if !kind.is_served() && !templates.is_empty() {
        let why = "cannot be used with this engine";
        return Err(Error::invalid("lease.templates", why));
    }
    for (number, template) in templates.iter().enumerate() {
        template.check(kind)?;
        let before = templates.iter().take(number);
        if before.into_iter().any(|other| other.name == template.name) {
            return Err(Error::invalid(NAME, "must not be given twice"));
        }
    }
    Ok(())
}

/// A statement in pieces, if it is in order.
fn checked<'a>(
    field: &'static str,
    statement: &'a str,
    kind: DatabaseKind,
) -> Result<Vec<Piece<'a>>, Error> {
    if statement.len() > LONGEST_STATEMENT || statement.contains('\0') {
        let why = "must have at most 4000 bytes each, and no NUL";
        return Err(Error::invalid(field, why));
    }
    if statement.trim().is_empty() {
        return Err(Error::invalid(field, "must not be empty"));
    }
    let pieces = pieces(statement).ok_or_else(|| {
        let why = "may hold {{username}}, {{password}} and {{expiration}}, and no other {{…}}";
        Error::invalid(field, why)
    })?;
    if kind != DatabaseKind::Redis && has_quoted_placeholder(&pieces) {
        let why = "must not put a placeholder between quotation marks: it brings its own";
        return Err(Error::invalid(field, why));
    }
    Ok(pieces)
}

/// The pieces of a statement; none where a placeholder is not known.
fn pieces(statement: &str) -> Option<Vec<Piece<'_>>> {
    let mut pieces = Vec::new();
    let mut rest = statement;
    while let Some((plain, behind)) = rest.split_once("{{") {
        let (name, behind) = behind.split_once("}}")?;
        pieces.push(Piece::Plain(plain));
        pieces.push(match name.trim() {
            "expiration" => Piece::Expiration,
            "password" => Piece::Password,
            "username" => Piece::Username,
            _ => return None,
        });
        rest = behind;
    }
    pieces.push(Piece::Plain(rest));
    Some(pieces)
}

/// Whether a placeholder stands between quotation marks of any kind.
fn has_quoted_placeholder(pieces: &[Piece<'_>]) -> bool {
    let mut open: Option<char> = None;
    for piece in pieces {
        match piece {
            Piece::Plain(plain) => {
                for character in plain.chars() {
                    match open {
                        Some(mark) if mark == character => open = None,
                        None if "'\"`".contains(character) => open = Some(character),
                        _ => {}
                    }
                }
            }
            _ if open.is_some() => return true,
            _ => {}
        }
    }
    false
}

impl Filling<'_> {
    /// `statement` for a server of this kind, with this in place of its placeholders.
    pub(crate) fn fill(&self, kind: DatabaseKind, statement: &str) -> Result<Secret, TargetError> {
        let pieces = pieces(statement).ok_or(TargetError::Unsupported)?;
        let mut filled = Zeroizing::new(String::with_capacity(statement.len() + 512));
        for piece in pieces {
            match piece {
                Piece::Plain(plain) => filled.push_str(plain),
                Piece::Username => filled.push_str(&quoted(kind, self.username, Quoted::Name)?),
                Piece::Expiration => {
                    let text = timestamp_text(kind, self.expires_at);
                    filled.push_str(&quoted(kind, &text, Quoted::Text)?);
                }
                Piece::Password => {
                    let password = self.password.expose_text();
                    let password = password.ok_or(TargetError::Unsupported)?;
                    let text = Zeroizing::new(quoted(kind, password, Quoted::Text)?);
                    filled.push_str(&text);
                }
            }
        }
        Ok(Secret::from_text(std::mem::take(&mut *filled)))
    }
}

/// A time as servers of this kind read it; in UTC.
pub(crate) fn timestamp_text(kind: DatabaseKind, at: Timestamp) -> String {
    let text = at.rfc3339_seconds();
    match kind {
        DatabaseKind::Postgres => text.replace('T', " ").replace('Z', "+00"),
        DatabaseKind::MySql => text.replace('T', " ").replace('Z', ""),
        DatabaseKind::Redis | DatabaseKind::MongoDb => at.seconds().to_string(),
    }
}

pub(super) fn all_stored(templates: &[LeaseTemplate]) -> Result<String, Error> {
    let stored: Vec<Stored> = templates.iter().map(Stored::of).collect();
    serde_json::to_string(&stored).map_err(|cause| Error::internal(cause.to_string()))
}

pub(super) fn all_from_stored(text: &str) -> Result<Vec<LeaseTemplate>, Failure> {
    let stored: Vec<Stored> = serde_json::from_str(text).map_err(|_| unexpected())?;
    stored.into_iter().map(Stored::into_template).collect()
}

impl Stored {
    fn of(template: &LeaseTemplate) -> Self {
        let principals = match &template.principals {
            Principals::Members => None,
            Principals::Listed(listed) => Some(listed.iter().map(|principal| StoredPrincipal {
                kind: principal.kind().to_owned(),
                id: *principal.id_bytes(),
            })),
        };
        Self {
            name: template.name.clone(),
            statements: template.statements.clone(),
            revocation: template.revocation_statements.clone(),
            principals: principals.map(Iterator::collect),
        }
    }

    fn into_template(self) -> Result<LeaseTemplate, Failure> {
        let principals = match self.principals {
            None => Principals::Members,
            Some(listed) => {
                let listed = listed.into_iter().map(|stored| {
                    PolicyPrincipal::from_stored(&stored.kind, stored.id).ok_or_else(unexpected)
                });
                Principals::Listed(listed.collect::<Result<_, _>>()?)
            }
        };
        Ok(LeaseTemplate {
            name: self.name,
            statements: self.statements,
            revocation_statements: self.revocation,
            principals,
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn template(statements: &[&str], revocation: &[&str]) -> LeaseTemplate {
        let owned = |all: &[&str]| all.iter().map(|&one| one.to_owned()).collect();
        LeaseTemplate {
            name: "read-only".to_owned(),
            statements: owned(statements),
            revocation_statements: owned(revocation),
            principals: Principals::Members,
        }
    }

    const MAKES: &str =
        "CREATE ROLE {{username}} LOGIN PASSWORD {{ password }} VALID UNTIL {{expiration}}";

    /// NT-70
    #[test]
    fn what_no_server_could_be_given_is_refused_when_it_is_written() {
        let postgres = DatabaseKind::Postgres;
        assert!(
            template(&[MAKES], &["DROP ROLE {{username}}"])
                .check(postgres)
                .is_ok()
        );
        for (statements, revocation) in [
            (vec![], vec![]),
            (vec!["CREATE ROLE {{username}}"], vec![]),
            (vec!["CREATE ROLE x PASSWORD {{password}}"], vec![]),
            (vec![MAKES, "GRANT {{role}} TO {{username}}"], vec![]),
            (vec![MAKES, "GRANT {{Username}}"], vec![]),
            (vec![MAKES, "SELECT {{"], vec![]),
            (vec![MAKES, " "], vec![]),
            (vec![MAKES, "SELECT '{{username}}'"], vec![]),
            (vec![MAKES, "SELECT \"a {{username}} b\""], vec![]),
            (vec![MAKES, "SELECT 'it''s {{password}}'"], vec![]),
            (vec![MAKES], vec!["SELECT {{password}}"]),
            (vec![MAKES], vec!["{{user}}"]),
        ] {
            let refused = template(&statements, &revocation).check(postgres);
            assert!(refused.is_err(), "{statements:?} {revocation:?}");
        }
        let mut named = template(&[MAKES], &[]);
        for name in ["", "Read", "1st", "a b", "ä", &"x".repeat(33)] {
            named.name = name.to_owned();
            assert!(named.check(postgres).is_err(), "{name}");
        }
        let twice = [template(&[MAKES], &[]), template(&[MAKES], &[])];
        assert!(all_checked(postgres, &twice).is_err());
        assert!(all_checked(DatabaseKind::MongoDb, &twice[..1]).is_err());
    }

    #[test]
    fn a_placeholder_is_filled_as_the_server_reads_it() {
        let password = Secret::from_text("pw".to_owned());
        let filling = Filling {
            username: "v_read_abc",
            password: &password,
            expires_at: Timestamp::parse("2026-01-02T03:04:05Z").unwrap(),
        };
        for (kind, filled) in [
            (
                DatabaseKind::Postgres,
                "CREATE ROLE \"v_read_abc\" LOGIN PASSWORD 'pw' VALID UNTIL '2026-01-02 03:04:05+00'",
            ),
            (
                DatabaseKind::MySql,
                "CREATE ROLE `v_read_abc` LOGIN PASSWORD 'pw' VALID UNTIL '2026-01-02 03:04:05'",
            ),
            (
                DatabaseKind::Redis,
                "CREATE ROLE v_read_abc LOGIN PASSWORD pw VALID UNTIL 1767323045",
            ),
        ] {
            let statement = filling.fill(kind, MAKES).unwrap();
            assert_eq!(statement.expose_text(), Some(filled));
        }
    }

    proptest! {
        #[test]
        fn a_statement_is_its_pieces(plain in proptest::collection::vec("[^{}]{0,10}", 1..5)) {
            let statement = plain.join("{{username}}");
            let pieces = pieces(&statement).unwrap();
            let names = pieces.iter().filter(|piece| **piece == Piece::Username).count();
            prop_assert_eq!(names, plain.len() - 1);
            let texts: Vec<&str> = pieces.iter().filter_map(|piece| match piece {
                Piece::Plain(text) => Some(*text),
                _ => None,
            }).collect();
            prop_assert_eq!(texts, plain);
        }
    }

    #[test]
    fn what_is_stored_reads_back() {
        let user = PolicyPrincipal::from_stored("user", [1; 16]).unwrap();
        let agent = PolicyPrincipal::from_stored("agent", [2; 16]).unwrap();
        let mut listed = template(&[MAKES], &["DROP ROLE {{username}}"]);
        listed.principals = Principals::Listed(vec![user, agent]);
        let all = vec![template(&[MAKES], &[]), listed];
        let text = all_stored(&all).unwrap();
        assert_eq!(all_from_stored(&text).unwrap(), all);
    }
}
