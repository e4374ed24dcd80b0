//! A profile: records by stack and labels, and their encoding.

use std::collections::HashMap;
use std::io::{self, Write};

use flate2::Compression;
use flate2::write::GzEncoder;
use prost::Message;

use super::schema::{Function, Label, Line, Location, Profile as Encoded, Sample, ValueType};
use crate::timeline::{FrameKey, StackKey, Stacks};

type Map<K, V> = HashMap<K, V, foldhash::fast::RandomState>;

/// Maximum number of records. Further ones are summed in one record without a stack.
const MOST: usize = 10_000;

/// Labels of a record; an empty text is no label.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
pub(super) struct Labels {
    /// State of the goroutine.
    pub state: &'static str,
    /// Reason of a wait or a stop.
    pub reason: String,
    /// A frame of the goroutine's start function.
    pub start: FrameKey,
}

/// Count and duration of the occurrences at a stack.
#[derive(Clone, Copy, Debug, Default)]
struct Values {
    count: u64,
    ns: u64,
}

/// Records by stack and labels.
#[derive(Debug, Default)]
pub(super) struct Records {
    by_stack: Map<(StackKey, Labels), Values>,
}

impl Records {
    /// Adds `count` occurrences at a stack with a total duration of `ns`.
    pub(super) fn add(&mut self, stack: StackKey, labels: Labels, count: u64, ns: u64) {
        let key = (stack, labels);
        let key = match self.by_stack.len() < MOST || self.by_stack.contains_key(&key) {
            true => key,
            false => <(StackKey, Labels)>::default(),
        };
        let values = self.by_stack.entry(key).or_default();
        values.count += count;
        values.ns = values.ns.saturating_add(ns);
    }

    /// Returns the sum of all counts.
    pub(super) fn count(&self) -> u64 {
        self.by_stack.values().map(|values| values.count).sum()
    }

    /// Distributes `ns` over the records without labels by their counts.
    pub(super) fn shared(&self, ns: u64) -> impl Iterator<Item = (StackKey, u64, u64)> + '_ {
        let all = self.count().max(1);
        self.by_stack.iter().map(move |((stack, _), values)| {
            let part = u128::from(ns) * u128::from(values.count) / u128::from(all);
            (*stack, values.count, part as u64)
        })
    }
}

/// Names of a profile's values.
#[derive(Clone, Copy, Debug)]
pub(super) struct Names {
    /// Name of the count.
    pub count: &'static str,
    /// Name of the duration, if the profile has one.
    pub time: Option<&'static str>,
}

/// Start and duration of a trace.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Window {
    /// Start, ns since the Unix epoch; 0 if unknown.
    pub start: i64,
    /// Duration, ns.
    pub duration: i64,
}

/// Writes records as a gzipped profile.
///
/// # Errors
/// If writing fails.
pub(super) fn write(
    out: impl Write,
    records: &Records,
    stacks: &Stacks,
    names: Names,
    window: Window,
) -> io::Result<()> {
    let mut encoding = Encoding::new(stacks);
    let mut profile = Encoded {
        time_nanos: window.start,
        duration_nanos: window.duration,
        period: 1,
        ..Encoded::default()
    };
    let mut value = |name: &str, unit: &str| ValueType {
        r#type: encoding.string(name),
        unit: encoding.string(unit),
    };
    profile.period_type = Some(value("trace", "count"));
    profile.sample_type.push(value(names.count, "count"));
    if let Some(time) = names.time {
        profile.sample_type.push(value(time, "nanoseconds"));
        profile.default_sample_type = encoding.string(time);
    }
    let mut all: Vec<_> = records.by_stack.iter().collect();
    // The output is deterministic.
    all.sort_by_key(|((stack, labels), _)| (stack.index(), labels.state, labels.reason.clone()));
    for ((stack, labels), values) in all {
        let mut value = vec![signed(values.count)];
        value.extend(names.time.map(|_| signed(values.ns)));
        profile.sample.push(Sample {
            location_id: encoding.stack(*stack),
            value,
            label: encoding.labels(labels),
        });
    }
    profile.location = encoding.locations;
    profile.function = encoding.functions;
    profile.string_table = encoding.strings;
    let mut gzip = GzEncoder::new(out, Compression::default());
    gzip.write_all(&profile.encode_to_vec())?;
    gzip.finish()?.flush()
}

fn signed(n: u64) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}

/// Tables of a profile during encoding.
struct Encoding<'a> {
    stacks: &'a Stacks,
    strings: Vec<String>,
    by_string: Map<String, i64>,
    functions: Vec<Function>,
    by_function: Map<(i64, i64), u64>,
    locations: Vec<Location>,
    by_frame: Map<FrameKey, u64>,
}

impl<'a> Encoding<'a> {
    fn new(stacks: &'a Stacks) -> Self {
        Self {
            stacks,
            // The format requires the empty string first.
            strings: vec![String::new()],
            by_string: Map::from_iter([(String::new(), 0)]),
            functions: Vec::new(),
            by_function: Map::default(),
            locations: Vec::new(),
            by_frame: Map::default(),
        }
    }

    fn string(&mut self, text: &str) -> i64 {
        if let Some(known) = self.by_string.get(text) {
            return *known;
        }
        let id = self.strings.len() as i64;
        self.strings.push(text.into());
        self.by_string.insert(text.into(), id);
        id
    }

    fn stack(&mut self, stack: StackKey) -> Vec<u64> {
        let stacks = self.stacks;
        stacks
            .keys(stack)
            .map(|frame| self.location(frame))
            .collect()
    }

    fn location(&mut self, frame: FrameKey) -> u64 {
        if let Some(known) = self.by_frame.get(&frame) {
            return *known;
        }
        let text = self.stacks.get(frame);
        let name = self.string(text.function);
        let filename = self.string(text.file);
        let next = self.functions.len() as u64 + 1;
        let function_id = *self.by_function.entry((name, filename)).or_insert(next);
        if function_id == next {
            self.functions.push(Function {
                id: next,
                name,
                system_name: name,
                filename,
            });
        }
        let id = self.locations.len() as u64 + 1;
        let line = signed(text.line);
        self.locations.push(Location {
            id,
            line: vec![Line { function_id, line }],
        });
        self.by_frame.insert(frame, id);
        id
    }

    fn labels(&mut self, labels: &Labels) -> Vec<Label> {
        let start = self.stacks.get(labels.start).function;
        let all = [
            ("state", labels.state),
            ("reason", &labels.reason),
            ("start", start),
        ];
        let all = all.into_iter().filter(|(_, text)| !text.is_empty());
        all.map(|(key, text)| Label {
            key: self.string(key),
            str: self.string(text),
        })
        .collect()
    }
}
