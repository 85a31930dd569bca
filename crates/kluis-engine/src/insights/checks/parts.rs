//! What in a value is secret, and what each of it is: by the name of its member, by its looks, by the secret's type, and where none of
//! these says so, by the classifier.

use kluis_crypto::Secret;

use super::key_material::is_key_material;
use crate::error::Error;
use crate::insights::insight::Nature;
use crate::intelligence::{Label, classify};
use crate::secrets::{Form, NamedFields, Value};

/// A part of a value that is a secret by itself.
pub(in super::super) struct Part {
    /// Its member; none where it is the whole.
    pub(in super::super) member: Option<String>,
    /// What it is.
    pub(in super::super) nature: Nature,
    /// It.
    pub(in super::super) text: Secret,
}

/// The parts of a value of a secret of the type `kind`; one whose nature is not known is left out.
pub(in super::super) fn parts(kind: &str, value: &Value) -> Result<Vec<Part>, Error> {
    let members = NamedFields::of(value)?.into_members();
    let is_text = value.form == Form::Text;
    let parts = members.into_iter().filter_map(|(name, text)| {
        let lone = is_text || name == LONE;
        let (nature, text) = part(&text, kind, (!lone).then_some(name.as_str()))?;
        let member = (!is_text).then_some(name);
        Some(Part {
            member,
            nature,
            text,
        })
    });
    Ok(parts.take(MOST).collect())
}

fn part(secret: &Secret, kind: &str, name: Option<&str>) -> Option<(Nature, Secret)> {
    let text = secret.expose_text()?;
    if is_key_material(text) {
        return Some((Nature::Key, secret.duplicate()));
    }
    if let Some(password) = password_within(text) {
        return Some((Nature::Password, password));
    }
    let name = name.map(|name| name.to_ascii_lowercase().replace('-', "_"));
    let nature = match (name.as_deref(), kind) {
        (Some(name), _) if PASSWORDS.contains(&name) => Nature::Password,
        (Some(name), _) if TOKENS.contains(&name) => Nature::Token,
        (Some(name), _) if PLAIN.contains(&name) => return None,
        (None, "password" | "database") => Nature::Password,
        (None, "api_key") => Nature::Token,
        _ => match classify(text).label {
            Label::ApiKey => Nature::Token,
            Label::Password => Nature::Password,
            Label::Certificate
            | Label::Database
            | Label::Generic
            | Label::NotSecret
            | Label::SshKey => return None,
        },
    };
    Some((nature, secret.duplicate()))
}

/// The password in an address `scheme://name:password@…`, or in a list of a connection's settings.
fn password_within(text: &str) -> Option<Secret> {
    if let Some((_, rest)) = text.split_once("://") {
        let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
        let (authority, _) = rest.split_at_checked(end)?;
        let credentials = authority
            .rsplit_once('@')
            .map(|(credentials, _)| credentials);
        let password = credentials.and_then(|credentials| credentials.split_once(':'));
        if let Some((_, password)) = password.filter(|(_, password)| !password.is_empty()) {
            return Some(decoded(password));
        }
    }
    text.split([';', '&', '?', ' ', '\n']).find_map(|setting| {
        let (name, password) = setting.split_once('=')?;
        let name = name.trim();
        let is_password = ["password", "pwd"]
            .iter()
            .any(|word| name.eq_ignore_ascii_case(word));
        // Alone it is not a list, and what it is called is all that is known of it.
        let password = password.trim().trim_matches(['\'', '"']);
        (is_password && !password.is_empty()).then(|| Secret::from_text(password.to_owned()))
    })
}

/// Without the percent signs of an address.
fn decoded(text: &str) -> Secret {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, behind)) = rest.split_first() {
        let digits = behind.split_first_chunk::<2>().filter(|_| byte == b'%');
        let number = digits.and_then(|(digits, _)| {
            let digits = std::str::from_utf8(digits).ok()?;
            u8::from_str_radix(digits, 16).ok()
        });
        if let (Some(number), Some((_, after))) = (number, digits) {
            bytes.push(number);
            rest = after;
        } else {
            bytes.push(byte);
            rest = behind;
        }
    }
    Secret::new(bytes)
}

/// What the member is called that is a whole text.
const LONE: &str = "value";
/// Members looked at: their number is the caller's choice.
const MOST: usize = 32;
const PASSWORDS: &[&str] = &[
    "password",
    "passwd",
    "pass",
    "pwd",
    "passphrase",
    "pin",
    "secret",
];
const TOKENS: &[&str] = &[
    "api_key",
    "apikey",
    "token",
    "access_token",
    "auth_token",
    "refresh_token",
    "access_key",
    "secret_key",
    "secret_access_key",
    "client_secret",
    "signing_secret",
    "webhook_secret",
];
const PLAIN: &[&str] = &[
    "username",
    "user",
    "login",
    "host",
    "hostname",
    "port",
    "database",
    "dbname",
    "engine",
    "email",
    "account",
    "region",
    "access_key_id",
    "client_id",
    "public_key",
    "fingerprint",
    "issuer",
    "name",
    "role",
    "url",
    "uri",
    "dsn",
    "connection_string",
];

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn found(kind: &str, form: Form, text: &str) -> Vec<(Option<String>, Nature, String)> {
        let text = Secret::from_text(text.to_owned());
        let parts = parts(kind, &Value { text, form }).unwrap().into_iter();
        let told = parts.map(|part| {
            let text = part.text.expose_text().unwrap().to_owned();
            (part.member, part.nature, text)
        });
        told.collect()
    }

    #[test]
    fn a_text_is_what_its_secret_is() {
        for (kind, text, nature) in [
            ("password", "hunter2", Some(Nature::Password)),
            ("api_key", "hunter2", Some(Nature::Token)),
            ("generic", "AKIAIOSFODNN7EXAMPLE", Some(Nature::Token)),
            ("generic", "-----BEGIN PRIVATE KEY-----", Some(Nature::Key)),
            ("generic", "https://www.example.com/docs?page=4", None),
            (
                "generic",
                "Please update the report before the meeting.",
                None,
            ),
        ] {
            let found = found(kind, Form::Text, text);
            assert_eq!(found.first().map(|found| found.1), nature, "{text}");
            assert!(
                found
                    .iter()
                    .all(|found| found.0.is_none() && found.2 == text)
            );
        }
    }

    #[test]
    fn members_are_what_they_are_called_and_a_connection_is_its_password() {
        let told = found(
            "database",
            Form::Fields,
            r#"{"username":"svc","password":"p1","api-key":"k1","connection_string":"postgres://svc:p%401@db/x","url":"https://a.example"}"#,
        );
        let expected = [
            ("password", Nature::Password, "p1"),
            ("api-key", Nature::Token, "k1"),
            ("connection_string", Nature::Password, "p@1"),
        ];
        let expected =
            expected.map(|(name, nature, text)| (Some(name.to_owned()), nature, text.to_owned()));
        assert_eq!(told, expected);
        for text in [
            "Server=db;User Id=u;Password=pw;",
            "host=db password='pw' user=u",
            "jdbc:mysql://h/d?user=u&password=pw",
        ] {
            assert_eq!(
                found("generic", Form::Text, text),
                [(None, Nature::Password, "pw".to_owned())],
                "{text}"
            );
        }
    }

    proptest! {
        #[test]
        fn whatever_text_there_is_nothing_breaks(text in "[a-z:/@%?;= ]{0,60}|\\PC{0,60}") {
            let _ = password_within(&text);
            let _ = decoded(&text);
        }
    }
}
