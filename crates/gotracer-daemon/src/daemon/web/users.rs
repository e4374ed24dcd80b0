//! `basic_auth_users`: names and bcrypt hashes of passwords.
//!
//! A hash takes long to compute, that is its point. It is done on a thread that
//! may block, one at a time, and passwords that were right are remembered. For
//! a name that is not known it is done as well, so that the time tells nobody
//! which names there are.

use std::collections::{BTreeMap, HashSet};
use std::hash::{BuildHasher, RandomState};
use std::str::FromStr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bcrypt::HashParts;
use hyper::header::{AUTHORIZATION, HeaderMap};
use tokio::sync::Semaphore;

/// How many passwords are remembered.
const REMEMBERED: usize = 100;

/// The users.
#[derive(Debug)]
pub struct Users {
    hashes: BTreeMap<String, Arc<str>>,
    /// Compared with what comes from somebody who is not known: the hash that
    /// takes longest.
    decoy: Option<Arc<str>>,
}

/// Passwords that were right; not themselves, but hashes with keys that nobody
/// knows.
pub struct Verified {
    right: Mutex<HashSet<[u64; 2]>>,
    keys: [RandomState; 2],
    one: Semaphore,
}

impl Default for Verified {
    fn default() -> Self {
        Self {
            right: Mutex::default(),
            keys: [RandomState::new(), RandomState::new()],
            one: Semaphore::new(1),
        }
    }
}

impl Verified {
    /// From now on each has to be verified again.
    pub fn forget(&self) {
        self.lock().clear();
    }

    fn key(&self, user: &str, hash: &str, password: &[u8]) -> [u64; 2] {
        let both = (user, hash, password);
        [self.keys[0].hash_one(both), self.keys[1].hash_one(both)]
    }

    fn lock(&self) -> MutexGuard<'_, HashSet<[u64; 2]>> {
        self.right.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Users {
    /// The users with their hashes.
    pub fn new(users: &BTreeMap<String, String>) -> Result<Self, String> {
        let mut decoy = None;
        let mut hashes = BTreeMap::new();
        for (name, hash) in users {
            let parts = HashParts::from_str(hash);
            let parts = parts.map_err(|_| format!("{name}: this is no bcrypt hash"))?;
            let hash: Arc<str> = hash.as_str().into();
            decoy = decoy.max(Some((parts.get_cost(), Arc::clone(&hash))));
            hashes.insert(name.clone(), hash);
        }
        let decoy = decoy.map(|(_, hash)| hash);
        Ok(Self { hashes, decoy })
    }

    /// Whether whoever says this may be answered. Without users, everybody.
    pub async fn admit(&self, verified: &Verified, headers: &HeaderMap) -> bool {
        let Some(decoy) = &self.decoy else {
            return true;
        };
        let Some((user, password)) = said(headers) else {
            return false;
        };
        let known = self.hashes.get(&user);
        let hash = known.unwrap_or(decoy);
        let key = verified.key(&user, hash, &password);
        if known.is_some() && verified.lock().contains(&key) {
            return true;
        }
        let Ok(_permit) = verified.one.acquire().await else {
            return false;
        };
        let hash = Arc::clone(hash);
        let compare = move || bcrypt::verify(&password, &hash).unwrap_or(false);
        let right = tokio::task::spawn_blocking(compare).await.unwrap_or(false);
        let admitted = known.is_some() & right;
        if admitted {
            let mut all = verified.lock();
            if all.len() >= REMEMBERED {
                all.clear();
            }
            all.insert(key);
        }
        admitted
    }
}

/// The name and the password in the header.
fn said(headers: &HeaderMap) -> Option<(String, Vec<u8>)> {
    let text = headers.get(AUTHORIZATION)?.to_str().ok()?;
    let (kind, coded) = text.split_once(' ')?;
    if !kind.eq_ignore_ascii_case("basic") {
        return None;
    }
    let both = STANDARD.decode(coded.trim()).ok()?;
    let colon = both.iter().position(|&b| b == b':')?;
    let user = String::from_utf8(both[..colon].to_vec()).ok()?;
    Some((user, both[colon + 1..].to_vec()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(said: &str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(AUTHORIZATION, said.parse().unwrap());
        headers
    }

    #[tokio::test]
    async fn a_right_password_is_remembered_until_it_is_another() {
        let verified = Verified::default();
        let hash = |password: &str| bcrypt::hash(password, 4).unwrap();
        let users = |password| {
            let all = [("alice", hash(password)), ("bob", hash("b"))];
            let all = all.map(|(name, hash)| (name.to_string(), hash));
            Users::new(&all.into()).unwrap()
        };
        let first = users("a:x");
        let basic = |text: &str| headers(&format!("Basic {}", STANDARD.encode(text)));
        for _ in 0..2 {
            assert!(first.admit(&verified, &basic("alice:a:x")).await);
            for wrong in ["alice:b", "alice:", "carol:a:x", "alice", ":"] {
                assert!(!first.admit(&verified, &basic(wrong)).await, "{wrong}");
            }
        }
        assert_eq!(verified.lock().len(), 1);
        assert!(!first.admit(&verified, &HeaderMap::new()).await);
        assert!(!first.admit(&verified, &headers("Bearer a:x")).await);
        assert!(!users("new").admit(&verified, &basic("alice:a:x")).await);
        let nobody = Users::new(&BTreeMap::new()).unwrap();
        assert!(nobody.admit(&verified, &HeaderMap::new()).await);
    }

    #[test]
    fn go_s_hashes_are_read() {
        // Of Prometheus' own tests.
        let dave = "$2y$10$2UXri9cIDdgeKjBo4Rlpx.U3ZLDV8X1IxKmsfOvhcM5oXQt/mLmXq";
        let users = |hash: &str| Users::new(&[("dave".to_string(), hash.into())].into());
        assert!(users(dave).is_ok());
        assert!(users("plain").unwrap_err().starts_with("dave: "));
    }
}
