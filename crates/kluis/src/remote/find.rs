//! Where the server's address and the token are looked for.

use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use clap::Args;
use kluis_client::SecretText;
use kluis_server::engine::Timestamp;
use serde::Deserialize;
use zeroize::Zeroizing;

use super::logins::{Login, Logins, Store, without_slash};
use crate::failure::{Code, Failure};

/// Flags that every command with a server behind it takes.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Server")]
pub(crate) struct Connection {
    /// Base URL of the server; a `kluis dev` here or above, else that of the latest log-in, unless given [env: KLUIS_URL]
    #[arg(long, alias = "server", global = true, value_name = "URL")]
    pub(crate) url: Option<String>,

    /// File that holds the token [env: KLUIS_TOKEN_FILE, or the token itself in KLUIS_TOKEN]
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) token_file: Option<PathBuf>,

    /// PEM file of certificates to trust beside the system's; that of a `kluis dev` with a certificate of its own making
    /// unless given [env: KLUIS_CA_FILE]
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) ca_file: Option<PathBuf>,

    /// Data directory of a running `kluis dev`; `.kluis` here or in a parent directory unless given [env: KLUIS_DATA_DIR]
    #[arg(long, global = true, value_name = "DIR")]
    pub(crate) data_dir: Option<PathBuf>,
}

/// A server and a token, each with where it came from.
pub(super) struct Found {
    /// Certificates to trust there.
    pub(super) certificate: Option<PathBuf>,
    pub(super) url: String,
    pub(super) url_from: String,
    /// The token, or why there is none.
    pub(super) token: Result<Token, Failure>,
}

/// A token, and where it came from.
pub(super) struct Token {
    pub(super) text: SecretText,
    pub(super) from: String,
    /// Whether a log-in left it here.
    pub(super) is_login: bool,
}

impl Found {
    pub(super) fn find(
        connection: &Connection,
        surroundings: &Surroundings<'_>,
        now: Timestamp,
    ) -> Result<Self, Failure> {
        let explicit_url = match &connection.url {
            Some(url) => Some((url.clone(), "--url".to_owned())),
            None => surroundings
                .text("KLUIS_URL")
                .map(|url| (url, "KLUIS_URL".to_owned())),
        };
        let explicit_token = explicit_token(connection, surroundings)?;
        // A dev server's file gives what is missing, but its token never goes to another server than its own.
        let dev = match (&explicit_url, &explicit_token) {
            // All that it could add is a certificate to trust, and most servers have no need of that.
            (Some((url, _)), Some(_)) if url.starts_with("https://") => {
                DevFile::find(connection, surroundings).unwrap_or_default()
            }
            (Some(_), Some(_)) => None,
            _ => DevFile::find(connection, surroundings)?,
        };
        let dev = dev.filter(|dev| {
            explicit_url
                .as_ref()
                .is_none_or(|(url, _)| without_slash(url) == without_slash(&dev.base_url))
        });
        // Whoever names a data directory means the server in it, with its token.
        let is_named = named_directory(connection, surroundings).is_some();
        let is_complete = explicit_token.is_some() && (explicit_url.is_some() || dev.is_some())
            || is_named && dev.is_some();
        let store = Store::of(surroundings).filter(|_| !is_complete);
        let logins = store.as_ref().map(Store::read).transpose()?;
        let logins = logins.unwrap_or_default();
        let kept = store.map(|store| store.path().display().to_string());
        let kept = kept.unwrap_or_default();

        let (url, url_from) = match (explicit_url, &dev, logins.server()) {
            (Some(explicit), _, _) => explicit,
            (None, Some(dev), _) => (dev.base_url.clone(), dev.path.clone()),
            (None, None, Some(server)) => (server.to_owned(), kept.clone()),
            (None, None, None) => return Err(no_server(connection, surroundings)),
        };
        let dev_certificate = dev.as_ref().and_then(|dev| dev.certificate.clone());
        let login = logins.at(&url);
        let certificate = dev_certificate.or_else(|| login?.ca_file.clone());
        let token = match (explicit_token, login, dev) {
            (Some((text, from)), _, _) => Ok(Token::new(text, from)),
            (None, None, Some(dev)) => Ok(Token::new(dev.token, dev.path)),
            (None, Some(login), _) => of_login(login, &url, &kept, now),
            (None, None, None) => Err(no_token(&url, &logins)),
        };
        Ok(Self {
            certificate,
            url,
            url_from,
            token,
        })
    }
}

impl Token {
    fn new(text: SecretText, from: String) -> Self {
        Self {
            text,
            from,
            is_login: false,
        }
    }
}

/// The token of a log-in that still holds. One that does not is said to be over, whatever else there is: what was to be
/// done as one user is not done as another.
fn of_login(login: &Login, url: &str, kept: &str, now: Timestamp) -> Result<Token, Failure> {
    if Timestamp::parse(&login.expires_at).is_some_and(|end| end <= now) {
        return Err(Failure::new(
            Code::NotAuthenticated,
            format!("the log-in at {url} has ended"),
            format!("it held until {}", login.expires_at),
            format!("log in again with kluis login --url {url}, or leave with kluis logout"),
        ));
    }
    Ok(Token {
        text: login.token.clone(),
        from: format!("the log-in in {kept}"),
        is_login: true,
    })
}

fn no_server(connection: &Connection, surroundings: &Surroundings<'_>) -> Failure {
    let searched = match named_directory(connection, surroundings) {
        Some(directory) => format!("{} holds no {DEV_FILE}", directory.display()),
        None => "no running kluis dev was found here or in a parent directory".to_owned(),
    };
    Failure::usage(
        "no server to talk to",
        format!("neither --url nor KLUIS_URL is set, no log-in says which, and {searched}"),
        "start one with kluis dev, or name one with --url",
    )
}

fn no_token(url: &str, logins: &Logins) -> Failure {
    let elsewhere = logins
        .server()
        .map(|server| format!("; the log-in here is at {server}"));
    Failure::new(
        Code::NotAuthenticated,
        format!("no token for {url}"),
        format!(
            "neither --token-file nor KLUIS_TOKEN nor KLUIS_TOKEN_FILE is set, and nobody has logged in there{}",
            elsewhere.unwrap_or_default()
        ),
        format!(
            "log in with kluis login --url {url}, or put an API key into a file and name it with --token-file"
        ),
    )
}

/// The token of flags or environment, in that order.
fn explicit_token(
    connection: &Connection,
    surroundings: &Surroundings<'_>,
) -> Result<Option<(SecretText, String)>, Failure> {
    if let Some(path) = &connection.token_file {
        return token_in(path, "--token-file").map(Some);
    }
    if let Some(token) = surroundings.text("KLUIS_TOKEN") {
        return Ok(Some((SecretText::from(token), "KLUIS_TOKEN".to_owned())));
    }
    surroundings
        .text("KLUIS_TOKEN_FILE")
        .map(|path| token_in(Path::new(&path), "KLUIS_TOKEN_FILE"))
        .transpose()
}

fn token_in(path: &Path, from: &str) -> Result<(SecretText, String), Failure> {
    let text = fs::read_to_string(path).map_err(|error| unreadable("token file", path, &error))?;
    let text = Zeroizing::new(text);
    Ok((
        SecretText::from(text.trim_end().to_owned()),
        format!("{} ({from})", path.display()),
    ))
}

pub(super) fn unreadable(what: &str, path: &Path, error: &std::io::Error) -> Failure {
    Failure::usage(
        format!("cannot read the {what}"),
        format!("{}: {error}", path.display()),
        "correct the path or the file's permissions",
    )
}

/// The data directory that somebody named.
fn named_directory(connection: &Connection, surroundings: &Surroundings<'_>) -> Option<PathBuf> {
    connection
        .data_dir
        .clone()
        .or_else(|| surroundings.text("KLUIS_DATA_DIR").map(PathBuf::from))
}

/// What this needs of `dev.json` (DESIGN §6).
struct DevFile {
    base_url: String,
    token: SecretText,
    path: String,
    /// The certificate beside it, of a server that made its own.
    certificate: Option<PathBuf>,
}

impl DevFile {
    /// The file in the named data directory, or in the nearest `.kluis` upwards. None when there is no such file.
    ///
    /// A directory that nobody named could be anyone's, such as one that came with a downloaded archive, and would receive
    /// whatever is typed. So a file found by searching must be the caller's own, private to them, and point to this machine.
    fn find(
        connection: &Connection,
        surroundings: &Surroundings<'_>,
    ) -> Result<Option<Self>, Failure> {
        if let Some(directory) = named_directory(connection, surroundings) {
            let directory = surroundings.directory.join(directory);
            let path = directory.join(DEV_FILE);
            let is_there = path
                .try_exists()
                .map_err(|error| unreadable("data directory", &directory, &error))?;
            return is_there.then(|| Self::read(&path)).transpose();
        }
        let mut candidates = surroundings
            .directory
            .ancestors()
            .map(|at| at.join(DATA_DIRECTORY).join(DEV_FILE));
        let Some(path) = candidates.find(|path| path.exists()) else {
            return Ok(None);
        };
        let suspicious = |why: String| {
            Failure::usage(
                format!("{} is not trusted", path.display()),
                why,
                format!(
                    "if it is yours, name it with --data-dir {}",
                    path.with_file_name("").display()
                ),
            )
        };
        let metadata =
            fs::metadata(&path).map_err(|error| unreadable("dev server's file", &path, &error))?;
        if metadata.uid() != rustix::process::geteuid().as_raw() {
            return Err(suspicious("it belongs to another user".to_owned()));
        }
        if metadata.mode() & 0o077 != 0 {
            return Err(suspicious("others may read or write it".to_owned()));
        }
        let mut file = Self::read(&path)?;
        if !is_loopback(&file.base_url) {
            return Err(suspicious(format!(
                "it points to another machine, {}",
                file.base_url
            )));
        }
        file.certificate = file.certificate.filter(|path| is_own(path));
        Ok(Some(file))
    }

    fn read(path: &Path) -> Result<Self, Failure> {
        #[derive(Deserialize)]
        struct Content {
            base_url: String,
            tokens: Tokens,
        }
        #[derive(Deserialize)]
        struct Tokens {
            cloudkeep: SecretText,
        }
        let text = fs::read(path).map_err(|error| unreadable("dev server's file", path, &error))?;
        let text = Zeroizing::new(text);
        let content: Content = serde_json::from_slice(&text).map_err(|error| {
            Failure::usage(
                "cannot read the dev server's file",
                // serde's own sentence may quote what it found.
                format!(
                    "{}: line {} is not as kluis dev writes it",
                    path.display(),
                    error.line()
                ),
                "start kluis dev again, it rewrites the file",
            )
        })?;
        let certificate = path.with_file_name(CERTIFICATE);
        let made_its_own = content.base_url.starts_with("https://") && certificate.exists();
        Ok(Self {
            certificate: made_its_own.then_some(certificate),
            base_url: content.base_url,
            token: content.tokens.cloudkeep,
            path: path.display().to_string(),
        })
    }
}

/// Whether this file is the caller's own, and nobody else can have written it.
fn is_own(path: &Path) -> bool {
    let is_private = |directory: &Path| {
        fs::metadata(directory).is_ok_and(|directory| directory.mode() & 0o777 == 0o700)
    };
    fs::metadata(path).is_ok_and(|file| {
        file.uid() == rustix::process::geteuid().as_raw()
            && (file.mode() & 0o022 == 0 || path.parent().is_some_and(is_private))
    })
}

/// What a command finds around itself; tests make their own.
pub(super) struct Surroundings<'a> {
    pub(super) variable: &'a dyn Fn(&str) -> Option<OsString>,
    pub(super) directory: PathBuf,
}

impl Surroundings<'_> {
    /// An environment variable; an empty one counts as unset.
    pub(super) fn text(&self, name: &str) -> Option<String> {
        (self.variable)(name)?
            .into_string()
            .ok()
            .filter(|value| !value.is_empty())
    }

    /// The directory of Kluis below one of the user's own, which a variable names, or else a place below their home. The
    /// specification of these directories has relative ones ignored.
    pub(super) fn own_directory(&self, variable: &str, below_home: &str) -> Option<PathBuf> {
        let absolute = |name: &str| {
            self.text(name)
                .map(PathBuf::from)
                .filter(|path| path.is_absolute())
        };
        let own =
            absolute(variable).or_else(|| absolute("HOME").map(|home| home.join(below_home)))?;
        Some(own.join("kluis"))
    }
}

/// Whether a URL's host is this machine by its spelling.
pub(super) fn is_loopback(url: &str) -> bool {
    let Some((_, rest)) = url.split_once("://") else {
        return false;
    };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host = match authority.strip_prefix('[') {
        Some(v6) => v6.split(']').next().unwrap_or_default(),
        None => authority.split(':').next().unwrap_or_default(),
    };
    host == "localhost"
        || host
            .parse()
            .is_ok_and(|address: std::net::IpAddr| address.is_loopback())
}

const DATA_DIRECTORY: &str = ".kluis";
const DEV_FILE: &str = "dev.json";
const CERTIFICATE: &str = "certificate.pem";

#[cfg(test)]
mod tests;
