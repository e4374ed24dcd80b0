//! Tests of the detection of complete files.

use super::*;
use std::time::SystemTime;

const SETTLE: Duration = Duration::from_secs(5);
const CERTAIN: Duration = Duration::from_secs(600);

fn settler() -> Settler {
    Settler::new(SETTLE, CERTAIN)
}

fn paths(settler: &mut Settler, now: Instant) -> Vec<PathBuf> {
    let ready = settler.take_ready(now);
    ready.into_iter().map(|r| r.path).collect()
}

fn a() -> PathBuf {
    PathBuf::from("a")
}

#[test]
fn a_growing_file_waits_until_it_stands_still() {
    let mut settler = settler();
    let start = Instant::now();
    for second in 0..10 {
        let now = start + Duration::from_secs(second);
        settler.saw(a(), Stamp::with_length(second), now);
        assert!(paths(&mut settler, now).is_empty());
    }
    let now = start + Duration::from_secs(9) + SETTLE;
    settler.saw(a(), Stamp::with_length(9), now);
    assert_eq!(settler.next_ready(now), Some(Duration::ZERO));
    assert_eq!(paths(&mut settler, now), [a()]);
    settler.saw(a(), Stamp::with_length(9), now);
    assert!(paths(&mut settler, now + SETTLE).is_empty());
    assert_eq!(settler.next_ready(now), None);
}

#[test]
fn a_closed_file_is_final_at_once_and_an_open_one_is_waited_for() {
    let mut settler = settler();
    let now = Instant::now();
    settler.saw(a(), Stamp::with_length(1), now);
    settler.written(&a());
    assert!(paths(&mut settler, now + 2 * SETTLE).is_empty());
    settler.finished(&a());
    let ready = settler.take_ready(now);
    assert!(ready.len() == 1 && ready[0].is_final);

    settler.saw(a(), Stamp::with_length(2), now);
    settler.written(&a());
    let ready = settler.take_ready(now + LONGEST * SETTLE);
    assert!(ready.len() == 1 && !ready[0].is_final);
}

#[test]
fn a_file_that_breaks_off_waits_for_its_writer() {
    let mut settler = settler();
    let now = Instant::now();
    let stamp = Stamp::with_length(1);
    settler.saw(a(), stamp, now);
    let ready = settler.take_ready(now + SETTLE);
    assert!(!ready[0].is_final);
    settler.answer(&a(), stamp, Fate::Incomplete, now + SETTLE);
    assert_eq!(settler.incomplete(), 1);
    assert_eq!(settler.settling().count(), 0);
    let almost = (now + CERTAIN).checked_sub(Duration::from_secs(1)).unwrap();
    assert!(paths(&mut settler, almost).is_empty());

    // The writer continues. Its next pause has to be longer.
    settler.saw(a(), Stamp::with_length(2), almost);
    assert_eq!(settler.incomplete(), 0);
    assert!(paths(&mut settler, almost + SETTLE).is_empty());
    assert_eq!(paths(&mut settler, almost + 2 * SETTLE), [a()]);
    settler.answer(&a(), Stamp::with_length(2), Fate::Incomplete, almost);

    // The writer is dead.
    let ready = settler.take_ready(almost + CERTAIN);
    assert!(ready[0].is_final);
}

#[test]
fn a_file_that_is_closed_while_it_is_read_is_offered_as_final() {
    let mut settler = settler();
    let (now, stamp) = (Instant::now(), Stamp::with_length(1));
    settler.saw(a(), stamp, now);
    assert!(!settler.take_ready(now + SETTLE)[0].is_final);
    settler.finished(&a());
    settler.answer(&a(), stamp, Fate::Incomplete, now);
    assert!(settler.take_ready(now + SETTLE)[0].is_final);
}

#[test]
fn a_file_that_could_not_be_read_is_offered_again_and_again() {
    let mut settler = settler();
    let (start, stamp) = (Instant::now(), Stamp::with_length(1));
    settler.saw(a(), stamp, start);
    settler.finished(&a());
    let mut now = start;
    for tries in 0..2 * TRIES {
        let ready = settler.take_ready(now);
        assert_eq!(ready[0].tries, tries);
        assert!(ready[0].is_final);
        settler.answer(&a(), stamp, Fate::Retry, now);
        let pause = settler.next_ready(now).unwrap();
        assert!(pause >= RETRY.delay(0) && pause <= RARE_RETRY);
        now += pause;
    }
    // The answer is about a state that the file is no longer in.
    assert_eq!(paths(&mut settler, now), [a()]);
    settler.saw(a(), Stamp::with_length(2), now);
    settler.answer(&a(), stamp, Fate::Retry, now);
    assert_eq!(settler.settling().count(), 1);
}

#[test]
fn new_permissions_end_the_pause() {
    let mut settler = settler();
    let (now, stamp) = (Instant::now(), Stamp::with_length(1));
    settler.saw(a(), stamp, now);
    settler.finished(&a());
    settler.take_ready(now);
    settler.answer(&a(), stamp, Fate::Retry, now);
    assert!(paths(&mut settler, now).is_empty());
    settler.touched(&a(), now);
    assert_eq!(paths(&mut settler, now), [a()]);
}

#[test]
fn a_closed_file_that_gets_another_time_stays_final() {
    let mut settler = settler();
    let now = Instant::now();
    settler.saw(a(), Stamp::with_length(1), now);
    settler.finished(&a());
    assert!(settler.take_ready(now)[0].is_final);
    let later = Stamp::with_length(1).modified_at(SystemTime::UNIX_EPOCH);
    settler.saw(a(), later, now);
    assert!(settler.take_ready(now)[0].is_final);
    // Unless it is written to.
    settler.saw(a(), Stamp::with_length(1), now);
    settler.written(&a());
    assert!(settler.take_ready(now).is_empty());
}

#[test]
fn a_file_that_changed_is_offered_again() {
    let mut settler = settler();
    let now = Instant::now();
    settler.saw(a(), Stamp::with_length(1), now);
    assert_eq!(paths(&mut settler, now + SETTLE), [a()]);
    settler.saw(a(), Stamp::with_length(2), now + SETTLE);
    assert_eq!(paths(&mut settler, now + 2 * SETTLE), [a()]);
    settler.gone(&a());
    settler.saw(a(), Stamp::with_length(2), now);
    assert_eq!(paths(&mut settler, now + SETTLE), [a()]);
}
