//! Definition of a custom rule.

use serde::ser::{Serialize, SerializeStruct, Serializer};

use crate::rules::pattern::{Pattern, StackPattern};
use crate::rules::{Limit, Unit};
use crate::timeline::{Kinds, State, Waiting};

/// Activity that a custom rule observes.
#[derive(Clone, Copy, PartialEq, Eq, Debug, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Subject {
    /// Tasks of `runtime/trace`.
    Task,
    /// Regions of `runtime/trace`.
    Region,
    /// Requests of HTTP and gRPC servers.
    Request,
    /// Waits of goroutines.
    Wait,
    /// System calls and cgo calls.
    Syscall,
    /// Uninterrupted runs of goroutines on a P.
    Running,
    /// Logs of `runtime/trace`.
    Log,
}

impl Subject {
    /// Name in the configuration.
    pub fn name(self) -> &'static str {
        match self {
            Self::Task => "task",
            Self::Region => "region",
            Self::Request => "request",
            Self::Wait => "wait",
            Self::Syscall => "syscall",
            Self::Running => "running",
            Self::Log => "log",
        }
    }

    /// Noun in the plural.
    pub fn plural(self) -> &'static str {
        match self {
            Self::Task => "tasks",
            Self::Region => "regions",
            Self::Request => "requests",
            Self::Wait => "waits",
            Self::Syscall => "system calls",
            Self::Running => "runs",
            Self::Log => "logs",
        }
    }

    /// Whether the subject is an [`Activity`](super::Activity) with a name, not an interval of the timeline.
    pub fn is_activity(self) -> bool {
        matches!(self, Self::Task | Self::Region | Self::Request | Self::Log)
    }

    /// Intervals of the timeline that the subject is found in.
    pub fn watches(self) -> Kinds {
        const WAITS: Kinds = Kinds::SEMAPHORE
            .union(Kinds::CREDIT)
            .union(Kinds::HANDOFF)
            .union(Kinds::SHORT_HANDOFF)
            .union(Kinds::OTHER_WAIT);
        match self {
            Self::Wait => WAITS,
            Self::Syscall => Kinds::SYSCALL,
            Self::Running => WAITS.union(Kinds::SYSCALL).union(Kinds::RUNNABLE),
            Self::Task | Self::Region | Self::Request | Self::Log => Kinds::NONE,
        }
    }
}

/// Value that a custom rule compares with its thresholds.
#[derive(Clone, Copy, PartialEq, Eq, Debug, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Value {
    /// Duration of each occurrence.
    Duration,
    /// Time that the goroutines of each occurrence ran.
    Cpu,
    /// Sum of the durations per observed time; of runs, per time of all Ps.
    Share,
    /// Number of occurrences per second.
    CountPerSecond,
}

impl Value {
    /// Name in the configuration.
    pub fn name(self) -> &'static str {
        match self {
            Self::Duration => "duration",
            Self::Cpu => "cpu",
            Self::Share => "share",
            Self::CountPerSecond => "count_per_second",
        }
    }

    /// Unit of the thresholds.
    pub fn unit(self) -> Unit {
        match self {
            Self::Duration | Self::Cpu => Unit::Nanoseconds,
            Self::Share => Unit::Share,
            Self::CountPerSecond => Unit::Rate,
        }
    }

    /// Whether the value needs the whole trace, not a single occurrence.
    pub fn is_rate(self) -> bool {
        matches!(self, Self::Share | Self::CountPerSecond)
    }

    /// Whether a subject has such a value.
    pub fn fits(self, subject: Subject) -> bool {
        match self {
            Self::Duration | Self::Share => subject != Subject::Log,
            Self::Cpu => matches!(subject, Subject::Task | Subject::Region | Subject::Request),
            Self::CountPerSecond => true,
        }
    }
}

/// Pattern for the reason of a wait: a state such as `chan_send`, or a more precise name such as `RWMutex read`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Reason(Pattern);

impl Reason {
    /// Returns the pattern; `None` if no wait has such a reason.
    pub fn new(text: &str) -> Option<Self> {
        let reason = Self(Pattern::new(text));
        let known = Waiting::ALL
            .into_iter()
            .any(|waiting| reason.matches(waiting));
        known.then_some(reason)
    }

    /// Returns whether a wait has the reason.
    pub fn matches(&self, waiting: Waiting) -> bool {
        self.0.matches(waiting.state().name()) || self.0.matches(waiting.label())
    }

    /// Names of the states that waits have.
    pub fn states() -> Vec<&'static str> {
        let is_wait =
            |state: &State| !matches!(state, State::Running | State::Runnable | State::Syscall);
        let states = State::ALL.into_iter().filter(is_wait);
        states.map(State::name).collect()
    }
}

/// Definition of a custom rule. The rule observes what all parts that are given match.
#[derive(Clone, PartialEq, Debug)]
pub struct Definition {
    /// Name of the rule.
    pub name: String,
    /// Activity that it observes.
    pub subject: Subject,
    /// Value that it compares with its thresholds.
    pub value: Value,
    /// Type of tasks and regions, handler of requests, category of logs.
    pub kind: Option<Pattern>,
    /// Reason of waits.
    pub reason: Option<Reason>,
    /// Function of the place.
    pub function: Option<Pattern>,
    /// Frames of the stack.
    pub stack: Option<StackPattern>,
    /// Threshold for a warning, in the value's unit.
    pub warn: u64,
    /// Threshold for an error, in the value's unit.
    pub error: u64,
    /// One sentence about the rule; empty if the configuration has none.
    pub summary: String,
    /// Advice for its findings; empty if the configuration has none.
    pub advice: String,
}

/// Serializes the definition as an entry of `custom_rules`.
impl Serialize for Definition {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        #[derive(serde::Serialize)]
        struct Match {
            #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
            kind: Option<String>,
            #[serde(skip_serializing_if = "Option::is_none")]
            reason: Option<String>,
            #[serde(skip_serializing_if = "Option::is_none")]
            function: Option<String>,
            #[serde(skip_serializing_if = "Option::is_none")]
            stack: Option<Vec<String>>,
        }
        let unit = self.value.unit();
        let mut entry = s.serialize_struct("Definition", 8)?;
        entry.serialize_field("name", &self.name)?;
        entry.serialize_field("on", self.subject.name())?;
        let matching = Match {
            kind: self.kind.as_ref().map(ToString::to_string),
            reason: self.reason.as_ref().map(|reason| reason.0.to_string()),
            function: self.function.as_ref().map(ToString::to_string),
            stack: self.stack.as_ref().map(StackPattern::frames),
        };
        entry.serialize_field("match", &matching)?;
        entry.serialize_field("value", self.value.name())?;
        entry.serialize_field("warn", &Limit::value(self.warn).text(unit))?;
        entry.serialize_field("error", &Limit::value(self.error).text(unit))?;
        entry.serialize_field("summary", &self.summary)?;
        entry.serialize_field("advice", &self.advice)?;
        entry.end()
    }
}
