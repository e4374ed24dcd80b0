//! Wire form of time by final cause: names of leaves and nanoseconds.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::timeline::{Leaf, Leaves};

/// Writes every leaf under its name.
pub(super) fn serialize<S: Serializer>(leaves: &Leaves, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_map(Leaf::all().map(|leaf| (leaf.name(), leaves.of(leaf))))
}

/// Reads leaves. Unknown names come from later versions and are left out.
pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Leaves, D::Error> {
    let names = BTreeMap::<String, u64>::deserialize(deserializer)?;
    let mut leaves = Leaves::default();
    for leaf in Leaf::all() {
        leaves.add(leaf, names.get(leaf.name()).copied().unwrap_or_default());
    }
    Ok(leaves)
}

/// The same for a time that may be absent, which is null.
pub(super) mod option {
    use super::{Deserialize, Deserializer, Leaves, Serialize, Serializer};

    #[derive(Serialize, Deserialize)]
    struct Present(#[serde(with = "super")] Leaves);

    pub(in super::super) fn serialize<S: Serializer>(
        leaves: &Option<Leaves>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        leaves.map(Present).serialize(serializer)
    }

    pub(in super::super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<Leaves>, D::Error> {
        let present = Option::<Present>::deserialize(deserializer)?;
        Ok(present.map(|Present(leaves)| leaves))
    }
}
