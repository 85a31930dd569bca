//! The table of settings: the one place that says which there are.

/// One setting.
pub(crate) struct Setting {
    /// Dotted name, as the file spells it in tables.
    pub(crate) key: &'static str,
    /// The value when nobody sets one; `None` means unset.
    pub(crate) default: Option<&'static str>,
    /// What it is for, in one line.
    pub(crate) help: &'static str,
}

impl Setting {
    /// The environment variable that sets it.
    pub(super) fn variable(&self) -> String {
        format!("KLUIS_{}", self.key.replace('.', "_").to_ascii_uppercase())
    }
}

const fn setting(key: &'static str, default: &'static str, help: &'static str) -> Setting {
    Setting {
        key,
        default: Some(default),
        help,
    }
}

const fn unset(key: &'static str, help: &'static str) -> Setting {
    Setting {
        key,
        default: None,
        help,
    }
}

/// Every setting of `kluis server`. Paths are relative to the directory that it is started in.
pub(crate) const SETTINGS: &[Setting] = &[
    setting(
        "listen",
        "127.0.0.1:8200",
        "address and port to listen on; port 0 takes a free one",
    ),
    setting(
        "data_dir",
        ".kluis",
        "directory of the database, the journal, keys and the operator's socket",
    ),
    setting(
        "storage",
        "sqlite:",
        "sqlite: in the data directory, or a postgres: URL",
    ),
    unset(
        "public_url",
        "base URL that clients use; the listening address unless set",
    ),
    unset(
        "tls.cert_file",
        "PEM file of the certificate chain, leaf first",
    ),
    unset("tls.key_file", "PEM file of the certificate's private key"),
    setting(
        "tls.self_signed",
        "false",
        "make a certificate at start, for trying things out",
    ),
    setting(
        "seal.kind",
        "key_file",
        "what the root key is sealed with: key_file, passphrase or shamir",
    ),
    unset(
        "seal.key_file",
        "file of the root key; one in the data directory unless set",
    ),
    setting("limits.max_connections", "4096", "connections at once"),
    setting(
        "limits.max_body_bytes",
        "5242880",
        "bytes of a request's body",
    ),
    setting(
        "limits.header_timeout_seconds",
        "10",
        "time until a request's head must be complete",
    ),
    setting(
        "limits.request_timeout_seconds",
        "30",
        "time until a request must be answered",
    ),
    setting(
        "limits.shutdown_grace_seconds",
        "30",
        "time that accepted requests get to finish at the end",
    ),
    unset(
        "limits.oneclaw_per_second",
        "calls of 1claw's API in a second from one address, twice as many at once; no limit unless set",
    ),
    unset(
        "limits.oneclaw_auth_per_second",
        "the same for its open paths under /v1/auth, five times as many at once",
    ),
    unset(
        "limits.shares_per_minute",
        "shares that an organization can make in a minute; no limit unless set",
    ),
    setting(
        "plans.standard",
        "60",
        "calls a minute of a user on the plan standard",
    ),
    setting(
        "plans.pro",
        "300",
        "calls a minute of a user on the plan pro",
    ),
    setting(
        "agents.enrollment",
        "false",
        "whether agents can ask to be registered, for a person to approve",
    ),
    setting(
        "organizations.signup",
        "false",
        "whether anyone can make an organization, through 1claw's API",
    ),
    unset(
        "versions.keep",
        "versions kept of each secret; all unless set",
    ),
    setting(
        "transport.key_bits",
        "3072",
        "length of the RSA keys that values are sealed for: 2048, 3072 or 4096",
    ),
    setting(
        "transport.retired_key_days",
        "30",
        "days that such a key opens what comes after it was replaced",
    ),
    setting("log.format", "text", "text for people, or json"),
    setting("log.level", "info", "error, warn, info, debug or trace"),
    unset(
        "metrics.token_file",
        "file of the token that opens /metrics to other machines",
    ),
    setting(
        "proxies.trusted",
        "",
        "networks of proxies whose X-Forwarded-For is believed",
    ),
    unset(
        "integrations.env_file_root",
        "directory that integrations may write files of variables below; none may unless set",
    ),
    setting(
        "outbound.private",
        "true",
        "whether outbound calls may reach private networks",
    ),
];
