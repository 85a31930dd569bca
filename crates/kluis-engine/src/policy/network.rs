//! Addresses and networks of an `ip_allowlist`.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// An address range in CIDR notation; a lone address is a range of one.
///
/// An IPv4 address in its IPv6 spelling (`::ffff:10.0.0.1`) is that IPv4 address, in the list and in what is compared
/// with it. Every other IPv6 range holds IPv6 addresses only: `::/0` holds no IPv4 address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Network {
    /// Base address and mask.
    V4(u32, u32),
    /// Base address and mask.
    V6(u128, u128),
}

/// How many leading bits of an IPv6 address say that it holds an IPv4 address.
const MAPPED_BITS: u32 = 96;

impl Network {
    /// Read an address or `address/prefix`. Bits of the address beyond the prefix are ignored.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (address, prefix) = match text.split_once('/') {
            Some((address, prefix)) => (address, Some(prefix_length(prefix)?)),
            None => (text, None),
        };
        match address.parse().ok()? {
            IpAddr::V4(v4) => Self::v4(v4, prefix.unwrap_or(Ipv4Addr::BITS)),
            IpAddr::V6(v6) => {
                let prefix = prefix.unwrap_or(Ipv6Addr::BITS);
                match (v6.to_ipv4_mapped(), prefix.checked_sub(MAPPED_BITS)) {
                    (Some(v4), Some(prefix)) => Self::v4(v4, prefix),
                    _ => Self::v6(v6, prefix),
                }
            }
        }
    }

    fn v4(address: Ipv4Addr, prefix: u32) -> Option<Self> {
        let host_bits = Ipv4Addr::BITS.checked_sub(prefix)?;
        let mask = u32::MAX.checked_shl(host_bits).unwrap_or(0);
        Some(Self::V4(address.to_bits() & mask, mask))
    }

    fn v6(address: Ipv6Addr, prefix: u32) -> Option<Self> {
        let host_bits = Ipv6Addr::BITS.checked_sub(prefix)?;
        let mask = u128::MAX.checked_shl(host_bits).unwrap_or(0);
        Some(Self::V6(address.to_bits() & mask, mask))
    }

    /// Whether `address` lies in it.
    pub(crate) fn contains(self, address: IpAddr) -> bool {
        match (self, address.to_canonical()) {
            (Self::V4(base, mask), IpAddr::V4(v4)) => v4.to_bits() & mask == base,
            (Self::V6(base, mask), IpAddr::V6(v6)) => v6.to_bits() & mask == base,
            (Self::V4(..), IpAddr::V6(_)) | (Self::V6(..), IpAddr::V4(_)) => false,
        }
    }
}

/// Only digits: the standard parser would take a `+` as well.
fn prefix_length(text: &str) -> Option<u32> {
    let digits = (1..=3).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| text.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn holds(network: &str, address: &str) -> bool {
        Network::parse(network)
            .unwrap()
            .contains(address.parse().unwrap())
    }

    /// The IPv4-mapped spellings are of NT-52.
    #[test]
    fn ranges_hold_what_they_say() {
        for (network, inside, outside) in [
            (
                "10.0.0.0/8",
                &["10.0.0.0", "10.255.255.255", "::ffff:10.1.2.3"][..],
                &["11.0.0.0", "::10.1.2.3"][..],
            ),
            (
                "192.0.2.7",
                &["192.0.2.7", "::ffff:c000:207"],
                &["192.0.2.6", "192.0.2.8"],
            ),
            ("192.0.2.7/32", &["192.0.2.7"], &["192.0.2.6"]),
            (
                "192.0.2.77/24",
                &["192.0.2.0", "192.0.2.255"],
                &["192.0.3.0"],
            ),
            (
                "0.0.0.0/0",
                &["0.0.0.0", "255.255.255.255", "::ffff:1.2.3.4"],
                &["::", "2001:db8::1"],
            ),
            (
                "::/0",
                &["::", "2001:db8::1"],
                &["1.2.3.4", "::ffff:1.2.3.4"],
            ),
            (
                "::ffff:10.0.0.0/104",
                &["10.9.9.9", "::ffff:10.9.9.9"],
                &["11.0.0.0"],
            ),
            ("::ffff:10.0.0.1", &["10.0.0.1"], &["10.0.0.2"]),
            ("::ffff:0:0/96", &["203.0.113.9"], &["2001:db8::1"]),
            (
                "2001:db8::/33",
                &["2001:db8::1", "2001:db8:7fff::"],
                &["2001:db8:8000::", "10.0.0.1"],
            ),
            ("2001:DB8::1", &["2001:db8::1"], &["2001:db8::2"]),
        ] {
            for address in inside {
                assert!(holds(network, address), "{address} in {network}");
            }
            for address in outside {
                assert!(!holds(network, address), "{address} not in {network}");
            }
        }
    }

    #[test]
    fn anything_else_is_refused() {
        for refused in [
            "",
            "/",
            "10.0.0.0/",
            "10.0.0.0/33",
            "10.0.0.0/-1",
            "10.0.0.0/+8",
            "10.0.0.0/ 8",
            "10.0.0.0/8/8",
            "10.0.0.0/255.0.0.0",
            "10.0.0",
            "010.0.0.1",
            "0x0a.0.0.1",
            "167772161",
            "10.0.0.1 ",
            "*",
            "10.*",
            "::/129",
            "::ffff:10.0.0.0/129",
            "fe80::1%eth0",
            "[::1]",
            "localhost",
            "10.0.0.1:80",
            "10.0.0.0/4294967304",
        ] {
            assert_eq!(Network::parse(refused), None, "{refused}");
        }
    }
}
