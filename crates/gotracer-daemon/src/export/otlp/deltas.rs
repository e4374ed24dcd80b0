//! Values of the last collection, and what was added since.

use std::collections::HashMap;

use crate::rules::Distribution;

/// Values of the series at the last collection, for deltas.
pub(super) type Previous = HashMap<String, Sent>;

/// Value of a series at the last collection.
#[derive(Clone, Debug)]
pub(super) enum Sent {
    /// A whole number.
    Whole(u64),
    /// Any number.
    Number(f64),
    /// Values of a histogram.
    Distribution(Distribution),
}

impl Sent {
    /// Returns the increase since `before`; nothing if that is 0. A smaller value was reset, and all
    /// of it is new.
    pub(super) fn since(&self, before: Option<&Self>) -> Option<Self> {
        let more = match (self, before) {
            (Self::Whole(now), Some(Self::Whole(before))) if before <= now => {
                Self::Whole(now - before)
            }
            (Self::Number(now), Some(Self::Number(before))) if before <= now => {
                Self::Number(now - before)
            }
            (Self::Distribution(now), Some(Self::Distribution(before)))
                if before.count() <= now.count() =>
            {
                Self::Distribution(now.since(before))
            }
            (now, _) => now.clone(),
        };
        let any = match &more {
            Self::Whole(n) => *n > 0,
            Self::Number(n) => *n > 0.0,
            Self::Distribution(values) => values.count() > 0,
        };
        any.then_some(more)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn distribution(values: &[u64]) -> Distribution {
        let mut distribution = Distribution::default();
        values.iter().for_each(|&v| distribution.record(v));
        distribution
    }

    #[test]
    fn deltas_are_what_was_added() {
        for (now, before, wanted) in [
            (Sent::Whole(5), None, Some(5.0)),
            (Sent::Whole(5), Some(Sent::Whole(3)), Some(2.0)),
            (Sent::Whole(5), Some(Sent::Whole(5)), None),
            // It counts anew.
            (Sent::Whole(2), Some(Sent::Whole(5)), Some(2.0)),
            (Sent::Number(1.5), Some(Sent::Number(1.0)), Some(0.5)),
            (
                Sent::Distribution(distribution(&[1, 2, 7])),
                Some(Sent::Distribution(distribution(&[1, 2]))),
                Some(1.0),
            ),
        ] {
            let found = now.since(before.as_ref()).map(|sent| match sent {
                Sent::Whole(n) => n as f64,
                Sent::Number(n) => n,
                Sent::Distribution(values) => values.count() as f64,
            });
            assert_eq!(found, wanted, "{now:?}");
        }
    }
}
