//! Analysis of one trace on two threads: one reads, the other analyzes.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::thread;

use super::outcome::{Outcome, Step, conclude};
use super::packed::Packed;
use super::placement::Halves;
use super::{Analysis, exhausted};
use crate::rules::Settings;
use crate::trace::{ClockSnapshot, Input, ReadError, Reader, Stats, Tables};

/// Maximum number of chunks in the queue: few, so that they stay in a cache. With larger or smaller chunks the threads
/// wait longer for each other: on a virtual machine, waking a core takes as long as reading a thousand events.
const CHUNKS: usize = 4;

/// Events of one generation.
struct Chunk {
    events: Packed,
    /// Whether the chunk starts the generation.
    begins: bool,
    tables: Arc<Tables>,
    snapshot: Option<ClockSnapshot>,
    stats: Stats,
}

/// As [`analyze`](super::analyze), with the same result, on two threads.
///
/// # Errors
/// As [`analyze`](super::analyze).
pub fn analyze_on_two_threads(
    input: Input<'_>,
    source: &str,
    settings: &Settings,
    progress: impl FnMut(Stats),
) -> Result<Outcome, ReadError> {
    step(input, source, settings, progress).0
}

pub(super) fn step<'a>(
    input: Input<'a>,
    source: &str,
    settings: &Settings,
    mut progress: impl FnMut(Stats),
) -> Step<'a> {
    let reader = match Reader::new(input) {
        Ok(reader) => reader,
        Err(error) => return (Err(error), None),
    };
    let mut analysis = Analysis::of(&reader, settings);
    let (chunks, to_analyse) = sync_channel(CHUNKS);
    let (spent, spares) = channel();
    let cpus = Halves::of_this_thread();
    let cpus = cpus.as_ref();
    let (reader, error) = thread::scope(|scope| {
        let reading = scope.spawn(move || {
            let _kept = cpus.map(|cpus| cpus.keep_in(0));
            read(reader, Handoff { chunks, spares })
        });
        let _kept = cpus.map(|cpus| cpus.keep_in(1));
        let mut take_in = |chunk| take_in(&mut analysis, chunk, &spent, &mut progress);
        // The reader stops if the receiver is gone.
        let full = to_analyse
            .into_iter()
            .find_map(|chunk| take_in(chunk).err());
        let (reader, error) = reading
            .join()
            .unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        (reader, full.or(error))
    });
    conclude(&mut analysis, source, reader, error)
}

fn take_in(
    analysis: &mut Analysis,
    chunk: Chunk,
    spent: &Sender<Packed>,
    progress: &mut impl FnMut(Stats),
) -> Result<(), ReadError> {
    let counted = analysis.count(chunk.begins, &chunk.tables);
    counted.map_err(|kind| exhausted(kind, chunk.stats))?;
    if chunk.begins {
        analysis.start_generation(chunk.snapshot);
        progress(chunk.stats);
    }
    analysis.packed(&chunk.events, &chunk.tables);
    // The reader may be finished and no longer receive buffers.
    let _ = spent.send(chunk.events);
    Ok(())
}

/// The reader's ends of the channels.
struct Handoff {
    chunks: SyncSender<Chunk>,
    spares: Receiver<Packed>,
}

/// Reads to the end in chunks.
fn read(mut reader: Reader<'_>, handoff: Handoff) -> (Reader<'_>, Option<ReadError>) {
    let error = loop {
        let mut events = handoff.spares.try_recv().unwrap_or_default();
        events.clear();
        match reader.pour(&mut events) {
            Ok(0) => break None,
            Ok(_) => {}
            Err(e) => break Some(e),
        }
        let chunk = Chunk {
            begins: events.begins(),
            events,
            tables: Arc::clone(reader.tables()),
            snapshot: reader.clock_snapshot(),
            stats: reader.stats(),
        };
        // The receiver is gone only if the other thread panicked, which is reported there.
        if handoff.chunks.send(chunk).is_err() {
            break None;
        }
    };
    (reader, error)
}
