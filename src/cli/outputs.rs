//! Formats and files of reports; one run may write several.

use std::env;
use std::ffi::OsStr;
use std::fs::File;
use std::io::BufWriter;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use clap::builder::{PossibleValue, StringValueParser, TypedValueParser};
use gotracer::report::{FORMATS, Format, GITHUB, MARKDOWN, Options, Report, TABLE};

use super::output::{Color, Output, Written};
use super::tables::{self, Tables};

/// The option `--format`.
#[derive(clap::Args)]
#[group(skip)]
pub struct Formats {
    /// Output format [default: table]; FORMAT=FILE writes a file in addition
    /// (may be repeated)
    #[arg(short, long, value_name = "FORMAT[=FILE]", value_parser = FormatParser)]
    format: Vec<Wanted>,
}

/// Content of an output.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Form {
    /// Reports in one of their formats.
    Reports(&'static Format<[Report]>),
    /// Parquet tables in a directory.
    Tables,
}

impl Form {
    fn name(self) -> &'static str {
        match self {
            Self::Reports(format) => format.name,
            Self::Tables => tables::NAME,
        }
    }

    fn from_name(name: &str) -> Option<Self> {
        let tables = (name == tables::NAME).then_some(Self::Tables);
        tables.or_else(|| FORMATS.find(name).map(Self::Reports))
    }
}

fn parse(text: &str) -> Result<Wanted, String> {
    let (name, file) = match text.split_once('=') {
        Some((_, "")) => return Err("there is no file after the =".into()),
        Some((name, file)) => (name, Some(file.into())),
        None => (text, None),
    };
    let form = Form::from_name(name).ok_or_else(|| {
        let names = FORMATS.iter().map(|format| format.name);
        let known: Vec<_> = names.chain([tables::NAME]).collect();
        format!(
            "there is no format \"{name}\"; there is {}",
            known.join(", ")
        )
    })?;
    Ok((form, file))
}

/// Parser of `FORMAT` and `FORMAT=FILE`, with help and completions from the registry of formats.
#[derive(Clone)]
struct FormatParser;

impl TypedValueParser for FormatParser {
    type Value = Wanted;

    fn parse_ref(
        &self,
        command: &clap::Command,
        argument: Option<&clap::Arg>,
        value: &OsStr,
    ) -> Result<Wanted, clap::Error> {
        StringValueParser::new()
            .try_map(|text| parse(&text))
            .parse_ref(command, argument, value)
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue> + '_>> {
        let value = |f: &Format<[Report]>| PossibleValue::new(f.name).help(f.summary);
        let tables = PossibleValue::new(tables::NAME).help(tables::SUMMARY);
        Some(Box::new(FORMATS.iter().map(value).chain([tables])))
    }
}

/// An output: its content, and its file or `None` for standard output.
type Wanted = (Form, Option<PathBuf>);

/// Open outputs.
pub struct Outputs {
    all: Vec<(&'static Format<[Report]>, Output)>,
    /// Tables, to which each report is added as it arrives.
    pub tables: Option<Tables>,
}

impl Formats {
    /// Creates all files, those of `--output` included, before the first trace is read. `part` is the name of table files.
    pub fn open(&self, output: &[PathBuf], part: &str) -> anyhow::Result<Outputs> {
        self.check_endings(output)?;
        let wanted = self.wanted(output)?;
        let (mut all, mut tables) = (Vec::new(), None);
        for (form, path) in &wanted {
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
        Ok(Outputs { all, tables })
    }

    /// Rejects a file extension of no format: `report.pdf` must not become a text file, nor `capture -o trace.out` a
    /// report where the user expects the raw trace.
    fn check_endings(&self, output: &[PathBuf]) -> anyhow::Result<()> {
        if self.format.iter().any(|(_, file)| file.is_none()) {
            return Ok(());
        }
        for path in output {
            if let Some(ending) = path.extension()
                && FORMATS.of_file(path).is_empty()
            {
                bail!(
                    "--output {}: a report has no format with the ending .{}; name one with --format \
                     (capture saves the raw trace with --save-trace)",
                    path.display(),
                    ending.display()
                );
            }
        }
        Ok(())
    }

    /// Combines `--output` and `--format`. A `--format` without a file applies to each `--output` whose extension allows
    /// it, else to standard output.
    fn wanted(&self, output: &[PathBuf]) -> anyhow::Result<Vec<Wanted>> {
        let bare = self.format.iter().filter(|(_, file)| file.is_none());
        let bare: Vec<Form> = bare.map(|(form, _)| *form).collect();
        if bare.len() > 1 {
            let names: Vec<_> = bare.iter().map(|f| f.name()).collect();
            bail!(
                "--format {}: only one can be on standard output; write the others to files, \
                 as in --format {}=FILE",
                names.join(", "),
                names[1]
            );
        }
        let bare = bare.first().copied();
        let mut taken = false;
        let mut wanted: Vec<Wanted> = Vec::new();
        for path in output {
            let form = match (bare, &FORMATS.of_file(path)[..]) {
                (Some(bare), []) => bare,
                (Some(Form::Reports(bare)), may_be) if may_be.contains(&bare) => {
                    Form::Reports(bare)
                }
                (_, [likeliest, ..]) => Form::Reports(likeliest),
                (None, []) => Form::Reports(&TABLE),
            };
            taken |= Some(form) == bare;
            wanted.push((form, Some(path.clone())));
        }
        let files = self.format.iter().filter(|(_, file)| file.is_some());
        wanted.extend(files.cloned());
        if let Some(bare) = bare.filter(|_| !taken) {
            wanted.push((bare, None));
        }
        if wanted.is_empty() {
            wanted.push((Form::Reports(&TABLE), None));
        }
        let paths = wanted.iter().map(|(_, path)| path.as_deref());
        let on_stdout = |path: &Path| path.as_os_str() == "-";
        let stdout = paths.filter(|path| path.is_none_or(on_stdout)).count();
        if stdout > 1 {
            bail!("- would be written twice");
        }
        Ok(wanted)
    }

    /// Returns the files of `--output` and `--format`.
    ///
    /// # Errors
    /// If two outputs are in conflict.
    pub fn paths(&self, output: &[PathBuf]) -> anyhow::Result<Vec<PathBuf>> {
        let named = self
            .wanted(output)?
            .into_iter()
            .filter_map(|(_, path)| path);
        Ok(named.filter(|path| path.as_os_str() != "-").collect())
    }
}

fn appending(path: &Path) -> anyhow::Result<Output> {
    let file = File::options().append(true).create(true).open(path);
    let file = file.with_context(|| format!("cannot write {}", path.display()))?;
    Ok(Output::of(BufWriter::new(file)))
}

impl Outputs {
    /// Reports whether a report goes to standard output.
    pub fn print_reports(&self) -> bool {
        self.all.iter().any(|(_, output)| output.is_stdout())
    }

    /// Reports whether any output needs the reports of all traces in memory.
    pub fn want_reports(&self) -> bool {
        !self.all.is_empty()
    }

    /// Reports whether any output shows the program's course over time.
    pub fn want_course(&self) -> bool {
        self.all.iter().any(|(format, _)| format.course)
    }

    /// Writes the reports to all outputs.
    ///
    /// # Errors
    /// If a file could not be written.
    pub fn write(
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

#[cfg(test)]
mod tests {
    use super::*;

    fn wanted(formats: &[&str], outputs: &[&str]) -> Result<Vec<String>, String> {
        let args = Formats {
            format: formats.iter().map(|f| parse(f).unwrap()).collect(),
        };
        let outputs: Vec<_> = outputs.iter().map(PathBuf::from).collect();
        let show = |(form, path): Wanted| {
            let path = path.unwrap_or("stdout".into());
            format!("{} {}", form.name(), path.display())
        };
        let wanted = args.wanted(&outputs).map_err(|e| e.to_string())?;
        Ok(wanted.into_iter().map(show).collect())
    }

    #[test]
    fn formats_find_their_files() {
        for (formats, outputs, expected) in [
            (&[][..], &[][..], &["table stdout"][..]),
            (&["json"], &[], &["json stdout"]),
            (&["json"], &["report"], &["json report"]),
            (&["json"], &["r.json"], &["json r.json"]),
            (&["gitlab"], &["r.json"], &["gitlab r.json"]),
            (&["table"], &["r.html"], &["html r.html", "table stdout"]),
            (&[], &["report.txt"], &["table report.txt"]),
            (
                &[],
                &["a.HTML", "b.sarif"],
                &["html a.HTML", "sarif b.sarif"],
            ),
            (&["github"], &["a.xml"], &["junit a.xml", "github stdout"]),
            (&["html=x", "csv=-"], &[], &["html x", "csv -"]),
            (&["parquet"], &["s3://b/x"], &["parquet s3://b/x"]),
            (&["parquet=x"], &["r.md"], &["markdown r.md", "parquet x"]),
            (&["table", "html=x"], &[], &["html x", "table stdout"]),
        ] {
            let wanted = wanted(formats, outputs).unwrap();
            assert_eq!(wanted, expected, "{formats:?} {outputs:?}");
        }
    }

    #[test]
    fn conflicting_outputs_are_rejected() {
        assert!(
            wanted(&["json", "html"], &[])
                .unwrap_err()
                .contains("html=FILE")
        );
        assert!(
            wanted(&["html=-", "csv=-"], &[])
                .unwrap_err()
                .contains("twice")
        );
        let refused = |formats: &[&str], output: &str| {
            let format = formats.iter().map(|f| parse(f).unwrap()).collect();
            Formats { format }.check_endings(&[output.into()]).is_err()
        };
        assert!(refused(&[], "trace.out") && refused(&["html=x"], "report.pdf"));
        assert!(!refused(&["json"], "trace.out") && !refused(&[], "a.b/report"));
        assert!(parse("json=").is_err() && parse("xml").is_err());
    }
}
