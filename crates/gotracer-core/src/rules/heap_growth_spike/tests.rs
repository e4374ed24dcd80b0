use super::*;
use crate::rules::Settings;

fn verdict_of(floors_mib: &[(u64, u64)]) -> Vec<(Severity, u64, u64)> {
    let settings = *Settings::default().of(&RULE);
    let mut d = HeapGrowthSpike {
        settings,
        steps: Distribution::default(),
        recent: VecDeque::new(),
        rise: None,
        spikes: None,
    };
    let t = Timeline::default();
    for &(ms, mib) in floors_mib {
        let floor = HeapFloor {
            time: (ms * 1_000_000) as i64,
            live: mib * MIB,
        };
        d.heap_floor(floor, &t);
    }
    if let Some(rise) = d.rise {
        d.judge(&rise, &t);
    }
    let found = d.spikes.into_iter();
    found.map(|(s, _, g)| (s, g.count, g.worst / MIB)).collect()
}

#[test]
fn a_spike_that_falls_back_is_found() {
    let spike = [(0, 8), (100, 8), (200, 200), (300, 200), (400, 8), (500, 8)];
    assert_eq!(verdict_of(&spike), [(Severity::Warn, 1, 192)]);
}

#[test]
fn two_spikes_are_two() {
    let spikes = [(0, 8), (100, 700), (200, 8), (300, 150), (400, 8)];
    assert_eq!(verdict_of(&spikes), [(Severity::Error, 2, 692)]);
}

#[test]
fn a_rise_goes_on_until_half_of_it_is_collected() {
    let dips = [(0, 8), (100, 208), (200, 150), (300, 308), (400, 8)];
    assert_eq!(verdict_of(&dips), [(Severity::Warn, 1, 300)]);
    // After a fall below its low, growth counts from the new low.
    let falls = [(0, 300), (100, 50), (200, 290), (300, 290)];
    assert_eq!(verdict_of(&falls), [(Severity::Warn, 1, 240)]);
    let half = [(0, 8), (100, 208), (200, 108), (300, 208), (400, 8)];
    assert_eq!(verdict_of(&half), [(Severity::Warn, 2, 200)]);
}

#[test]
fn the_rate_is_that_of_the_steepest_second() {
    let late = [
        (0, 8),
        (1_000, 8),
        (2_000, 8),
        (5_000, 8),
        (5_500, 38),
        (6_000, 68),
    ];
    assert_eq!(verdict_of(&late), [(Severity::Warn, 1, 60)]);
    let slow = [(0, 8), (3_000, 38), (6_000, 68)];
    assert_eq!(verdict_of(&slow), []);
}

#[test]
fn a_steady_floor_and_a_slow_climb_are_quiet() {
    assert_eq!(verdict_of(&[(0, 50), (100, 60), (200, 50), (300, 61)]), []);
    let slow: Vec<_> = (0..90).map(|i| (i * 100, 8 + i)).collect();
    assert_eq!(verdict_of(&slow), []);
}

#[test]
fn a_climb_in_small_steps_is_found_by_height_and_by_rate() {
    let high: Vec<_> = (0..30).map(|i| (i * 1000, 8 + i * 10)).collect();
    assert_eq!(verdict_of(&high)[0].2, 290);
    let steep: Vec<_> = (0..16).map(|i| (i * 100, 8 + i * 6)).collect();
    assert_eq!(verdict_of(&steep), [(Severity::Warn, 1, 90)]);
}
