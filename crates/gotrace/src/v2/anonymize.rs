//! Rewrites a trace without the names in it.
//!
//! All text of a trace is in the string tables of its generations. Events,
//! stacks and times refer to it by number, and are copied unchanged.

use std::collections::HashSet;
use std::hash::{BuildHasher, RandomState};
use std::io::Write;

use super::super::allowance::Share;
use super::super::error::{ErrorKind, ReadError};
use super::super::header::read_header;
use super::super::input::Input;
use super::super::tables::Tables;
use super::super::varint::{self, Scanner};
use super::super::version::{FIRST_V2, HEADER, starts_with_header};
use super::batch::{self, Batch, Next};
use super::{sections, wire};

/// Names that the runtime itself gives to reasons, labels and ranges. They are
/// kept: tools depend on them, and they say nothing about the program.
const RUNTIME: [&str; 36] = [
    "",
    "unspecified",
    "forever",
    "network",
    "select",
    "sync.(*Cond).Wait",
    "sync",
    "chan send",
    "chan receive",
    "GC mark assist wait for work",
    "GC assist wait",
    "GC background sweeper wait",
    "GC weak to strong wait",
    "system goroutine wait",
    "preempted",
    "wait for debug call",
    "wait until GC ends",
    "sleep",
    "synctest",
    "coroutine",
    "runtime.Gosched",
    "runtime.GoSched",
    "GC (dedicated)",
    "GC (fractional)",
    "GC (idle)",
    "GC mark termination",
    "GC sweep termination",
    "all goroutines stack trace",
    "goroutine profile",
    "goroutine profile cleanup",
    "goroutine leak profile",
    "write heap dump",
    "GOMAXPROCS",
    "start trace",
    "stop trace",
    "read mem stats",
];

/// Copies a trace of Go 1.22 or later, its names replaced: the same name by the
/// same other one throughout, and by others the next time. Functions for which
/// `is_public` holds, such as those of the standard library, keep theirs.
///
/// # Errors
/// If the trace can't be read to its end, or the copy can't be written. All
/// whole generations before the error are copied.
pub fn anonymize(
    mut input: Input<'_>,
    out: &mut impl Write,
    is_public: impl Fn(&str) -> bool,
) -> Result<(), ReadError> {
    let mut copy = Copy {
        out,
        is_public,
        generation: Generation::default(),
        key: RandomState::new(),
        share: input.allowance().share(),
    };
    copy.all(&mut input).map_err(|kind| {
        let lost_bytes = input.known_len().saturating_sub(input.pos());
        ReadError::new(kind)
            .at(input.pos(), lost_bytes)
            .within(copy.generation.number)
    })
}

/// State of a generation whose names are not written yet: only its stacks say
/// which strings are functions and files.
#[derive(Default)]
struct Generation {
    number: Option<u64>,
    /// String tables, with the thread and time of their batches.
    strings: Vec<(Batch, Vec<u8>)>,
    /// Bytes of the string tables.
    bytes: usize,
    functions: HashSet<u64>,
    files: HashSet<u64>,
}

struct Copy<'a, W, F> {
    out: &'a mut W,
    is_public: F,
    generation: Generation,
    key: RandomState,
    share: Share,
}

impl<W: Write, F: Fn(&str) -> bool> Copy<'_, W, F> {
    /// Copies one trace after the other.
    fn all(&mut self, input: &mut Input<'_>) -> Result<(), ErrorKind> {
        loop {
            self.one(input)?;
            let header = input.peek(HEADER).map_err(ErrorKind::Io)?;
            if !starts_with_header(header) {
                return Ok(());
            }
        }
    }

    fn one(&mut self, input: &mut Input<'_>) -> Result<(), ErrorKind> {
        let header = input.peek(HEADER).map_err(ErrorKind::Io)?.to_vec();
        let version = read_header(input)?;
        if version < FIRST_V2 {
            return Err(ErrorKind::NotAnonymizable(version));
        }
        self.write(&header)?;
        let mut buf = Vec::new();
        loop {
            match batch::next(input)? {
                Next::Batch(b) => {
                    if self.generation.number.is_some_and(|n| n != b.generation) {
                        self.end_generation()?;
                    }
                    self.generation.number = Some(b.generation);
                    let data = batch::data(input, &b, &mut buf).map_err(ErrorKind::Io)?;
                    self.batch(&b, data)?;
                    self.share.hold(input.held() + self.generation.held())?;
                }
                Next::EndOfGeneration => {
                    self.end_generation()?;
                    self.write(&[wire::END_OF_GENERATION])?;
                }
                Next::End => return self.end_generation(),
            }
        }
    }

    fn batch(&mut self, b: &Batch, data: &[u8]) -> Result<(), ErrorKind> {
        match b.section() {
            Some(wire::STRINGS) => {
                self.generation.bytes += data.len();
                self.generation.strings.push((*b, data.to_vec()));
                return Ok(());
            }
            Some(wire::STACKS) => {
                // Checked before it is copied.
                sections::stacks(data, &mut Tables::default())?;
                self.generation.note_frames(data);
            }
            _ => {}
        }
        self.write_batch(b, data)
    }

    /// Writes the names, once the stacks have shown which strings are functions and files.
    fn end_generation(&mut self) -> Result<(), ErrorKind> {
        let generation = std::mem::take(&mut self.generation);
        for (b, data) in &generation.strings {
            sections::strings(data, &mut Tables::default())?;
            let mut table = vec![wire::STRINGS];
            let mut s = Scanner::new(&data[1..]);
            while let (Some(_), Some(id), Some(len)) = (s.byte(), s.varint(), s.varint()) {
                let name = s.take(len as usize).unwrap_or_default();
                let name = self.other_name(&generation, id, name);
                // Names may be longer than they were: then there are more tables.
                if table.len() + name.len() + 32 > wire::MAX_BATCH_SIZE as usize {
                    self.write_batch(b, &table)?;
                    table.truncate(1);
                }
                table.push(wire::STRING);
                varint::encode(&mut table, id);
                varint::encode(&mut table, name.len() as u64);
                table.extend(name);
            }
            self.write_batch(b, &table)?;
        }
        Ok(())
    }

    fn other_name(&self, generation: &Generation, id: u64, name: &[u8]) -> Vec<u8> {
        let text = std::str::from_utf8(name).unwrap_or("?");
        if generation.functions.contains(&id) {
            if text == "main.main" || (is_plain(text) && (self.is_public)(text)) {
                return name.to_vec();
            }
            // Functions of one package stay together.
            let slash = text.rfind('/').map_or(0, |i| i + 1);
            let dot = text[slash..].find('.').map_or(text.len(), |i| slash + i);
            let (package, function) = text.split_at(dot);
            return format!("anon.{}.{}", self.token(package), self.token(function)).into();
        }
        if generation.files.contains(&id) && !name.is_empty() {
            return format!("{}.go", self.token(text)).into();
        }
        if RUNTIME.contains(&text) {
            return name.to_vec();
        }
        self.token(name).into()
    }

    /// The replacement of a name: the same for the same name. It can't be
    /// reversed or guessed, because the key is thrown away.
    fn token(&self, name: impl AsRef<[u8]>) -> String {
        format!("x{:016x}", self.key.hash_one(name.as_ref()))
    }

    fn write_batch(&mut self, b: &Batch, data: &[u8]) -> Result<(), ErrorKind> {
        let mut head = match b.experiment {
            wire::NO_EXPERIMENT => vec![wire::EVENT_BATCH],
            experiment => vec![wire::EXPERIMENTAL_BATCH, experiment],
        };
        for field in [b.generation, b.m.0 as u64, b.time, data.len() as u64] {
            varint::encode(&mut head, field);
        }
        self.write(&head)?;
        self.write(data)
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), ErrorKind> {
        self.out.write_all(bytes).map_err(ErrorKind::Io)
    }
}

impl Generation {
    /// Bytes of memory that this holds, and of sets twice as large.
    fn held(&self) -> u64 {
        let tables = self.strings.capacity() * size_of::<(Batch, Vec<u8>)>();
        // A set has twice as many buckets as entries at most.
        let sets = 3 * 2 * (self.functions.capacity() + self.files.capacity());
        (self.bytes + tables + sets * (size_of::<u64>() + 1)) as u64
    }

    /// Notes which strings the stacks of a table name.
    fn note_frames(&mut self, data: &[u8]) {
        let mut s = Scanner::new(&data[1..]);
        while let (Some(_), Some(_), Some(frames)) = (s.byte(), s.varint(), s.varint()) {
            for _ in 0..frames {
                let [_, function, file, _] = std::array::from_fn(|_| s.varint().unwrap_or(0));
                self.functions.insert(function);
                self.files.insert(file);
            }
        }
    }
}

/// Whether a function's name can hold no other name: type arguments are not
/// written out.
fn is_plain(function: &str) -> bool {
    let plain = function.replace("[...]", "");
    let of_names = |c: char| c.is_ascii_alphanumeric() || "_./()*-:".contains(c);
    plain.chars().all(of_names)
}
