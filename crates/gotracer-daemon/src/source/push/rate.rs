//! Rate limit of pushed traces by client address.

use std::collections::HashMap;
use std::net::IpAddr;
use std::time::{Duration, Instant};

use parking_lot::Mutex;

/// Maximum number of addresses in memory.
const ADDRESSES: usize = 4_096;
const MINUTE: Duration = Duration::from_secs(60);

/// Token buckets of client addresses. A bucket holds the tokens of a minute and
/// is full at first.
#[derive(Default)]
pub struct Rates(Mutex<HashMap<IpAddr, Bucket>>);

struct Bucket {
    tokens: f64,
    at: Instant,
}

impl Rates {
    /// Takes a token of an address.
    ///
    /// # Errors
    /// Returns the time until there is one.
    pub fn take(&self, address: IpAddr, per_minute: u32) -> Result<(), Duration> {
        self.take_at(address, per_minute, Instant::now())
    }

    fn take_at(&self, address: IpAddr, per_minute: u32, now: Instant) -> Result<(), Duration> {
        let full = f64::from(per_minute.max(1));
        let tokens = |bucket: &Bucket| {
            let since = now.saturating_duration_since(bucket.at);
            (bucket.tokens + full * since.div_duration_f64(MINUTE)).min(full)
        };
        let mut buckets = self.0.lock();
        if buckets.len() >= ADDRESSES && !buckets.contains_key(&address) {
            buckets.retain(|_, bucket| tokens(bucket) < full);
            if buckets.len() >= ADDRESSES {
                return Err(MINUTE);
            }
        }
        let left = buckets.get(&address).map_or(full, tokens);
        let granted = left >= 1.0;
        let bucket = Bucket {
            tokens: if granted { left - 1.0 } else { left },
            at: now,
        };
        buckets.insert(address, bucket);
        match granted {
            true => Ok(()),
            false => Err(MINUTE.mul_f64((1.0 - left) / full)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(n: u32) -> IpAddr {
        IpAddr::from(n.to_be_bytes())
    }

    #[test]
    fn an_address_has_so_many_per_minute_and_others_have_their_own() {
        let (rates, start) = (Rates::default(), Instant::now());
        let take = |n, seconds| rates.take_at(address(n), 2, start + Duration::from_secs(seconds));
        assert_eq!(take(1, 0), Ok(()));
        assert_eq!(take(1, 0), Ok(()));
        assert_eq!(take(1, 0), Err(Duration::from_secs(30)));
        assert_eq!(take(1, 15), Err(Duration::from_secs(15)));
        assert_eq!(take(2, 15), Ok(()));
        assert_eq!(take(1, 30), Ok(()));
        assert!(take(1, 31).is_err());
    }

    #[test]
    fn the_number_of_addresses_is_bounded() {
        let (rates, start) = (Rates::default(), Instant::now());
        let most = u32::try_from(ADDRESSES).unwrap();
        for n in 0..most {
            assert_eq!(rates.take_at(address(n), 1, start), Ok(()));
        }
        assert_eq!(rates.take_at(address(most), 1, start), Err(MINUTE));
        assert_eq!(rates.take_at(address(most), 1, start + MINUTE), Ok(()));
        assert_eq!(rates.0.lock().len(), 1);
    }
}
