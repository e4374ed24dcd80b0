//! Maps paths of source files in a trace to paths in the program's repository.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use gotracer::report::PathMap;

/// Options that map source paths to the repository.
#[derive(clap::Args)]
#[group(skip)]
#[command(next_help_heading = "Source files")]
pub(crate) struct Args {
    /// Files below this path are in the repository's root; for sarif, github
    /// and gitlab, which show findings beside the code (may be repeated)
    #[arg(long, value_name = "PREFIX")]
    strip_prefix: Vec<String>,

    /// Files below FROM are below TO in the repository, such as
    /// example.com/shop=services/shop for a program built with -trimpath (may
    /// be repeated)
    ///
    /// Mapped by default: files below the checkout (GITHUB_WORKSPACE,
    /// CI_PROJECT_DIR, or the current directory), and the packages of the
    /// module whose go.mod is in the current directory.
    #[arg(long, value_name = "FROM=TO", value_parser = parse)]
    path_map: Vec<(String, String)>,
}

fn parse(text: &str) -> Result<(String, String), &'static str> {
    match text.split_once('=') {
        Some((from, to)) if !from.is_empty() => Ok((from.into(), to.into())),
        _ => Err("expected FROM=TO, such as example.com/shop=services/shop"),
    }
}

impl Args {
    /// Returns the mappings of the options, followed by the defaults.
    pub(crate) fn map(&self) -> PathMap {
        let mut map = PathMap::default();
        for (from, to) in &self.path_map {
            map.add(from, to);
        }
        for prefix in &self.strip_prefix {
            map.add(prefix, "");
        }
        let Ok(here) = env::current_dir() else {
            return map;
        };
        let checkout = ["GITHUB_WORKSPACE", "CI_PROJECT_DIR"].map(env::var_os);
        let mut checkout = checkout.into_iter().flatten().map(PathBuf::from);
        let checkout = checkout.find(|root| here.starts_with(root));
        let root = checkout.unwrap_or_else(|| here.clone());
        map.add(&root.to_string_lossy(), "");
        if let Some(module) = module(&here.join("go.mod")) {
            let below = here.strip_prefix(&root).unwrap_or(Path::new(""));
            map.add(&module, &below.to_string_lossy());
        }
        map
    }
}

/// Returns the module path that a go.mod declares.
fn module(file: &Path) -> Option<String> {
    let text = fs::read_to_string(file).ok()?;
    let mut lines = text
        .lines()
        .map(|line| line.split("//").next().unwrap_or_default());
    let name = lines.find_map(|line| line.trim().strip_prefix("module"))?;
    let name = name.trim().trim_matches(['"', '`']);
    (!name.is_empty()).then(|| name.to_owned())
}
