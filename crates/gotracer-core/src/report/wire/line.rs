//! Values that stay on one line of a pretty-printed document.

use serde::ser::{Error, Serialize, Serializer};
use serde::{Deserialize, Deserializer};
use serde_json::value::to_raw_value;

/// A value that JSON shows on one line, such as a list of hundreds of buckets.
#[derive(Clone, Debug)]
pub struct OneLine<T>(pub T);

impl<T: Serialize> Serialize for OneLine<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        to_raw_value(&self.0)
            .map_err(S::Error::custom)?
            .serialize(serializer)
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for OneLine<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        T::deserialize(deserializer).map(Self)
    }
}
