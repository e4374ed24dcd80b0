//! `gotracer events`: prints the events of a trace as lines.

mod lines;

use std::io::{self, BufWriter};
use std::path::PathBuf;

use clap::builder::{PossibleValuesParser, TypedValueParser};
use gotracer::trace::{Event, EventKind, GoId, Range, ReadError, Reader, StateTransition};

use crate::cli::args::time::Moment;
use crate::cli::exit_code::{CLEAN, UNREADABLE};
use crate::cli::input::Source;
use crate::cli::messages::complain;

use self::lines::Lines;

/// Print the events of a trace, one per line
///
/// Fields are separated by tabs: time in ns, thread, processor (P), goroutine,
/// kind, the kind's arguments, stack. Stacks are numbers; a line `S` defines each
/// before its first use. If the trace is truncated or corrupt, the last line
/// begins with `ERR`.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// A file, or `-` for standard input; plain, gzip or zstd
    #[arg(value_name = "TRACE")]
    trace: PathBuf,

    /// Print only events of this kind (may be repeated, or a comma list)
    #[arg(long, value_delimiter = ',', ignore_case = true, value_parser = kinds())]
    kind: Vec<&'static str>,

    /// Print only events on or about this goroutine (may be repeated, or a comma
    /// list)
    #[arg(long, value_name = "ID", value_delimiter = ',', value_parser = goroutine)]
    goroutine: Vec<GoId>,

    /// Print only events from this time on: relative to the trace's start, such
    /// as 1.5s or 200ms, or a plain number as in the first field
    #[arg(long, value_name = "TIME", value_parser = Moment::parse)]
    from: Option<Moment>,

    /// Print only events before this time
    #[arg(long, value_name = "TIME", value_parser = Moment::parse)]
    to: Option<Moment>,
}

const EXAMPLES: &str = "\
Examples:
  gotracer events trace.out | grep GCSweep
  gotracer events --kind StateTransition --goroutine 18 trace.out
  gotracer events --from 1.5s --to 1.6s trace.out";

fn kinds() -> impl TypedValueParser<Value = &'static str> {
    PossibleValuesParser::new(EventKind::NAMES.iter().copied()).try_map(|name| {
        let same = |kind: &&str| kind.eq_ignore_ascii_case(&name);
        EventKind::NAMES
            .iter()
            .copied()
            .find(same)
            .ok_or("there is no such kind")
    })
}

fn goroutine(text: &str) -> Result<GoId, &'static str> {
    let number = text.strip_prefix('g').unwrap_or(text);
    let id = number
        .parse()
        .map_err(|_| "expected a goroutine's number, such as 18")?;
    Ok(GoId(id))
}

/// Runs the subcommand.
pub(crate) fn run(args: &Args) -> anyhow::Result<u8> {
    const BUFFER: usize = 256 << 10;
    let source = Source::named(&args.trace);
    let input = source
        .open()
        .map_err(|e| anyhow::anyhow!("{}: {e}", source.name()))?;
    let mut lines = Lines::new(BufWriter::with_capacity(BUFFER, io::stdout()));
    let (mut next, mut result) = (Some(input), Ok(()));
    // A file may hold several traces.
    while let Some(input) = next.take() {
        result = match Reader::new(input) {
            Ok(mut reader) => {
                if reader.is_newer() {
                    let (name, version) = (source.name(), reader.version());
                    let text =
                        format!("{name}: format \"go 1.{version}\" is newer than this gotracer");
                    complain("warning", &text);
                }
                let printed = args.print(&mut reader, &mut lines)?;
                if printed.is_ok() {
                    next = reader.following()?;
                }
                printed
            }
            Err(error) => Err(error),
        };
    }
    if let Err(error) = &result {
        lines.error(&error.to_string())?;
    }
    lines.flush()?;
    Ok(match result {
        Ok(()) => CLEAN,
        Err(error) => {
            complain("error", &format!("{}: {error}", source.name()));
            UNREADABLE
        }
    })
}

impl Args {
    /// Prints the selected events. The outer error is of printing, the inner one of reading.
    fn print(
        &self,
        reader: &mut Reader<'_>,
        lines: &mut Lines<impl io::Write>,
    ) -> io::Result<Result<(), ReadError>> {
        let mut window = None;
        loop {
            match reader.advance() {
                Ok(true) => {}
                Ok(false) => return Ok(Ok(())),
                Err(error) => return Ok(Err(error)),
            }
            let event = reader.event();
            let &mut (from, to) =
                window.get_or_insert_with(|| Moment::window(self.from, self.to, event.time));
            // Times are increasing, so no later event is within the window.
            if event.time >= to {
                return Ok(Ok(()));
            }
            if let EventKind::Sync { .. } = event.kind {
                lines.start_generation(reader.tables());
            }
            if event.time >= from && self.wants(event) {
                lines.event(event, reader)?;
            }
        }
    }

    fn wants(&self, event: &Event) -> bool {
        let kind = self.kind.is_empty() || self.kind.contains(&event.kind.name());
        kind && (self.goroutine.is_empty() || self.concerns(event))
    }

    fn concerns(&self, event: &Event) -> bool {
        let wanted = |g: GoId| g.is_some() && self.goroutine.contains(&g);
        wanted(event.g) || subject(&event.kind).is_some_and(wanted)
    }
}

/// Returns the goroutine that the event is about.
fn subject(kind: &EventKind) -> Option<GoId> {
    match kind {
        EventKind::StateTransition(StateTransition::Goroutine { id, .. }) => Some(*id),
        EventKind::RangeBegin { range, .. }
        | EventKind::RangeActive { range }
        | EventKind::RangeEnd { range } => match range {
            Range::StopTheWorld { g, .. } | Range::MarkAssist { g } => Some(*g),
            _ => None,
        },
        _ => None,
    }
}
