//! From the configuration to what engine and server are started with.

use std::path::{Path, PathBuf};
use std::time::Duration;

use kluis_server::engine::{ModulusBits, Reach, Secret, Settings, Storage};
use kluis_server::{Config, Doors, Limits, Network, OperatorSocket, Tls};

use crate::config::{self, Seal};
use crate::failure::Failure;

/// What the engine is opened with.
pub(crate) fn engine_settings(config: &config::Config) -> Settings {
    Settings {
        storage: storage(config.storage.url()),
        standard_plan: config.plans.standard,
        pro_plan: config.plans.pro,
        shares_per_minute: config.shares_per_minute,
        keep_versions: config.versions_keep,
        transport_key_bits: ModulusBits::from_bits(config.transport_key_bits).unwrap_or_default(),
        retired_transport_keys: Duration::from_hours(
            24 * u64::from(config.retired_transport_key_days),
        ),
        outbound: Reach {
            private: config.outbound_private,
            ..Reach::default()
        },
        env_file_root: config.env_file_root.clone(),
        ..Settings::in_directory(&config.data_dir)
    }
}

/// What the server is started with.
pub(crate) fn server_config(config: &config::Config) -> Result<Config, Failure> {
    let limits = &config.limits;
    let seconds = |seconds: u32| Duration::from_secs(seconds.into());
    let count = |count: u32| usize::try_from(count).unwrap_or(usize::MAX);
    let networks = config.trusted_proxies.iter().map(|network| Network {
        address: network.address,
        prefix: network.prefix,
    });
    Ok(Config {
        listen: vec![config.listen],
        public_url: config.public_url.clone(),
        doors: Doors {
            enrollment: config.agents_enrollment,
            signup: config.organizations_signup,
        },
        tls: tls(config),
        limits: Limits {
            max_connections: count(limits.max_connections),
            max_body_bytes: count(limits.max_body_bytes),
            header_timeout: seconds(limits.header_timeout_seconds),
            body_timeout: seconds(limits.request_timeout_seconds),
            request_timeout: seconds(limits.request_timeout_seconds),
            shutdown_grace: seconds(limits.shutdown_grace_seconds),
            oneclaw_per_second: config.oneclaw_per_second,
            oneclaw_auth_per_second: config.oneclaw_auth_per_second,
            ..Limits::default()
        },
        metrics_token: config
            .metrics_token_file
            .as_deref()
            .map(token)
            .transpose()?,
        trusted_proxies: networks.collect(),
        operator: Some(OperatorSocket {
            path: socket(&config.data_dir),
            key_file: key_file(config),
            test_clock: false,
        }),
    })
}

/// The storage that a URL names; the configuration has let no other than these two through.
pub(super) fn storage(url: &str) -> Storage {
    if url.starts_with("postgres") {
        Storage::Postgres(url.to_owned())
    } else {
        Storage::Sqlite
    }
}

/// Where a server with this data directory listens to its operator.
pub(crate) fn socket(data_dir: &Path) -> PathBuf {
    data_dir.join("kluis.sock")
}

/// The key file of a key-file seal.
pub(crate) fn key_file(config: &config::Config) -> PathBuf {
    match &config.seal {
        Seal::KeyFile(Some(path)) => path.clone(),
        Seal::KeyFile(None) | Seal::Passphrase | Seal::Shamir => default_key_file(&config.data_dir),
    }
}

/// The key file of a data directory that names no other.
pub(super) fn default_key_file(data_dir: &Path) -> PathBuf {
    data_dir.join("seal.key")
}

/// A certificate of our own making for a server in `data_dir` at `listen`.
pub(super) fn self_signed(data_dir: &Path, listen: std::net::SocketAddr) -> Tls {
    Tls::SelfSigned {
        names: vec!["localhost".to_owned(), listen.ip().to_string()],
        certificate: data_dir.join("certificate.pem"),
    }
}

fn tls(config: &config::Config) -> Tls {
    match &config.tls {
        config::Tls::Off => Tls::Off,
        config::Tls::Files { cert, key } => Tls::Files {
            certificate: cert.clone(),
            key: key.clone(),
        },
        config::Tls::SelfSigned => self_signed(&config.data_dir, config.listen),
    }
}

fn token(path: &Path) -> Result<Secret, Failure> {
    let unusable = |why: String| {
        Failure::usage(
            "the metrics token cannot be used",
            format!("{} {why}", path.display()),
            "correct metrics.token_file, or the file",
        )
    };
    let text = std::fs::read_to_string(path)
        .map_err(|cause| unusable(format!("cannot be read: {cause}")))?;
    let token = text.trim();
    if token.is_empty() {
        return Err(unusable("is empty".to_owned()));
    }
    Ok(Secret::from_text(token.to_owned()))
}
