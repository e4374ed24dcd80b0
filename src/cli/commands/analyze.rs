//! `gotracer analyze`: reports the problems in traces.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use gotracer::source::Shard;
use md5::{Digest, Md5};

use crate::cli::args::judgement::Judgement;
use crate::cli::args::{number, selection};
use crate::cli::exit_code::{CLEAN, UNREADABLE};
use crate::cli::input::{self, Source};
use crate::cli::judge;
use crate::cli::messages::complain_of;

/// Report the problems in traces: place, cause and fix
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// Files, directories, glob patterns, s3://BUCKET/PREFIX, the http:// or
    /// https:// URL of a running program, or `-` for standard input; plain, gzip
    /// or zstd
    #[arg(required = true, value_name = "TRACE")]
    pub(crate) traces: Vec<PathBuf>,

    #[command(flatten)]
    judgement: Judgement,

    /// Traces to analyze at a time [default: the number of cores]
    #[arg(short, long, value_name = "N", value_parser = number::jobs)]
    jobs: Option<NonZeroUsize>,

    #[command(flatten)]
    selection: selection::Args,
}

const EXAMPLES: &str = "\
Examples:
  gotracer analyze trace.out
  gotracer analyze -v --rule MutexContention --top 3 trace.out
  gotracer analyze --preset low-latency --set GCAssist.warn=500us trace.out
  gotracer analyze --baseline known.json trace.out
  gotracer analyze --output report.html --output results.sarif traces/
  gotracer analyze --format github --format junit=junit.xml trace.out
  curl -s localhost:6060/debug/pprof/trace?seconds=5 | gotracer analyze -
  gotracer analyze --pattern '{service}/{version}/{_}.trace' --format parquet \\
    --output s3://results/traces s3://archive/traces

Exit codes: 0 no finding at --fail-on or above, 1 findings, 2 a trace or an
argument could not be read. A truncated trace is analyzed up to the damage.";

/// Runs the subcommand.
pub(crate) fn run(args: &Args) -> anyhow::Result<u8> {
    let (all, failed) = args.sources();
    let named = all.len();
    if failed && named == 0 {
        return Ok(UNREADABLE);
    }
    let sources = args.selection.select(all)?;
    let shard = args.selection.shard()?;
    if sources.is_empty() && named > 0 {
        let (ordinal, total) = (shard.ordinal(), shard.total());
        args.judgement.warn(&format!(
            "none of the {named} traces is for shard {ordinal} of {total}"
        ));
        return Ok(if failed { UNREADABLE } else { CLEAN });
    }
    let part = args.part(shard);
    let code = judge::judge(&sources, &args.judgement, args.jobs, &part)?;
    Ok(if failed { UNREADABLE } else { code })
}

impl Args {
    /// Returns the traces that the arguments name, and whether an argument failed.
    fn sources(&self) -> (Vec<Source>, bool) {
        let mut sources = Vec::new();
        let mut failed = false;
        for argument in &self.traces {
            match input::expand(argument, self.selection.deep()) {
                Ok(more) => sources.extend(more),
                Err(error) => {
                    failed = true;
                    complain_of(&error);
                }
            }
        }
        (sources, failed)
    }

    /// Returns the name of this run's table files. The same arguments give the same name, so a repeated run replaces its
    /// files.
    fn part(&self, shard: Shard) -> String {
        let mut named = Md5::new();
        for argument in &self.traces {
            named.update(argument.as_os_str().as_encoded_bytes());
            named.update([0]);
        }
        let named: String = named
            .finalize()
            .iter()
            .take(4)
            .map(|b| format!("{b:02x}"))
            .collect();
        format!("{named}-{:05}-of-{:05}", shard.ordinal(), shard.total())
    }
}
