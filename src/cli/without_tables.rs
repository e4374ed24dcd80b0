//! `--format parquet` in a build without the feature: an error that names the feature.

use std::path::Path;

use anyhow::bail;
use gotracer::report::Report;

use super::inputs::Source;

/// Name of the format.
pub const NAME: &str = "parquet";
/// Help text of the format.
pub const SUMMARY: &str = "tables; this gotracer was built without --features parquet";

/// Tables, of which this build has none.
pub enum Tables {}

/// Counts of written tables.
pub struct Written {
    pub files: u64,
    pub findings: u64,
    pub measurements: u64,
}

impl Tables {
    pub fn open(_: Option<&Path>, _: &str) -> anyhow::Result<Self> {
        bail!("--format {NAME} is not part of this build; build gotracer with --features parquet")
    }

    pub fn add(&mut self, _: &Source, _: Option<&str>, _: &Report) -> anyhow::Result<()> {
        match *self {}
    }

    pub fn finish(self) -> anyhow::Result<Written> {
        match self {}
    }
}
