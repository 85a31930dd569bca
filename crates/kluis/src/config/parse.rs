//! From raw values to typed ones. Each parser says what it wants when it gets something else.

use std::net::SocketAddr;
use std::ops::RangeInclusive;
use std::path::PathBuf;

use super::{Cidr, Storage};

/// A value as its source has it: the environment and flags have only text, the file knows more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Raw {
    Text(String),
    Integer(i64),
    Flag(bool),
    List(Vec<String>),
    /// Something that no setting takes, named by its TOML type.
    Other(&'static str),
}

impl Raw {
    /// As text for people.
    pub(super) fn show(&self) -> String {
        match self {
            Self::Text(text) => text.clone(),
            Self::Integer(number) => number.to_string(),
            Self::Flag(flag) => flag.to_string(),
            Self::List(items) => items.join(","),
            Self::Other(kind) => (*kind).to_owned(),
        }
    }
}

pub(super) fn text(raw: &Raw) -> Result<&str, String> {
    match raw {
        Raw::Text(text) if !text.is_empty() => Ok(text),
        _ => Err("a text is wanted".to_owned()),
    }
}

pub(super) fn path(raw: &Raw) -> Result<PathBuf, String> {
    text(raw)
        .map(PathBuf::from)
        .map_err(|_| "a path is wanted".to_owned())
}

pub(super) fn address(raw: &Raw) -> Result<SocketAddr, String> {
    let wanted = || "an address and port is wanted, such as 127.0.0.1:8200 or [::]:8200".to_owned();
    text(raw)
        .map_err(|_| wanted())?
        .parse()
        .map_err(|_| wanted())
}

pub(super) fn flag(raw: &Raw) -> Result<bool, String> {
    match raw {
        Raw::Flag(flag) => Ok(*flag),
        Raw::Text(text) if text == "true" => Ok(true),
        Raw::Text(text) if text == "false" => Ok(false),
        _ => Err("true or false is wanted".to_owned()),
    }
}

pub(super) fn whole(range: RangeInclusive<u32>) -> impl Fn(&Raw) -> Result<u32, String> {
    move |raw| {
        let number = match raw {
            Raw::Integer(number) => u32::try_from(*number).ok(),
            Raw::Text(text) if text.bytes().all(|byte| byte.is_ascii_digit()) => text.parse().ok(),
            _ => None,
        };
        let wanted = || {
            format!(
                "a whole number from {} to {} is wanted",
                range.start(),
                range.end()
            )
        };
        number
            .filter(|number| range.contains(number))
            .ok_or_else(wanted)
    }
}

pub(super) fn word(
    known: &'static [&'static str],
) -> impl Fn(&Raw) -> Result<&'static str, String> {
    move |raw| {
        let given = text(raw).ok();
        let found = known.iter().find(|word| given == Some(**word));
        found
            .copied()
            .ok_or_else(|| format!("one of {} is wanted", known.join(", ")))
    }
}

/// A list in the file, or text with commas.
pub(super) fn networks(raw: &Raw) -> Result<Vec<Cidr>, String> {
    match raw {
        Raw::List(items) => items.iter().map(|item| item.parse()).collect(),
        Raw::Text(text) => text
            .split(',')
            .map(str::trim)
            .filter(|item| !item.is_empty())
            .map(str::parse)
            .collect(),
        _ => Err("a list of networks is wanted, such as 10.0.0.0/8".to_owned()),
    }
}

pub(super) fn url(raw: &Raw) -> Result<String, String> {
    let wanted = || "a URL is wanted, such as https://kluis.example.org".to_owned();
    let text = text(raw).map_err(|_| wanted())?;
    let host = text
        .strip_prefix("https://")
        .or_else(|| text.strip_prefix("http://"))
        .ok_or_else(wanted)?;
    let is_plain =
        !host.is_empty() && !host.contains(['?', '#', '@', ' ']) && !host.starts_with('/');
    if is_plain {
        Ok(text.trim_end_matches('/').to_owned())
    } else {
        Err(wanted())
    }
}

pub(super) fn storage(raw: &Raw) -> Result<Storage, String> {
    let wanted = || "sqlite: or a postgres: URL is wanted".to_owned();
    let text = text(raw).map_err(|_| wanted())?;
    if is_storage(text) {
        Ok(Storage(text.to_owned()))
    } else {
        Err(wanted())
    }
}

/// Whether a text names a storage that there is.
fn is_storage(text: &str) -> bool {
    ["sqlite:", "postgres://", "postgresql://"]
        .iter()
        .any(|scheme| text.starts_with(scheme))
}

/// A URL without the passwords in it, for people's eyes. Everything between the scheme and the last `@` counts as
/// credentials, since a password may hold any character, and every parameter whose name speaks of a password.
pub(super) fn without_password(url: &str) -> String {
    let (scheme, rest) = match url.split_once("://") {
        Some((scheme, rest)) => (format!("{scheme}://"), rest),
        None => (String::new(), url),
    };
    match rest.rsplit_once('@') {
        // Where the password begins or ends is anybody's guess.
        Some((credentials, _)) if credentials.contains('?') => format!("{scheme}***"),
        Some((credentials, host)) => {
            let shown = match credentials.split_once(':') {
                Some((user, _)) => format!("{user}:***"),
                None => credentials.to_owned(),
            };
            format!("{scheme}{shown}@{}", without_parameters(host))
        }
        None => scheme + &without_parameters(rest),
    }
}

/// What follows the credentials, without the values of parameters that may be passwords.
fn without_parameters(rest: &str) -> String {
    let Some((host, query)) = rest.split_once('?') else {
        return rest.to_owned();
    };
    let parameters = query
        .split('&')
        .map(|parameter| match parameter.split_once('=') {
            Some((name, _)) if is_secret_parameter(name) => format!("{name}=***"),
            _ => parameter.to_owned(),
        });
    format!("{host}?{}", parameters.collect::<Vec<_>>().join("&"))
}

/// An escape may spell anything.
fn is_secret_parameter(name: &str) -> bool {
    name.contains('%') || name.to_ascii_lowercase().contains("pass")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_does_not_show() {
        for (url, shown) in [
            ("sqlite:", "sqlite:"),
            ("postgres://h/db", "postgres://h/db"),
            ("postgres://u@h/db", "postgres://u@h/db"),
            ("postgres://u:canary@h/db", "postgres://u:***@h/db"),
            ("postgres://u:can@ary@h/db", "postgres://u:***@h/db"),
            ("postgres://u:can/ary@h/db", "postgres://u:***@h/db"),
            (
                "postgres://h/db?user=u&password=canary&x=1",
                "postgres://h/db?user=u&password=***&x=1",
            ),
            (
                "postgres://h/db?sslpassword=canary",
                "postgres://h/db?sslpassword=***",
            ),
            (
                "postgres://h/db?p%61ssword=canary",
                "postgres://h/db?p%61ssword=***",
            ),
            ("postgres://u:canary==@h/db", "postgres://u:***@h/db"),
            ("postgres://u:can?ary@h/db", "postgres://***"),
            ("postgres://h/db?password=can@ary", "postgres://***"),
            ("postgres://h:1/db?password=can@ary", "postgres://***"),
        ] {
            assert_eq!(without_password(url), shown);
        }
    }

    #[test]
    fn a_number_is_within_its_range() {
        let whole = whole(1..=10);
        assert_eq!(whole(&Raw::Integer(10)), Ok(10));
        assert_eq!(whole(&Raw::Text("7".to_owned())), Ok(7));
        for wrong in [
            Raw::Integer(0),
            Raw::Integer(11),
            Raw::Integer(-1),
            Raw::Text("+7".to_owned()),
            Raw::Flag(true),
        ] {
            assert!(whole(&wrong).is_err(), "{wrong:?}");
        }
    }
}
