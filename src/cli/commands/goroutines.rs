//! `gotracer goroutines`: lists the time in each state by the goroutines' start function.

use std::io::Write;
use std::num::NonZeroUsize;
use std::path::PathBuf;

use anyhow::anyhow;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use gotracer::analysis;
use gotracer::report::listing::{self, Order};
use gotracer::report::{GoroutineGroup, Report};
use gotracer::rules::{RULES, Settings};
use serde_json::json;

use crate::cli::exit_code::CLEAN;
use crate::cli::input::Source;
use crate::cli::messages::complain;
use crate::cli::output::Output;

/// Show where goroutines spend their time, by their start function
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// A file, or `-` for standard input; plain, gzip or zstd
    #[arg(value_name = "TRACE")]
    trace: PathBuf,

    /// Sort by this key, largest first: a state, or one of time, wait, count and p99 (of lifetimes)
    #[arg(long, value_name = "KEY", default_value = "time", hide_possible_values = true, value_parser = order())]
    sort: Order,

    /// Show only start functions whose name contains this text
    #[arg(long, value_name = "TEXT")]
    function: Option<String>,

    /// Show at most N functions; 0 shows all [default: 20 in a table, all in other formats]
    #[arg(long, value_name = "N")]
    top: Option<usize>,

    /// Include the runtime's own goroutines
    #[arg(long)]
    system: bool,

    /// Output format
    #[arg(long, default_value = "table")]
    format: Format,
}

#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    Table,
    Json,
    Csv,
}

/// Default number of functions in a table.
const TOP: usize = 20;

const EXAMPLES: &str = "\
States: running, runnable, syscall, lock, chan_send, chan_receive, select, network, sleep, wait_group, cond, gc_assist,
gc_wait, other. At any time a goroutine is in exactly one of them.

Examples:
  gotracer goroutines trace.out
  gotracer goroutines trace.out --sort lock
  gotracer goroutines trace.out --function worker --format json";

fn order() -> impl TypedValueParser<Value = Order> {
    PossibleValuesParser::new(Order::names())
        .try_map(|name| Order::from_name(&name).ok_or("there is no such order"))
}

/// Runs the subcommand.
pub(crate) fn run(args: &Args) -> anyhow::Result<u8> {
    let source = Source::named(&args.trace);
    let name = source.name();
    let input = source.open().map_err(|e| anyhow!("{name}: {e}"))?;
    let outcome = analysis::analyze(input, &name, &args.settings(), |_| {});
    let outcome = outcome.map_err(|e| anyhow!("{name}: {e}"))?;
    if let Some(error) = &outcome.error {
        complain("warning", &format!("{name}: {error}"));
    }
    let report = &outcome.report;
    let mut groups = listing::select(&report.goroutines, args.function.as_deref(), args.sort);
    if let Some(top) = args.top() {
        groups.truncate(top.get());
    }
    let mut output = Output::to(None)?;
    match args.format {
        Format::Table => {
            let width = output.width();
            listing::write_table(&mut output, report, &groups, width)?;
        }
        Format::Json => json(&mut output, report, &groups)?,
        Format::Csv => listing::write_csv(&mut output, &groups)?,
    }
    output.finish()?;
    Ok(CLEAN)
}

impl Args {
    /// Returns settings without rules: only the times are needed.
    fn settings(&self) -> Settings {
        let mut settings = Settings::default();
        for rule in RULES {
            settings.of_mut(rule).enabled = false;
        }
        settings.system = self.system;
        settings
    }

    fn top(&self) -> Option<NonZeroUsize> {
        let usual = if self.format == Format::Table { TOP } else { 0 };
        NonZeroUsize::new(self.top.unwrap_or(usual))
    }
}

fn json(out: &mut impl Write, report: &Report, groups: &[GoroutineGroup]) -> anyhow::Result<()> {
    let document = json!({
        "schema": "gotracer.goroutines/v1",
        "trace": report.trace,
        "program": report.program,
        "goroutines": groups,
    });
    serde_json::to_writer_pretty(&mut *out, &document)?;
    writeln!(out)?;
    Ok(())
}
