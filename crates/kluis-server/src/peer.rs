//! Where a request came from: the peer, unless the peer is a proxy that the configuration names (NT-52).

use std::net::IpAddr;

use http::HeaderMap;

use crate::config::Network;

/// The address of the client behind `peer`: the nearest hop of `X-Forwarded-For` that is not a trusted proxy. What an
/// untrusted peer claims is not read; a hop that is no address ends the search at the proxy that reported it.
pub(crate) fn client_address(peer: IpAddr, headers: &HeaderMap, proxies: &[Network]) -> IpAddr {
    let peer = peer.to_canonical();
    let is_trusted = |address: IpAddr| proxies.iter().any(|network| network.contains(address));
    if !is_trusted(peer) {
        return peer;
    }
    let mut address = peer;
    for line in headers
        .get_all(X_FORWARDED_FOR)
        .iter()
        .collect::<Vec<_>>()
        .into_iter()
        .rev()
    {
        for hop in line.to_str().unwrap_or_default().rsplit(',') {
            let Ok(hop) = hop.trim().parse::<IpAddr>() else {
                return address;
            };
            address = hop.to_canonical();
            if !is_trusted(address) {
                return address;
            }
        }
    }
    address
}

/// Whether the request came from this very machine, and nothing says that a proxy passed it on for somebody else.
pub(crate) fn is_local(peer: IpAddr, headers: &HeaderMap) -> bool {
    peer.to_canonical().is_loopback() && !FORWARDING.iter().any(|name| headers.contains_key(*name))
}

const X_FORWARDED_FOR: &str = "x-forwarded-for";
const FORWARDING: [&str; 4] = [X_FORWARDED_FOR, "forwarded", "via", "x-real-ip"];

#[cfg(test)]
mod tests {
    use super::*;

    fn forwarded(lines: &[&str]) -> HeaderMap {
        lines
            .iter()
            .map(|line| {
                (
                    http::HeaderName::from_static(X_FORWARDED_FOR),
                    line.parse().unwrap(),
                )
            })
            .collect()
    }

    fn proxies() -> Vec<Network> {
        [("10.0.0.0", 8), ("127.0.0.1", 32)]
            .map(|(address, prefix)| Network {
                address: address.parse().unwrap(),
                prefix,
            })
            .to_vec()
    }

    /// NT-52
    #[test]
    fn only_a_configured_proxy_is_believed() {
        for (peer, lines, address) in [
            ("198.51.100.1", &["203.0.113.5"][..], "198.51.100.1"),
            ("10.0.0.1", &["203.0.113.5"], "203.0.113.5"),
            ("10.0.0.1", &["6.6.6.6, 203.0.113.5"], "203.0.113.5"),
            ("10.0.0.1", &["6.6.6.6", "203.0.113.5"], "203.0.113.5"),
            (
                "10.0.0.1",
                &["6.6.6.6, 203.0.113.5, 10.0.0.9"],
                "203.0.113.5",
            ),
            ("10.0.0.1", &["10.0.0.9", "10.0.0.8"], "10.0.0.9"),
            ("10.0.0.1", &["not an address"], "10.0.0.1"),
            ("10.0.0.1", &["6.6.6.6, , 10.0.0.7"], "10.0.0.7"),
            ("10.0.0.1", &["203.0.113.5:443"], "10.0.0.1"),
            ("10.0.0.1", &[], "10.0.0.1"),
            ("::ffff:10.0.0.1", &["::ffff:203.0.113.5"], "203.0.113.5"),
            ("::ffff:198.51.100.1", &["203.0.113.5"], "198.51.100.1"),
        ] {
            let found = client_address(peer.parse().unwrap(), &forwarded(lines), &proxies());
            assert_eq!(found.to_string(), address, "{peer} {lines:?}");
        }
        let found = client_address(
            "10.0.0.1".parse().unwrap(),
            &forwarded(&["203.0.113.5"]),
            &[],
        );
        assert_eq!(found.to_string(), "10.0.0.1");
    }

    #[test]
    fn a_request_is_local_only_when_nothing_was_forwarded() {
        for (peer, lines, local) in [
            ("127.0.0.1", &[][..], true),
            ("::1", &[], true),
            ("::ffff:127.0.0.1", &[], true),
            ("127.0.0.1", &["203.0.113.5"], false),
            ("192.0.2.1", &[], false),
        ] {
            assert_eq!(
                is_local(peer.parse().unwrap(), &forwarded(lines)),
                local,
                "{peer} {lines:?}"
            );
        }
    }
}
