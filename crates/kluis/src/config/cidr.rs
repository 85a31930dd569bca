//! A network, as an address and the length of its prefix.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

/// A network such as `10.0.0.0/8`; a lone address is a network of one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Cidr {
    /// Its first address.
    pub(crate) address: IpAddr,
    /// Bits that its addresses share.
    pub(crate) prefix: u8,
}

impl FromStr for Cidr {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (address, prefix) = match text.split_once('/') {
            Some((address, prefix)) => (address, Some(prefix)),
            None => (text, None),
        };
        let address: IpAddr = address
            .parse()
            .map_err(|_| format!("'{text}' is not an address or network"))?;
        let (bits, number) = match address {
            IpAddr::V4(v4) => (32, u128::from(v4.to_bits()) << 96),
            IpAddr::V6(v6) => (128, v6.to_bits()),
        };
        let prefix = match prefix {
            None => bits,
            Some(prefix) => prefix
                .parse()
                .ok()
                .filter(|prefix| *prefix <= bits && text.bytes().all(|byte| byte != b'+'))
                .ok_or_else(|| format!("'{text}' has no prefix length of 0 to {bits}"))?,
        };
        // Bits below the prefix mean that something else was meant.
        if number
            .checked_shl(u32::from(prefix))
            .is_some_and(|below| below != 0)
        {
            return Err(format!("'{text}' is not the first address of its network"));
        }
        Ok(Self { address, prefix })
    }
}

impl fmt::Display for Cidr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.prefix)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn networks_are_read_and_slips_refused() {
        for (text, shown) in [
            ("10.0.0.0/8", "10.0.0.0/8"),
            ("192.0.2.7", "192.0.2.7/32"),
            ("0.0.0.0/0", "0.0.0.0/0"),
            ("2001:db8::/32", "2001:db8::/32"),
            ("::1", "::1/128"),
            ("::/0", "::/0"),
        ] {
            assert_eq!(text.parse::<Cidr>().unwrap().to_string(), shown);
        }
        for text in [
            "",
            "10.0.0.0/33",
            "10.0.0.1/8",
            "2001:db8::1/32",
            "::/129",
            "10/8",
            "a/8",
            "10.0.0.0/",
            "10.0.0.0/+8",
        ] {
            assert!(text.parse::<Cidr>().is_err(), "{text}");
        }
    }
}
