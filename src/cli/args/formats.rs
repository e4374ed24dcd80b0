//! `--format`, and its combination with `--output`.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use anyhow::bail;
use clap::builder::{PossibleValue, StringValueParser, TypedValueParser};
use gotracer::report::{FORMATS, Format, Report, TABLE};

use crate::cli::report_files::{Form, Outputs, Wanted, tables};

/// The option `--format`.
#[derive(clap::Args)]
#[group(skip)]
pub(crate) struct Formats {
    /// Output format [default: table]; FORMAT=FILE writes a file in addition
    /// (may be repeated)
    #[arg(short, long, value_name = "FORMAT[=FILE]", value_parser = FormatParser)]
    format: Vec<Wanted>,
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

impl Formats {
    /// Creates all files, those of `--output` included, before the first trace is read. `part` is the name of table files.
    pub(crate) fn open(&self, output: &[PathBuf], part: &str) -> anyhow::Result<Outputs> {
        self.check_endings(output)?;
        Outputs::open(&self.wanted(output)?, part)
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
    pub(crate) fn paths(&self, output: &[PathBuf]) -> anyhow::Result<Vec<PathBuf>> {
        let named = self
            .wanted(output)?
            .into_iter()
            .filter_map(|(_, path)| path);
        Ok(named.filter(|path| path.as_os_str() != "-").collect())
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
