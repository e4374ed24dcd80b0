//! What is kept in buckets, with a real S3 server.
#![cfg(feature = "s3")]

mod support;

use std::fs;
use std::io::{self, Read, Write};
use std::process::Command;
use std::time::Duration;

use gotracer::objects::{Failure, ObjectError, Store};
use support::s3::{BUCKET, S3};

/// The store at a location, where these variables say otherwise than the
/// server would have them.
fn store(server: &S3, url: &str, other: &[(&str, &str)]) -> Store {
    let mut variables = server.variables().map(|(n, v)| (n.into(), v)).to_vec();
    variables.extend(other.iter().map(|(n, v)| ((*n).into(), (*v).into())));
    Store::with(url.parse().unwrap(), variables).unwrap()
}

fn names(store: &Store) -> Vec<String> {
    store.list().map(|object| object.unwrap().name).collect()
}

fn read(store: &Store, name: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut reader = store.read(name).unwrap();
    reader.read_to_end(&mut bytes).unwrap();
    bytes
}

/// Bytes that no two parts have alike.
fn bytes(n: usize) -> Vec<u8> {
    (0..n).map(|i| (i * i / 7 + i / 4096) as u8).collect()
}

fn said<T>(result: Result<T, ObjectError>) -> (Failure, String) {
    let error = result.map(drop).unwrap_err();
    (error.failure(), error.to_string())
}

#[test]
fn what_is_written_is_listed_read_and_deleted() {
    let Some(server) = S3::start() else { return };
    let store = store(&server, &server.url("deep/down"), &[]);
    assert!(names(&store).is_empty());
    let long = bytes(20 << 20);
    for (name, content) in [
        ("a b+c%20?.trace", &long[..1000]),
        ("empty", &[]),
        ("x/long.trace", &long[..]),
    ] {
        assert_eq!(store.put(name, content).unwrap(), content.len() as u64);
        assert_eq!(store.head(name).unwrap().size, content.len() as u64);
        assert!(read(&store, name) == content, "{name}");
        assert!(fs::read(server.file(&format!("deep/down/{name}"))).unwrap() == content);
    }
    // What is beside the prefix is not below it.
    server.add("deep/downer", &server.file("deep/down/empty"));
    assert_eq!(names(&store), ["a b+c%20?.trace", "empty", "x/long.trace"]);
    store.delete("empty").unwrap();
    store.delete("empty").unwrap();
    assert_eq!(names(&store), ["a b+c%20?.trace", "x/long.trace"]);
}

#[test]
fn listings_go_on_page_after_page() {
    let Some(server) = S3::start() else { return };
    let file = server.file("many/00000");
    fs::create_dir_all(file.parent().unwrap()).unwrap();
    for i in 0..2500 {
        fs::write(server.file(&format!("many/{i:05}")), "").unwrap();
    }
    let names = names(&store(&server, &server.url("many"), &[]));
    assert_eq!(names.len(), 2500);
    assert!(names.is_sorted());
}

#[test]
fn what_is_not_finished_is_not_there() {
    let Some(server) = S3::start() else { return };
    let store = store(&server, &server.url(""), &[]);
    let mut writer = store.write("half");
    writer.write_all(&bytes(20 << 20)).unwrap();
    drop(writer);
    assert!(names(&store).is_empty());
    let broken = bytes(9 << 20).chain_error();
    assert!(store.put("broken", broken).is_err());
    assert!(names(&store).is_empty());
}

trait ChainError {
    /// The bytes, and then none although there should be more.
    fn chain_error(self) -> impl Read;
}

impl ChainError for Vec<u8> {
    fn chain_error(self) -> impl Read {
        struct Broken;
        impl Read for Broken {
            fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
                Err(io::ErrorKind::UnexpectedEof.into())
            }
        }
        io::Cursor::new(self).chain(Broken)
    }
}

#[test]
fn a_presigned_url_needs_no_credentials() {
    let Some(server) = S3::start() else { return };
    let store = store(&server, &server.url("kept"), &[]);
    store.put("a b.trace", &b"go 1.25 trace"[..]).unwrap();
    let url = store
        .presigned("a b.trace", Duration::from_secs(60))
        .unwrap();
    let get = |url: &str| {
        let output = Command::new("curl").args(["-sf", url]).output().unwrap();
        output.status.success().then_some(output.stdout)
    };
    assert_eq!(get(&url).unwrap(), b"go 1.25 trace");
    // It is signed for this object alone.
    assert_eq!(get(&url.replace("a%20b", "b")), None);
    assert_eq!(get(url.split('?').next().unwrap()), None);
}

#[test]
fn failures_say_what_to_do() {
    let Some(server) = S3::start() else { return };
    let usual = store(&server, &server.url("x"), &[]);
    let (failure, text) = said(usual.read("none.trace"));
    assert_eq!(failure, Failure::Missing);
    assert_eq!(
        text,
        format!(
            "cannot read s3://{BUCKET}/x/none.trace: NoSuchKey: The specified key does not exist"
        )
    );

    let elsewhere = store(&server, "s3://nowhere/x", &[]);
    let (failure, text) = said(elsewhere.list().next().unwrap());
    assert_eq!(failure, Failure::Missing);
    assert!(
        text.starts_with("cannot list s3://nowhere/x: NoSuchBucket"),
        "{text}"
    );
    assert!(text.contains("check the bucket's name"), "{text}");

    let wrong = [("AWS_SECRET_ACCESS_KEY", "wrong")];
    let stranger = store(&server, &server.url("x"), &wrong);
    for (failure, text) in [
        said(stranger.list().next().unwrap()),
        said(stranger.read("a")),
        said(stranger.write("a").finish()),
    ] {
        assert_eq!(failure, Failure::Credentials, "{text}");
        assert!(text.contains("SignatureDoesNotMatch"), "{text}");
        assert!(text.contains("check AWS_ACCESS_KEY_ID and"), "{text}");
    }

    let lost = store(&server, &server.url("x"), &[("AWS_REGION", "eu-north-1")]);
    let (_, text) = said(lost.read("a"));
    assert!(
        text.contains("set AWS_REGION to the region of traces"),
        "{text}"
    );
}

#[test]
fn half_a_name_is_no_credential() {
    let only = [("AWS_ACCESS_KEY_ID".to_owned(), "x".to_owned())];
    let error = Store::with("s3://b".parse().unwrap(), only).err().unwrap();
    assert_eq!(
        error.to_string(),
        "cannot use s3://b/: Missing SecretAccessKey"
    );
}

#[test]
fn who_has_no_credentials_is_told_so() {
    let nobody = [(
        "AWS_METADATA_ENDPOINT".to_owned(),
        "http://127.0.0.1:1".to_owned(),
    )];
    let store = Store::with("s3://b/x".parse().unwrap(), nobody).unwrap();
    let (failure, text) = said(store.read("a"));
    assert_eq!(failure, Failure::Credentials, "{text}");
    assert!(
        text.starts_with("cannot read s3://b/x/a: there are no credentials"),
        "{text}"
    );
    assert!(text.contains("set AWS_ACCESS_KEY_ID"), "{text}");
}
