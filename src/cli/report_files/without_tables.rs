//! `--format parquet` in a build without the feature: an error that names the feature.

use std::path::Path;

use anyhow::bail;
use gotracer::report::Report;

use crate::cli::input::Source;

/// Name of the format.
pub(crate) const NAME: &str = "parquet";
/// Help text of the format.
pub(crate) const SUMMARY: &str = "tables; this gotracer was built without --features parquet";

/// Tables, of which this build has none.
pub(crate) enum Tables {}

/// Counts of written tables.
pub(crate) struct Written {
    pub(crate) files: u64,
    pub(crate) findings: u64,
    pub(crate) measurements: u64,
    pub(crate) metrics: u64,
}

impl Tables {
    pub(crate) fn open(_: Option<&Path>, _: &str) -> anyhow::Result<Self> {
        bail!("--format {NAME} is not part of this gotracer; build it with --features parquet")
    }

    pub(crate) fn add(&mut self, _: &Source, _: Option<&str>, _: &Report) -> anyhow::Result<()> {
        match *self {}
    }

    pub(crate) fn finish(self) -> anyhow::Result<Written> {
        match self {}
    }
}
