//! A real API server of Kubernetes with its etcd, and what asks it.

use super::ports::free_address;
use super::tools;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

/// Long enough for a busy machine; nothing waits for it that goes well.
const DEADLINE: Duration = Duration::from_secs(180);

/// What ends with the test.
pub(crate) struct Process(Child);

impl Process {
    fn start(program: &Path, arguments: &[String], scratch: &Path) -> Self {
        let name = program.file_name().unwrap().to_str().unwrap();
        let log = fs::File::create(scratch.join(format!("{name}.log"))).unwrap();
        let mut command = Command::new(program);
        command.args(arguments).stdout(Stdio::null()).stderr(log);
        Self(command.spawn().unwrap())
    }

    /// Ends it, if it has not ended.
    pub(crate) fn end(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }

    /// The API server, with the arguments that stand in a file: it may have to
    /// be started again.
    pub(crate) fn start_server(tools: &Tools, scratch: &Path) -> Self {
        let arguments = fs::read_to_string(scratch.join("arguments")).unwrap();
        let arguments: Vec<_> = arguments.lines().map(Into::into).collect();
        Self::start(&tools.path("kube-apiserver"), &arguments, scratch)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.end();
    }
}

/// An API server, its etcd, and no nodes.
pub(crate) struct Cluster {
    pub tools: &'static Tools,
    pub kubeconfig: PathBuf,
    pub scratch: tempfile::TempDir,
    pub server: Process,
    _etcd: Process,
}

/// Reports whether there is an etcd.
pub(crate) fn have_etcd() -> bool {
    tools::installed("etcd").is_some()
}

impl Drop for Cluster {
    /// A server without its store would complain until the end.
    fn drop(&mut self) {
        self.server.end();
    }
}

impl Cluster {
    pub(crate) fn start(tools: &'static Tools) -> Self {
        let scratch = tempfile::tempdir().unwrap();
        let path = |name: &str| scratch.path().join(name).display().to_string();
        let store = format!("http://{}", free_address());
        let etcd = [
            format!("--data-dir={}", path("etcd")),
            format!("--listen-client-urls={store}"),
            format!("--advertise-client-urls={store}"),
            format!("--listen-peer-urls=http://{}", free_address()),
        ];
        let etcd = Process::start(Path::new("etcd"), &etcd, scratch.path());
        let key = rcgen::KeyPair::generate().unwrap();
        fs::write(path("key.pem"), key.serialize_pem()).unwrap();
        fs::write(path("public.pem"), key.public_key_pem()).unwrap();
        fs::write(path("tokens.csv"), "admin,admin,admin,system:masters\n").unwrap();
        let address = free_address();
        let port = address.rsplit(':').next().unwrap();
        let server = [
            format!("--etcd-servers={store}"),
            format!("--secure-port={port}"),
            "--bind-address=127.0.0.1".into(),
            format!("--cert-dir={}", path("certificates")),
            format!("--service-account-key-file={}", path("public.pem")),
            format!("--service-account-signing-key-file={}", path("key.pem")),
            "--service-account-issuer=https://localhost".into(),
            format!("--token-auth-file={}", path("tokens.csv")),
            "--authorization-mode=RBAC".into(),
            "--service-cluster-ip-range=10.0.0.0/24".into(),
        ];
        fs::write(path("arguments"), server.join("\n")).unwrap();
        let server = Process::start_server(tools, scratch.path());
        let kubeconfig = scratch.path().join("kubeconfig");
        let yaml = format!(
            "{{apiVersion: v1, kind: Config, current-context: test, \
             contexts: [{{name: test, context: {{cluster: test, user: admin}}}}], \
             clusters: [{{name: test, cluster: {{server: 'https://{address}', insecure-skip-tls-verify: true}}}}], \
             users: [{{name: admin, user: {{token: admin}}}}]}}"
        );
        fs::write(&kubeconfig, yaml).unwrap();
        let cluster = Self {
            tools,
            kubeconfig,
            scratch,
            server,
            _etcd: etcd,
        };
        cluster.wait("the API server is ready", &["get", "--raw=/readyz"]);
        cluster
    }

    pub(crate) fn kubectl(&self, arguments: &[&str]) -> Output {
        Command::new(self.tools.path("kubectl"))
            .args(arguments)
            .arg("--cache-dir")
            .arg(self.scratch.path().join("cache"))
            .arg("--kubeconfig")
            .arg(&self.kubeconfig)
            .output()
            .unwrap()
    }

    /// The same, which has to go well.
    pub(crate) fn must(&self, arguments: &[&str]) -> String {
        let output = self.kubectl(arguments);
        assert!(output.status.success(), "{arguments:?}: {}", said(&output));
        String::from_utf8(output.stdout).unwrap()
    }

    pub(crate) fn wait(&self, what: &str, arguments: &[&str]) {
        let started = Instant::now();
        while !self.kubectl(arguments).status.success() {
            let log = || fs::read_to_string(self.scratch.path().join("kube-apiserver.log"));
            assert!(started.elapsed() < DEADLINE, "{what}\n{}", log().unwrap());
            std::thread::sleep(Duration::from_millis(200));
        }
    }

    /// Applies manifests as the server's own validation, at its strictest, has
    /// them.
    pub(crate) fn apply(&self, manifests: &str) -> Output {
        let path = self.scratch.path().join("manifests.yaml");
        fs::write(&path, manifests).unwrap();
        let path = path.display().to_string();
        self.kubectl(&[
            "apply",
            "--server-side",
            "--validate=strict",
            "--filename",
            &path,
        ])
    }

    pub(crate) fn must_apply(&self, what: &str, manifests: &str) {
        let output = self.apply(manifests);
        assert!(output.status.success(), "{what}: {}", said(&output));
        // It has nothing to warn of either, such as of what is deprecated.
        assert!(
            !said(&output).contains("Warning"),
            "{what}: {}",
            said(&output)
        );
    }
}

/// Helm, kubectl, an API server and helm-docs, in one directory.
pub(crate) struct Tools(PathBuf);

/// Returns the programs of tests/kubernetes/build.sh.
pub(crate) fn tools() -> Option<&'static Tools> {
    static BUILT: OnceLock<Option<Tools>> = OnceLock::new();
    let built = BUILT.get_or_init(|| tools::built_by("kubernetes/build.sh").map(Tools));
    built.as_ref()
}

impl Tools {
    /// One of them.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

/// What Helm complains of, without what it says of links that it follows.
pub(crate) fn said(output: &Output) -> String {
    let text = String::from_utf8_lossy(&output.stderr);
    let lines = text.lines().filter(|l| !l.contains("found symbolic link"));
    lines.map(|l| format!("{l}\n")).collect()
}

/// A path in the repository.
pub(crate) fn repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}
