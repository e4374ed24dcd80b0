//! Tests that reading takes time in proportion to the trace.

use super::error::ErrorKind;
use super::input::Input;
use super::reader::Reader;
use super::work;

/// The steps of reading a trace, and the error it ends with.
pub(crate) fn read(trace: &[u8]) -> (u64, Option<ErrorKind>) {
    work::take();
    let mut reader = Reader::new(Input::from_slice(trace)).expect("a header");
    let error = loop {
        match reader.advance() {
            Ok(true) => {}
            Ok(false) => break None,
            Err(e) => break Some(e.into_kind()),
        }
    };
    (work::take(), error)
}

/// Asserts that a trace of twice as many parts takes twice the steps, and is
/// read without an error.
pub(crate) fn assert_linear(n: u64, make: impl Fn(u64) -> Vec<u8>) {
    let (once, error) = read(&make(n));
    assert!(error.is_none(), "{error:?}");
    let (twice, error) = read(&make(2 * n));
    assert!(error.is_none(), "{error:?}");
    assert!(once >= n, "{once} steps are too few to tell");
    assert!(twice * 10 <= once * 23, "{once} steps became {twice}");
}
