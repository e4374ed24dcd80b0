//! Files that outlive the daemon: who may read them, and whether writing them
//! works.

mod health;
mod private;

pub use health::Health;
pub use private::{FileId, create_dir_all, options};
