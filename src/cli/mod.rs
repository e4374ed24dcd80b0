//! The command line.
//!
//! `commands` has one module per subcommand, and `args` the options that several of them share. Commands read traces
//! through `input`, analyze them with `judge`, and write through `report_files` and `output`. Imports go one way: commands,
//! judge, args, report_files, input, output, messages.

mod args;
mod command_line;
mod commands;
mod exit_code;
mod input;
mod judge;
mod messages;
mod output;
mod report_files;
mod version;

use std::env;
use std::io;
use std::process::ExitCode;

use clap::CommandFactory;

use self::command_line::{Cli, Command};
use self::commands::{
    analyze, anonymize, check_config, completions, cut, diff, events, explain, export, goroutines,
    man, rules, tasks,
};
#[cfg(feature = "daemon")]
use self::commands::{capture, healthcheck, serve};
use self::exit_code::{CLEAN, UNREADABLE};

/// Runs the program.
pub(crate) fn main() -> ExitCode {
    let cli = command_line::parse(env::args_os()).unwrap_or_else(|e| e.exit());
    let result = match cli.command {
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
        Command::Completions(args) => completions::run(&args, &mut Cli::command()),
        Command::Man(args) => man::run(&args, Cli::command()),
    };
    ExitCode::from(match result {
        Ok(code) => code,
        // A reader such as `head` closes the pipe once it has enough.
        Err(error) if is_closed_pipe(&error) => CLEAN,
        Err(error) => {
            messages::complain_of(&error);
            UNREADABLE
        }
    })
}

fn is_closed_pipe(error: &anyhow::Error) -> bool {
    let closed = |e: &io::Error| e.kind() == io::ErrorKind::BrokenPipe;
    let causes = error.chain();
    causes.filter_map(|e| e.downcast_ref()).any(closed)
}
