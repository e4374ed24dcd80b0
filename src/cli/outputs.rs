//! In which formats reports are written, and where to: several at once.

use std::env;
use std::ffi::OsStr;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use clap::builder::{PossibleValue, StringValueParser, TypedValueParser};
use gotracer::report::{Format, Options, Report};

use super::output::{Color, Output};

/// What to write.
#[derive(clap::Args)]
#[group(skip)]
pub struct Formats {
    /// How to print the findings [default: table]; FORMAT=FILE writes a file
    /// beside that (may be repeated)
    #[arg(short, long, value_name = "FORMAT[=FILE]", value_parser = FormatParser)]
    format: Vec<Wanted>,
}

fn parse(text: &str) -> Result<Wanted, String> {
    let (name, file) = match text.split_once('=') {
        Some((_, "")) => return Err("there is no file after the =".into()),
        Some((name, file)) => (name, Some(file.into())),
        None => (text, None),
    };
    let format = Format::from_name(name).ok_or_else(|| {
        let known = Format::ALL.map(Format::name).join(", ");
        format!("there is no format \"{name}\"; there is {known}")
    })?;
    Ok((format, file))
}

/// Reads `FORMAT` and `FORMAT=FILE`; help and completions come from the formats
/// themselves.
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
        let value = |f: Format| PossibleValue::new(f.name()).help(f.summary());
        Some(Box::new(Format::ALL.into_iter().map(value)))
    }
}

/// A file, or standard output, and what it is to hold.
type Wanted = (Format, Option<PathBuf>);

/// Files that are open to be written.
pub struct Outputs {
    all: Vec<(Format, Output)>,
}

impl Formats {
    /// Creates the files, those of `--output` as well, before anything else is
    /// done.
    pub fn open(&self, output: &[PathBuf]) -> anyhow::Result<Outputs> {
        let wanted = self.wanted(output)?;
        let open = |(format, path): &Wanted| Ok((*format, Output::to(path.as_deref())?));
        let mut all: Vec<_> = wanted.iter().map(open).collect::<anyhow::Result<_>>()?;
        if wanted.contains(&(Format::Github, None))
            && let Some(path) = env::var_os("GITHUB_STEP_SUMMARY").filter(|p| !p.is_empty())
        {
            all.push((Format::Markdown, appending(Path::new(&path))?));
        }
        Ok(Outputs { all })
    }

    /// An `--output` is in the `--format` that names no file, unless its ending
    /// says another; a `--format` that no `--output` took is for standard
    /// output.
    fn wanted(&self, output: &[PathBuf]) -> anyhow::Result<Vec<Wanted>> {
        let bare = self.format.iter().filter(|(_, file)| file.is_none());
        let bare: Vec<Format> = bare.map(|(format, _)| *format).collect();
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
            let endings = Format::of_file(path);
            let format = match (bare, endings) {
                (Some(bare), []) => bare,
                (Some(bare), may_be) if may_be.contains(&bare) => bare,
                (_, [likeliest, ..]) => *likeliest,
                (None, []) => Format::Table,
            };
            taken |= Some(format) == bare;
            wanted.push((format, Some(path.clone())));
        }
        let files = self.format.iter().filter(|(_, file)| file.is_some());
        wanted.extend(files.cloned());
        if let Some(bare) = bare.filter(|_| !taken) {
            wanted.push((bare, None));
        }
        if wanted.is_empty() {
            wanted.push((Format::Table, None));
        }
        for (i, (_, path)) in wanted.iter().enumerate() {
            if path.is_some() && wanted[..i].iter().any(|(_, other)| other == path) {
                let path = path.as_deref().unwrap_or(Path::new("-")).display();
                bail!("{path} would be written twice");
            }
        }
        Ok(wanted)
    }
}

fn appending(path: &Path) -> anyhow::Result<Output> {
    let file = File::options().append(true).create(true).open(path);
    let file = file.with_context(|| format!("cannot write {}", path.display()))?;
    Ok(Output::of(BufWriter::new(file)))
}

impl Outputs {
    /// Whether any of them shows how the program went over time.
    pub fn want_course(&self) -> bool {
        self.all.iter().any(|(format, _)| format.wants_course())
    }

    /// Writes the reports to all of them.
    pub fn write(
        &mut self,
        reports: &[Report],
        options: &Options,
        color: Color,
    ) -> anyhow::Result<()> {
        for (format, output) in &mut self.all {
            let options = Options {
                color: output.color(color),
                width: output.width(),
                ..options.clone()
            };
            format.write(&mut output.writer, reports, &options)?;
            output.writer.flush()?;
        }
        Ok(())
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
        let show = |(format, path): Wanted| {
            let path = path.unwrap_or("stdout".into());
            format!("{} {}", format.name(), path.display())
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
            (&["table", "html=x"], &[], &["html x", "table stdout"]),
        ] {
            let wanted = wanted(formats, outputs).unwrap();
            assert_eq!(wanted, expected, "{formats:?} {outputs:?}");
        }
    }

    #[test]
    fn what_can_t_be_is_refused() {
        assert!(
            wanted(&["json", "html"], &[])
                .unwrap_err()
                .contains("html=FILE")
        );
        assert!(wanted(&["html=x"], &["x"]).unwrap_err().contains("twice"));
        assert!(parse("json=").is_err() && parse("xml").is_err());
    }
}
