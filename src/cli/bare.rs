//! Parses arguments without a subcommand: `gotracer trace.out` means `gotracer analyze trace.out`.

use std::ffi::{OsStr, OsString};
use std::path::Path;

use clap::Parser;
use clap::error::{ContextKind, ContextValue, ErrorKind};

use super::{Cli, Command, diff};

const ANALYZE: &str = "analyze";

/// Parses the program's arguments; without a subcommand, traces are analyzed.
pub fn parse(arguments: impl IntoIterator<Item = OsString>) -> Result<Cli, clap::Error> {
    let mut arguments = diff::joined(arguments.into_iter().collect());
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
    use super::*;

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
