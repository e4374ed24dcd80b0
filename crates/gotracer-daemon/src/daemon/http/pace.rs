//! Patience with clients that send or read slowly.
//!
//! A client has some seconds of credit. Waiting for it uses credit up, and each byte that it sends
//! or reads earns some back. A slow line is served; a client that stalls or trickles is not.

use std::time::Duration;

use tokio::time::Instant;

/// Maximum and initial credit.
pub(super) const CREDIT: Duration = Duration::from_secs(30);
/// Number of bytes that earn a second of credit.
const RATE: u32 = 8 << 10;

/// Credit of one client in one direction.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pace {
    /// Time at which the credit is used up if no more bytes move.
    deadline: Instant,
}

impl Pace {
    /// Creates a pace with full credit.
    pub(super) fn new(now: Instant) -> Self {
        Self {
            deadline: now + CREDIT,
        }
    }

    /// Returns when the credit is used up.
    pub(super) fn deadline(self) -> Instant {
        self.deadline
    }

    /// Adds the credit for bytes that the client sent or read.
    pub(super) fn moved(&mut self, now: Instant, bytes: usize) {
        let bytes = u32::try_from(bytes).unwrap_or(u32::MAX);
        let earned = Duration::from_secs(1) * bytes / RATE;
        self.deadline = (self.deadline + earned).min(now + CREDIT);
    }

    /// Extends the deadline by a time in which the client waited for the server.
    pub(super) fn excuse(&mut self, waited: Duration) {
        self.deadline += waited;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_earn_time_up_to_the_full_credit() {
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let mut pace = Pace::new(start);
        assert_eq!(pace.deadline(), at(30));
        // Credit does not exceed its maximum.
        pace.moved(start, 1 << 30);
        assert_eq!(pace.deadline(), at(30));
        pace.moved(at(20), 5 * RATE as usize);
        assert_eq!(pace.deadline(), at(35));
        pace.moved(at(25), usize::MAX);
        assert_eq!(pace.deadline(), at(55));
    }

    #[test]
    fn a_byte_now_and_then_does_not_keep_a_connection_open() {
        let start = Instant::now();
        let mut pace = Pace::new(start);
        for second in 1..31 {
            pace.moved(start + Duration::from_secs(second), 1);
        }
        assert!(pace.deadline() < start + Duration::from_secs(31));
    }

    #[test]
    fn the_time_of_the_server_does_not_count() {
        let start = Instant::now();
        let mut pace = Pace::new(start);
        pace.excuse(Duration::from_secs(60));
        assert_eq!(pace.deadline(), start + Duration::from_secs(90));
    }
}
