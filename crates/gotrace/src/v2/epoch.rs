//! Parts of a generation that its events need.

use super::super::tables::Tables;

/// The generation that events are of.
#[derive(Clone, Copy)]
pub(super) struct Epoch<'a> {
    pub tables: &'a Tables,
    pub generation: u64,
}
