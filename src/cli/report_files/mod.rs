//! Files of reports; one run may write several, in different formats.

#[cfg(feature = "parquet")]
pub(crate) mod tables;
#[cfg(not(feature = "parquet"))]
#[path = "without_tables.rs"]
pub(crate) mod tables;

use std::env;
use std::fs::File;
use std::io::BufWriter;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use gotracer::report::{FORMATS, Format, GITHUB, MARKDOWN, Options, Report};

use self::tables::Tables;
use crate::cli::output::{Color, Output, Written};

/// Content of an output.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Form {
    /// Reports in one of their formats.
    Reports(&'static Format<[Report]>),
    /// Parquet tables in a directory.
    Tables,
}

impl Form {
    /// Returns the name of the format.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Reports(format) => format.name,
            Self::Tables => tables::NAME,
        }
    }

    /// Finds a format by name.
    pub(crate) fn from_name(name: &str) -> Option<Self> {
        let tables = (name == tables::NAME).then_some(Self::Tables);
        tables.or_else(|| FORMATS.find(name).map(Self::Reports))
    }
}

/// An output: its content, and its file or `None` for standard output.
pub(crate) type Wanted = (Form, Option<PathBuf>);

/// Open outputs.
#[derive(Default)]
pub(crate) struct Outputs {
    all: Vec<(&'static Format<[Report]>, Output)>,
    /// Tables, to which each report is added as it arrives.
    pub(crate) tables: Option<Tables>,
}

impl Outputs {
    /// Creates all files.
    pub(crate) fn open(wanted: &[Wanted], part: &str) -> anyhow::Result<Self> {
        let (mut all, mut tables) = (Vec::new(), None);
        for (form, path) in wanted {
            match form {
                Form::Reports(format) => all.push((*format, Output::to(path.as_deref())?)),
                Form::Tables if tables.is_some() => {
                    bail!("tables can only be written to one place")
                }
                Form::Tables => tables = Some(Tables::open(path.as_deref(), part)?),
            }
        }
        if wanted.contains(&(Form::Reports(&GITHUB), None))
            && let Some(path) = env::var_os("GITHUB_STEP_SUMMARY").filter(|p| !p.is_empty())
        {
            all.push((&MARKDOWN, appending(Path::new(&path))?));
        }
        Ok(Self { all, tables })
    }

    /// Reports whether a report goes to standard output.
    pub(crate) fn print_reports(&self) -> bool {
        self.all.iter().any(|(_, output)| output.is_stdout())
    }

    /// Reports whether any output needs the reports of all traces in memory.
    pub(crate) fn want_reports(&self) -> bool {
        !self.all.is_empty()
    }

    /// Reports whether any output shows the program's course over time.
    pub(crate) fn want_course(&self) -> bool {
        self.all.iter().any(|(format, _)| format.course)
    }

    /// Writes the reports to all outputs.
    ///
    /// # Errors
    /// If a file could not be written.
    pub(crate) fn write(
        self,
        reports: &[Report],
        options: &Options,
        color: Color,
    ) -> anyhow::Result<Vec<Written>> {
        let mut all = Vec::new();
        for (format, mut output) in self.all {
            let options = Options {
                color: output.color(color),
                width: output.width(),
                ..options.clone()
            };
            // `finish` returns the error.
            let _ = (format.write)(&mut output, reports, &options);
            all.push(output.finish()?);
        }
        Ok(all)
    }
}

fn appending(path: &Path) -> anyhow::Result<Output> {
    let file = File::options().append(true).create(true).open(path);
    let file = file.with_context(|| format!("cannot write {}", path.display()))?;
    Ok(Output::of(BufWriter::new(file)))
}
