//! Pictures in a page: SVG with the colors of the page's style and a description in words.

mod histogram;
mod moment;
mod timeline;
mod utilization;

pub use histogram::{Limit, Series, histogram};
pub use moment::{moment, states};
pub use timeline::{Lane, Mark, timeline};
pub use utilization::utilization;

use std::fmt::{self, Display, Write};

use super::Escaped;

/// A coordinate with one decimal: finer than any screen, and short.
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

/// Text in a picture or an attribute, with markup and control characters escaped.
struct Text<T>(T);

impl<T: Display> Display for Text<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut escaped = String::new();
        write!(
            maud::Escaper::new(&mut escaped),
            "{}",
            Escaped(&self.0.to_string())
        )?;
        f.write_str(&escaped)
    }
}

/// Returns a round step of time (1, 2, 5, 10, …) that divides a length into at most so many parts.
fn step(length: u64, parts: u64) -> u64 {
    let mut step = 1_u64;
    while length / step > parts {
        let leading = step / 10_u64.pow(step.ilog10());
        step = if leading == 2 { step / 2 * 5 } else { step * 2 };
    }
    step
}
