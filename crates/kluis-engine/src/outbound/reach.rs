//! Which addresses a call may go to (RULES §8).
//!
//! An IPv6 address that stands for an IPv4 address is judged as that one, in each of the forms in which a host may deliver it.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// What the operator lets outbound calls reach beyond public addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reach {
    /// Private networks: RFC 1918 and unique-local addresses (`outbound.private`).
    pub private: bool,
    /// This machine (`kluis dev --allow-loopback-webhooks`).
    pub loopback: bool,
}

impl Default for Reach {
    fn default() -> Self {
        Self {
            private: true,
            loopback: false,
        }
    }
}

impl Reach {
    /// Whether a call may go to `address`.
    pub(crate) fn allows(self, address: IpAddr) -> bool {
        let place = match address {
            IpAddr::V4(address) => place_of_v4(address),
            IpAddr::V6(address) => match embedded(address) {
                Some(inner) => place_of_v4(inner),
                None => place_of_v6(address),
            },
        };
        match place {
            Place::Public => true,
            Place::Private => self.private,
            Place::Loopback => self.loopback,
            Place::Forbidden => false,
        }
    }
}

/// Where an address leads.
#[derive(Clone, Copy)]
enum Place {
    Public,
    Private,
    Loopback,
    /// To nobody, to everybody, to the neighbours on a wire, or to what tells a machine its own secrets.
    Forbidden,
}

/// The metadata service and host agent of Azure, at a public address.
const AZURE_HOST: Ipv4Addr = Ipv4Addr::new(168, 63, 129, 16);

fn place_of_v4(address: Ipv4Addr) -> Place {
    match address.octets() {
        // "This network": connecting to 0.0.0.0 reaches the machine itself.
        [0, ..] => Place::Forbidden,
        [127, ..] => Place::Loopback,
        [10, ..] | [172, 16..=31, ..] | [192, 168, ..] => Place::Private,
        // Measuring devices, and in practice more private networks (RFC 2544).
        [198, 18..=19, ..] => Place::Private,
        // Carriers' NAT, and metadata of Alibaba Cloud.
        [100, 64..=127, ..] => Place::Forbidden,
        // Link-local, and metadata of nearly every cloud.
        [169, 254, ..] => Place::Forbidden,
        // Assigned to protocols (RFC 6890), and metadata of Oracle Cloud.
        [192, 0, 0, _] => Place::Forbidden,
        // For documents (RFC 5737).
        [192, 0, 2, _] | [198, 51, 100, _] | [203, 0, 113, _] => Place::Forbidden,
        // Anycast relays of 6to4 (RFC 7526).
        [192, 88, 99, _] => Place::Forbidden,
        // Multicast, reserved, broadcast.
        [224..=255, ..] => Place::Forbidden,
        _ if address == AZURE_HOST => Place::Forbidden,
        _ => Place::Public,
    }
}

fn place_of_v6(address: Ipv6Addr) -> Place {
    match address.segments() {
        [0, 0, 0, 0, 0, 0, 0, 1] => Place::Loopback,
        // What is left of ::/8 is unspecified, or reserved.
        [0x0000..=0x00ff, ..] if !is_nat64(address) => Place::Forbidden,
        // NAT64 by prefixes of the network's own: what they stand for cannot be told (RFC 8215).
        [0x0064, ..] => Place::Forbidden,
        // Discarded (RFC 6666).
        [0x0100, 0, 0, _, ..] => Place::Forbidden,
        // Teredo hides an IPv4 address, and the rest of 2001::/23 belongs to protocols.
        [0x2001, 0x0000..=0x01ff, ..] => Place::Forbidden,
        // For documents (RFC 3849, RFC 9637), and for segment routing (RFC 9602).
        [0x2001, 0x0db8, ..] | [0x3fff, 0x0000..=0x0fff, ..] | [0x5f00, ..] => Place::Forbidden,
        // Metadata within the unique-local range: AWS; Google Cloud; Scaleway.
        [0xfd00, 0x0ec2 | 0x0042, ..] | [0xfd20, 0x00ce, ..] => Place::Forbidden,
        [0xfc00..=0xfdff, ..] => Place::Private,
        // Link-local, site-local, multicast.
        [0xfe80..=0xffff, ..] => Place::Forbidden,
        _ => Place::Public,
    }
}

/// Whether the address has the well-known prefix of NAT64, `64:ff9b::/96`.
fn is_nat64(address: Ipv6Addr) -> bool {
    matches!(address.segments(), [0x0064, 0xff9b, 0, 0, 0, 0, _, _])
}

/// The IPv4 address that an IPv6 address stands for.
fn embedded(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let of = |high: u16, low: u16| {
        Some(Ipv4Addr::from_bits(
            (u32::from(high) << 16) | u32::from(low),
        ))
    };
    match address.segments() {
        // IPv6's own two, which begin as IPv4-compatible addresses do.
        [0, 0, 0, 0, 0, 0, 0, 0 | 1] => None,
        // Compatible, mapped, and translated (RFC 2765).
        [0, 0, 0, 0, 0, 0 | 0xffff, high, low] | [0, 0, 0, 0, 0xffff, 0, high, low] => {
            of(high, low)
        }
        _ if is_nat64(address) => {
            let [.., high, low] = address.segments();
            of(high, low)
        }
        [0x2002, high, low, ..] => of(high, low),
        // ISATAP, under any prefix (RFC 5214).
        [.., 0x0000 | 0x0200, 0x5efe, high, low] => of(high, low),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The networks of RULES §8, as text, and what they are: a second account of what the match above says.
    const NETWORKS: &[(&str, u32, &str)] = &[
        ("0.0.0.0", 8, "never"),
        ("10.0.0.0", 8, "private"),
        ("100.64.0.0", 10, "never"),
        ("127.0.0.0", 8, "loopback"),
        ("168.63.129.16", 32, "never"),
        ("169.254.0.0", 16, "never"),
        ("172.16.0.0", 12, "private"),
        ("192.0.0.0", 24, "never"),
        ("192.88.99.0", 24, "never"),
        ("192.168.0.0", 16, "private"),
        ("198.18.0.0", 15, "private"),
        ("224.0.0.0", 4, "never"),
        ("240.0.0.0", 4, "never"),
    ];

    const ALL: [Reach; 4] = [
        reach(false, false),
        reach(false, true),
        reach(true, false),
        reach(true, true),
    ];

    const fn reach(private: bool, loopback: bool) -> Reach {
        Reach { private, loopback }
    }

    fn in_words(reach: Reach, address: Ipv4Addr) -> bool {
        let holds = |network: &&(&str, u32, &str)| {
            let first: Ipv4Addr = network.0.parse().unwrap();
            (first.to_bits() ^ address.to_bits())
                .checked_shr(32 - network.1)
                .unwrap_or(0)
                == 0
        };
        match NETWORKS.iter().find(holds).map(|network| network.2) {
            None => true,
            Some("private") => reach.private,
            Some("loopback") => reach.loopback,
            Some(_) => false,
        }
    }

    /// Each IPv6 address that a host may deliver to `inner`.
    fn spellings(inner: Ipv4Addr) -> Vec<Ipv6Addr> {
        let [a, b, c, d] = inner.octets();
        let (high, low) = (u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d]));
        let mut all = vec![
            inner.to_ipv6_mapped(),
            Ipv6Addr::new(0, 0, 0, 0, 0xffff, 0, high, low),
            Ipv6Addr::new(0x64, 0xff9b, 0, 0, 0, 0, high, low),
            Ipv6Addr::new(0x2002, high, low, 0, 0, 0, 0, 1),
            Ipv6Addr::new(0x2a00, 1, 2, 3, 0, 0x5efe, high, low),
            Ipv6Addr::new(0x2a00, 1, 2, 3, 0x200, 0x5efe, high, low),
        ];
        if inner.to_bits() > 1 {
            all.push(Ipv6Addr::new(0, 0, 0, 0, 0, 0, high, low));
        }
        all
    }

    fn any_v4() -> impl Strategy<Value = Ipv4Addr> {
        let anywhere = any::<u32>().prop_map(Ipv4Addr::from_bits);
        let listed = (0..NETWORKS.len(), any::<u32>()).prop_map(|(at, bits)| {
            let (first, prefix, _) = NETWORKS[at];
            let below = u32::MAX.checked_shr(prefix).unwrap_or(0);
            Ipv4Addr::from_bits(first.parse::<Ipv4Addr>().unwrap().to_bits() | (bits & below))
        });
        prop_oneof![anywhere, listed]
    }

    proptest! {
        /// NT-53
        #[test]
        fn an_ipv4_address_is_judged_alike_in_every_spelling(address in any_v4()) {
            for reach in ALL {
                let expected = in_words(reach, address);
                prop_assert_eq!(reach.allows(address.into()), expected, "{}", address);
                for spelling in spellings(address) {
                    prop_assert_eq!(reach.allows(spelling.into()), expected, "{}", spelling);
                }
            }
        }

        #[test]
        fn more_reach_never_allows_less(bits in any::<u128>(), top in any::<u16>()) {
            let anywhere = Ipv6Addr::from_bits(bits);
            let mut segments = anywhere.segments();
            segments[0] = top;
            for address in [anywhere, Ipv6Addr::from(segments)] {
                let [least, loopback, private, most] = ALL.map(|reach| reach.allows(address.into()));
                prop_assert!(least <= loopback.min(private) && loopback.max(private) <= most);
            }
        }
    }

    /// NT-53
    #[test]
    fn ipv6_addresses_are_told_apart() {
        let allowed = |text: &str| {
            let address: Ipv6Addr = text.parse().unwrap();
            ALL.map(|reach| reach.allows(address.into()))
        };
        let never = [false; 4];
        for text in [
            "::",
            "::2:0:0:0:1",
            "fe80::1",
            "febf::1",
            "fec0::1",
            "ff02::1",
            "fd00:ec2::254",
            "fd20:ce::254",
            "fd00:42::42",
            "64:ff9b:1::a00:1",
            "100::1",
            "2001::1",
            "2001:0:4136:e378:8000:63bf:3fff:fdd2",
            "64::1",
        ] {
            assert_eq!(allowed(text), never, "{text}");
        }
        assert_eq!(allowed("::1"), [false, true, false, true]);
        for text in ["fc00::1", "fd12:3456::1"] {
            assert_eq!(allowed(text), [false, false, true, true], "{text}");
        }
        for text in [
            "2606:4700::1111",
            "2001:4860:4860::8888",
            "2a00::1",
            "64:ff9b::808:808",
        ] {
            assert_eq!(allowed(text), [true; 4], "{text}");
        }
    }
}
