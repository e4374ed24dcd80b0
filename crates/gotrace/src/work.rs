//! Counts the steps of the reader's loops, in tests only: that reading takes
//! time in proportion to the trace is asserted on these counts, which unlike
//! times are the same on every run.

#[cfg(test)]
thread_local! {
    static STEPS: std::cell::Cell<u64> = const { std::cell::Cell::new(0) };
}

/// A loop does `n` steps.
#[inline(always)]
pub(crate) fn add(n: usize) {
    #[cfg(test)]
    STEPS.set(STEPS.get() + n as u64);
    #[cfg(not(test))]
    let _ = n;
}

/// The steps that this thread counted since it was last asked.
#[cfg(test)]
pub(crate) fn take() -> u64 {
    STEPS.replace(0)
}
