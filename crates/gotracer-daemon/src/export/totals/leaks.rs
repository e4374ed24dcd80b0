//! Profiles of leaked goroutines.

/// Result of a request for a profile of leaked goroutines.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum LeakProfile {
    /// The profile proves this many goroutines leaked.
    Proved(u64),
    /// The program has no such profile.
    Unsupported,
    /// The request failed.
    Failed,
}

/// Results of the requests of a target.
#[derive(Clone, Debug, Default)]
pub struct Leaks {
    /// Leaked goroutines of the last profile.
    pub proved: Option<u64>,
    /// Requests by result, in the order of [`RESULTS`](Self::RESULTS).
    pub requests: [u64; 3],
}

impl Leaks {
    /// Results of requests.
    pub const RESULTS: [&'static str; 3] = ["ok", "unsupported", "failed"];

    /// Counts a request.
    pub fn record(&mut self, result: LeakProfile) {
        let index = match result {
            LeakProfile::Proved(goroutines) => {
                self.proved = Some(goroutines);
                0
            }
            LeakProfile::Unsupported => {
                // A program of Go 1.27 was replaced by an older one.
                self.proved = None;
                1
            }
            LeakProfile::Failed => 2,
        };
        self.requests[index] += 1;
    }
}
