//! Merges the Ps' events into one sequence.
//!
//! The reference reader returns the earliest of all possible events, and rejects a trace whose times then go backwards.
//! Possible events are in a [heap](super::frontier); Ps whose next event is not possible yet [wait](super::waiting). CPU
//! samples are events of a separate P.

use super::super::error::ReadError;
use super::super::event::{Event, Time};
use super::super::violation::Violation;
use super::super::work;
use super::cursor::{self, Position};
use super::frontier::Entry;
use super::step::{Refusal, Step, Taken};
use super::waiting::Need;
use super::wire;
use super::{Reader, Stage};

/// P of CPU samples.
pub(super) const SAMPLES: u32 = u32::MAX;

/// Reason why the fast loop stopped.
enum Pause {
    /// The block is full.
    Full,
    /// A CPU sample comes next.
    Sample,
    /// A return from a syscall may come next.
    Exit,
    /// No event can come next.
    Stuck,
    /// The event of a P at `next` was accepted, `read` bytes of its arguments were read, and it needs further work.
    Taken {
        proc: u32,
        taken: Taken,
        next: Position,
        read: usize,
    },
    /// The event of a P was not accepted.
    Refused { proc: u32, refusal: Refusal },
}

impl Reader<'_> {
    /// Writes the next events to `out`; a synchronization event is only ever the first. Returns the number of events, 0 at
    /// the end.
    pub(crate) fn fill(&mut self, out: &mut [Event]) -> Result<usize, ReadError> {
        if let Some(e) = self.failed.take() {
            return Err(e);
        }
        let mut n = 0;
        while n < out.len() {
            let first = n == 0;
            match self.more(&mut out[n..], first) {
                Ok(0) => break,
                Ok(more) => n += more,
                Err(e) if first => return Err(e),
                Err(e) => {
                    self.failed = Some(e);
                    break;
                }
            }
        }
        self.stats.events += n as u64;
        Ok(n)
    }

    /// Writes further events. Returns 0 at the end and before a synchronization event that would not be the first.
    fn more(&mut self, out: &mut [Event], first: bool) -> Result<usize, ReadError> {
        while self.stage == Stage::Events {
            if let Some(event) = self.model.follow.pop_front() {
                out[0] = event;
                self.stamp(&mut out[0]);
                return Ok(1);
            }
            let (n, pause) = self.run(out);
            let rest = &mut out[n..];
            let more = match pause {
                Pause::Full => Ok(0),
                Pause::Taken {
                    proc,
                    taken,
                    next,
                    read,
                } => self.finish(proc, taken, next, read, rest),
                Pause::Refused { proc, refusal } => Err(self.refused(proc, refusal)),
                Pause::Stuck => self.stuck().map(|()| 0),
                Pause::Sample => Ok(self.sample(&mut rest[0])),
                Pause::Exit => self.exit(&mut rest[0]),
            };
            match more {
                Ok(more) if n + more > 0 => return Ok(n + more),
                // The event has no equivalent in later formats.
                Ok(_) => {}
                Err(e) if n == 0 => return Err(e),
                Err(e) => {
                    self.failed = Some(e);
                    return Ok(n);
                }
            }
        }
        self.outside(&mut out[0], first)
    }

    /// Reads events of Ps until the fast loop cannot continue.
    fn run(&mut self, out: &mut [Event]) -> (usize, Pause) {
        let tables = &*self.tables;
        let clock = self.clock;
        let mut last = self.last_time;
        let mut n = 0;
        let exit = self.exits.limit();
        let pause = 'procs: loop {
            work::add(1);
            let Some(Entry { time, proc }) = self.frontier.first() else {
                break match exit {
                    i64::MAX => Pause::Stuck,
                    _ => Pause::Exit,
                };
            };
            if n == out.len() {
                break Pause::Full;
            }
            if time > exit {
                break Pause::Exit;
            }
            self.frontier.pop();
            let Some(cursor) = self.cursors.get_mut(proc as usize) else {
                break Pause::Sample;
            };
            let mut next = cursor.next;
            if time < self.now {
                let refusal = Violation::Times.into();
                break Pause::Refused { proc, refusal };
            }
            // As long as no other P's event comes first, and none that waits
            // becomes possible, the heap need not be touched.
            let passing = self.frontier.passing().min(exit);
            loop {
                let Some(event) = out.get_mut(n) else {
                    let time = next.time;
                    self.frontier.push(Entry { time, proc });
                    cursor.next = next;
                    break 'procs Pause::Full;
                };
                let mut args = cursor.args(next);
                let step = Step {
                    tables,
                    next,
                    time: clock.ns(next.time),
                    args: &mut args,
                    out: event,
                };
                let taken = self.model.take(proc as usize, step);
                let read = args.len();
                self.now = next.time;
                let taken = match taken {
                    Ok(taken) => taken,
                    Err(refusal) => {
                        cursor.next = next;
                        break 'procs Pause::Refused { proc, refusal };
                    }
                };
                let before = next;
                let simple = self.model.change.is_none() && next.advance(cursor.bytes(), read);
                let end = match taken {
                    Taken::Nothing | Taken::Event => simple,
                    // Unless it blocks, it ends at once.
                    Taken::Syscall if simple && self.samples.is_empty() => {
                        next.kind != wire::GO_SYSBLOCK && !cursor::may_be_others(next.kind)
                    }
                    _ => false,
                };
                if !end || n + 1 >= out.len() && taken == Taken::Syscall {
                    break 'procs Pause::Taken {
                        proc,
                        taken,
                        next: before,
                        read,
                    };
                }
                if taken != Taken::Nothing {
                    let event = &mut out[n];
                    let time = event.time;
                    last = after(last, time);
                    event.time = last;
                    n += 1;
                    if taken == Taken::Syscall {
                        let end = self.model.end_syscall(proc as usize, &mut out[n - 1], time);
                        last = after(last, end.time);
                        out[n] = Event { time: last, ..end };
                        n += 1;
                    }
                }
                let need = self.model.need(proc, next.kind, cursor.args(next));
                if need != Need::Nothing {
                    cursor.next = next;
                    self.waiting.add(&mut self.model, proc, need);
                    break;
                }
                if next.time > passing {
                    let time = next.time;
                    cursor.next = next;
                    self.frontier.push(Entry { time, proc });
                    break;
                }
            }
        };
        self.last_time = last;
        (n, pause)
    }

    /// Makes times strictly increasing, like the reference.
    pub(super) fn stamp(&mut self, event: &mut Event) {
        event.time = after(self.last_time, event.time);
        self.last_time = event.time;
    }
}

/// `time`, or just after `last`.
#[inline(always)]
fn after(last: Time, time: Time) -> Time {
    time.max(last.wrapping_add(1))
}

#[cfg(test)]
mod tests {
    use super::super::super::event::Event;
    use super::super::super::{Input, Reader};

    /// All events, read in blocks of a size.
    fn read(bytes: &[u8], size: usize) -> Vec<Event> {
        let mut reader = Reader::new(Input::from_slice(bytes)).unwrap();
        let mut block = vec![Event::default(); size];
        let mut all = Vec::new();
        loop {
            match reader.fill(&mut block).unwrap() {
                0 => return all,
                n => all.extend(&block[..n]),
            }
        }
    }

    #[test]
    fn blocks_of_every_size_hold_the_same_events() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/fixtures");
        for name in [
            "annotations",
            "gc_pause",
            "idle",
            "sched_latency",
            "syscall_long",
        ] {
            for version in ["1.19", "1.21.13"] {
                let path = format!("{folder}/go{version}/{name}.trace");
                let bytes = std::fs::read(path).unwrap();
                let all = read(&bytes, 1_000);
                assert!(all.len() > 20);
                for size in 2..20 {
                    let same = read(&bytes, size) == all;
                    assert!(same, "{name} of Go {version}, blocks of {size}");
                }
            }
        }
    }
}
