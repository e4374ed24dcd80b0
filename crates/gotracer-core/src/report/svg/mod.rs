//! Pictures within a page: SVG that takes its colours from the page's style
//! and tells in words what it shows.

mod histogram;
mod timeline;

pub use histogram::{Mark, Series, histogram};
pub use timeline::{Lane, timeline};

use std::fmt::{self, Display};

/// A coordinate: a tenth of a unit is finer than any screen, and short.
struct At(f64);

impl Display for At {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let tenths = (self.0 * 10.0).round();
        if tenths % 10.0 == 0.0 {
            write!(f, "{}", (tenths / 10.0) as i64)
        } else {
            write!(f, "{:.1}", tenths / 10.0)
        }
    }
}
