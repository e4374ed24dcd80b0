//! The command line: one file per subcommand.

#[cfg(all(feature = "daemon", target_os = "linux", target_env = "gnu"))]
mod allocator;
mod analyze;
mod anonymize;
mod bare;
mod batch;
#[cfg(feature = "daemon")]
mod bucket;
#[cfg(feature = "daemon")]
mod capture;
mod check_config;
mod cut;
mod diff;
mod events;
mod explain;
mod export;
mod goroutines;
#[cfg(feature = "daemon")]
mod healthcheck;
mod ignored;
mod inputs;
mod lines;
#[cfg(feature = "daemon")]
mod log;
mod moment;
mod number;
mod output;
mod outputs;
mod paths;
mod place;
mod progress;
#[cfg(feature = "daemon")]
mod remote;
mod reports;
mod rules;
mod selection;
#[cfg(feature = "daemon")]
mod serve;
mod settings;
mod shell;
mod skipped;
#[cfg(feature = "parquet")]
mod tables;
#[cfg(not(feature = "parquet"))]
#[path = "without_tables.rs"]
mod tables;
mod tasks;
mod times;
mod version;

use std::env;
use std::io::{self, Write};
use std::process::ExitCode;

use clap::builder::styling::{AnsiColor, Style};
use clap::{Parser, Subcommand};
use gotracer::causes::with_causes;
use gotracer::report::Escaped;

/// Finds performance problems in Go execution traces: their place, cause and fix.
#[derive(Parser)]
#[command(name = "gotracer", version, long_version = version::LONG, max_term_width = 100, after_help = EXAMPLES)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

const EXAMPLES: &str = "\
Examples:
  gotracer trace.out                      report the problems in a trace
  gotracer analyze --format json traces/  report those of a directory as JSON
  curl -s localhost:6060/debug/pprof/trace?seconds=5 | gotracer analyze -
  gotracer rules MutexContention          document a rule
  gotracer capture localhost:6060         capture a running program and analyze it
  gotracer goroutines trace.out           show where goroutines spend their time
  gotracer diff before.trace after.trace  report regressions
  gotracer explain trace.out --at 1.204s  show what happened at a moment
  gotracer tasks trace.out                show the latency of tasks and requests
  gotracer export --perfetto trace.out    convert a trace for ui.perfetto.dev
  gotracer cut trace.out --from 10s --to 12s -o part.out
  gotracer events trace.out | grep StateTransition

Exit codes: 0 no findings, 1 findings, 2 an input could not be read.";

#[derive(Subcommand)]
enum Command {
    Analyze(analyze::Args),
    #[cfg(feature = "daemon")]
    Capture(Box<capture::Args>),
    Diff(diff::Args),
    Anonymize(anonymize::Args),
    Cut(cut::Args),
    Events(events::Args),
    Explain(explain::Args),
    Export(export::Args),
    Goroutines(goroutines::Args),
    #[cfg(feature = "daemon")]
    Serve(Box<serve::Args>),
    #[cfg(feature = "daemon")]
    Healthcheck(healthcheck::Args),
    Tasks(tasks::Args),
    Rules(rules::Args),
    CheckConfig(check_config::Args),
    Completions(shell::CompletionsArgs),
    Man(shell::ManArgs),
}

/// Exit code without findings.
const CLEAN: u8 = 0;
/// Exit code with findings.
const FOUND: u8 = 1;
/// Exit code for inputs that could not be read.
const UNREADABLE: u8 = 2;

/// Runs the program.
pub fn main() -> ExitCode {
    let result = match bare::parse(env::args_os())
        .unwrap_or_else(|e| e.exit())
        .command
    {
        Command::Analyze(args) => analyze::run(&args),
        #[cfg(feature = "daemon")]
        Command::Capture(args) => capture::run(&args),
        Command::Diff(args) => diff::run(&args),
        Command::Anonymize(args) => anonymize::run(&args),
        Command::Cut(args) => cut::run(&args),
        Command::Explain(args) => explain::run(&args),
        Command::Export(args) => export::run(&args),
        Command::Goroutines(args) => goroutines::run(&args),
        Command::Events(args) => events::run(&args),
        #[cfg(feature = "daemon")]
        Command::Serve(args) => serve::run(&args),
        #[cfg(feature = "daemon")]
        Command::Healthcheck(args) => healthcheck::run(&args),
        Command::Tasks(args) => tasks::run(&args),
        Command::Rules(args) => rules::run(&args),
        Command::CheckConfig(args) => check_config::run(&args),
        Command::Completions(args) => shell::completions(&args),
        Command::Man(args) => shell::man(&args),
    };
    ExitCode::from(match result {
        Ok(code) => code,
        // A reader such as `head` closes the pipe once it has enough.
        Err(error) if is_closed_pipe(&error) => CLEAN,
        Err(error) => {
            complain_of(&error);
            UNREADABLE
        }
    })
}

fn is_closed_pipe(error: &anyhow::Error) -> bool {
    let closed = |e: &io::Error| e.kind() == io::ErrorKind::BrokenPipe;
    let causes = error.chain();
    causes.filter_map(|e| e.downcast_ref()).any(closed)
}

/// The style of `error:` in clap's messages, and those of the others.
const ERROR: Style = AnsiColor::Red.on_default().bold();
const OTHER: Style = AnsiColor::Yellow.on_default().bold();

/// Writes a message to standard error in clap's style; a closed standard error is ignored.
fn complain(level: &str, text: &str) {
    let style = if level == "error" { ERROR } else { OTHER };
    let text = Escaped(text);
    let _ = writeln!(anstream::stderr(), "{style}{level}:{style:#} {text}");
}

/// Writes a plain line to standard error.
fn note(text: &str) {
    let _ = writeln!(anstream::stderr(), "{}", Escaped(text));
}

/// Writes an error with its causes to standard error.
fn complain_of(error: &anyhow::Error) {
    complain("error", &with_causes(error.chain()));
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    #[test]
    fn arguments_are_consistent() {
        super::Cli::command().debug_assert();
    }
}
