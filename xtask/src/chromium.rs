//! Pictures of pages by Chromium.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, bail};

/// Writes a picture of the page at `url`. `options` are further ones of Chromium, which keeps its state in `profile`.
pub(crate) fn screenshot(
    url: &str,
    options: &[&str],
    profile: &Path,
    picture: &Path,
) -> anyhow::Result<()> {
    let output = Command::new("chromium")
        .args([
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--hide-scrollbars",
        ])
        .args(options)
        .arg(format!("--user-data-dir={}", profile.display()))
        .arg(format!("--screenshot={}", picture.display()))
        .arg(url)
        .output()
        .context("cannot run chromium")?;
    if !picture.exists() {
        bail!(
            "chromium made no picture: {}",
            String::from_utf8_lossy(&output.stderr)
        );
    }
    Ok(())
}
