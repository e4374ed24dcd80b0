//! How much memory there is.

use std::fs;
use std::path::{Path, PathBuf};

/// The memory that this process may use, bytes: the least of what the machine
/// has, what its control groups allow, and its limit of address space.
pub fn available() -> u64 {
    let limits = [machine(), control_groups(), address_space()];
    limits.into_iter().flatten().min().unwrap_or(1 << 30)
}

fn machine() -> Option<u64> {
    let text = fs::read_to_string("/proc/meminfo").ok()?;
    let total = text.lines().find_map(|l| l.strip_prefix("MemTotal:"))?;
    let kib: u64 = total.trim().strip_suffix(" kB")?.parse().ok()?;
    Some(kib << 10)
}

fn address_space() -> Option<u64> {
    soft_limit(&fs::read_to_string("/proc/self/limits").ok()?)
}

/// The soft limit of address space in `/proc/self/limits`.
fn soft_limit(limits: &str) -> Option<u64> {
    let mut lines = limits.lines();
    let limit = lines.find_map(|l| l.strip_prefix("Max address space"));
    limit?.split_whitespace().next()?.parse().ok()
}

fn control_groups() -> Option<u64> {
    let groups = fs::read_to_string("/proc/self/cgroup").ok()?;
    let mounts = fs::read_to_string("/proc/self/mountinfo").ok()?;
    let files = limit_files(&groups, &mounts);
    let limits = files.iter().filter_map(|file| {
        // "max" where there is no limit.
        fs::read_to_string(file).ok()?.trim().parse().ok()
    });
    limits.min()
}

/// Paths of the files with the memory limits of the process's control group and
/// of all its ancestors, from `/proc/self/cgroup` and `/proc/self/mountinfo`. A
/// service of systemd has its own group, within those of slices and containers.
fn limit_files(groups: &str, mounts: &str) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for mount in mounts.lines().filter_map(Mount::parse) {
        let file = match mount.unified {
            true => "memory.max",
            false => "memory.limit_in_bytes",
        };
        let Some(group) = group(groups, mount.unified) else {
            continue;
        };
        // A container may see only the part below its own group, and then a
        // group that lies elsewhere is the mounted one.
        let below = Path::new(group).strip_prefix(mount.root);
        let below = below.unwrap_or(Path::new(""));
        let own = Path::new(mount.point).join(below);
        let around = own.ancestors().take_while(|a| a.starts_with(mount.point));
        files.extend(around.map(|group| group.join(file)));
    }
    files
}

/// The process's group of the memory controller, or that of the unified
/// hierarchy.
fn group(groups: &str, unified: bool) -> Option<&str> {
    groups.lines().find_map(|line| {
        let mut fields = line.splitn(3, ':');
        let (_, controllers, group) = (fields.next()?, fields.next()?, fields.next()?);
        let is = match unified {
            true => controllers.is_empty(),
            false => controllers.split(',').any(|c| c == "memory"),
        };
        is.then_some(group)
    })
}

/// Mount point of a hierarchy of control groups with memory limits.
struct Mount<'a> {
    /// The group that is seen at the mount point.
    root: &'a str,
    point: &'a str,
    /// Whether it is the hierarchy of cgroup v2.
    unified: bool,
}

impl<'a> Mount<'a> {
    /// One by its line in `/proc/self/mountinfo`.
    fn parse(line: &'a str) -> Option<Self> {
        let (mount, system) = line.split_once(" - ")?;
        let mut mount = mount.split(' ').skip(3);
        let (root, point) = (mount.next()?, mount.next()?);
        let mut system = system.split(' ');
        let (kind, options) = (system.next()?, system.nth(1)?);
        let unified = match kind {
            "cgroup2" => true,
            "cgroup" if options.split(',').any(|o| o == "memory") => false,
            _ => return None,
        };
        Some(Self {
            root,
            point,
            unified,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files(groups: &str, mounts: &str) -> Vec<String> {
        let files = limit_files(groups, mounts);
        files.iter().map(|f| f.display().to_string()).collect()
    }

    #[test]
    fn there_is_some_memory() {
        assert!(available() > 16 << 20);
    }

    #[test]
    fn a_service_is_bounded_by_its_own_group_and_all_around_it() {
        let mounts = "22 28 0:21 / /sys rw - sysfs sysfs rw\n\
            34 22 0:29 / /sys/fs/cgroup rw,nosuid shared:9 - cgroup2 cgroup2 rw,nsdelegate\n";
        let expected = [
            "/sys/fs/cgroup/system.slice/gotracer.service/memory.max",
            "/sys/fs/cgroup/system.slice/memory.max",
            "/sys/fs/cgroup/memory.max",
        ];
        let groups = "0::/system.slice/gotracer.service\n";
        assert_eq!(files(groups, mounts), expected);
    }

    #[test]
    fn the_memory_controller_of_version_1_counts_and_no_other() {
        let groups = "5:cpu,cpuacct:/a\n4:memory:/user.slice/b\n0::/user.slice\n";
        let mounts = "30 25 0:26 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu,cpuacct\n\
            31 25 0:27 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n";
        let expected = [
            "/sys/fs/cgroup/memory/user.slice/b/memory.limit_in_bytes",
            "/sys/fs/cgroup/memory/user.slice/memory.limit_in_bytes",
            "/sys/fs/cgroup/memory/memory.limit_in_bytes",
        ];
        assert_eq!(files(groups, mounts), expected);
    }

    #[test]
    fn a_container_that_sees_only_its_own_group_is_bounded_by_it() {
        let mounts = "1 2 0:3 /docker/abc /sys/fs/cgroup/memory ro - cgroup cgroup rw,memory\n";
        let own = "/sys/fs/cgroup/memory/memory.limit_in_bytes";
        for groups in ["4:memory:/docker/abc\n", "4:memory:/elsewhere\n"] {
            assert_eq!(files(groups, mounts), [own]);
        }
        let below = files("4:memory:/docker/abc/d\n", mounts);
        assert_eq!(below.len(), 2);
        assert!(files("garbage\n", "garbage - x\n").is_empty());
    }

    #[test]
    fn the_limit_of_address_space_is_the_soft_one() {
        let limits = |soft| {
            format!(
                "Limit                     Soft Limit           Hard Limit           Units     \n\
                 Max open files            1024                 4096                 files     \n\
                 Max address space         {soft}           unlimited            bytes     \n"
            )
        };
        assert_eq!(soft_limit(&limits("1500000000")), Some(1_500_000_000));
        assert_eq!(soft_limit(&limits("unlimited ")), None);
    }
}
