//! Memory limit of reading a trace.
//!
//! A trace determines how much memory its reader needs: by its tables, by the batches of a generation, by the goroutines
//! and tasks that exist. Each holder of such memory counts it against one [`Allowance`], once per batch or block of events
//! and before it grows, because a growing vector briefly exists twice.

use std::collections::HashMap;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// Changes a loan to at least the given number of bytes, if possible. Returns the bytes that are lent from then on.
type Lend = Box<dyn FnMut(u64) -> u64 + Send>;

/// From this excess on a loan is reduced, bytes.
const EXCESS: u64 = 8 << 20;
/// Smallest collection whose growth is counted in advance, bytes.
const WORTHY: u64 = 256 << 10;

/// Memory limit of all parts of one reader. The default is unlimited.
#[derive(Clone, Default)]
pub struct Allowance(Option<Arc<Account>>);

struct Account {
    held: AtomicU64,
    lent: AtomicU64,
    lend: Mutex<Lend>,
}

/// The allowance is used up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Exhausted {
    /// The allowance, bytes.
    pub limit: u64,
}

impl Allowance {
    /// A fixed number of bytes.
    pub fn of(bytes: u64) -> Self {
        Self::lent(bytes, move |_| bytes)
    }

    /// Creates an allowance of `bytes` that `lend` changes: it receives the bytes needed and returns the bytes lent. It is
    /// called before more is held, and when much less is held.
    pub fn lent(bytes: u64, lend: impl FnMut(u64) -> u64 + Send + 'static) -> Self {
        Self(Some(Arc::new(Account {
            held: AtomicU64::new(0),
            lent: AtomicU64::new(bytes),
            lend: Mutex::new(Box::new(lend)),
        })))
    }

    /// Creates the reservation of one holder, empty at first.
    pub fn share(&self) -> Share {
        Share {
            allowance: self.clone(),
            held: 0,
        }
    }
}

impl fmt::Debug for Allowance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let account = self.0.as_ref();
        let lent = account.map(|a| a.lent.load(Ordering::Relaxed));
        f.debug_tuple("Allowance").field(&lent).finish()
    }
}

impl Account {
    fn is_right(&self, held: u64, lent: u64) -> bool {
        held <= lent && lent - held < EXCESS
    }

    #[cold]
    fn adjust(&self) -> Result<(), Exhausted> {
        let mut lend = self.lend.lock().unwrap_or_else(PoisonError::into_inner);
        let held = self.held.load(Ordering::Relaxed);
        let limit = lend(held);
        self.lent.store(limit, Ordering::Relaxed);
        match held <= limit {
            true => Ok(()),
            false => Err(Exhausted { limit }),
        }
    }
}

/// Memory that one holder has reserved from an allowance.
#[derive(Debug, Default)]
pub struct Share {
    allowance: Allowance,
    held: u64,
}

impl Share {
    /// Replaces the reservation by one of `bytes`.
    ///
    /// # Errors
    /// If the allowance is used up. The bytes are then counted but must not be allocated.
    pub fn hold(&mut self, bytes: u64) -> Result<(), Exhausted> {
        let Some(account) = &self.allowance.0 else {
            return Ok(());
        };
        let before = std::mem::replace(&mut self.held, bytes);
        if before == bytes {
            return Ok(());
        }
        let more = bytes.wrapping_sub(before);
        let held = account.held.fetch_add(more, Ordering::Relaxed);
        let held = held.wrapping_add(more);
        match account.is_right(held, account.lent.load(Ordering::Relaxed)) {
            true => Ok(()),
            false => account.adjust(),
        }
    }

    /// Like [`hold`](Self::hold), but never less than before.
    ///
    /// # Errors
    /// If the allowance is used up.
    pub fn hold_at_least(&mut self, bytes: u64) -> Result<(), Exhausted> {
        self.hold(bytes.max(self.held))
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        // Less can always be held.
        let _ = self.hold(0);
    }
}

/// Bytes of a vector to which up to `more` elements will be added.
pub fn of_vec<T>(vec: &Vec<T>, more: usize) -> u64 {
    let bytes = (vec.capacity() * size_of::<T>()) as u64;
    growing(bytes, vec.len() + more > vec.capacity())
}

/// Bytes of a map to which up to `more` entries will be added.
pub fn of_map<K, V, S>(map: &HashMap<K, V, S>, more: usize) -> u64 {
    // An eighth of the buckets is free, and each has a byte beside its entry.
    let buckets = match map.capacity() as u64 {
        0 => 0,
        capacity => (capacity * 8 / 7).next_power_of_two(),
    };
    let bytes = buckets * (size_of::<(K, V)>() as u64 + 1);
    growing(bytes, map.len() + more > map.capacity())
}

/// Bytes that a collection holds, or both the old and the new allocation if it
/// is about to double. Small collections count as they are.
pub fn growing(bytes: u64, doubles: bool) -> u64 {
    match doubles && bytes >= WORTHY {
        true => 3 * bytes,
        false => bytes,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_added_up_and_given_back() {
        let allowance = Allowance::of(100);
        let (mut a, mut b) = (allowance.share(), allowance.share());
        assert_eq!(a.hold(60), Ok(()));
        assert_eq!(b.hold(50), Err(Exhausted { limit: 100 }));
        assert_eq!(b.hold(40), Ok(()));
        drop(a);
        assert_eq!(b.hold(100), Ok(()));
        assert_eq!(b.hold_at_least(10), Ok(()));
        assert_eq!(b.held, 100);
        assert_eq!(Allowance::default().share().hold(u64::MAX), Ok(()));
    }

    #[test]
    fn a_loan_grows_and_shrinks() {
        let asked = Arc::new(Mutex::new(Vec::new()));
        let log = Arc::clone(&asked);
        let allowance = Allowance::lent(10, move |wanted| {
            log.lock().unwrap().push(wanted);
            wanted.min(2 * EXCESS)
        });
        let mut share = allowance.share();
        assert_eq!(share.hold(10), Ok(()));
        assert_eq!(share.hold(20), Ok(()));
        assert_eq!(share.hold(2 * EXCESS), Ok(()));
        assert!(share.hold(2 * EXCESS + 1).is_err());
        assert_eq!(share.hold(2 * EXCESS - 1), Ok(()));
        assert_eq!(share.hold(30), Ok(()));
        let wanted = [20, 2 * EXCESS, 2 * EXCESS + 1, 30];
        assert_eq!(*asked.lock().unwrap(), wanted);
    }

    #[test]
    fn what_grows_is_counted_before_it_does() {
        let mut vec = Vec::<u32>::with_capacity(WORTHY as usize / 4);
        assert_eq!(of_vec(&vec, vec.capacity()), WORTHY);
        assert_eq!(of_vec(&vec, vec.capacity() + 1), 3 * WORTHY);
        vec.shrink_to(1);
        assert!(of_vec(&vec, 10) < WORTHY);
        let map: HashMap<u64, u64> = (0..100_000).map(|i| (i, i)).collect();
        let bytes = of_map(&map, 0);
        assert!((1_700_000..4_000_000).contains(&bytes), "{bytes}");
        assert_eq!(of_map(&map, 1_000_000), 3 * bytes);
    }
}
