//! Types of profiles, and the parts that they consist of.

/// Type of a profile.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Type {
    /// Waits for the network, as `go tool trace` counts them.
    Net,
    /// Waits for a reason that names a channel, "sync" or "select", as `go tool trace` counts them.
    Sync,
    /// System calls, as `go tool trace` counts them.
    Syscall,
    /// Time from runnable to running, at the waker's stack, as `go tool trace` counts it.
    Sched,
    /// Waits, at the stack of the goroutine that waits.
    Wait,
    /// Time from runnable to running, at the goroutine's stack.
    Runnable,
    /// Waits for locks, at the stack of the unlock.
    Lock,
    /// Mark assists: marking, and waits for credit.
    Assist,
    /// Stop-the-world pauses, at the stack that requested them.
    Stw,
    /// Creations of goroutines, at the `go` statement.
    Creations,
    /// CPU samples.
    Cpu,
    /// All time of the goroutines: waits, system calls, runnable time, and running time distributed by CPU samples.
    Wall,
}

/// Part of a profile: records that are gathered together. A wall profile has several.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Part {
    /// Records of [`Type::Net`].
    Net,
    /// Records of [`Type::Sync`].
    Sync,
    /// Records of [`Type::Syscall`].
    Syscall,
    /// Records of [`Type::Sched`].
    Sched,
    /// Waits.
    Wait,
    /// Time from runnable to running.
    Runnable,
    /// System calls of the program's goroutines.
    Calls,
    /// Waits for locks.
    Lock,
    /// Mark assists.
    Assist,
    /// Stop-the-world pauses.
    Stw,
    /// Creations of goroutines.
    Creations,
    /// CPU samples.
    Samples,
    /// Running time, distributed by CPU samples.
    Running,
}

impl Part {
    /// All parts, in the order of their numbers.
    pub const ALL: [Self; 13] = [
        Self::Net,
        Self::Sync,
        Self::Syscall,
        Self::Sched,
        Self::Wait,
        Self::Runnable,
        Self::Calls,
        Self::Lock,
        Self::Assist,
        Self::Stw,
        Self::Creations,
        Self::Samples,
        Self::Running,
    ];
}

/// Names of a profile's values.
#[derive(Clone, Copy, Debug)]
pub(super) struct Names {
    /// Name of the count.
    pub count: &'static str,
    /// Name of the duration, if the profile has one.
    pub time: Option<&'static str>,
}

impl Type {
    /// All types, with their names on the command line and in URLs.
    pub const ALL: [(&'static str, Self); 12] = [
        ("net", Self::Net),
        ("sync", Self::Sync),
        ("syscall", Self::Syscall),
        ("sched", Self::Sched),
        ("wait", Self::Wait),
        ("runnable", Self::Runnable),
        ("lock", Self::Lock),
        ("assist", Self::Assist),
        ("stw", Self::Stw),
        ("creations", Self::Creations),
        ("cpu", Self::Cpu),
        ("wall", Self::Wall),
    ];

    /// Returns the type with a name.
    pub fn from_name(name: &str) -> Option<Self> {
        let named = Self::ALL.into_iter().find(|(known, _)| *known == name);
        named.map(|(_, kind)| kind)
    }

    /// Returns the parts of the profile.
    pub fn parts(self) -> &'static [Part] {
        match self {
            Self::Net => &[Part::Net],
            Self::Sync => &[Part::Sync],
            Self::Syscall => &[Part::Syscall],
            Self::Sched => &[Part::Sched],
            Self::Wait => &[Part::Wait],
            Self::Runnable => &[Part::Runnable],
            Self::Lock => &[Part::Lock],
            Self::Assist => &[Part::Assist],
            Self::Stw => &[Part::Stw],
            Self::Creations => &[Part::Creations],
            Self::Cpu => &[Part::Samples],
            Self::Wall => &[Part::Wait, Part::Runnable, Part::Calls, Part::Running],
        }
    }

    pub(super) fn names(self) -> Names {
        let names = |count, time| Names { count, time };
        match self {
            Self::Creations => names("goroutines", None),
            Self::Cpu => names("samples", Some("cpu")),
            _ => names("contentions", Some("delay")),
        }
    }
}
