//! Encoding of profiles in pprof's format.

use std::collections::HashMap;
use std::io::{self, Write};

use flate2::Compression;
use flate2::write::GzEncoder;
use prost::Message;

use super::kind::Type;
use super::profiles::{Key, Profiles};
use super::schema::{Function, Label, Line, Location, Profile as Encoded, Sample, ValueType};

type Map<K, V> = HashMap<K, V, foldhash::fast::RandomState>;

/// Start and duration of what a profile is about.
#[derive(Clone, Copy, Debug, Default)]
pub struct Window {
    /// Start, ns since the Unix epoch; 0 if unknown.
    pub start: i64,
    /// Duration, ns.
    pub duration: i64,
}

impl Profiles {
    /// Writes the profile of a type, compressed with gzip.
    ///
    /// # Errors
    /// If writing fails.
    pub fn write(&self, out: impl Write, kind: Type, window: Window) -> io::Result<()> {
        let mut encoding = Encoding::new(self);
        let mut profile = Encoded {
            time_nanos: window.start,
            duration_nanos: window.duration,
            period: 1,
            ..Encoded::default()
        };
        let names = kind.names();
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
        for (key, values) in self.of(kind.parts()) {
            let mut value = vec![signed(values.count)];
            value.extend(names.time.map(|_| signed(values.ns)));
            profile.sample.push(Sample {
                location_id: encoding.stack(key),
                value,
                label: encoding.labels(key),
            });
        }
        profile.location = encoding.locations;
        profile.function = encoding.functions;
        profile.string_table = encoding.strings;
        let mut gzip = GzEncoder::new(out, Compression::default());
        gzip.write_all(&profile.encode_to_vec())?;
        gzip.finish()?.flush()
    }
}

fn signed(n: u64) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}

/// Tables of a profile during encoding.
struct Encoding<'a> {
    profiles: &'a Profiles,
    strings: Vec<String>,
    by_string: Map<String, i64>,
    functions: Vec<Function>,
    by_function: Map<(i64, i64), u64>,
    locations: Vec<Location>,
    by_frame: Map<u32, u64>,
}

impl<'a> Encoding<'a> {
    fn new(profiles: &'a Profiles) -> Self {
        Self {
            profiles,
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

    fn stack(&mut self, key: Key) -> Vec<u64> {
        let frames = self.profiles.frames_of(key).iter();
        frames.map(|frame| self.location(*frame)).collect()
    }

    fn location(&mut self, frame: u32) -> u64 {
        if let Some(known) = self.by_frame.get(&frame) {
            return *known;
        }
        let text = self.profiles.frame(frame);
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

    fn labels(&mut self, key: Key) -> Vec<Label> {
        let all = self.profiles.labels(key).into_iter();
        let all = all.filter(|(_, text)| !text.is_empty());
        all.map(|(key, text)| Label {
            key: self.string(key),
            str: self.string(text),
        })
        .collect()
    }
}
