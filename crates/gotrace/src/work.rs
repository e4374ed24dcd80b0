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

/// The steps of reading a trace, and the error it ends with.
#[cfg(test)]
pub(crate) fn read(trace: &[u8]) -> (u64, Option<super::ErrorKind>) {
    take();
    let mut reader = super::Reader::new(super::Input::from_slice(trace)).expect("a header");
    let error = loop {
        match reader.advance() {
            Ok(true) => {}
            Ok(false) => break None,
            Err(e) => break Some(e.into_kind()),
        }
    };
    (take(), error)
}

/// Asserts that a trace of twice as many parts takes twice the steps, and is
/// read without an error.
#[cfg(test)]
pub(crate) fn assert_linear(n: u64, make: impl Fn(u64) -> Vec<u8>) {
    let (once, error) = read(&make(n));
    assert!(error.is_none(), "{error:?}");
    let (twice, error) = read(&make(2 * n));
    assert!(error.is_none(), "{error:?}");
    assert!(once >= n, "{once} steps are too few to tell");
    assert!(twice * 10 <= once * 23, "{once} steps became {twice}");
}
