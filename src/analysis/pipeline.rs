//! One trace on two cores: one thread reads, the other analyses.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::thread;

use super::{Analysis, Outcome, conclude};
use crate::rules::Settings;
use crate::trace::{ClockSnapshot, Event, Input, ReadError, Reader, Stats, Tables, What};

/// Events handed over at a time: enough that handing over costs nothing, few
/// enough that they are still in the cache.
const BLOCK: usize = 2048;
/// Blocks that may wait to be analysed.
const BLOCKS: usize = 8;

/// Events of one generation.
struct Block {
    events: Vec<Event>,
    /// How many of them there are.
    filled: usize,
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
    mut progress: impl FnMut(Stats),
) -> Result<Outcome, ReadError> {
    let reader = Reader::new(input).map_err(|e| *e)?;
    let version = reader.version();
    let mut analysis = Analysis::new(settings);
    let (blocks, to_analyse) = sync_channel(BLOCKS);
    let (spent, spares) = channel();
    let (stats, error) = thread::scope(|scope| {
        let reading = scope.spawn(move || read(reader, &blocks, &spares));
        for block in to_analyse {
            take_in(&mut analysis, block, &spent, &mut progress);
        }
        reading
            .join()
            .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    });
    conclude(&analysis, source, version, stats, error)
}

fn take_in(
    analysis: &mut Analysis,
    block: Block,
    spent: &Sender<Vec<Event>>,
    progress: &mut impl FnMut(Stats),
) {
    let events = &block.events[..block.filled];
    if let Some(What::Sync { .. }) = events.first().map(|e| e.what) {
        analysis.start_generation(block.snapshot);
        progress(block.stats);
    }
    analysis.events(events, &block.tables);
    // The reader may be done already, and then wants no more of them.
    let _ = spent.send(block.events);
}

/// Reads to the end, a block at a time.
fn read(
    mut reader: Reader<'_>,
    blocks: &SyncSender<Block>,
    spares: &Receiver<Vec<Event>>,
) -> (Stats, Option<ReadError>) {
    let error = loop {
        let mut events = spares
            .try_recv()
            .unwrap_or_else(|_| vec![Event::default(); BLOCK]);
        let filled = match reader.fill(&mut events) {
            Ok(0) => break None,
            Ok(filled) => filled,
            Err(e) => break Some(*e),
        };
        let block = Block {
            events,
            filled,
            tables: reader.tables().clone(),
            snapshot: reader.clock_snapshot(),
            stats: reader.stats(),
        };
        // Nobody listens only if the other thread panicked, which will be
        // known there.
        if blocks.send(block).is_err() {
            break None;
        }
    };
    (reader.stats(), error)
}
