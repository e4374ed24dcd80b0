//! Open connections and their state.
//!
//! A new connection is always accepted. At the limit, the connection that has been idle for longest
//! is closed, of the address with the most connections, so that stalled clients cannot keep others
//! out.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use parking_lot::{Mutex, MutexGuard};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::pace::{CREDIT, Pace};
use crate::export::catalog::server::ServerStats;

/// Maximum number of connections.
const CONNECTIONS: usize = 256;
/// Idle timeout of a connection.
pub(super) const IDLE: Duration = Duration::from_secs(10);
/// Time between a client's deadline and the end of its connection, in which an answer can give the
/// reason.
const SLACK: Duration = Duration::from_secs(5);
/// Time that a connection gets to end gracefully.
const PARTING: Duration = Duration::from_secs(5);

/// Kind of a request. Each kind has its own limits.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Kind {
    /// Health checks, which are never refused.
    Essential,
    /// `/metrics`.
    Scrape,
    /// Pages and JSON documents.
    Page,
    /// `/probe`.
    Probe,
    /// First bytes of any body.
    Upload,
    /// Notification of Alertmanager.
    Alert,
    /// Trace that is analyzed while it is received.
    Analysis,
    /// Trace that is stored and analyzed later.
    Push,
}

impl Kind {
    /// Delay of a client that is tolerated while others wait for a permit.
    fn allowance(self) -> Duration {
        match self {
            // Connections that stall for a moment are common.
            Self::Analysis | Self::Push => Duration::from_secs(3),
            _ => Duration::from_secs(1),
        }
    }
}

/// State of a request.
#[derive(Clone, Copy, Debug)]
enum Progress {
    Server,
    /// The request waits for a permit.
    Queue,
    /// The client has to send or read until this deadline.
    Client(Instant),
}

/// All open connections.
pub(crate) struct Connections {
    limit: usize,
    open: Mutex<HashMap<u64, Arc<Connection>>>,
    next: AtomicU64,
    stats: Arc<ServerStats>,
}

/// Open connection.
pub(crate) struct Connection {
    /// Address of the client.
    pub address: IpAddr,
    /// Canceled if the connection should end after its current requests.
    pub finish: CancellationToken,
    /// Canceled if the connection should end at once.
    pub abort: CancellationToken,
    state: Mutex<State>,
    stats: Arc<ServerStats>,
}

struct State {
    /// Time at which the client last began or ended a request.
    since: Instant,
    /// Pace of a client that reads slower than the server writes.
    blocked: Option<Pace>,
    requests: Vec<(u64, Kind, Progress)>,
    next: u64,
}

/// Entry of a connection in the list, removed when dropped.
pub(crate) struct Entry {
    connections: Arc<Connections>,
    number: u64,
    /// The connection.
    pub connection: Arc<Connection>,
}

/// Request that is being answered.
pub(crate) struct InFlight {
    connection: Arc<Connection>,
    number: u64,
}

impl Connections {
    /// Creates an empty list.
    pub(crate) fn new(stats: Arc<ServerStats>) -> Self {
        Self {
            limit: limit(),
            open: Mutex::default(),
            next: AtomicU64::default(),
            stats,
        }
    }

    /// Adds a connection, and closes an idle one if there are too many.
    pub(crate) fn add(self: &Arc<Self>, address: IpAddr, stop: &CancellationToken) -> Entry {
        let connection = Arc::new(Connection {
            address: address.to_canonical(),
            finish: stop.child_token(),
            abort: CancellationToken::new(),
            state: Mutex::new(State {
                since: Instant::now(),
                blocked: None,
                requests: Vec::new(),
                next: 0,
            }),
            stats: Arc::clone(&self.stats),
        });
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let mut open = self.lock();
        if living(&open).count() >= self.limit {
            self.evict(idlest(&open));
        }
        open.insert(number, Arc::clone(&connection));
        self.stats.connections.fetch_add(1, Ordering::Relaxed);
        drop(open);
        Entry {
            connections: Arc::clone(self),
            number,
            connection,
        }
    }

    /// Closes the connection that has been idle for longest, because the system allows no more.
    pub(crate) fn make_room(&self) {
        self.evict(idlest(&self.lock()));
    }

    /// Closes the connection whose client is furthest behind with a request of this kind. Returns
    /// whether there was one.
    pub(crate) fn make_room_for(&self, kind: Kind) -> bool {
        let open = self.lock();
        let slow = living(&open).filter_map(|connection| {
            let state = connection.lock();
            let requests = state.requests.iter().filter(|(_, k, _)| *k == kind);
            let waiting = requests.filter_map(|&(_, _, turn)| match turn {
                Progress::Client(deadline) => Some(deadline),
                Progress::Server | Progress::Queue => None,
            });
            Some((waiting.min()?, connection))
        });
        let slowest = slow.min_by_key(|(deadline, _)| *deadline);
        let latest = Instant::now() + CREDIT - kind.allowance();
        let slowest = slowest.filter(|(deadline, _)| *deadline < latest);
        self.evict(slowest.map(|(_, connection)| connection));
        slowest.is_some()
    }

    /// Closes the connections whose clients exceeded their deadline.
    pub(crate) fn reap(&self) {
        let now = Instant::now();
        for connection in living(&self.lock()) {
            let state = connection.lock();
            let parting = connection.finish.is_cancelled();
            if state.is_overdue(now) || parting && state.is_behind(now, PARTING) {
                connection.abort.cancel();
                self.stats.timed_out.fetch_add(1, Ordering::Relaxed);
            } else if state.requests.is_empty() && state.is_behind(now, IDLE) {
                connection.finish.cancel();
            }
        }
    }

    fn evict(&self, connection: Option<&Arc<Connection>>) {
        if let Some(connection) = connection {
            connection.abort.cancel();
            self.stats.evicted.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<u64, Arc<Connection>>> {
        self.open.lock()
    }
}

/// Returns half of the open-files limit: files of traces need some too.
#[cfg(unix)]
fn limit() -> usize {
    let files = rustix::process::getrlimit(rustix::process::Resource::Nofile).current;
    let half = files.map_or(CONNECTIONS, |n| {
        usize::try_from(n / 2).unwrap_or(usize::MAX)
    });
    half.clamp(1, CONNECTIONS)
}

#[cfg(not(unix))]
fn limit() -> usize {
    CONNECTIONS
}

fn living(open: &HashMap<u64, Arc<Connection>>) -> impl Iterator<Item = &Arc<Connection>> {
    open.values().filter(|c| !c.abort.is_cancelled())
}

/// Returns the connection that has been idle for longest, of the network with the most connections.
fn idlest(open: &HashMap<u64, Arc<Connection>>) -> Option<&Arc<Connection>> {
    let mut of_network = HashMap::<_, usize>::new();
    for connection in living(open) {
        *of_network.entry(network(connection.address)).or_default() += 1;
    }
    let most = of_network.values().max().copied();
    let crowded = living(open).filter(|c| of_network.get(&network(c.address)).copied() == most);
    crowded.min_by_key(|connection| {
        let state = connection.lock();
        let waits = state.waits_since();
        (waits.is_none(), waits.unwrap_or(state.since))
    })
}

/// Returns the network that one client may own: for IPv6, the /64 prefix.
fn network(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(v6) => Ipv6Addr::from_bits(v6.to_bits() >> 64 << 64).into(),
    }
}

impl State {
    /// Returns the deadlines of the client.
    fn deadlines(&self) -> impl Iterator<Item = Instant> {
        let turns = self.requests.iter().filter_map(|&(_, _, turn)| match turn {
            Progress::Client(deadline) => Some(deadline),
            Progress::Server | Progress::Queue => None,
        });
        turns.chain(self.blocked.map(Pace::deadline))
    }

    fn is_overdue(&self, now: Instant) -> bool {
        self.deadlines().any(|deadline| deadline + SLACK < now)
    }

    /// Returns since when the connection waits for its client; `None` if it waits for the server.
    fn waits_since(&self) -> Option<Instant> {
        let queued = |(_, _, turn): &(u64, Kind, Progress)| matches!(turn, Progress::Queue);
        let rests = self.requests.is_empty() || self.requests.iter().any(queued);
        let waits = self.deadlines().map(|deadline| deadline - CREDIT);
        waits.chain(rests.then_some(self.since)).min()
    }

    fn is_behind(&self, now: Instant, allowed: Duration) -> bool {
        self.waits_since()
            .is_some_and(|since| since + allowed < now)
    }
}

impl Connection {
    /// Registers a request.
    pub(crate) fn begin(self: &Arc<Self>, kind: Kind) -> InFlight {
        let mut state = self.lock();
        let number = state.next;
        state.next += 1;
        state.since = Instant::now();
        state.requests.push((number, kind, Progress::Server));
        self.stats.in_flight.fetch_add(1, Ordering::Relaxed);
        drop(state);
        InFlight {
            connection: Arc::clone(self),
            number,
        }
    }

    /// Records that the system took only `taken` bytes of those written.
    pub(crate) fn blocked(&self, taken: usize) {
        let now = Instant::now();
        let mut state = self.lock();
        let pace = state.blocked.get_or_insert_with(|| Pace::new(now));
        pace.moved(now, taken);
    }

    /// Records that the system took all bytes.
    pub(crate) fn flushed(&self) {
        let mut state = self.lock();
        if state.blocked.take().is_some() {
            state.since = Instant::now();
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock()
    }
}

impl InFlight {
    /// Address of the client.
    pub(crate) fn address(&self) -> IpAddr {
        self.connection.address
    }

    /// Changes the kind of the request.
    pub(crate) fn becomes(&self, kind: Kind) {
        self.change(|(_, known, _)| *known = kind);
    }

    /// Records that the server is working on the request.
    pub(crate) fn works(&self) {
        self.turn(Progress::Server);
    }

    /// Records that the request waits for a permit.
    pub(crate) fn queues(&self) {
        self.turn(Progress::Queue);
    }

    /// Records that the client has to send or read until the deadline.
    pub(crate) fn waits(&self, deadline: Instant) {
        self.turn(Progress::Client(deadline));
    }

    fn turn(&self, turn: Progress) {
        self.change(|(_, _, known)| *known = turn);
    }

    fn change(&self, change: impl FnOnce(&mut (u64, Kind, Progress))) {
        let mut state = self.connection.lock();
        let mut requests = state.requests.iter_mut();
        if let Some(request) = requests.find(|(number, ..)| *number == self.number) {
            change(request);
        }
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        let mut state = self.connection.lock();
        state.requests.retain(|(n, ..)| *n != self.number);
        state.since = Instant::now();
        let in_flight = &self.connection.stats.in_flight;
        in_flight.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        self.connections.lock().remove(&self.number);
        let open = &self.connections.stats.connections;
        open.fetch_sub(1, Ordering::Relaxed);
    }
}
