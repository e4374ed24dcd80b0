//! Check of the files that a configuration refers to.

use anyhow::Context;
use gotracer::config::Config;

use crate::cli::messages::complain;

/// Checks certificates, passwords and lists of targets; warns of missing lists, which may be written later.
pub(crate) fn check(config: &Config) -> anyhow::Result<()> {
    for job in config.jobs() {
        let name = &job.job_name;
        let mut warn = |missing| complain("warning", &format!("job \"{name}\": {missing}"));
        let checked = job.check_files(&mut warn);
        checked.with_context(|| format!("job \"{name}\""))?;
    }
    Ok(())
}
