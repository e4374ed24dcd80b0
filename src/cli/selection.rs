//! Which of the traces that the arguments name, and whose they are.

use std::env;

use anyhow::{Context, bail};
#[cfg(feature = "daemon")]
use gotracer::source::directory::Pattern;
use gotracer::source::{Shard, ordinal};

use super::inputs::Source;
use super::number;

/// What an indexed Job of Kubernetes tells each of its pods.
const INDEX: &str = "JOB_COMPLETION_INDEX";
/// What it does not tell.
const TOTAL: &str = "GOTRACER_TOTAL_SHARDS";

/// Which traces of an archive.
#[derive(clap::Args)]
#[group(skip)]
#[command(next_help_heading = "Archives")]
pub struct Args {
    /// Also look into the directories in directories; below a prefix of a
    /// bucket that is always done
    #[arg(short, long)]
    recursive: bool,

    /// Which of those that share all traces this one is, a number from 0: each
    /// trace is analysed by one of them, chosen by its name. In an indexed Job
    /// of Kubernetes that is the pod's index
    #[arg(long, value_name = "ORDINAL", env = INDEX, hide_env_values = true, value_parser = ordinal)]
    shard: Option<u32>,

    /// How many share all traces: the Job's completions
    #[arg(long = "total-shards", value_name = "N", env = TOTAL, hide_env_values = true, value_parser = number::at_least(1u32))]
    total_shards: Option<u32>,

    /// Make labels of names, such as {service}/{version}/{_}.trace; {_} is
    /// anything, the first that fits counts (may be repeated)
    #[cfg(feature = "daemon")]
    #[arg(long, value_name = "PATTERN")]
    pattern: Vec<Pattern>,
}

impl Args {
    /// Whether to look into the directories in directories.
    pub fn deep(&self) -> bool {
        #[cfg(feature = "daemon")]
        if self.pattern.iter().any(Pattern::is_deep) {
            return true;
        }
        self.recursive
    }

    /// Leaves the traces that are for this one to analyse, with their labels.
    pub fn select(&self, mut sources: Vec<Source>) -> anyhow::Result<Vec<Source>> {
        let shard = self.shard()?;
        sources.retain(|source| shard.owns(&source.below()));
        #[cfg(feature = "daemon")]
        for source in &mut sources {
            let below = source.below().into_owned();
            let mut told = self.pattern.iter().map(|p| p.labels(below.as_ref()));
            source.labels = told.find_map(|labels| labels).unwrap_or_default();
        }
        Ok(sources)
    }

    /// Which of how many this one is.
    pub fn shard(&self) -> anyhow::Result<Shard> {
        match (self.shard, self.total_shards) {
            (None, None) => Ok(Shard::default()),
            (Some(ordinal), Some(total)) => Shard::new(ordinal, total).context("--shard"),
            (None, Some(total)) => bail!(
                "--total-shards {total}: it does not say which of them this is: give --shard, or \
                 run it in an indexed Job, which sets {INDEX}"
            ),
            (Some(ordinal), None) if env::var_os(INDEX).is_some() => bail!(
                "this is number {ordinal} of an indexed Job ({INDEX}), but not said of how many: \
                 give --total-shards or {TOTAL} the Job's completions; \
                 --shard 0 --total-shards 1 analyses everything"
            ),
            (Some(ordinal), None) => {
                bail!("--shard {ordinal}: of how many? Give --total-shards as well")
            }
        }
    }
}
