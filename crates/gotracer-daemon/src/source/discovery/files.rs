//! `file_sd_configs`: target groups in files.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use notify::event::{AccessKind, AccessMode, ModifyKind};
use notify::{Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher};
use serde::{Deserialize, Serialize};
use tokio::sync::Notify;
use tokio::sync::mpsc::Sender;

use super::group::Group;
use super::mechanism::Mechanism;
use super::refresh::{DiscoveryError, Update, parse};
use crate::source::http::FieldError;
use crate::source::yaml::duration;

/// Default refresh interval, as in Prometheus. File system events make changes
/// visible earlier where they exist.
const LOOK: Duration = Duration::from_secs(300);
/// Pause after an event, because most programs write a file in several steps.
const PAUSE: Duration = Duration::from_millis(100);
const ENDINGS: [&str; 6] = ["json", "yml", "yaml", "JSON", "YML", "YAML"];

/// One entry of `file_sd_configs`.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct FileSd {
    files: Vec<String>,
    #[serde(default, with = "duration")]
    refresh_interval: Option<Duration>,
}

impl Mechanism for FileSd {
    fn check(&self) -> Result<(), FieldError> {
        let error = |why: String| Err(FieldError::new("file_sd_configs", why));
        if self.files.is_empty() {
            return error("files names none".into());
        }
        for pattern in &self.files {
            let (folder, name) = pattern.rsplit_once('/').unwrap_or(("", pattern));
            let ending = name.rsplit_once('.').map_or("", |(_, ending)| ending);
            if !ENDINGS.contains(&ending) {
                return error(format!(
                    "\"{pattern}\" does not end in .json, .yml or .yaml"
                ));
            }
            if folder.contains('*') {
                return error(format!("\"{pattern}\" has a * before its last /"));
            }
            if let Err(bad) = glob::Pattern::new(pattern) {
                return error(format!("\"{pattern}\": {bad}"));
            }
        }
        Ok(())
    }

    fn check_files(&self, warn: &mut dyn FnMut(FieldError)) -> Result<(), FieldError> {
        let error = |why: String| FieldError::new("file_sd_configs", why);
        for pattern in &self.files {
            if paths(pattern).next().is_none() {
                warn(error(format!("there is no file {pattern}")));
            }
        }
        for (path, groups) in self.read() {
            groups.map_err(|why| error(format!("{path}: {why}")))?;
        }
        Ok(())
    }

    fn follow(&self, updates: Sender<Update>) -> BoxFuture<'_, ()> {
        Box::pin(async move {
            let mut watch = Watch::new(self)
            .inspect_err(|error| tracing::warn!(%error, "no file system events; files are read at every refresh_interval"))
            .ok();
            let mut known = BTreeMap::new();
            loop {
                if let Some(watch) = &mut watch {
                    watch.renew();
                }
                let update = self.refresh(&mut known).await;
                if updates.send(update).await.is_err() {
                    return;
                }
                let changed = async {
                    match &watch {
                        Some(watch) => watch.changed().await,
                        None => std::future::pending().await,
                    }
                };
                tokio::select! {
                    () = changed => {}
                    () = tokio::time::sleep(self.refresh_interval.unwrap_or(LOOK)) => {}
                }
            }
        })
    }
}

impl FileSd {
    /// Fills in defaults.
    pub(super) fn fill(&mut self) {
        self.refresh_interval.get_or_insert(LOOK);
    }

    /// Reads the files again. A file that can't be read keeps its groups.
    async fn refresh(&self, known: &mut BTreeMap<String, Vec<Group>>) -> Update {
        let sd = self.clone();
        let read = tokio::task::spawn_blocking(move || sd.read()).await;
        let read = read.unwrap_or_default();
        // Deleting a file removes its targets.
        known.retain(|from, _| read.iter().any(|(path, _)| path == from));
        let mut errors = Vec::new();
        for (path, groups) in read {
            match groups {
                Ok(groups) => drop(known.insert(path, groups)),
                Err(why) => errors.push(DiscoveryError::new(path, why)),
            }
        }
        let groups = known.values().flatten().cloned().collect();
        Update {
            groups: Some(groups),
            errors,
        }
    }

    /// Reads and parses each file.
    fn read(&self) -> Vec<(String, Result<Vec<Group>, String>)> {
        let read = |path: &Path| -> Result<_, String> {
            let text = std::fs::read_to_string(path).map_err(|e| e.to_string())?;
            parse(&text, "__meta_filepath", &path.to_string_lossy())
        };
        let both = |path: PathBuf| (path.display().to_string(), read(&path));
        self.files.iter().flat_map(|p| paths(p)).map(both).collect()
    }
}

fn paths(pattern: &str) -> impl Iterator<Item = PathBuf> {
    glob::glob(pattern).into_iter().flatten().flatten()
}

/// File system watch of the folders of the configured files.
struct Watch {
    folders: Vec<PathBuf>,
    watcher: RecommendedWatcher,
    changed: Arc<Notify>,
}

impl Watch {
    /// Creates a watch, if the operating system supports it.
    fn new(sd: &FileSd) -> notify::Result<Self> {
        let patterns = sd.files.iter().filter_map(|p| glob::Pattern::new(p).ok());
        let patterns: Vec<_> = patterns.collect();
        let changed = Arc::new(Notify::new());
        let tell = Arc::clone(&changed);
        let watcher = notify::recommended_watcher(move |event: notify::Result<Event>| {
            if event.is_ok_and(|event| concerns(&event, &patterns)) {
                tell.notify_one();
            }
        })?;
        let folder = |file: &String| match Path::new(file).parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder.to_owned(),
            _ => PathBuf::from("."),
        };
        Ok(Self {
            folders: sd.files.iter().map(folder).collect(),
            watcher,
            changed,
        })
    }

    /// Watches the existing folders. A missing folder is no error: the periodic
    /// refresh reads its files once it exists.
    fn renew(&mut self) {
        for folder in &self.folders {
            if let Err(error) = self.watcher.watch(folder, RecursiveMode::NonRecursive) {
                tracing::debug!(folder = %folder.display(), %error, "cannot watch");
            }
        }
    }

    /// Waits for a change.
    async fn changed(&self) {
        self.changed.notified().await;
        tokio::time::sleep(PAUSE).await;
    }
}

fn concerns(event: &Event, patterns: &[glob::Pattern]) -> bool {
    let kind = match event.kind {
        EventKind::Access(AccessKind::Close(AccessMode::Write)) => true,
        EventKind::Create(_) | EventKind::Remove(_) => true,
        EventKind::Modify(ModifyKind::Name(_)) => true,
        // Only Linux has an event for closing a file; elsewhere, writes count.
        EventKind::Modify(_) => !cfg!(target_os = "linux"),
        _ => false,
    };
    let ours = |path: &PathBuf| {
        let name = path.file_name().map(|name| name.to_string_lossy());
        // Kubernetes swaps a whole volume by moving one hidden link.
        let swapped = name.is_some_and(|name| name.starts_with(".."));
        let bare = path.strip_prefix("./").unwrap_or(path);
        swapped
            || patterns
                .iter()
                .any(|p| p.matches_path(path) || p.matches_path(bare))
    };
    event.need_rescan() || kind && event.paths.iter().any(ours)
}
