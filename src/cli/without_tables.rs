//! `--format parquet` of a program that was built without it: who asks for it
//! is told so, rather than that there is no such format.

use std::path::Path;

use anyhow::bail;
use gotracer::report::Report;

use super::inputs::Source;

/// What they are called.
pub const NAME: &str = "parquet";
/// What they are for.
pub const SUMMARY: &str = "tables; this gotracer was built without --features parquet";

/// There are none.
pub enum Tables {}

/// Neither are files of them.
pub struct Written {
    pub files: u64,
    pub findings: u64,
    pub measurements: u64,
}

impl Tables {
    pub fn open(_: Option<&Path>, _: &str) -> anyhow::Result<Self> {
        bail!(
            "--format {NAME}: this gotracer was built without it; build it with --features parquet"
        )
    }

    pub fn add(&mut self, _: &Source, _: Option<&str>, _: &Report) -> anyhow::Result<()> {
        match *self {}
    }

    pub fn finish(self) -> anyhow::Result<Written> {
        match self {}
    }
}
