//! A table: rows go to the files of their partitions.

use std::collections::HashMap;
use std::io;
use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_schema::{Schema, SchemaRef};
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::metadata::KeyValue;
use parquet::file::properties::WriterProperties;

use super::column::Column;
use super::place::{Place, Target};

/// How many files of a table are open at once.
const OPEN: usize = 8;
/// How much of a file may wait in memory, bytes.
const WAITING: usize = 4 << 20;

/// A table that is being written.
pub(super) struct Table {
    name: &'static str,
    place: Place,
    /// Suffix of the file names, before the number of a further file.
    part: String,
    properties: WriterProperties,
    /// Open files, most recently used last.
    open: Vec<Open>,
    /// Number of files per partition.
    files: HashMap<String, u32>,
    rows: u64,
}

/// A file that is being written.
struct Open {
    directory: String,
    writer: ArrowWriter<Target>,
}

impl Table {
    pub(super) fn new(name: &'static str, place: &Place, part: &str) -> Self {
        let program = concat!("gotracer ", env!("CARGO_PKG_VERSION"));
        let schema = KeyValue::new("gotracer.schema".into(), format!("gotracer.{name}/v1"));
        let properties = WriterProperties::builder()
            .set_created_by(program.into())
            .set_compression(Compression::ZSTD(ZstdLevel::default()))
            .set_key_value_metadata(Some(vec![schema]));
        Self {
            name,
            place: place.clone(),
            part: part.into(),
            properties: properties.build(),
            open: Vec::new(),
            files: HashMap::new(),
            rows: 0,
        }
    }

    /// How many files and rows there are.
    pub(super) fn written(&self) -> (u64, u64) {
        let files = self.files.values().map(|n| u64::from(*n)).sum();
        (files, self.rows)
    }

    /// Adds rows to a partition.
    pub(super) fn add(&mut self, directory: &str, columns: Vec<Column>) -> io::Result<()> {
        let (fields, arrays): (Vec<_>, _) = columns.into_iter().map(|c| (c.field, c.array)).unzip();
        let schema = Arc::new(Schema::new(fields));
        let batch = RecordBatch::try_new(Arc::clone(&schema), arrays);
        let batch = batch.map_err(io::Error::other)?;
        self.rows += batch.num_rows() as u64;
        let mut open = self.take(directory, schema)?;
        open.writer.write(&batch).map_err(failed)?;
        if open.writer.in_progress_size() > WAITING {
            open.writer.flush().map_err(failed)?;
        }
        self.open.push(open);
        Ok(())
    }

    /// The open file of a partition, or a new one.
    fn take(&mut self, directory: &str, schema: SchemaRef) -> io::Result<Open> {
        if let Some(at) = self.open.iter().position(|o| o.directory == directory) {
            return Ok(self.open.remove(at));
        }
        if self.open.len() >= OPEN {
            close(self.open.remove(0))?;
        }
        let number = self.files.entry(directory.into()).or_default();
        let further = match *number {
            0 => String::new(),
            n => format!("-{n}"),
        };
        *number += 1;
        let name = format!(
            "{}/{directory}/part-{}{further}.parquet",
            self.name, self.part
        );
        let target = self.place.create(&name)?;
        let properties = Some(self.properties.clone());
        let writer = ArrowWriter::try_new(target, schema, properties).map_err(failed)?;
        Ok(Open {
            directory: directory.into(),
            writer,
        })
    }

    /// Finishes all files.
    pub(super) fn finish(&mut self) -> io::Result<()> {
        self.open.drain(..).try_for_each(close)
    }
}

fn close(open: Open) -> io::Result<()> {
    open.writer.into_inner().map_err(failed)?.finish()
}

/// The I/O error inside an error of the writer.
fn failed(error: ParquetError) -> io::Error {
    match error {
        ParquetError::External(error) => match error.downcast::<io::Error>() {
            Ok(error) => *error,
            Err(error) => io::Error::other(error),
        },
        error => io::Error::other(error),
    }
}
