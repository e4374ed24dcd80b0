//! Users with bcrypt password hashes, `basic_auth_users`.
//!
//! A bcrypt hash is slow by design. One hash is computed at a time, on a blocking thread. For an
//! unknown user a hash is computed as well, so the response time does not reveal which users exist.
//!
//! Results are cached: repeated credentials, right or wrong, are decided at once.

use std::collections::{BTreeMap, HashSet};
use std::hash::{BuildHasher, RandomState};
use std::net::IpAddr;
use std::str::FromStr;
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bcrypt::HashParts;
use hyper::header::{AUTHORIZATION, HeaderMap};
use parking_lot::{Mutex, MutexGuard};

use crate::daemon::permits::Permits;

/// Capacity of the cache for right and for wrong credentials.
const REMEMBERED: usize = 1_000;

/// Configured users.
#[derive(Debug)]
pub(super) struct Users {
    hashes: BTreeMap<String, Arc<str>>,
    /// Hash to compare with for unknown users: the one with the highest cost.
    decoy: Option<Arc<str>>,
}

/// Cache of verified credentials. It holds no password, only hashes with random keys of this
/// process.
#[derive(Clone)]
pub(super) struct Verified(Arc<Known>);

struct Known {
    verdicts: Mutex<[HashSet<[u64; 2]>; 2]>,
    keys: [RandomState; 2],
    permits: Permits,
}

impl Default for Verified {
    fn default() -> Self {
        Self(Arc::new(Known {
            verdicts: Mutex::default(),
            keys: [RandomState::new(), RandomState::new()],
            permits: Permits::new(1),
        }))
    }
}

impl Verified {
    /// Clears the cache.
    pub(super) fn forget(&self) {
        *self.lock() = Default::default();
    }

    fn key(&self, user: &str, hash: &str, password: &[u8]) -> [u64; 2] {
        let both = (user, hash, password);
        self.0.keys.each_ref().map(|key| key.hash_one(both))
    }

    fn known(&self, key: [u64; 2]) -> Option<bool> {
        let [wrong, right] = &*self.lock();
        let right = right.contains(&key);
        (right || wrong.contains(&key)).then_some(right)
    }

    fn remember(&self, key: [u64; 2], right: bool) {
        let all = &mut self.lock()[usize::from(right)];
        if all.len() >= REMEMBERED {
            all.clear();
        }
        all.insert(key);
    }

    fn lock(&self) -> MutexGuard<'_, [HashSet<[u64; 2]>; 2]> {
        self.0.verdicts.lock()
    }
}

impl Users {
    /// Creates users from their hashes.
    pub(super) fn new(users: &BTreeMap<String, String>) -> Result<Self, String> {
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

    /// Whether no user is configured.
    pub(super) fn is_empty(&self) -> bool {
        self.decoy.is_none()
    }

    /// Whether a client with this address and these headers is authenticated. Without users, every
    /// client is.
    pub(super) async fn admit(
        &self,
        verified: &Verified,
        headers: &HeaderMap,
        client: IpAddr,
    ) -> bool {
        let Some(decoy) = &self.decoy else {
            return true;
        };
        let Some((user, password)) = said(headers) else {
            return false;
        };
        let known = self.hashes.get(&user);
        let hash = known.unwrap_or(decoy);
        let key = verified.key(&user, hash, &password);
        if let Some(verdict) = verified.known(key) {
            return verdict;
        }
        let turn = verified.0.permits.take(client).await;
        // Another request with the same credentials may have been verified meanwhile.
        if let Some(verdict) = verified.known(key) {
            return verdict;
        }
        let (hash, verified) = (Arc::clone(hash), verified.clone());
        let known = known.is_some();
        let compare = move || {
            // The permit stays taken while the hash is computed, even if the client disconnects.
            let _turn = turn;
            let right = bcrypt::verify(&password, &hash).unwrap_or(false) & known;
            verified.remember(key, right);
            right
        };
        tokio::task::spawn_blocking(compare).await.unwrap_or(false)
    }
}

/// Parses the user and password of the `Authorization` header.
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

    const CLIENT: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);

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
            assert!(first.admit(&verified, &basic("alice:a:x"), CLIENT).await);
            for wrong in ["alice:b", "alice:", "carol:a:x", "alice", ":"] {
                assert!(
                    !first.admit(&verified, &basic(wrong), CLIENT).await,
                    "{wrong}"
                );
            }
        }
        assert_eq!(verified.lock().each_ref().map(HashSet::len), [4, 1]);
        assert!(!first.admit(&verified, &HeaderMap::new(), CLIENT).await);
        assert!(!first.admit(&verified, &headers("Bearer a:x"), CLIENT).await);
        assert!(
            !users("new")
                .admit(&verified, &basic("alice:a:x"), CLIENT)
                .await
        );
        let nobody = Users::new(&BTreeMap::new()).unwrap();
        assert!(nobody.admit(&verified, &HeaderMap::new(), CLIENT).await);
    }

    #[test]
    fn go_s_hashes_are_read() {
        // Hash from Prometheus' own tests.
        let dave = "$2y$10$2UXri9cIDdgeKjBo4Rlpx.U3ZLDV8X1IxKmsfOvhcM5oXQt/mLmXq";
        let users = |hash: &str| Users::new(&[("dave".to_string(), hash.into())].into());
        assert!(users(dave).is_ok());
        assert!(users("plain").unwrap_err().starts_with("dave: "));
    }
}
