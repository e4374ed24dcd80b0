//! Options that select traces of an archive and derive their labels.

use std::env;

use anyhow::{Context, bail};
#[cfg(feature = "daemon")]
use gotracer::source::directory::Pattern;
use gotracer::source::{Shard, ordinal};

use crate::cli::args::number;
use crate::cli::input::Source;

/// Variable that Kubernetes sets in each pod of an indexed Job.
const INDEX: &str = "JOB_COMPLETION_INDEX";
/// Variable for the number of completions, which Kubernetes does not set.
const TOTAL: &str = "GOTRACER_TOTAL_SHARDS";

/// Options that select traces of an archive.
#[derive(clap::Args)]
#[group(skip)]
#[command(next_help_heading = "Archives")]
pub(crate) struct Args {
    /// Include the files of subdirectories; the objects below a bucket's prefix
    /// are always included
    #[arg(short, long)]
    recursive: bool,

    /// Number of this process, from 0, among those that share all traces; each
    /// trace is assigned to one of them by its name. In an indexed Job of
    /// Kubernetes, the default is the pod's index
    #[arg(long, value_name = "ORDINAL", env = INDEX, hide_env_values = true, value_parser = ordinal)]
    shard: Option<u32>,

    /// Number of processes that share all traces: the Job's completions
    #[arg(long = "total-shards", value_name = "N", env = TOTAL, hide_env_values = true, value_parser = number::at_least(1u32))]
    total_shards: Option<u32>,

    /// Derive labels from names, such as {service}/{version}/{_}.trace; {_}
    /// matches any text, and the first matching pattern applies (may be repeated)
    #[cfg(feature = "daemon")]
    #[arg(long, value_name = "PATTERN")]
    pattern: Vec<Pattern>,
}

impl Args {
    /// Reports whether to include subdirectories.
    pub(crate) fn deep(&self) -> bool {
        #[cfg(feature = "daemon")]
        if self.pattern.iter().any(Pattern::is_deep) {
            return true;
        }
        self.recursive
    }

    /// Returns the traces of this shard, with their labels.
    pub(crate) fn select(&self, mut sources: Vec<Source>) -> anyhow::Result<Vec<Source>> {
        let shard = self.shard()?;
        sources.retain(|source| shard.owns(&source.below()));
        #[cfg(feature = "daemon")]
        for source in &mut sources {
            let below = source.below().into_owned();
            let mut labels = self.pattern.iter().map(|p| p.labels(below.as_ref()));
            source.labels = labels.find_map(|labels| labels).unwrap_or_default();
        }
        Ok(sources)
    }

    /// Returns the shard of this process.
    pub(crate) fn shard(&self) -> anyhow::Result<Shard> {
        match (self.shard, self.total_shards) {
            (None, None) => Ok(Shard::default()),
            (Some(ordinal), Some(total)) => Shard::new(ordinal, total).context("--shard"),
            (None, Some(total)) => bail!(
                "--total-shards {total} needs the number of this process: give --shard, or \
                 run in an indexed Job, which sets {INDEX}"
            ),
            (Some(ordinal), None) if env::var_os(INDEX).is_some() => bail!(
                "this is number {ordinal} of an indexed Job ({INDEX}) with an unknown number of completions: \
                 set --total-shards or {TOTAL} to it; \
                 --shard 0 --total-shards 1 analyzes all traces"
            ),
            (Some(ordinal), None) => {
                bail!("--shard {ordinal} needs the number of shards: give --total-shards as well")
            }
        }
    }
}
