//! Tests of the database of releases.

use super::*;
use crate::releases::settings::Settings;
use crate::report::sample;
use jiff::Timestamp;

fn version(captures: u64) -> Version {
    let settings = Settings {
        warmup: std::time::Duration::ZERO,
        ..Settings::default()
    };
    let mut version = Version::new(Timestamp::UNIX_EPOCH);
    for n in 0..captures {
        let name = format!("i{}", n % 3);
        version.add(
            &name,
            &sample::eventful("a"),
            Timestamp::UNIX_EPOCH,
            &settings,
        );
    }
    version
}

fn op(version: &str, key: Option<Key>, value: Option<Vec<u8>>) -> Op {
    let record = (ServiceName::new("a", "shop"), version.into(), key);
    Op { record, value }
}

fn ops(version: &Version) -> Vec<Op> {
    let puts = version.kept().map(|key| {
        let value = serde_json::to_vec(version.capture(&key).unwrap());
        op("1", Some(key), value.ok())
    });
    let own = op("1", None, serde_json::to_vec(version).ok());
    puts.chain([own]).collect()
}

fn text(entries: &[Entry]) -> Vec<String> {
    let captures = |e: &Entry| -> Vec<_> {
        let all = e.version.instances.values().flat_map(|i| &i.captures);
        all.map(|c| serde_json::to_string(c).unwrap()).collect()
    };
    let text = |e: &Entry| {
        let version = serde_json::to_string(&e.version).unwrap();
        format!("{} {} {version} {:?}", e.service, e.name, captures(e))
    };
    entries.iter().map(text).collect()
}

#[test]
fn what_was_written_is_read_and_what_was_deleted_is_gone() {
    let directory = tempfile::tempdir().unwrap();
    let known = version(2);
    let (store, entries) = Store::open(directory.path()).unwrap();
    assert!(entries.is_empty());
    store.write(&ops(&known)).unwrap();
    let second = Store::open(directory.path());
    assert!(matches!(second, Err(StoreError::InUse(_))));
    drop(store);
    let (store, entries) = Store::open(directory.path()).unwrap();
    let wanted = Entry {
        service: ServiceName::new("a", "shop"),
        name: "1".into(),
        version: known.clone(),
    };
    assert_eq!(text(&entries), text(&[wanted]));
    let key = ("i0".to_owned(), 0);
    store.write(&[op("1", Some(key), None)]).unwrap();
    drop(store);
    let (store, entries) = Store::open(directory.path()).unwrap();
    assert_eq!(entries[0].version.evidence(), (1, 1));
    let mut other = ops(&known);
    other.iter_mut().for_each(|op| op.record.1 = "2".into());
    store.rewrite(&other).unwrap();
    drop(store);
    let (store, entries) = Store::open(directory.path()).unwrap();
    let names: Vec<_> = entries.iter().map(|e| e.name.as_str()).collect();
    assert_eq!(names, ["2"]);
    store.write(&[op("2", None, None)]).unwrap();
    drop(store);
    assert!(Store::open(directory.path()).unwrap().1.is_empty());
}

#[test]
fn another_form_is_put_aside() {
    let directory = tempfile::tempdir().unwrap();
    let (store, _) = Store::open(directory.path()).unwrap();
    store.write(&ops(&version(2))).unwrap();
    let transaction = store.db.begin_write().unwrap();
    transaction
        .open_table(META)
        .unwrap()
        .insert("schema", SCHEMA + 1)
        .unwrap();
    transaction.commit().unwrap();
    drop(store);
    let (_store, entries) = Store::open(directory.path()).unwrap();
    assert!(entries.is_empty());
    let aside = Database::open(directory.path().join(ASIDE)).unwrap();
    assert!(matches!(read(&aside), Err(Unusable::Schema(2))));
}

#[test]
fn damage_never_stops_it() {
    let directory = tempfile::tempdir().unwrap();
    let (store, _) = Store::open(directory.path()).unwrap();
    let known = version(2);
    store.write(&ops(&known)).unwrap();
    drop(store);
    let path = directory.path().join(NAME);
    let whole = fs::read(&path).unwrap();
    let mut read = 0;
    let mut damaged = vec![
        Vec::new(),
        b"no database".to_vec(),
        whole[..whole.len() / 2].to_vec(),
    ];
    for i in 0..30 {
        let mut flipped = whole.clone();
        let at = i * 7_919 * 31 % flipped.len();
        let end = (at + 64).min(flipped.len());
        flipped[at..end].iter_mut().for_each(|b| *b ^= 0x55);
        damaged.push(flipped);
    }
    for content in damaged {
        fs::write(&path, content).unwrap();
        let (store, entries) = Store::open(directory.path()).unwrap();
        // A damaged file yields the original data or none.
        assert!(entries.len() <= 1);
        read += entries.len();
        store.write(&ops(&known)).unwrap();
        drop(store);
        assert_eq!(Store::open(directory.path()).unwrap().1.len(), 1);
    }
    assert!(read > 0, "all of it was thought to be unusable");
}
