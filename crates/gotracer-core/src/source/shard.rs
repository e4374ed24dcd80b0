//! Sharding of targets and archived traces over several processes.
//!
//! The processes do not communicate: each is configured with their number and
//! its own index, and skips the work of the others. A jump consistent hash
//! (Lamping and Veach, 2014) of a target's URL or a trace's name decides before
//! anything is fetched. Adding a process moves a proportional part of the work,
//! and only to the new process. The processes must be numbered from 0, as the
//! pods of a StatefulSet or of an indexed Job.

use md5::{Digest, Md5};
use serde::{Deserialize, Serialize};

/// One of several processes that share the work.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize, Serialize)]
#[serde(try_from = "Said", into = "Said")]
pub struct Shard {
    ordinal: u32,
    total: u32,
}

/// Shard in the configuration.
#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Said {
    shard: u32,
    total_shards: u32,
}

/// Invalid shard.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum ShardError {
    /// The index is not below the number of shards.
    #[error("there is no shard {ordinal} of {total}: the first is 0, the last {}", total.saturating_sub(1))]
    NotOne {
        /// Index.
        ordinal: u32,
        /// Number of shards.
        total: u32,
    },
    /// The text is neither a number nor a name that ends in one.
    #[error(
        "\"{0}\" is neither a shard's number nor the name of a pod of a StatefulSet, such as gotracer-0"
    )]
    NoOrdinal(String),
}

impl Default for Shard {
    /// The only shard.
    fn default() -> Self {
        Self {
            ordinal: 0,
            total: 1,
        }
    }
}

impl Shard {
    /// Creates the shard with index `ordinal` of `total`.
    ///
    /// # Errors
    /// If `ordinal` is not below `total`.
    pub fn new(ordinal: u32, total: u32) -> Result<Self, ShardError> {
        match ordinal < total {
            true => Ok(Self { ordinal, total }),
            false => Err(ShardError::NotOne { ordinal, total }),
        }
    }

    /// Returns the index, from 0.
    pub fn ordinal(self) -> u32 {
        self.ordinal
    }

    /// Returns the number of shards.
    pub fn total(self) -> u32 {
        self.total
    }

    /// Whether this shard owns the work with this name. A target's name is its
    /// URL without labels, because a program allows one trace at a time.
    pub fn owns(self, name: &str) -> bool {
        self.total == 1 || jump(key(name), self.total) == self.ordinal
    }
}

/// Parses a shard's index: a number, or the name of a StatefulSet's pod, which
/// ends in one.
///
/// # Errors
/// If the text does not end in a number.
pub fn ordinal(text: &str) -> Result<u32, ShardError> {
    let number = text.rsplit('-').next().unwrap_or(text);
    let digits = number.bytes().all(|b| b.is_ascii_digit());
    let parsed = number.parse().ok().filter(|_| digits);
    parsed.ok_or_else(|| ShardError::NoOrdinal(text.into()))
}

impl TryFrom<Said> for Shard {
    type Error = ShardError;

    fn try_from(said: Said) -> Result<Self, ShardError> {
        Self::new(said.shard, said.total_shards)
    }
}

impl From<Shard> for Said {
    fn from(shard: Shard) -> Self {
        Self {
            shard: shard.ordinal,
            total_shards: shard.total,
        }
    }
}

/// Returns a stable hash: equal in all versions and on all machines.
fn key(name: &str) -> u64 {
    let digest = Md5::digest(name.as_bytes());
    let (low, _) = digest.split_at(8);
    low.iter().fold(0, |key, b| key << 8 | u64::from(*b))
}

/// Returns the bucket of a key. Adding a bucket moves one key in `buckets` to it;
/// the others stay.
fn jump(mut key: u64, buckets: u32) -> u32 {
    let (mut bucket, mut next) = (0, 0);
    while next < i64::from(buckets) {
        bucket = next;
        key = key.wrapping_mul(2_862_933_555_777_941_757).wrapping_add(1);
        let fraction = (1u64 << 31) as f64 / ((key >> 33) + 1) as f64;
        next = ((bucket + 1) as f64 * fraction) as i64;
    }
    bucket as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    fn targets(n: u32) -> Vec<String> {
        let url = |i: u32| format!("http://10.0.{}.{}:6060/", i / 250, i % 250);
        (0..n).map(url).collect()
    }

    fn owner(target: &str, total: u32) -> u32 {
        let shards = (0..total).map(|i| Shard::new(i, total).expect("one of them"));
        let owners: Vec<_> = shards.filter(|s| s.owns(target)).collect();
        assert_eq!(owners.len(), 1, "{target} has one owner");
        owners[0].ordinal
    }

    #[test]
    fn each_target_is_one_shards_and_all_have_alike() {
        let mut counts = [0; 8];
        for target in targets(8_000) {
            counts[owner(&target, 8) as usize] += 1;
        }
        assert!(counts.iter().all(|n| (850..1150).contains(n)), "{counts:?}");
    }

    #[test]
    fn one_more_shard_takes_its_share_and_nothing_else_moves() {
        let targets = targets(5_000);
        for total in [1, 2, 3, 9] {
            let moved: Vec<_> = targets
                .iter()
                .map(|t| (owner(t, total), owner(t, total + 1)))
                .filter(|(before, after)| before != after)
                .collect();
            assert!(moved.iter().all(|(_, after)| *after == total));
            let share = moved.len() as f64 / targets.len() as f64;
            let due = 1.0 / f64::from(total + 1);
            assert!((share / due - 1.0).abs() < 0.15, "{share} of {due}");
        }
    }

    #[test]
    fn what_a_url_hashes_to_never_changes() {
        let of = |url| jump(key(url), 1_000);
        assert_eq!(of("http://10.0.0.1:6060/"), 136);
        assert_eq!(of("http://checkout:6060/debug/pprof/trace"), 677);
    }

    #[test]
    fn ordinals_are_numbers_or_what_a_name_ends_in() {
        assert_eq!(ordinal("3"), Ok(3));
        assert_eq!(ordinal("gotracer-12"), Ok(12));
        for bad in [
            "",
            "gotracer",
            "gotracer-",
            "gotracer-x1",
            "-+1",
            "4294967296",
        ] {
            assert_eq!(ordinal(bad), Err(ShardError::NoOrdinal(bad.into())));
        }
        assert!(Shard::new(3, 3).is_err());
        assert!(Shard::new(0, 0).is_err());
    }
}
