//! The program's arguments. Traces without a subcommand are analyzed: `gotracer trace.out` means
//! `gotracer analyze trace.out`.

use std::ffi::{OsStr, OsString};
use std::path::Path;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Parser, Subcommand};

use super::args::percent;
use super::commands::{
    analyze, anonymize, check_config, completions, cut, diff, events, explain, export, goroutines,
    man, rules, tasks,
};
#[cfg(feature = "daemon")]
use super::commands::{capture, healthcheck, serve};
use super::version;

/// Finds performance problems in Go execution traces: their place, cause and fix.
#[derive(Parser)]
#[command(name = "gotracer", version, long_version = version::LONG, max_term_width = 100, after_help = EXAMPLES)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
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
  gotracer export perfetto trace.out      convert a trace for ui.perfetto.dev
  gotracer cut trace.out --from 10s --to 12s -o part.out
  gotracer events trace.out | grep StateTransition

Exit codes: 0 no findings, 1 findings, 2 an input could not be read.";

#[derive(Subcommand)]
pub(crate) enum Command {
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
    Completions(completions::Args),
    Man(man::Args),
}

const ANALYZE: &str = "analyze";
const EXPORT: &str = "export";
const PERFETTO: &str = "perfetto";
/// Former spelling of the subcommand `export perfetto`.
const PERFETTO_FLAG: &str = "--perfetto";

/// Parses the program's arguments; without a subcommand, traces are analyzed.
pub(crate) fn parse(arguments: impl IntoIterator<Item = OsString>) -> Result<Cli, clap::Error> {
    let mut arguments = percent::joined(arguments.into_iter().collect());
    rewrite_perfetto_flag(&mut arguments);
    let error = match Cli::try_parse_from(&arguments) {
        Ok(cli) => return Ok(cli),
        Err(error) => error,
    };
    let (ErrorKind::InvalidSubcommand | ErrorKind::UnknownArgument, Some(first)) =
        (error.kind(), arguments.get(1))
    else {
        return Err(error);
    };
    if is_address(first) {
        return Err(suggesting_capture(error, first));
    }
    let flag = first.len() > 1 && first.as_encoded_bytes().starts_with(b"-");
    let traces = arguments[1..].iter().any(|a| is_trace(a));
    if !traces || !flag && !is_trace(first) {
        return Err(error);
    }
    arguments.insert(1, ANALYZE.into());
    let cli = Cli::try_parse_from(arguments)?;
    match &cli.command {
        // One of the arguments may be a misspelled subcommand.
        Command::Analyze(args) if !args.traces.iter().all(|t| is_trace(t.as_os_str())) => {
            Err(error)
        }
        _ => Ok(cli),
    }
}

/// Rewrites `gotracer export --perfetto` as `gotracer export perfetto`.
fn rewrite_perfetto_flag(arguments: &mut Vec<OsString>) {
    if arguments.get(1).is_some_and(|command| command == EXPORT)
        && let Some(flag) = arguments.iter().position(|a| a == PERFETTO_FLAG)
    {
        arguments.remove(flag);
        arguments.insert(2, PERFETTO.into());
    }
}

/// Reports whether an argument names traces: an existing path, or text that no subcommand can be.
fn is_trace(argument: &OsStr) -> bool {
    let bytes = argument.as_encoded_bytes();
    match bytes {
        b"" => false,
        b"-" => true,
        [b'-', ..] => false,
        _ => bytes.iter().any(|b| b"./\\*?[".contains(b)) || Path::new(argument).exists(),
    }
}

/// Reports whether an argument is a host with a port.
fn is_address(argument: &OsStr) -> bool {
    let parts = argument.to_str().and_then(|text| text.rsplit_once(':'));
    parts.is_some_and(|(host, port)| {
        let host = host.trim_matches(['[', ']']);
        let named = |c: char| c.is_ascii_alphanumeric() || ".-_:".contains(c);
        port.parse::<u16>().is_ok() && host.chars().all(named) && !Path::new(argument).exists()
    })
}

fn suggesting_capture(mut error: clap::Error, address: &OsStr) -> clap::Error {
    let tip = format!(
        "to capture a trace of a running program, use 'gotracer capture {}'",
        address.display()
    );
    let tips = ContextValue::StyledStrs(vec![tip.into()]);
    error.insert(ContextKind::Suggested, tips);
    error
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn arguments_are_consistent() {
        Cli::command().debug_assert();
    }

    fn parsed(arguments: &str) -> Result<Cli, String> {
        let arguments = ["gotracer"].into_iter().chain(arguments.split(' '));
        parse(arguments.map(OsString::from)).map_err(|e| e.to_string())
    }

    #[test]
    fn traces_need_no_subcommand() {
        for arguments in [
            "trace.out",
            "./a b.trace",
            "src",
            "-",
            "-v trace.out",
            "--top 3 trace.out",
            "--format=json traces/*.gz",
            "s3://bucket/prefix",
            "http://localhost:6060",
            "trace.out --top 3",
        ] {
            let cli = parsed(arguments);
            let cli = cli.unwrap_or_else(|e| panic!("{arguments}: {e}"));
            assert!(matches!(cli.command, Command::Analyze(_)), "{arguments}");
        }
    }

    #[test]
    fn misspelled_subcommands_keep_their_tips() {
        for (arguments, wanted) in [
            ("anlyze trace.out", "analyze"),
            ("analyse", "analyze"),
            ("anlyze", "analyze"),
            ("-v anlyze trace.out", "unexpected argument '-v'"),
            ("frobnicate", "unrecognized subcommand"),
            ("analyze --topp 3 t.out", "--top"),
            ("--topp 3 t.out", "--top"),
            ("localhost:6060", "gotracer capture localhost:6060"),
            (":6060", "gotracer capture :6060"),
        ] {
            let Err(error) = parsed(arguments) else {
                panic!("{arguments} is accepted");
            };
            assert!(error.contains(wanted), "{arguments}: {error}");
        }
    }
}
