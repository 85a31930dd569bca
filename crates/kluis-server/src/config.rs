//! What a server is started with, as plain data: where the values come from is the program's business.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use kluis_engine::Secret;

/// Everything that a server is told.
pub struct Config {
    /// Where to listen; port 0 takes a free one, which [`crate::Handle::addresses`] tells.
    pub listen: Vec<SocketAddr>,
    /// Base URL that clients use, without a slash at its end; the first listening address when `None`.
    pub public_url: Option<String>,
    /// Doors that are closed unless they are opened.
    pub doors: Doors,
    /// Encryption of connections.
    pub tls: Tls,
    /// Bounds on what a client may ask of the server.
    pub limits: Limits,
    /// The token that opens `/metrics` to other machines; without one, only this machine may read them.
    pub metrics_token: Option<Secret>,
    /// Proxies whose `X-Forwarded-For` is believed (NT-52).
    pub trusted_proxies: Vec<Network>,
    /// The operator's socket; none without it.
    pub operator: Option<OperatorSocket>,
}

/// Doors that are closed unless they are opened (RULES §3): what is behind them answers as a path that nobody knows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Doors {
    /// Whether agents can ask to be registered (1claw contract §9).
    pub enrollment: bool,
    /// Whether anyone can make an organization of its own (1claw contract §4.5).
    pub signup: bool,
}

/// Encryption of connections.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Tls {
    /// Plain HTTP.
    Off,
    /// A certificate and key in PEM files.
    Files {
        /// The chain, leaf first.
        certificate: PathBuf,
        /// The private key.
        key: PathBuf,
    },
    /// A certificate made at start, for trying things out.
    SelfSigned {
        /// Names and addresses that it is for.
        names: Vec<String>,
        /// Where to write the certificate, so that clients can be told to trust it.
        certificate: PathBuf,
    },
}

/// Bounds on what a client may ask of the server.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Connections at once; more wait until one ends.
    pub max_connections: usize,
    /// Bytes of a request's body, where the API's own limit is not lower.
    pub max_body_bytes: usize,
    /// Bytes of a request's head; at least 8192.
    pub max_header_bytes: usize,
    /// From connection or last answer until a request's head is complete; also the time that a TLS handshake gets.
    pub header_timeout: Duration,
    /// From a request's head until its body is complete.
    pub body_timeout: Duration,
    /// From a request's head until it is answered.
    pub request_timeout: Duration,
    /// How long accepted requests get to finish when the server stops.
    pub shutdown_grace: Duration,
    /// Requests in a second from one address through 1claw's API, and twice as many at once; no limit when `None`.
    pub oneclaw_per_second: Option<u32>,
    /// The same for its open paths under `/v1/auth`, and five times as many at once.
    pub oneclaw_auth_per_second: Option<u32>,
}

/// A socket for operator commands (RULES §8).
#[derive(Clone, Debug)]
pub struct OperatorSocket {
    /// Where; only the server's own user and root get through.
    pub path: PathBuf,
    /// The file that a key-file seal is unsealed with.
    pub key_file: PathBuf,
    /// Whether the clock may be moved forward through it. Only `kluis dev --test-clock` sets this.
    pub test_clock: bool,
}

/// A network: an address, and how many of its leading bits count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network {
    /// Any address of it.
    pub address: IpAddr,
    /// Bits that its addresses share.
    pub prefix: u8,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            listen: vec![SocketAddr::from(([127, 0, 0, 1], 8200))],
            public_url: None,
            doors: Doors::default(),
            tls: Tls::Off,
            limits: Limits::default(),
            metrics_token: None,
            trusted_proxies: Vec::new(),
            operator: None,
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_connections: 4096,
            max_body_bytes: 5 << 20,
            max_header_bytes: 64 << 10,
            header_timeout: Duration::from_secs(10),
            body_timeout: Duration::from_secs(30),
            request_timeout: Duration::from_secs(30),
            shutdown_grace: Duration::from_secs(30),
            oneclaw_per_second: None,
            oneclaw_auth_per_second: None,
        }
    }
}

impl Network {
    /// Whether `address` is in it. An IPv4 address mapped into IPv6 is the IPv4 address.
    pub fn contains(&self, address: IpAddr) -> bool {
        match (self.address.to_canonical(), address.to_canonical()) {
            (IpAddr::V4(own), IpAddr::V4(other)) => {
                let shift = 32_u32.saturating_sub(self.prefix.into());
                (own.to_bits() ^ other.to_bits())
                    .checked_shr(shift)
                    .unwrap_or(0)
                    == 0
            }
            (IpAddr::V6(own), IpAddr::V6(other)) => {
                let shift = 128_u32.saturating_sub(self.prefix.into());
                (own.to_bits() ^ other.to_bits())
                    .checked_shr(shift)
                    .unwrap_or(0)
                    == 0
            }
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn network(address: &str, prefix: u8) -> Network {
        Network {
            address: address.parse().unwrap(),
            prefix,
        }
    }

    #[test]
    fn a_network_holds_its_addresses_and_no_others() {
        for (net, inside, outside) in [
            (network("10.0.0.0", 8), "10.255.255.255", "11.0.0.0"),
            (network("192.0.2.7", 32), "192.0.2.7", "192.0.2.6"),
            (network("0.0.0.0", 0), "203.0.113.9", "::1"),
            (network("2001:db8::", 32), "2001:db8:ffff::1", "2001:db9::"),
            (network("::", 0), "fe80::1", "10.0.0.1"),
            (network("10.0.0.0", 8), "::ffff:10.1.2.3", "::10.1.2.3"),
        ] {
            assert!(net.contains(inside.parse().unwrap()), "{net:?} {inside}");
            assert!(!net.contains(outside.parse().unwrap()), "{net:?} {outside}");
        }
    }
}
