//! Where traces come from.

mod open;

pub use open::{from_reader, open, stdin};
