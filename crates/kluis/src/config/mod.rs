//! Configuration of `kluis server`: which settings there are, where a value comes from, and what it must look like.
//!
//! A setting is looked for in the flags, then in the environment (`KLUIS_` and its name in capitals, or the same with
//! `_FILE` for a file that holds the value), then in the file, and has its default last. An unknown name in any of them is
//! an error that names the nearest known one.

use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::PathBuf;

mod cidr;
mod parse;
mod settings;
mod sources;

pub(crate) use cidr::Cidr;
pub(crate) use sources::{Flag, Sources};

use crate::failure::Failure;
use crate::terminal::say;
use sources::Resolved;

/// Everything that `kluis server` is told.
pub(crate) struct Config {
    /// Address and port to listen on.
    pub(crate) listen: SocketAddr,
    /// Directory of the embedded database, the journal, keys and the operator's socket.
    pub(crate) data_dir: PathBuf,
    /// Where secrets are stored.
    pub(crate) storage: Storage,
    /// Base URL that clients use, for links; the listening address unless set.
    pub(crate) public_url: Option<String>,
    /// Encryption of connections.
    pub(crate) tls: Tls,
    /// What the root key is sealed with.
    pub(crate) seal: Seal,
    /// Bounds on what a client may ask of the server.
    pub(crate) limits: Limits,
    /// Calls a minute of the limited plans.
    pub(crate) plans: Plans,
    /// Requests in a second from one address through 1claw's API, and through its open paths under `/v1/auth`; no limit
    /// unless set.
    pub(crate) oneclaw_per_second: Option<u32>,
    pub(crate) oneclaw_auth_per_second: Option<u32>,
    /// Shares that an organization can make in a minute; as many as one likes unless set.
    pub(crate) shares_per_minute: Option<u32>,
    /// Whether agents can ask to be registered.
    pub(crate) agents_enrollment: bool,
    /// Whether anyone can make an organization.
    pub(crate) organizations_signup: bool,
    /// How many versions of a secret are kept; all unless set.
    pub(crate) versions_keep: Option<u32>,
    /// What the server writes about itself.
    pub(crate) log: Log,
    /// File with the token that opens `/metrics` to other machines; only this one may read them unless set.
    pub(crate) metrics_token_file: Option<PathBuf>,
    /// Proxies whose `X-Forwarded-For` is believed.
    pub(crate) trusted_proxies: Vec<Cidr>,
    /// Bits of the RSA keys that values are sealed for.
    pub(crate) transport_key_bits: u32,
    /// Days that such a key opens what comes after it was replaced.
    pub(crate) retired_transport_key_days: u32,
    /// Whether outbound calls may reach private networks (RULES §8).
    pub(crate) outbound_private: bool,
    /// Directory that integrations may write files below; none may unless set (contract B5).
    pub(crate) env_file_root: Option<PathBuf>,
}

/// A storage URL: `sqlite:` with an optional path, or `postgres:`. Has no `Debug`, since it may hold a password.
pub(crate) struct Storage(String);

impl Storage {
    /// The URL, with whatever password is in it.
    pub(crate) fn url(&self) -> &str {
        &self.0
    }
}

/// Encryption of connections: files, a certificate of our own making, or none.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Tls {
    /// Plain HTTP.
    Off,
    /// A certificate made at start, for trying things out.
    SelfSigned,
    /// PEM files of the certificate chain and its key.
    Files {
        /// The chain, leaf first.
        cert: PathBuf,
        /// The private key.
        key: PathBuf,
    },
}

/// What the root key is sealed with (DESIGN §4).
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Seal {
    /// A file; one in the data directory unless named.
    KeyFile(Option<PathBuf>),
    /// A passphrase, given to `kluis operator unseal`.
    Passphrase,
    /// Shares, given to `kluis operator unseal` one by one.
    Shamir,
}

/// Bounds on what a client may ask of the server.
pub(crate) struct Limits {
    /// Connections at once.
    pub(crate) max_connections: u32,
    /// Bytes of a request's body.
    pub(crate) max_body_bytes: u32,
    /// Seconds until a request's head must be complete.
    pub(crate) header_timeout_seconds: u32,
    /// Seconds until a request must be answered.
    pub(crate) request_timeout_seconds: u32,
    /// Seconds that accepted requests get to finish when the server stops.
    pub(crate) shutdown_grace_seconds: u32,
}

/// Calls a minute of the limited plans (RULES §6).
pub(crate) struct Plans {
    /// Of `standard`.
    pub(crate) standard: u32,
    /// Of `pro`.
    pub(crate) pro: u32,
}

/// What the server writes about itself.
pub(crate) struct Log {
    /// One JSON object a line, instead of text for people.
    pub(crate) is_json: bool,
    /// `error`, `warn`, `info`, `debug` or `trace`.
    pub(crate) level: String,
}

/// One setting as `kluis config explain` shows it.
pub(crate) struct Explained {
    /// Dotted name.
    pub(crate) key: &'static str,
    /// The value as text, without secrets; empty when unset.
    pub(crate) value: String,
    /// Where it came from.
    pub(crate) origin: String,
    /// What it is for.
    pub(crate) help: &'static str,
}

/// Reads all sources and checks every value.
pub(crate) fn load(sources: &Sources) -> Result<(Config, Vec<Explained>), Failure> {
    Resolved::refuse_passwords(&sources.flags)?;
    let resolved = Resolved::from(sources)?;
    let config = build(&resolved)?;
    Ok((config, resolved.explained()))
}

/// The one setting that `kluis dev` shares with `kluis server`: its storage, from the flag or else from the environment.
pub(crate) fn storage(
    flag: Option<String>,
    environment: impl Iterator<Item = (OsString, OsString)>,
) -> Result<Storage, Failure> {
    let is_ours = |name: &OsString| name == "KLUIS_STORAGE" || name == "KLUIS_STORAGE_FILE";
    let flag = flag.map(|value| Flag {
        key: "storage".to_owned(),
        value,
        name: "--storage".to_owned(),
    });
    if let Some(flag) = flag.as_ref().filter(|flag| flag.holds_password()) {
        say(&format!(
            "warning: the password in {} is seen by every user of this machine; KLUIS_STORAGE keeps it to itself",
            flag.name
        ));
    }
    let sources = Sources {
        flags: flag.into_iter().collect(),
        environment: environment.filter(|(name, _)| is_ours(name)).collect(),
        file: None,
    };
    Resolved::from(&sources)?.needed("storage", parse::storage)
}

fn build(values: &Resolved) -> Result<Config, Failure> {
    Ok(Config {
        listen: values.needed("listen", parse::address)?,
        data_dir: values.needed("data_dir", parse::path)?,
        storage: values.needed("storage", parse::storage)?,
        public_url: values.optional("public_url", parse::url)?,
        tls: tls(values)?,
        seal: seal(values)?,
        limits: Limits {
            max_connections: values
                .needed("limits.max_connections", parse::whole(1..=1_000_000))?,
            max_body_bytes: values
                .needed("limits.max_body_bytes", parse::whole(65_536..=67_108_864))?,
            header_timeout_seconds: values
                .needed("limits.header_timeout_seconds", parse::whole(1..=3600))?,
            request_timeout_seconds: values
                .needed("limits.request_timeout_seconds", parse::whole(1..=3600))?,
            shutdown_grace_seconds: values
                .needed("limits.shutdown_grace_seconds", parse::whole(0..=3600))?,
        },
        plans: Plans {
            standard: values.needed("plans.standard", parse::whole(1..=1_000_000))?,
            pro: values.needed("plans.pro", parse::whole(1..=1_000_000))?,
        },
        oneclaw_per_second: values
            .optional("limits.oneclaw_per_second", parse::whole(1..=1_000_000))?,
        oneclaw_auth_per_second: values.optional(
            "limits.oneclaw_auth_per_second",
            parse::whole(1..=1_000_000),
        )?,
        shares_per_minute: values
            .optional("limits.shares_per_minute", parse::whole(1..=1_000_000))?,
        agents_enrollment: values.needed("agents.enrollment", parse::flag)?,
        organizations_signup: values.needed("organizations.signup", parse::flag)?,
        versions_keep: values.optional("versions.keep", parse::whole(1..=1_000_000))?,
        transport_key_bits: values
            .needed("transport.key_bits", parse::word(&["2048", "3072", "4096"]))?
            .parse()
            .unwrap_or_default(),
        retired_transport_key_days: values
            .needed("transport.retired_key_days", parse::whole(0..=3650))?,
        log: Log {
            is_json: values.needed("log.format", parse::word(&["text", "json"]))? == "json",
            level: values
                .needed(
                    "log.level",
                    parse::word(&["error", "warn", "info", "debug", "trace"]),
                )?
                .to_owned(),
        },
        metrics_token_file: values.optional("metrics.token_file", parse::path)?,
        trusted_proxies: values.needed("proxies.trusted", parse::networks)?,
        outbound_private: values.needed("outbound.private", parse::flag)?,
        env_file_root: values.optional("integrations.env_file_root", parse::path)?,
    })
}

fn tls(values: &Resolved) -> Result<Tls, Failure> {
    let cert = values.optional("tls.cert_file", parse::path)?;
    let key = values.optional("tls.key_file", parse::path)?;
    let is_self_signed = values.needed("tls.self_signed", parse::flag)?;
    match (cert, key, is_self_signed) {
        (None, None, false) => Ok(Tls::Off),
        (None, None, true) => Ok(Tls::SelfSigned),
        (Some(cert), Some(key), false) => Ok(Tls::Files { cert, key }),
        (Some(_), _, true) => Err(values.clash(
            "tls.cert_file",
            "tls.self_signed is on, which makes its own",
        )),
        (None, Some(_), true) => {
            Err(values.clash("tls.key_file", "tls.self_signed is on, which makes its own"))
        }
        (Some(_), None, false) => Err(values.clash("tls.cert_file", "tls.key_file is not set")),
        (None, Some(_), false) => Err(values.clash("tls.key_file", "tls.cert_file is not set")),
    }
}

fn seal(values: &Resolved) -> Result<Seal, Failure> {
    let kind = values.needed(
        "seal.kind",
        parse::word(&["key_file", "passphrase", "shamir"]),
    )?;
    let file = values.optional("seal.key_file", parse::path)?;
    match (kind, file) {
        ("passphrase" | "shamir", Some(_)) => {
            Err(values.clash("seal.key_file", "seal.kind is not key_file"))
        }
        ("passphrase", None) => Ok(Seal::Passphrase),
        ("shamir", None) => Ok(Seal::Shamir),
        (_, file) => Ok(Seal::KeyFile(file)),
    }
}

#[cfg(test)]
mod tests;
