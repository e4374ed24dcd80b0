//! A program and its sidecar share a directory: whose traces gotracer reads, by users, groups and modes.
#![cfg(target_os = "linux")]

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::support::daemon::{Running, Scratch, eventually_or, fixture, free_address};
use crate::support::tools::{installed, skip};

/// Gotracer's user and group in the chart, by default.
const DEFAULT: u32 = 65534;

/// A user with its group, and the group of the volume, which is `fsGroup` of the pod.
#[derive(Clone, Copy)]
struct User {
    user: u32,
    group: u32,
    volume: u32,
}

impl User {
    /// A command that runs as this user, without capabilities, as a container does.
    fn command(self, program: &Path) -> Command {
        let Self {
            user,
            group,
            volume,
        } = self;
        let mut command = Command::new("setpriv");
        command
            .args(["--no-new-privs", "--inh-caps=-all", "--bounding-set=-all"])
            .arg(format!("--reuid={user}"))
            .arg(format!("--regid={group}"))
            .arg(format!("--groups={volume}"))
            .arg(program);
        command
    }

    /// Writes a trace with a mode, as a program does.
    fn write(self, trace: &str, directory: &Path, name: &str, mode: &str) {
        let mut command = self.command(Path::new("install"));
        command.args(["-m", mode]).arg(fixture(trace));
        let status = command.arg(directory.join(name)).status().unwrap();
        assert!(status.success(), "{name}");
    }
}

/// A directory as the kubelet makes an `emptyDir` of a pod with `fsGroup`: of root and that group, whose files have the
/// group too.
fn volume(scratch: &Scratch, name: &str, group: u32) -> PathBuf {
    let directory = scratch.directory(name);
    chown(&directory, Some(0), Some(group)).unwrap();
    fs::set_permissions(&directory, fs::Permissions::from_mode(0o2777)).unwrap();
    directory
}

/// The gotracer of a user over a volume.
fn sidecar(user: User, scratch: &Scratch, directory: &Path) -> Running {
    let binary = scratch.path().join("gotracer");
    if !binary.exists() {
        // The users of this test may not enter the directory of the build.
        fs::copy(env!("CARGO_BIN_EXE_gotracer"), &binary).unwrap();
    }
    let address = free_address();
    let mut command = user.command(&binary);
    command
        .args(["serve", "--web.listen-address", &address])
        .args(["--watch.settle=100ms", "--watch.after=delete", "--watch"])
        .arg(directory);
    let mut running = Running::start(&mut command, address, directory.with_extension("log"));
    running.wait_ready();
    running
}

/// Users of the program and of the sidecar in helm/example/rendered.yaml.
fn example() -> (User, User) {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/helm/example/rendered.yaml");
    let text = fs::read_to_string(path).unwrap();
    let mut documents = text.split("\n---\n");
    let deployment = documents.find(|text| text.contains("kind: Deployment"));
    let deployment: Value = serde_saphyr::from_str(deployment.unwrap()).unwrap();
    let pod = &deployment["spec"]["template"]["spec"];
    let number = |value: &Value| u32::try_from(value.as_u64().unwrap()).unwrap();
    let context = &pod["securityContext"];
    let volume = number(&context["fsGroup"]);
    // Without `runAsGroup`, a container has the group of its image, which is root's by default.
    let program = User {
        user: number(&context["runAsUser"]),
        group: 0,
        volume,
    };
    let own = &pod["initContainers"][0]["securityContext"];
    let sidecar = User {
        user: number(&own["runAsUser"]),
        group: number(&own["runAsGroup"]),
        volume,
    };
    (program, sidecar)
}

#[test]
fn a_sidecar_reads_what_the_user_of_its_program_writes() {
    if installed("setpriv").is_none() {
        return;
    }
    let scratch = Scratch::new();
    if fs::metadata(scratch.path()).unwrap().uid() != 0 {
        skip("only root can run programs as other users");
        return;
    }
    fs::set_permissions(scratch.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let (program, same) = example();
    assert_eq!(program.user, same.user);

    // As the example has it: files of `os.CreateTemp` have mode 0600.
    let directory = volume(&scratch, "same", program.volume);
    let gotracer = sidecar(same, &scratch, &directory);
    program.write("go1.27.3/gc_pause.trace", &directory, "a.trace", "600");
    gotracer.wait_sample("gotracer_traces_total", 1.0);
    let deleted = || (!directory.join("a.trace").exists()).then_some(());
    eventually_or("the trace is deleted", || gotracer.log(), deleted);

    // Another user of the group reads what the group may read, and says what it may not.
    let other = User {
        user: DEFAULT,
        group: DEFAULT,
        volume: program.volume,
    };
    let directory = volume(&scratch, "other", program.volume);
    let gotracer = sidecar(other, &scratch, &directory);
    program.write("go1.27.3/gc_pause.trace", &directory, "group.trace", "640");
    gotracer.wait_sample("gotracer_traces_total", 1.0);
    program.write("go1.27.3/idle.trace", &directory, "own.trace", "600");
    let refused = || {
        let log = gotracer.log();
        let refused = |line: &str| line.contains("own.trace") && line.contains("ermission denied");
        log.lines().any(refused).then_some(())
    };
    eventually_or("the refusal is logged", || gotracer.log(), refused);
    let unreadable = "gotracer_trace_failures_total{reason=\"unreadable\"}";
    assert_eq!(gotracer.sample(unreadable), Some(1.0));
    assert_eq!(gotracer.sample("gotracer_traces_total"), Some(1.0));
    assert!(directory.join("own.trace").exists());
}
