//! `--format parquet`: tables, to which each report is added as it arrives.

use std::path::Path;

use anyhow::{Context, bail};
pub(crate) use gotracer::export::parquet::Written;
use gotracer::export::parquet::{Dataset, Origin, Place};
use gotracer::labels::Labels;
use gotracer::objects::{Location, Store};
use gotracer::report::Report;

use crate::cli::input::Source;

/// Name of the format.
pub(crate) const NAME: &str = "parquet";
/// Help text of the format.
pub(crate) const SUMMARY: &str = "tables in a directory or a bucket, for DuckDB and the like";

/// Tables being written.
pub(crate) struct Tables(Dataset);

impl Tables {
    /// Creates tables in a directory or a bucket.
    pub(crate) fn open(place: Option<&Path>, part: &str) -> anyhow::Result<Self> {
        let Some(place) = place.filter(|place| place.as_os_str() != "-") else {
            bail!("--format {NAME}: needs --output with a directory or s3://BUCKET/PREFIX");
        };
        let url = place.to_str().filter(|text| Location::is_url(text));
        let place = match url {
            Some(url) => Place::Bucket(Store::open(url.parse::<Location>()?)?),
            None => {
                let cannot = || format!("cannot write to {}", place.display());
                std::fs::create_dir_all(place).with_context(cannot)?;
                Place::Directory(place.into())
            }
        };
        Ok(Self(Dataset::new(place, part)))
    }

    /// Adds a report; `service` is the label of a source without one.
    pub(crate) fn add(
        &mut self,
        source: &Source,
        service: Option<&str>,
        report: &Report,
    ) -> anyhow::Result<()> {
        let mut labels = Labels::new();
        labels.set("service", service.unwrap_or_default());
        for (name, value) in source.labels.iter() {
            labels.set(name, value);
        }
        let origin = Origin {
            labels: &labels,
            written: source.modified(),
        };
        Ok(self.0.add(origin, report)?)
    }

    /// Finishes all files.
    pub(crate) fn finish(self) -> anyhow::Result<Written> {
        Ok(self.0.finish()?)
    }
}
