//! The command line: arguments to a call of the library. One file a
//! subcommand.

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

/// Reads Go execution traces, says what is wrong, where, and what to do.
#[derive(Parser)]
#[command(name = "gotracer", version, long_version = version::LONG, max_term_width = 100, after_help = EXAMPLES)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

const EXAMPLES: &str = "\
Examples:
  gotracer trace.out                      what is wrong in this trace
  gotracer analyze --format json traces/  the same of a directory, for programs
  curl -s localhost:6060/debug/pprof/trace?seconds=5 | gotracer analyze -
  gotracer rules MutexContention          what a rule sees and what to do
  gotracer capture localhost:6060         what is wrong in a running program
  gotracer goroutines trace.out           where the time of goroutines goes
  gotracer diff before.trace after.trace  did it become worse
  gotracer explain trace.out --at 1.204s  what happened then
  gotracer tasks trace.out                how long tasks took, and where
                                          their time went
  gotracer export --perfetto trace.out    the same for ui.perfetto.dev
  gotracer events trace.out | grep StateTransition

Exit codes: 0 nothing found, 1 something found, 2 something could not be read.";

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

/// Nothing to complain about.
const CLEAN: u8 = 0;
/// Something was found.
const FOUND: u8 = 1;
/// Something could not be read.
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
        // Who closes the pipe has seen enough, as `head` does.
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

/// Writes a message to standard error, in the form of clap's. That nobody reads
/// it is no reason to fail.
fn complain(level: &str, text: &str) {
    let style = if level == "error" { ERROR } else { OTHER };
    let text = Escaped(text);
    let _ = writeln!(anstream::stderr(), "{style}{level}:{style:#} {text}");
}

/// Writes a line about a success to standard error.
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
