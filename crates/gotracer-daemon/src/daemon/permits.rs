//! Permits for work that only a limited number of requests may do at a time.
//!
//! Addresses are served in rotation, and of one address the newest request first: a client that
//! floods the server delays only itself, and a new request does not wait for old ones.

use std::collections::{HashMap, VecDeque};
use std::net::IpAddr;
use std::sync::Arc;

use parking_lot::{Mutex, MutexGuard};
use tokio::sync::oneshot::{Receiver, Sender, channel};

/// Number of waiting requests of an address from which canceled ones are searched for and removed.
const CROWD: usize = 64;

/// Issues permits.
#[derive(Clone)]
pub(super) struct Permits(Arc<Mutex<Waiting>>);

struct Waiting {
    /// Number of free permits.
    free: usize,
    addresses: VecDeque<IpAddr>,
    requests: HashMap<IpAddr, Vec<Sender<Permit>>>,
}

/// Permit, returned when dropped.
pub(super) struct Permit(Option<Permits>);

impl Permits {
    /// Creates `limit` permits.
    pub(super) fn new(limit: usize) -> Self {
        Self(Arc::new(Mutex::new(Waiting {
            free: limit,
            addresses: VecDeque::new(),
            requests: HashMap::new(),
        })))
    }

    /// Takes a permit if one is free.
    pub(super) fn try_take(&self) -> Option<Permit> {
        let mut waiting = self.lock();
        waiting.free = waiting.free.checked_sub(1)?;
        Some(Permit(Some(self.clone())))
    }

    /// Waits for a permit.
    pub(super) async fn take(&self, address: IpAddr) -> Permit {
        let turn = {
            let mut waiting = self.lock();
            if let Some(left) = waiting.free.checked_sub(1) {
                waiting.free = left;
                return Permit(Some(self.clone()));
            }
            waiting.push(address)
        };
        // Senders are dropped only with all permits, when none is issued any more.
        turn.await.unwrap_or(Permit(None))
    }

    fn pass_on(self) {
        loop {
            let next = {
                let mut waiting = self.lock();
                let next = waiting.pop();
                waiting.free += usize::from(next.is_none());
                next
            };
            let Some(next) = next else {
                return;
            };
            // A canceled request does not use up the permit.
            match next.send(Permit(Some(self.clone()))) {
                Ok(()) => return,
                Err(mut turn) => turn.0 = None,
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.0.lock()
    }
}

impl Waiting {
    fn push(&mut self, address: IpAddr) -> Receiver<Permit> {
        let (sender, turn) = channel();
        let requests = self.requests.entry(address).or_default();
        if requests.is_empty() {
            self.addresses.push_back(address);
        }
        if requests.len() >= CROWD {
            requests.retain(|request| !request.is_closed());
        }
        requests.push(sender);
        turn
    }

    fn pop(&mut self) -> Option<Sender<Permit>> {
        let address = self.addresses.pop_front()?;
        let requests = self.requests.get_mut(&address)?;
        let next = requests.pop();
        if requests.is_empty() {
            self.requests.remove(&address);
        } else {
            self.addresses.push_back(address);
        }
        next
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        if let Some(permits) = self.0.take() {
            permits.pass_on();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    /// Returns the order in which requests, each an address and a number, get their permits.
    async fn order(requests: &[(u8, u32)]) -> Vec<u32> {
        let permits = Permits::new(1);
        let (done, order) = mpsc::channel();
        let first = permits.take([127, 0, 0, 1].into()).await;
        let mut tasks = Vec::new();
        for &(address, number) in requests {
            let (permits, done) = (permits.clone(), done.clone());
            tasks.push(tokio::spawn(async move {
                let _turn = permits.take([10, 0, 0, address].into()).await;
                done.send(number).unwrap();
            }));
            // The test has one thread: the task runs until it waits.
            tokio::task::yield_now().await;
        }
        drop(first);
        for task in tasks {
            task.await.unwrap();
        }
        order.try_iter().collect()
    }

    #[tokio::test]
    async fn addresses_take_turns_and_the_newest_request_is_first() {
        assert_eq!(order(&[(1, 1), (1, 2), (1, 3)]).await, [3, 2, 1]);
        let crowd = [(1, 1), (1, 2), (1, 3), (2, 4), (1, 5)];
        assert_eq!(order(&crowd).await, [5, 4, 3, 2, 1]);
    }

    #[tokio::test]
    async fn a_request_that_gives_up_does_not_keep_the_turn() {
        let permits = Permits::new(1);
        let address = [127, 0, 0, 1].into();
        let first = permits.take(address).await;
        for _ in 0..1_000 {
            let mut waits = Box::pin(permits.take(address));
            tokio::select! {
                biased;
                _ = &mut waits => panic!("two permits at once"),
                () = std::future::ready(()) => {}
            }
        }
        let waiting = permits.lock().requests[&address].len();
        assert!(waiting <= CROWD, "{waiting}");
        // The request gets its permit and is canceled at the same moment.
        let mut late = Box::pin(permits.take(address));
        tokio::select! {
            biased;
            _ = &mut late => panic!("two permits at once"),
            () = std::future::ready(()) => {}
        }
        drop(first);
        drop(late);
        permits.take(address).await;
    }
}
