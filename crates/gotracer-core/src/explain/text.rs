//! An explanation as text.

use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap};
use std::io::{self, Write};

use super::{Explanation, Held, Run};
use crate::report::table::{hung, safe, wrapped};
use crate::report::{Frame, Options, Style, human};
use crate::timeline::{Actor, FrameKey, Kind, Owner, StackKey, Way};
use crate::trace::{GoId, Time};
use crate::units::{self, bytes, duration, elapsed};

/// Maximum number of lines per section; the longest entries are shown.
const LINES: usize = 12;

/// Writes an explanation as text.
///
/// # Errors
/// If writing fails.
pub fn write(out: &mut dyn Write, e: &Explanation, options: &Options) -> io::Result<()> {
    let page = Page {
        e,
        style: Style::new(options.color),
        width: options.width,
    };
    page.head(out)?;
    if let Some(g) = e.goroutine {
        page.goroutine(out, g)?;
    }
    page.stops(out)?;
    page.processors(out)?;
    page.waits(out)?;
    page.still(out)
}

struct Page<'a> {
    e: &'a Explanation,
    style: Style,
    width: Option<usize>,
}

impl Page<'_> {
    fn head(&self, out: &mut dyn Write) -> io::Result<()> {
        let (e, t) = (self.e, &self.e.timeline);
        let since = |time: Time| duration((time - t.start()).max(0) as u64);
        let procs = t.gomaxprocs().map(|n| format!(", GOMAXPROCS {n}"));
        let line = format!(
            "{} to {} of the trace, {}{}",
            since(e.from),
            since(e.to),
            duration(elapsed(e.from, e.to)),
            procs.unwrap_or_default()
        );
        wrapped(out, "", &line, self.width)?;
        let mut heap = Vec::new();
        heap.extend(t.heap_live().map(|n| format!("{} live", bytes(n))));
        heap.extend(t.heap_goal().map(|n| format!("goal {}", bytes(n))));
        if !heap.is_empty() {
            writeln!(out, "heap: {}", heap.join(", "))?;
        }
        for &(start, end) in e.marking.iter().take(LINES) {
            let open = if end >= e.to { " and longer" } else { "" };
            let took = duration(elapsed(start, end));
            self.entry(out, start, &format!("GC marking for {took}{open}"))?;
        }
        for floor in e.floors.iter().take(LINES) {
            self.entry(
                out,
                floor.time,
                &format!("{} found live", bytes(floor.live)),
            )?;
        }
        Ok(())
    }

    /// Writes the runs and waits of one goroutine in the order of time.
    fn goroutine(&self, out: &mut dyn Write, g: GoId) -> io::Result<()> {
        let runs = self.e.runs.iter().filter(|run| run.g == g);
        let runs = runs.map(|run| {
            let took = elapsed(run.start, run.end);
            let place = self.place(run.stack);
            (
                run.start,
                took,
                format!("{}  ran until {place}", duration(took)),
            )
        });
        let own = |held: &&Held| held.interval.victim.g == g && is_wait(held);
        let waits = self.e.held.iter().filter(own).map(|held| {
            let (i, what) = (&held.interval, self.what(held));
            let cut = if i.cut_at_start { "≥" } else { "" };
            let (took, place) = (duration(i.duration()), self.place(i.victim.stack));
            let text = format!("{cut}{took}  {what} in {place}{}", self.waker(held));
            (i.start, i.duration(), text)
        });
        let mut lines: Vec<_> = runs.chain(waits).collect();
        lines.sort_by_key(|(start, took, _)| (Reverse(*took), *start));
        let rest = lines.split_off(lines.len().min(2 * LINES));
        lines.sort_by_key(|(start, ..)| *start);
        writeln!(out, "\n{}", self.style.bold(format!("goroutine {g}")))?;
        for (start, _, text) in lines {
            self.entry(out, start, &text)?;
        }
        let sum = units::total(rest.iter().map(|(_, took, _)| *took));
        more(out, rest.len(), sum)
    }

    /// Names the goroutine that ended a wait, if one did.
    fn waker(&self, held: &Held) -> String {
        let i = &held.interval;
        match i.by.g.is_some() {
            true if matches!(i.kind, Kind::Blocked(_)) => {
                format!(", woken by {}", self.who(i.by))
            }
            _ => String::new(),
        }
    }

    /// Writes the stop-the-world intervals.
    fn stops(&self, out: &mut dyn Write) -> io::Result<()> {
        for held in &self.e.held {
            let i = &held.interval;
            let Kind::StopTheWorld(reason) = i.kind else {
                continue;
            };
            let reason = safe(self.e.timeline.stop_reason(reason));
            let took = duration(i.duration());
            let by = match i.by.g.is_some() {
                true => format!(", held up by {}", self.who(i.by)),
                false => String::new(),
            };
            let line = format!("world stopped for {took} ({reason}){by}");
            self.entry(out, i.start, &self.style.bold(line).to_string())?;
        }
        Ok(())
    }

    fn processors(&self, out: &mut dyn Write) -> io::Result<()> {
        let mut by_processor: BTreeMap<i64, Vec<&Run>> = BTreeMap::new();
        for run in &self.e.runs {
            by_processor.entry(run.p.0).or_default().push(run);
        }
        for (p, runs) in by_processor {
            let within = |r: &Run| elapsed(r.start.max(self.e.from), r.end.min(self.e.to));
            let busy = units::total(runs.iter().map(|r| within(r)));
            let share = busy as f64 * 100.0 / elapsed(self.e.from, self.e.to).max(1) as f64;
            let title = format!("P {p}");
            writeln!(
                out,
                "\n{}: ran goroutines {share:.0}% of the time",
                self.style.bold(title)
            )?;
            // Repeated runs of one place are merged into one line.
            let mut by_place: HashMap<(i64, FrameKey), (u64, u64, &Run)> = HashMap::new();
            for run in &runs {
                let key = (run.g.0, self.e.place(run.stack));
                let (times, sum, first) = by_place.entry(key).or_insert((0, 0, run));
                *times += 1;
                *sum += within(run);
                if run.start < first.start {
                    *first = run;
                }
            }
            let mut lines: Vec<_> = by_place.into_values().collect();
            lines.sort_by_key(|(_, sum, first)| (Reverse(*sum), first.start));
            let rest = lines.split_off(lines.len().min(LINES));
            lines.sort_by_key(|(.., first)| first.start);
            for (times, sum, run) in lines {
                let who = self.who(Actor {
                    g: run.g,
                    stack: run.stack,
                });
                let times = match times {
                    1 => String::new(),
                    n => format!(" in {} turns", human::count(n)),
                };
                let text = format!("{}{times}  {who}", duration(sum));
                self.entry(out, run.start, &text)?;
            }
            more(
                out,
                rest.len(),
                units::total(rest.iter().map(|(_, sum, _)| *sum)),
            )?;
        }
        Ok(())
    }

    /// Writes the waits that ended within the window.
    fn waits(&self, out: &mut dyn Write) -> io::Result<()> {
        let ended = self.e.held.iter().filter(|h| !h.goes_on && is_wait(h));
        let mut ended: Vec<_> = ended.collect();
        ended.sort_by_key(|h| (Reverse(h.interval.duration()), h.interval.start));
        let rest = ended.split_off(ended.len().min(LINES));
        ended.sort_by_key(|h| h.interval.start);
        if !ended.is_empty() {
            writeln!(out, "\n{}", self.style.bold("waits that ended"))?;
        }
        for held in ended {
            let i = &held.interval;
            let cut = if i.cut_at_start { "≥" } else { "" };
            let ended_by = self.waker(held);
            let what = self.what(held);
            let who = self.who(i.victim);
            let took = duration(i.duration());
            let text = format!("{cut}{took}  {who}: {what}{ended_by}");
            self.entry(out, i.start, &text)?;
        }
        more(
            out,
            rest.len(),
            units::total(rest.iter().map(|h| h.interval.duration())),
        )
    }

    /// Writes the waits that are open at the end of the window, by place.
    fn still(&self, out: &mut dyn Write) -> io::Result<()> {
        let open = self.e.held.iter().filter(|h| h.goes_on && is_wait(h));
        let mut groups: BTreeMap<(String, String), (u64, &Held)> = BTreeMap::new();
        for held in open {
            let stack = held.interval.victim.stack;
            let place = self.place(stack);
            let key = (self.what(held), place);
            let (count, longest) = groups.entry(key).or_insert((0, held));
            *count += 1;
            if held.interval.start < longest.interval.start {
                *longest = held;
            }
        }
        if groups.is_empty() {
            return Ok(());
        }
        writeln!(out, "\n{}", self.style.bold("still waiting at the end"))?;
        let mut groups: Vec<_> = groups.into_iter().collect();
        groups.sort_by_key(|(_, (count, held))| (Reverse(*count), held.interval.start));
        let rest = groups.split_off(groups.len().min(LINES));
        for ((what, place), (count, held)) in groups {
            let i = &held.interval;
            let cut = if i.cut_at_start { "≥" } else { "" };
            let who = match count {
                1 => format!("goroutine {}", i.victim.g),
                n => format!(
                    "{} goroutines, goroutine {} longest",
                    human::count(n),
                    i.victim.g
                ),
            };
            let owner = if i.owner == Owner::Runtime {
                " (runtime)"
            } else {
                ""
            };
            let took = duration(i.duration());
            let text = format!("{who}{owner}: {what} for {cut}{took}  {place}");
            hung(out, "  ", &text, self.width)?;
        }
        let all: u64 = rest.iter().map(|(_, (count, _))| count).sum();
        match all {
            0 => Ok(()),
            n => writeln!(out, "  and {} elsewhere", human::plural(n, "goroutine")),
        }
    }

    /// Describes a wait: its kind, reason and cause.
    fn what(&self, held: &Held) -> String {
        let i = &held.interval;
        match i.kind {
            Kind::Runnable(way) => match way {
                Way::Unknown => "was runnable, had no P".into(),
                way => format!("was runnable ({}), had no P", way.name().replace('_', " ")),
            },
            Kind::Syscall => "in a system call".into(),
            Kind::MarkAssist => "was in a mark assist".into(),
            Kind::Blocked(_) if self.e.timeline.waits_for_lock(i) => "waited for a lock".into(),
            Kind::Blocked(_) => match self.e.reason(held) {
                "" => "waited".into(),
                reason => format!("waited ({})", safe(reason)),
            },
            Kind::Silence => "no thread wrote an event".into(),
            Kind::StopTheWorld(_) | Kind::Starvation | Kind::Marking => {
                "a P was idle meanwhile".into()
            }
        }
    }

    fn who(&self, actor: Actor) -> String {
        let place = self.place(actor.stack);
        match actor.g.is_some() {
            true => format!("goroutine {} {place}", actor.g),
            false => place,
        }
    }

    fn place(&self, stack: StackKey) -> String {
        let text = self.e.timeline.stacks().get(self.e.place(stack));
        safe(&human::place(&Frame {
            function: text.function.into(),
            file: text.file.into(),
            line: text.line,
        }))
    }

    /// Writes what happened at a time. Continuation lines start below the text.
    fn entry(&self, out: &mut dyn Write, at: Time, text: &str) -> io::Result<()> {
        hung(out, &format!("{}  ", self.at(at)), text, self.width)
    }

    /// Formats a time relative to the window's start.
    fn at(&self, time: Time) -> String {
        let from = self.e.from;
        let text = match time >= from {
            true => format!("+{}", duration(elapsed(from, time))),
            false => format!("-{}", duration(elapsed(time, from))),
        };
        format!("  {text:>8}")
    }
}

/// Reports whether an interval is a goroutine's wait, as opposed to a stop-the-world.
fn is_wait(held: &Held) -> bool {
    !matches!(
        held.interval.kind,
        Kind::StopTheWorld(_) | Kind::Starvation | Kind::Silence | Kind::Marking
    )
}

fn more(out: &mut dyn Write, n: usize, sum: u64) -> io::Result<()> {
    match n {
        0 => Ok(()),
        n => writeln!(
            out,
            "            and {} more, {} in total",
            human::count(n as u64),
            duration(sum)
        ),
    }
}
