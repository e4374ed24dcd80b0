//! States of goroutines and Ps.

/// State of a goroutine.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[repr(u8)]
pub enum GoState {
    /// Unknown: no event has given the goroutine's state yet.
    Undetermined,
    /// Before its creation or after its end.
    NotExist,
    /// Ready to run, but not running.
    Runnable,
    /// Running on a thread that holds a P.
    Running,
    /// Blocked, for the transition's reason.
    Waiting,
    /// In a system call or a cgo call.
    Syscall,
}

impl GoState {
    /// The state's name as Go tools print it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Undetermined => "Undetermined",
            Self::NotExist => "NotExist",
            Self::Runnable => "Runnable",
            Self::Running => "Running",
            Self::Waiting => "Waiting",
            Self::Syscall => "Syscall",
        }
    }
}

/// State of a P.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[repr(u8)]
pub enum ProcState {
    /// Unknown: no event has given the P's state yet.
    Undetermined,
    /// Not created yet, or removed.
    NotExist,
    /// Held by a thread.
    Running,
    /// Held by no thread.
    Idle,
}

impl ProcState {
    /// The state's name as Go tools print it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Undetermined => "Undetermined",
            Self::NotExist => "NotExist",
            Self::Running => "Running",
            Self::Idle => "Idle",
        }
    }
}
