//! How fast one address may go through an API (1claw contract §13): a setting, off by default. Held by each node for itself.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use kluis_engine::Error;
use tokio::time::Instant;

use crate::config::Limits;

/// A bucket for each address, which holds as many requests as may come at once and refills by the second.
pub(crate) struct AddressLimit {
    per_second: u32,
    burst: u32,
    buckets: Mutex<HashMap<IpAddr, Bucket>>,
}

/// What 1claw's API is held to; none unless the settings say so.
pub(crate) struct AddressLimits {
    /// Everything but what `auth` holds.
    requests: Option<AddressLimit>,
    /// The open paths under `/v1/auth`.
    auth: Option<AddressLimit>,
}

impl AddressLimits {
    /// What the settings say.
    pub(crate) fn of(limits: &Limits) -> Self {
        let of = |per_second: Option<u32>, seconds: u32| {
            per_second.map(|rate| AddressLimit::new(rate, rate.saturating_mul(seconds)))
        };
        Self {
            requests: of(limits.oneclaw_per_second, 2),
            auth: of(limits.oneclaw_auth_per_second, 5),
        }
    }

    /// Count a request to `path`, which asks for no credentials when `is_open`.
    pub(crate) fn admit(
        &self,
        address: Option<IpAddr>,
        path: &str,
        is_open: bool,
    ) -> Result<(), Error> {
        let limit = if is_open && path.starts_with("/v1/auth/") {
            &self.auth
        } else {
            &self.requests
        };
        match (limit, address) {
            (Some(limit), Some(address)) => limit.admit(address, Instant::now()),
            (None, _) | (_, None) => Ok(()),
        }
    }
}

/// What an address has left.
#[derive(Clone, Copy)]
struct Bucket {
    requests: f64,
    at: Instant,
}

/// Addresses that are remembered; when there are more, those that have not come lately are forgotten.
const MOST_ADDRESSES: usize = 65_536;

impl AddressLimit {
    /// So many requests in any second on average, at least one, and `burst` of them at once.
    pub(crate) fn new(per_second: u32, burst: u32) -> Self {
        Self {
            per_second: per_second.max(1),
            burst,
            buckets: Mutex::default(),
        }
    }

    /// Count a request from `address`. `RateLimited` when it comes too early; it does not count then.
    pub(crate) fn admit(&self, address: IpAddr, now: Instant) -> Result<(), Error> {
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        if buckets.len() >= MOST_ADDRESSES {
            let full = Duration::from_secs(u64::from(self.burst.div_ceil(self.per_second)));
            buckets.retain(|_, bucket| now.saturating_duration_since(bucket.at) < full);
            // All of them are busy: whoever is new has to be let through, and is not counted.
            if buckets.len() >= MOST_ADDRESSES {
                return Ok(());
            }
        }
        let full = Bucket {
            requests: f64::from(self.burst),
            at: now,
        };
        let bucket = buckets.entry(network(address)).or_insert(full);
        let since = now.saturating_duration_since(bucket.at).as_secs_f64();
        let rate = f64::from(self.per_second);
        bucket.requests = since
            .mul_add(rate, bucket.requests)
            .min(f64::from(self.burst));
        bucket.at = now;
        if bucket.requests >= 1.0 {
            bucket.requests -= 1.0;
            return Ok(());
        }
        let wait = Duration::from_secs_f64((1.0 - bucket.requests) / rate);
        Err(Error::RateLimited {
            retry_after: wait.as_secs() + 1,
        })
    }
}

/// An IPv4 address, or an IPv6 network of 64 bits, which one client has to itself.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => address.into(),
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() >> 64 << 64).into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn an_address_has_its_burst_and_then_its_rate() {
        let limit = AddressLimit::new(2, 5);
        let start = Instant::now();
        let passed = |address, after| {
            (0..20)
                .filter(|_| limit.admit(address, start + after).is_ok())
                .count()
        };
        let (one, other) = (address("192.0.2.1"), address("192.0.2.2"));
        assert_eq!(passed(one, Duration::ZERO), 5);
        assert_eq!(passed(one, Duration::from_millis(400)), 0);
        assert_eq!(passed(one, Duration::from_millis(1_400)), 2);
        assert_eq!(passed(other, Duration::from_millis(1_400)), 5);
        assert_eq!(passed(one, Duration::from_hours(1)), 5);
        let refused = limit.admit(one, start + Duration::from_hours(1));
        assert!(matches!(
            refused,
            Err(Error::RateLimited { retry_after: 1 })
        ));
    }

    #[test]
    fn spellings_of_an_address_and_its_network_are_one() {
        let limit = AddressLimit::new(1, 1);
        let now = Instant::now();
        for (first, second) in [
            ("192.0.2.1", "::ffff:192.0.2.1"),
            ("2001:db8::1", "2001:db8::2"),
        ] {
            assert!(limit.admit(address(first), now).is_ok());
            assert!(limit.admit(address(second), now).is_err());
        }
        assert!(limit.admit(address("2001:db8:0:1::1"), now).is_ok());
    }
}
