//! One generation: its tables decoded, its event batches noted for later.
//!
//! The tables may stand anywhere within their generation, so all of its
//! batches are walked before its first event is decoded. Event batches are
//! not touched by that walk: only where they lie is kept.

use std::collections::HashMap;
use std::sync::{Arc, Weak};

use super::super::allowance::{Share, of_map, of_vec};
use super::super::error::{Corruption, ErrorKind};
use super::super::event::ThreadId;
use super::super::input::Input;
use super::super::tables::Tables;
use super::super::work;
use super::batch::{self, Batch, Next};
use super::clock::Clock;
use super::epoch::Epoch;
use super::samples::Samples;
use super::sections::{self, Clocks};
use super::wire;

/// Memory in bytes above which a generation releases its memory at its end.
const MUCH: u64 = 16 << 20;

/// No further batch.
pub(super) const NIL: u32 = u32::MAX;

/// An event batch and the next one of the same thread.
#[derive(Clone, Copy, Debug)]
pub(super) struct EventBatch {
    pub at: u64,
    /// Base time in clock units.
    pub time: u64,
    pub len: u32,
    pub next: u32,
}

/// A thread's event batches, in file order.
#[derive(Clone, Copy, Debug)]
pub(super) struct ThreadBatches {
    pub m: ThreadId,
    pub head: u32,
    tail: u32,
    /// Length of the longest one, bytes.
    longest: u32,
}

/// Bytes of an experiment, uninterpreted.
#[derive(Debug)]
pub struct ExperimentalBatch {
    /// The experiment's number; 1 is AllocFree.
    pub experiment: u8,
    /// The thread that wrote it.
    pub m: ThreadId,
    /// The bytes.
    pub data: Vec<u8>,
}

/// A generation whose batches have been walked.
#[derive(Debug, Default)]
pub(super) struct Generation {
    /// Its number; 0 before the first batch.
    pub number: u64,
    /// Offset of its first batch.
    pub start: u64,
    /// Shared with users of the events that read the next generation meanwhile.
    pub tables: Arc<Tables>,
    pub clocks: Clocks,
    /// Smallest base time of all its batches, in clock units.
    pub min_time: u64,
    /// Event batches of all threads.
    pub batches: Vec<EventBatch>,
    /// Threads in the order of their first batch.
    pub threads: Vec<ThreadBatches>,
    by_thread: HashMap<i64, u32, foldhash::fast::RandomState>,
    pub experimental: Vec<ExperimentalBatch>,
    pub samples: Samples,
    scratch: Vec<u8>,
    /// Bytes of the experimental batches.
    experiments: u64,
    /// Bytes of the longest batch of each thread: all of these are loaded at a
    /// time.
    loaded: u64,
    /// Tables of earlier generations that are still in use, and their size.
    before: Vec<(Weak<Tables>, u64)>,
}

/// Reserves memory while a generation is walked.
pub(super) struct Meter<'a> {
    pub share: &'a mut Share,
    /// Bytes of memory that everything else holds.
    pub rest: u64,
}

impl Meter<'_> {
    /// Reserves memory before a batch is decoded.
    fn check(
        &mut self,
        generation: &Generation,
        input: &Input<'_>,
        batch: &Batch,
    ) -> Result<(), ErrorKind> {
        let held = self.rest + input.held() + generation.held(Some(batch));
        Ok(self.share.hold(held)?)
    }
}

impl Generation {
    /// Tables and number of the generation.
    #[inline(always)]
    pub(super) fn epoch(&self) -> Epoch<'_> {
        Epoch {
            tables: &self.tables,
            generation: self.number,
        }
    }

    /// Bytes of memory that this holds while a batch is added, if there is one.
    pub(super) fn held(&self, batch: Option<&Batch>) -> u64 {
        let len = batch.map_or(0, |b| b.len);
        let section = batch.and_then(Batch::section);
        let tables = match section {
            Some(wire::STRINGS | wire::STACKS) => len,
            _ => 0,
        };
        let samples = match section {
            // A sample has at least six bytes.
            Some(wire::CPU_SAMPLES) => len / 6,
            _ => 0,
        };
        let before: u64 = self.before.iter().map(|(_, held)| held).sum();
        before
            + self.tables.held(tables)
            + of_vec(&self.batches, 1)
            + of_vec(&self.threads, 1)
            + of_map(&self.by_thread, 1)
            + of_vec(&self.experimental, 1)
            + self.samples.held(samples)
            + self.scratch.capacity() as u64
            + self.experiments
            + self.loaded
    }

    /// Clears everything and keeps the memory up to a limit.
    pub(super) fn clear(&mut self) {
        self.before.retain(|(tables, _)| tables.strong_count() > 0);
        let held = self.tables.held(0);
        match Arc::get_mut(&mut self.tables) {
            Some(tables) if held < MUCH => tables.clear(),
            Some(tables) => *tables = Tables::default(),
            None => {
                self.before.push((Arc::downgrade(&self.tables), held));
                self.tables = Arc::default();
            }
        }
        if of_vec(&self.batches, 0) + self.samples.held(0) >= MUCH {
            (self.batches, self.samples) = (Vec::new(), Samples::default());
        }
        (self.experiments, self.loaded) = (0, 0);
        self.number = 0;
        self.clocks = Clocks::default();
        self.min_time = 0;
        self.batches.clear();
        self.threads.clear();
        self.by_thread.clear();
        self.experimental.clear();
        self.samples.clear();
    }

    /// Its clock. Checked when the generation was closed.
    pub(super) fn clock(&self) -> Clock {
        self.clocks.clock.unwrap_or(Clock::new(0))
    }

    /// Takes in one batch. `snapshots` tells whether the format's sync batches
    /// have clock snapshots (Go 1.25 and later).
    fn add(&mut self, input: &mut Input<'_>, b: &Batch, snapshots: bool) -> Result<(), ErrorKind> {
        work::add(1);
        if self.min_time == 0 || b.time < self.min_time {
            self.min_time = b.time;
        }
        let sync = if snapshots {
            wire::SYNC
        } else {
            wire::FREQUENCY
        };
        let section = b.section();
        if section.is_none() && b.experiment != wire::NO_EXPERIMENT {
            let mut data = Vec::new();
            batch::data(input, b, &mut data).map_err(ErrorKind::Io)?;
            self.experiments += data.capacity() as u64;
            self.experimental.push(ExperimentalBatch {
                experiment: b.experiment,
                m: b.m,
                data,
            });
            return Ok(());
        }
        match section {
            Some(kind @ (wire::STRINGS | wire::STACKS | wire::CPU_SAMPLES)) => {
                let data = batch::data(input, b, &mut self.scratch).map_err(ErrorKind::Io)?;
                let tables = Arc::make_mut(&mut self.tables);
                match kind {
                    wire::STRINGS => sections::strings(data, tables)?,
                    wire::STACKS => sections::stacks(data, tables)?,
                    _ => sections::cpu_samples(data, self.samples.raw())?,
                }
            }
            Some(kind) if kind == sync => {
                let data = batch::data(input, b, &mut self.scratch).map_err(ErrorKind::Io)?;
                sections::sync(data, b.time, snapshots, &mut self.clocks)?;
            }
            Some(wire::END_OF_GENERATION) => {
                return Err(Corruption::BadEventType(wire::END_OF_GENERATION).into());
            }
            _ => self.add_events(b),
        }
        Ok(())
    }

    fn add_events(&mut self, b: &Batch) {
        let next_thread = self.threads.len() as u32;
        let thread = *self.by_thread.entry(b.m.0).or_insert(next_thread);
        if thread == next_thread {
            self.threads.push(ThreadBatches {
                m: b.m,
                head: NIL,
                tail: NIL,
                longest: 0,
            });
        }
        if b.len == 0 {
            return;
        }
        let index = self.batches.len() as u32;
        self.batches.push(EventBatch {
            at: b.at,
            time: b.time,
            len: b.len as u32,
            next: NIL,
        });
        let t = &mut self.threads[thread as usize];
        match t.tail {
            NIL => t.head = index,
            tail => self.batches[tail as usize].next = index,
        }
        t.tail = index;
        let more = (b.len as u32).saturating_sub(t.longest);
        t.longest += more;
        self.loaded += u64::from(more);
    }

    /// Checks what must hold of a whole generation.
    fn close(&mut self, snapshots: bool) -> Result<(), ErrorKind> {
        let Some(clock) = self.clocks.clock else {
            return Err(Corruption::NoFrequency.into());
        };
        if snapshots && self.clocks.snapshot.is_none() {
            return Err(Corruption::NoClockSnapshot.into());
        }
        Arc::make_mut(&mut self.tables).resolve_frames()?;
        self.samples.close(clock);
        Ok(())
    }

    /// Reads a generation that a marker ends (Go 1.26). False if there is none
    /// left.
    pub(super) fn read_marked(
        &mut self,
        input: &mut Input<'_>,
        mut meter: Meter<'_>,
    ) -> Result<bool, ErrorKind> {
        self.start = input.pos();
        loop {
            let b = match batch::next(input)? {
                Next::End if self.threads.is_empty() => {
                    return Ok(false);
                }
                Next::End => {
                    return Err(ErrorKind::Truncated("within a generation"));
                }
                Next::EndOfGeneration => break,
                Next::Batch(b) => b,
            };
            if self.number == 0 {
                self.number = b.generation;
            }
            if b.section() == Some(wire::END_OF_GENERATION) {
                break;
            }
            if b.generation == 0 {
                return Err(Corruption::GenerationZero.into());
            }
            if b.generation != self.number {
                return Err(self.interleaved(&b));
            }
            meter.check(self, input, &b)?;
            self.add(input, &b, true)?;
        }
        self.close(true)?;
        Ok(true)
    }

    /// Reads a generation that the next one's first batch ends (Go 1.22 to
    /// 1.25). `spill` is the batch that ended the one before, and is left
    /// holding the one that ended this.
    ///
    /// `Ok(Some(error))` is a generation that may be read, and the error that
    /// ended it.
    pub(super) fn read_unmarked(
        &mut self,
        input: &mut Input<'_>,
        spill: &mut Option<Batch>,
        snapshots: bool,
        mut meter: Meter<'_>,
    ) -> Result<Option<ErrorKind>, ErrorKind> {
        self.start = input.pos();
        if let Some(b) = spill.take() {
            self.start = b.start;
            self.number = b.generation;
            self.add(input, &b, snapshots)?;
        }
        let mut broke_off = None;
        let mut ended = false;
        loop {
            let b = match batch::next(input) {
                Ok(Next::End) if self.number == 0 => return Err(ErrorKind::NothingRecorded),
                Ok(Next::End) => {
                    ended = true;
                    break;
                }
                Ok(Next::Batch(b)) => b,
                Ok(Next::EndOfGeneration) => return Err(Corruption::GenerationZero.into()),
                Err(e) if self.number != 0 => {
                    broke_off = Some(e);
                    break;
                }
                Err(e) => return Err(e),
            };
            if b.generation == 0 {
                return Err(Corruption::GenerationZero.into());
            }
            if self.number == 0 {
                self.number = b.generation;
            }
            if self.number.checked_add(1) == Some(b.generation) {
                *spill = Some(b);
                break;
            }
            if b.generation != self.number {
                return Err(self.interleaved(&b));
            }
            meter.check(self, input, &b)?;
            self.add(input, &b, snapshots)?;
        }
        if ended && self.clocks.clock.is_none() {
            return Err(ErrorKind::Truncated(
                "before the clock's frequency, which ends a generation",
            ));
        }
        match self.close(snapshots) {
            Ok(()) => Ok(broke_off),
            // A truncated generation lacks a part because it is truncated.
            Err(e) => Err(broke_off.unwrap_or(e)),
        }
    }

    fn interleaved(&self, b: &Batch) -> ErrorKind {
        Corruption::GenerationsInterleaved {
            current: self.number,
            found: b.generation,
        }
        .into()
    }
}
