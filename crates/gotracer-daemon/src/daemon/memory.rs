//! How many traces are read at once, by the memory that they are expected to
//! take.
//!
//! Reading keeps a generation of a trace, about a second of the program, and
//! what is known of its goroutines and stacks: not the whole trace. What that
//! takes is only known afterwards, so it is an estimate, and a trace that is
//! expected to need more than everything waits until it is alone.

use std::fs;
use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::export::prometheus::Exporter;
use crate::source::activity::Observed;
use crate::trace::ReadAt;
use crate::{source, trace};

/// The unit of the budget.
const UNIT: u64 = 1 << 20;
/// What reading takes however small the trace is.
const LEAST: u64 = 4 << 20;
/// The most that a generation of a very busy program has.
const GENERATION: u64 = 64 << 20;
/// How much larger a trace gets when it is decompressed.
const COMPRESSION: u64 = 5;
/// The least budget.
const SMALLEST: u64 = 32 << 20;

/// The budget, and what is left of it.
pub struct Memory {
    left: Arc<Semaphore>,
    all: u32,
    exporter: Arc<Exporter>,
}

/// A part of the budget, for as long as it is there.
pub struct Reservation {
    permit: Option<OwnedSemaphorePermit>,
    left: Arc<Semaphore>,
    all: u32,
    exporter: Arc<Exporter>,
}

impl Memory {
    /// A budget of so many bytes; half of what there is, if nothing is said.
    pub fn new(budget: Option<u64>, exporter: Arc<Exporter>) -> Self {
        let budget = budget.unwrap_or_else(|| available() / 2).max(SMALLEST);
        let all = u32::try_from(budget / UNIT).unwrap_or(u32::MAX);
        let most = u32::try_from(Semaphore::MAX_PERMITS).unwrap_or(u32::MAX);
        let all = all.min(most);
        let left = Arc::new(Semaphore::new(all as usize));
        exporter.set_memory(u64::from(all) * UNIT, 0);
        Self {
            left,
            all,
            exporter,
        }
    }

    /// Waits until there is room for a trace of so many bytes of which nothing
    /// else is known.
    pub async fn reserve(&self, trace: u64) -> Reservation {
        self.reserve_for(expected(trace)).await
    }

    /// Waits until there is room for what is expected to take so much.
    pub async fn reserve_for(&self, expected: u64) -> Reservation {
        let permit = Arc::clone(&self.left)
            .acquire_many_owned(self.units(expected))
            .await;
        // It is never closed.
        self.reservation(permit.ok())
    }

    /// The same, if there is room now.
    pub fn try_reserve(&self, trace: u64) -> Option<Reservation> {
        let permit = Arc::clone(&self.left).try_acquire_many_owned(self.units(expected(trace)));
        Some(self.reservation(Some(permit.ok()?)))
    }

    fn units(&self, expected: u64) -> u32 {
        let units = expected.div_ceil(UNIT);
        u32::try_from(units).unwrap_or(u32::MAX).min(self.all)
    }

    fn reservation(&self, permit: Option<OwnedSemaphorePermit>) -> Reservation {
        tell(&self.exporter, self.all, &self.left);
        Reservation {
            permit,
            left: Arc::clone(&self.left),
            all: self.all,
            exporter: Arc::clone(&self.exporter),
        }
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        self.permit.take();
        tell(&self.exporter, self.all, &self.left);
    }
}

fn tell(exporter: &Exporter, all: u32, left: &Semaphore) {
    let reserved = u64::from(all).saturating_sub(left.available_permits() as u64);
    exporter.set_memory(u64::from(all) * UNIT, reserved * UNIT);
}

/// What reading a trace of so many bytes is expected to take.
fn expected(trace: u64) -> u64 {
    LEAST + trace.min(GENERATION)
}

/// What reading the trace in a file is expected to take.
///
/// Of a trace of Go 1.21 or older all tables are kept, not those of a second,
/// and what has to be decompressed is kept as a whole, because such a trace is
/// read twice.
pub fn expected_of_file(file: &Observed, length: u64) -> u64 {
    let mut head = [0; 2];
    // All traces begin with `go 1.`.
    let plain = file.read_at(&mut head, 0).is_ok() && &head == b"go";
    if plain {
        return expected(length);
    }
    let unpacked = length.saturating_mul(COMPRESSION);
    match is_read_twice(file, length) {
        true => LEAST.saturating_add(unpacked),
        false => expected(unpacked),
    }
}

fn is_read_twice(file: &Observed, length: u64) -> bool {
    let input = source::from_seekable(file.clone(), length);
    let version = input.and_then(|mut input| trace::internal::peek_version(&mut input));
    matches!(version, Ok(Some(version)) if !trace::internal::is_in_generations(version))
}

/// The memory of the container or the machine, bytes.
fn available() -> u64 {
    let number = |path: &str| fs::read_to_string(path).ok()?.trim().parse().ok();
    let machine = || {
        let text = fs::read_to_string("/proc/meminfo").ok()?;
        let total = text.lines().find_map(|l| l.strip_prefix("MemTotal:"))?;
        let kib: u64 = total.trim().strip_suffix(" kB")?.parse().ok()?;
        Some(kib << 10)
    };
    // Where there is no limit, the first says so in a word, and the second by
    // a number that no machine has.
    let limits = [
        number("/sys/fs/cgroup/memory.max"),
        number("/sys/fs/cgroup/memory/memory.limit_in_bytes"),
        machine(),
    ];
    limits.into_iter().flatten().min().unwrap_or(1 << 30)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn memory(budget: u64) -> Memory {
        Memory::new(Some(budget), Arc::new(Exporter::new(&[])))
    }

    #[tokio::test]
    async fn traces_wait_until_there_is_room() {
        let memory = memory(100 << 20);
        let first = memory.reserve(40 << 20).await;
        let second = memory.try_reserve(40 << 20).unwrap();
        assert!(memory.try_reserve(40 << 20).is_none());
        // A small one still fits.
        assert!(memory.try_reserve(0).is_some());
        drop(first);
        let third = memory.try_reserve(40 << 20);
        assert!(third.is_some());
        drop((second, third));
        assert_eq!(memory.left.available_permits(), 100);
    }

    #[tokio::test]
    async fn what_is_larger_than_everything_comes_alone() {
        let memory = memory(SMALLEST);
        let huge = memory.reserve(u64::MAX).await;
        assert!(memory.try_reserve(0).is_none());
        drop(huge);
        assert!(memory.try_reserve(0).is_some());
    }

    #[test]
    fn there_is_some_memory() {
        assert!(available() > SMALLEST);
    }
}
