//! `gotracer tasks`: lists tasks, regions and requests with their latency and time per state.

use std::io::Write;
use std::path::PathBuf;

use anyhow::anyhow;
use gotracer::analysis;
use gotracer::report::table::tasks::{Listing, write_all};
use gotracer::report::{Options, Report, wire};
use gotracer::rules::pattern::Pattern;
use serde::Serialize;

use crate::cli::args::{number, settings};
use crate::cli::exit_code::CLEAN;
use crate::cli::input::Source;
use crate::cli::input::progress::Progress;
use crate::cli::messages::complain;
use crate::cli::output::{Color, Output};

/// Show the latency of tasks, regions and requests, and where their time went
///
/// Tasks and regions are those of runtime/trace: trace.NewTask, trace.WithRegion
/// and trace.StartRegion. Requests are those of HTTP and gRPC servers, by handler,
/// recognized without instrumentation. Each type is listed with its count, median,
/// 99th percentile and maximum, and with the states in which its goroutines spent
/// most of the time.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// A file, or `-` for standard input; plain, gzip or zstd
    #[arg(value_name = "TRACE")]
    trace: PathBuf,

    /// Show only this type, such as 'GET /checkout'; `*` and `?` are wildcards
    #[arg(long = "type", value_name = "TYPE")]
    kind: Option<String>,

    /// Show the N slowest of each type, at most 10
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = number::between(0, 10))]
    slowest: u32,

    /// Output format
    #[arg(long, value_name = "FORMAT", default_value = "table")]
    format: Form,

    /// When to use color
    #[arg(long, value_name = "WHEN", default_value = "auto")]
    color: Color,

    #[command(flatten)]
    settings: settings::Args,
}

const EXAMPLES: &str = "\
Examples:
  gotracer tasks trace.out
  gotracer tasks --type 'GET *' --slowest 10 trace.out
  gotracer explain trace.out --task 17     what happened in a slow task

Times of tasks and regions that are cut off by the trace's start
or end are lower bounds (≥).";

#[derive(Clone, Copy, clap::ValueEnum)]
enum Form {
    Table,
    Json,
}

/// JSON output.
#[derive(Serialize)]
struct Document<'a> {
    tasks: Vec<wire::Task<'a>>,
    regions: Vec<wire::Region<'a>>,
    requests: Vec<wire::Request<'a>>,
}

/// Runs the subcommand.
pub(crate) fn run(args: &Args) -> anyhow::Result<u8> {
    args.color.apply();
    let source = Source::named(&args.trace);
    let name = source.name();
    let settings = args.settings.settings()?;
    let progress = Progress::new(true);
    progress.expect(source.size());
    let outcome = analysis::analyze(source.open()?, &name, &settings, progress.follow(&source));
    progress.finish();
    let outcome = outcome.map_err(|error| anyhow!("{name}: {error}"))?;
    if let Some(error) = &outcome.error {
        complain("warning", &format!("{name}: {error}"));
    }
    let report = args.chosen(outcome.report);
    let none = report.tasks.is_empty() && report.regions.is_empty() && report.requests.is_empty();
    let mut output = Output::to(None)?;
    match args.format {
        Form::Table if none => {
            let none = match &args.kind {
                Some(kind) => format!("{name}: no task, region or request is of type {kind}"),
                None => format!(
                    "{name}: no tasks, regions or requests; a program records them with runtime/trace"
                ),
            };
            writeln!(output, "{none}")?;
        }
        Form::Table => {
            let options = Options {
                color: output.color(args.color),
                width: output.width(),
                ..Options::default()
            };
            let all = Listing {
                tasks: &report.tasks,
                regions: &report.regions,
                requests: &report.requests,
                slowest: args.slowest as usize,
            };
            write_all(&mut output, &all, &options)?;
        }
        Form::Json => {
            let document = Document {
                tasks: report.tasks.iter().map(wire::Task::new).collect(),
                regions: report.regions.iter().map(wire::Region::new).collect(),
                requests: report.requests.iter().map(wire::Request::new).collect(),
            };
            serde_json::to_writer_pretty(&mut output, &document)?;
            writeln!(output)?;
        }
    }
    output.finish()?;
    Ok(CLEAN)
}

impl Args {
    /// Removes all types but those of `--type`, and all but the `--slowest` of each.
    fn chosen(&self, mut report: Report) -> Report {
        let pattern = self.kind.as_deref().map(Pattern::new);
        let fits = |name: &str| pattern.as_ref().is_none_or(|pattern| pattern.matches(name));
        report.tasks.retain(|task| fits(&task.name));
        report.regions.retain(|region| fits(&region.name));
        report.requests.retain(|request| fits(&request.handler));
        let tasks = report.tasks.iter_mut().map(|task| &mut task.slowest);
        let regions = report.regions.iter_mut().map(|region| &mut region.slowest);
        let requests = report
            .requests
            .iter_mut()
            .map(|request| &mut request.slowest);
        for slowest in tasks.chain(regions).chain(requests) {
            slowest.truncate(self.slowest as usize);
        }
        report
    }
}
