//! Renders the pictures of README.md from runs of the binary on the traces in docs/demo.

use std::fs;
use std::path::Path;
use std::process::Command;

use anstyle::{Color, RgbColor};
use anstyle_svg::Term;
use anyhow::{Context, bail};

use crate::{chromium, perfetto, repository};

/// Colors of a page on GitHub, light and dark.
const THEMES: [Theme; 2] = [
    Theme {
        name: "light",
        foreground: RgbColor(0x1f, 0x23, 0x28),
        background: RgbColor(0xf6, 0xf8, 0xfa),
        bar: "#0969da",
        muted: "#8c959f",
    },
    Theme {
        name: "dark",
        foreground: RgbColor(0xe6, 0xed, 0xf3),
        background: RgbColor(0x16, 0x1b, 0x22),
        bar: "#4493f8",
        muted: "#6e7681",
    },
];

struct Theme {
    name: &'static str,
    foreground: RgbColor,
    background: RgbColor,
    bar: &'static str,
    muted: &'static str,
}

/// Writes all pictures to `directory`, with the binary `gotracer`.
///
/// # Errors
///
/// A program that cannot be run or fails, or a file that cannot be written.
pub(crate) fn make(gotracer: &Path, directory: &Path) -> anyhow::Result<()> {
    fs::create_dir_all(directory)
        .with_context(|| format!("cannot create {}", directory.display()))?;
    terminal(gotracer, directory)?;
    speed(directory)?;
    page(gotracer, directory)?;
    let trace = repository().join("docs/demo/checkout.trace");
    perfetto::picture(gotracer, &trace, directory)
}

/// Renders the default output of `gotracer trace.out` in 80 columns.
fn terminal(gotracer: &Path, directory: &Path) -> anyhow::Result<()> {
    let scratch = scratch()?;
    let output = Command::new(fs::canonicalize(gotracer).context("cannot find the binary")?)
        .args(["analyze", "--color", "always", "trace.out"])
        .env("COLUMNS", "80")
        .current_dir(scratch.path())
        .output()
        .with_context(|| format!("cannot run {}", gotracer.display()))?;
    let text = String::from_utf8(output.stdout).context("the output is not UTF-8")?;
    if text.is_empty() {
        bail!(
            "gotracer printed nothing: {}",
            String::from_utf8_lossy(&output.stderr)
        );
    }
    let shown = format!("$ gotracer trace.out\n{text}");
    for theme in &THEMES {
        let svg = Term::new()
            .fg_color(Color::Rgb(theme.foreground))
            .bg_color(Color::Rgb(theme.background))
            .min_width_px(720)
            .render_svg(&shown);
        write(&directory.join(format!("analyze-{}.svg", theme.name)), &svg)?;
    }
    Ok(())
}

/// Draws bars for the time to read 100 MB, from the table in docs/performance.md.
fn speed(directory: &Path) -> anyhow::Result<()> {
    let (reader, analyze) = measured()?;
    for theme in &THEMES {
        let rows = [
            ("x/exp/trace, reading only", 1.0, theme.muted),
            ("gotracer, reading only", 1.0 / reader, theme.bar),
            ("gotracer analyze, two cores", 1.0 / analyze, theme.bar),
        ];
        let foreground = hex(theme.foreground);
        let mut bars = String::new();
        for (n, (label, share, color)) in rows.iter().enumerate() {
            let y = 20 + 34 * n;
            let width = 440.0 * share;
            let text = y + 15;
            let end = 210.0 + width;
            let factor = 1.0 / share;
            bars += &format!(
                r#"<text x="200" y="{text}" text-anchor="end" fill="{foreground}">{label}</text>
<rect x="206" y="{y}" width="{width:.1}" height="20" rx="3" fill="{color}"/>
<text x="{end:.1}" y="{text}" fill="{foreground}">{factor:.1}x</text>
"#
            );
        }
        let svg = format!(
            r#"<svg xmlns="http://www.w3.org/2000/svg" width="720" height="130" viewBox="0 0 720 130" font-family="-apple-system,Segoe UI,Helvetica,Arial,sans-serif" font-size="13">
<title>Time to read a trace of 100 MB, relative to the reference reader (shorter is faster)</title>
{bars}</svg>
"#
        );
        write(&directory.join(format!("speed-{}.svg", theme.name)), &svg)?;
    }
    Ok(())
}

/// Returns the ratios of reader and analysis in the row for 100 MB of the HTTP server in docs/performance.md.
fn measured() -> anyhow::Result<(f64, f64)> {
    let path = repository().join("docs/performance.md");
    let text =
        fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
    let row = text
        .lines()
        .find(|line| line.starts_with("| http | 100."))
        .context("docs/performance.md has no row for 100 MB of http")?;
    let ratios: Vec<f64> = row
        .split('|')
        .filter_map(|cell| {
            cell.trim()
                .strip_prefix("**")?
                .strip_suffix("x**")?
                .parse()
                .ok()
        })
        .collect();
    match ratios[..] {
        [reader, _, analyze] => Ok((reader, analyze)),
        _ => bail!("the row for 100 MB of http in docs/performance.md has not three ratios"),
    }
}

/// Takes screenshots of the top of the report page in Chromium, light and dark.
fn page(gotracer: &Path, directory: &Path) -> anyhow::Result<()> {
    let scratch = scratch()?;
    let report = scratch.path().join("report.html");
    Command::new(fs::canonicalize(gotracer).context("cannot find the binary")?)
        .args([
            "analyze",
            "--fail-on",
            "never",
            "-o",
            "report.html",
            "trace.out",
        ])
        .current_dir(scratch.path())
        .output()
        .with_context(|| format!("cannot run {}", gotracer.display()))?;
    for theme in &THEMES {
        let scheme = match theme.name {
            "dark" => "--blink-settings=preferredColorScheme=0",
            _ => "--blink-settings=preferredColorScheme=1",
        };
        chromium::screenshot(
            &format!("file://{}", report.display()),
            &["--window-size=1200,1000", scheme],
            &scratch.path().join(theme.name),
            &directory.join(format!("report-{}.png", theme.name)),
        )?;
    }
    Ok(())
}

/// Creates a directory with the trace of the examples.
fn scratch() -> anyhow::Result<tempfile::TempDir> {
    let scratch = tempfile::tempdir().context("cannot create a temporary directory")?;
    let trace = repository().join("docs/demo/checkout.trace");
    fs::copy(&trace, scratch.path().join("trace.out"))
        .with_context(|| format!("cannot copy {}", trace.display()))?;
    Ok(scratch)
}

fn hex(RgbColor(red, green, blue): RgbColor) -> String {
    format!("#{red:02x}{green:02x}{blue:02x}")
}

fn write(path: &Path, text: &str) -> anyhow::Result<()> {
    fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))
}
