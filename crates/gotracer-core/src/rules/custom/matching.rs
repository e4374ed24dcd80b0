//! Matching of occurrences against a definition, and the explanation of the result.

use std::cmp::Reverse;
use std::collections::HashMap;

use super::Definition;
use crate::timeline::{StackKey, Timeline, Waiting};

/// Maximum number of distinct texts in an explanation.
const TEXTS: usize = 1_000;

/// Part of a definition that occurrences are matched against, in the order in which they are.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Part {
    /// `type`.
    Type,
    /// `reason`.
    Reason,
    /// `function`.
    Function,
    /// `stack`.
    Stack,
}

impl Part {
    /// All parts.
    pub const ALL: [Self; 4] = [Self::Type, Self::Reason, Self::Function, Self::Stack];

    /// Key in the configuration.
    pub fn name(self) -> &'static str {
        match self {
            Self::Type => "type",
            Self::Reason => "reason",
            Self::Function => "function",
            Self::Stack => "stack",
        }
    }
}

/// Occurrence that may match.
#[derive(Clone, Copy, Debug)]
pub(super) struct Candidate<'a> {
    /// Type, handler or category; empty for intervals.
    pub name: &'a str,
    /// Object of a wait.
    pub waiting: Option<Waiting>,
    /// Function of the place.
    pub function: &'a str,
    /// The stack.
    pub stack: StackKey,
}

/// Number of occurrences that matched and did not, by the first part that failed.
#[derive(Clone, Debug, Default)]
pub struct Explanation {
    /// Number of occurrences of the subject.
    pub seen: u64,
    /// Number of occurrences that all parts match.
    pub matched: u64,
    rejected: HashMap<(Part, String), u64>,
    /// Rejected occurrences beyond the limit of texts.
    more: u64,
}

/// Occurrences that a part of the definition did not match.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Rejected {
    /// The part.
    pub part: Part,
    /// Number of occurrences.
    pub count: u64,
    /// The most frequent values, with the number of occurrences.
    pub values: Vec<(String, u64)>,
}

impl Explanation {
    /// Returns the rejected occurrences by part, with at most `most` values each.
    pub fn rejected(&self, most: usize) -> Vec<Rejected> {
        let of = |part: Part| {
            let values = self.rejected.iter().filter(|((p, _), _)| *p == part);
            let mut values: Vec<_> = values.map(|((_, text), n)| (text.clone(), *n)).collect();
            values.sort_by(|a, b| (Reverse(a.1), &a.0).cmp(&(Reverse(b.1), &b.0)));
            let count = values.iter().map(|(_, n)| n).sum();
            values.truncate(most);
            Rejected {
                part,
                count,
                values,
            }
        };
        let parts = Part::ALL.into_iter().map(of);
        parts.filter(|rejected| rejected.count > 0).collect()
    }

    fn reject(&mut self, part: Part, text: impl FnOnce() -> String) {
        let key = (part, text());
        if self.rejected.len() < TEXTS || self.rejected.contains_key(&key) {
            *self.rejected.entry(key).or_default() += 1;
        } else {
            self.more += 1;
        }
    }

    /// Returns the number of rejected occurrences that [`rejected`](Self::rejected) leaves out.
    pub fn more(&self) -> u64 {
        self.more
    }
}

/// Matcher of one rule on one trace.
#[derive(Clone, Debug)]
pub(super) struct Matcher {
    definition: &'static Definition,
    /// Result of the stack pattern by stack.
    stacks: Vec<Option<bool>>,
    /// Explanation, if it was requested.
    pub explanation: Option<Box<Explanation>>,
}

impl Matcher {
    /// Creates a matcher. `explain` makes it count what did not match.
    pub(super) fn new(definition: &'static Definition, explain: bool) -> Self {
        Self {
            definition,
            stacks: Vec::new(),
            explanation: explain.then(Box::default),
        }
    }

    /// Bytes of memory in use.
    pub(super) fn held(&self) -> u64 {
        (self.stacks.capacity() * size_of::<Option<bool>>()) as u64
    }

    /// Returns whether an occurrence matches.
    pub(super) fn matches(&mut self, candidate: &Candidate<'_>, t: &Timeline) -> bool {
        let failed = self.first_failure(candidate, t);
        if let Some(explanation) = &mut self.explanation {
            explanation.seen += 1;
            match failed {
                None => explanation.matched += 1,
                Some(part) => explanation.reject(part, || text(part, candidate, t)),
            }
        }
        failed.is_none()
    }

    fn first_failure(&mut self, candidate: &Candidate<'_>, t: &Timeline) -> Option<Part> {
        let d = self.definition;
        if d.kind.as_ref().is_some_and(|p| !p.matches(candidate.name)) {
            return Some(Part::Type);
        }
        if let Some(reason) = &d.reason
            && !candidate.waiting.is_some_and(|w| reason.matches(w))
        {
            return Some(Part::Reason);
        }
        let function = d.function.as_ref();
        if function.is_some_and(|p| !p.matches(candidate.function)) {
            return Some(Part::Function);
        }
        (!self.stack(candidate.stack, t)).then_some(Part::Stack)
    }

    fn stack(&mut self, stack: StackKey, t: &Timeline) -> bool {
        let Some(pattern) = &self.definition.stack else {
            return true;
        };
        let index = stack.index();
        if index >= self.stacks.len() {
            self.stacks.resize(index + 1, None);
        }
        *self.stacks[index]
            .get_or_insert_with(|| pattern.matches(t.stacks().frames(stack).map(|f| f.function)))
    }
}

/// Returns the value of a candidate that a part of the definition was compared with.
fn text(part: Part, candidate: &Candidate<'_>, t: &Timeline) -> String {
    /// Maximum number of frames of a stack.
    const FRAMES: usize = 8;
    match part {
        Part::Type => candidate.name.to_owned(),
        Part::Reason => candidate
            .waiting
            .map_or("none", |waiting| waiting.label())
            .to_owned(),
        Part::Function => candidate.function.to_owned(),
        Part::Stack => {
            let frames = t.stacks().frames(candidate.stack).map(|f| f.function);
            let frames: Vec<_> = frames.take(FRAMES).collect();
            let outermost_first: Vec<_> = frames.into_iter().rev().collect();
            outermost_first.join(" > ")
        }
    }
}
