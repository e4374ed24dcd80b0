//! Damaged traces: every command says the same of them.

use super::*;

/// What a command made of a trace.
#[derive(Debug, PartialEq)]
struct Said {
    /// It read what it could.
    read: bool,
    /// How many bytes it says are lost; none if nothing is said to be wrong.
    lost: Option<u64>,
}

fn said(args: &[&str], input: Option<&[u8]>) -> Said {
    let output = match input {
        Some(input) => run_with_stdin(args, input),
        None => run(args),
    };
    let text = stderr(&output);
    let errors = text.lines().filter(|line| !line.starts_with("wrote "));
    let text: String = errors.map(|line| format!("{line}\n")).collect();
    assert!(text.lines().count() <= 1, "{args:?}: {text}");
    let lost = text.split("; ").find_map(|part| {
        let number = part.strip_suffix(" bytes could not be used\n")?;
        Some(number.parse().unwrap())
    });
    let code = output.status.code();
    assert!(code == Some(0) || code == Some(2), "{args:?}: {text}");
    Said {
        read: code == Some(0),
        lost: lost.or((!text.is_empty()).then_some(0)),
    }
}

/// The five commands on a trace.
fn all(bytes: &[u8]) -> Vec<(&'static str, Said)> {
    let (dir, path) = with_file("damaged.trace", bytes);
    let copy = dir.path().join("copy.trace");
    let (path, copy) = (path.as_str(), copy.to_str().unwrap());
    let new = [
        ("analyze", said(&["analyze", "--fail-on=never", path], None)),
        ("explain", said(&["explain", path, "--at", "0s"], None)),
        ("export", said(&["export", "perfetto", path], None)),
        (
            "export of a window",
            said(&["export", "perfetto", path, "--at=0s"], None),
        ),
        ("diff", said(&["diff", CLEAN, path], None)),
        ("anonymize", said(&["anonymize", path, copy], None)),
        (
            "analyze of a stream",
            said(&["analyze", "--fail-on=never", "-"], Some(bytes)),
        ),
        (
            "anonymize of a stream",
            said(&["anonymize", "-", copy], Some(bytes)),
        ),
    ];
    new.into()
}

#[test]
fn all_commands_agree_on_what_is_lost() {
    let (mut damaged, mut unreadable) = (0, 0);
    for version in ["1.19", "1.21.13", "1.22.10", "1.23.9", "1.25.5", "1.27.3"] {
        let whole = fs::read(format!("tests/fixtures/go{version}/mutex_contention.trace"));
        let whole = whole.unwrap();
        let mut kinds = Vec::new();
        for eighths in [1, 5, 7] {
            kinds.push(whole[..whole.len() * eighths / 8].to_vec());
        }
        let (early, late) = (whole.len() / 3, whole.len() * 5 / 6);
        let mut flipped = whole.clone();
        flipped[late] ^= 0x55;
        kinds.push(flipped);
        kinds.push([&whole[..early], &whole[early + 100..]].concat());
        kinds.push([&whole[..], b"text behind it\n"].concat());
        let packed = gzip(&whole);
        kinds.push(packed[..packed.len() * 3 / 4].to_vec());
        for (kind, bytes) in kinds.iter().enumerate() {
            let said = all(bytes);
            let (_, first) = &said[0];
            damaged += usize::from(first.lost.is_some());
            unreadable += usize::from(!first.read);
            let old = version < "1.22";
            for (command, one) in &said {
                if old && command.starts_with("anonymize") {
                    assert!(!one.read, "Go {version}, kind {kind}: {command}");
                    continue;
                }
                assert_eq!(one, first, "Go {version}, kind {kind}: {command}");
            }
        }
    }
    assert!(damaged > 30 && unreadable > 5, "{damaged}, {unreadable}");
}
