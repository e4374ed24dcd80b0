//! Records of one trace, by the keys of its stacks.

use std::borrow::Cow;
use std::collections::HashMap;

use super::kind::Part;
use super::profiles::Profiles;
use super::values::Values;
use crate::timeline::{FrameKey, StackKey, Stacks};
use crate::trace::internal::of_map;

/// Maximum number of records per part. Further ones are summed in one record.
const MOST: usize = 10_000;

/// Labels of a record; an empty text is no label.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
pub(super) struct Labels {
    /// State of the goroutine.
    pub state: &'static str,
    /// Reason of a wait or a stop.
    pub reason: Cow<'static, str>,
    /// A frame of the goroutine's start function.
    pub start: FrameKey,
}

/// Records by stack and labels.
#[derive(Debug, Default)]
pub(super) struct Records {
    by_stack: HashMap<(StackKey, Labels), Values, foldhash::fast::RandomState>,
    /// Sum of the records beyond [`MOST`].
    other: Values,
}

impl Records {
    /// Adds `count` occurrences at a stack with a total duration of `ns`.
    pub(super) fn add(&mut self, stack: StackKey, labels: Labels, count: u64, ns: u64) {
        let (key, added) = ((stack, labels), Values { count, ns });
        if self.by_stack.len() >= MOST && !self.by_stack.contains_key(&key) {
            return self.other.add(added);
        }
        self.by_stack.entry(key).or_default().add(added);
    }

    /// Returns the bytes of memory held.
    pub(super) fn held(&self) -> u64 {
        of_map(&self.by_stack, 1)
    }

    /// Moves the records to a part of `profiles`, in the order of the stacks' keys.
    pub(super) fn move_to(&mut self, part: Part, profiles: &mut Profiles, stacks: &Stacks) {
        let mut all: Vec<_> = self.by_stack.drain().collect();
        all.sort_unstable_by(|((stack, labels), _), ((other, others), _)| {
            let (left, right) = (stack.index(), other.index());
            let order = left.cmp(&right).then(labels.state.cmp(others.state));
            let order = order.then_with(|| labels.reason.cmp(&others.reason));
            order.then(labels.start.cmp(&others.start))
        });
        for ((stack, labels), values) in all {
            let start = stacks.get(labels.start).function;
            let texts = (labels.state, &*labels.reason, start);
            profiles.add(part, stacks.frames(stack), texts, values);
        }
        profiles.add_other(part, std::mem::take(&mut self.other));
    }
}
