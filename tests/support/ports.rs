//! Addresses for servers that must be told where to listen.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::net::{Ipv4Addr, SocketAddrV4, TcpListener};

use super::random::Random;

/// Systems take the ports of clients from 32768 on: one of those may have been taken when the server wants it.
const FIRST: u16 = 10_000;
const NUMBER: usize = 22_000;

/// An address on which nobody listens. It is random, because other tests choose at the same time.
pub(crate) fn free_address() -> String {
    let mut random = Random(RandomState::new().build_hasher().finish() | 1);
    loop {
        let port = FIRST + random.below(NUMBER) as u16;
        let address = SocketAddrV4::new(Ipv4Addr::LOCALHOST, port);
        if TcpListener::bind(address).is_ok() {
            return address.to_string();
        }
    }
}
