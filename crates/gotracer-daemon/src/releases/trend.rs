//! Growth per second of a value over a program's captures.
//!
//! The growth is the slope of a least-squares line through the values at the captures' ends. It
//! finds growth that no single trace shows, such as ten goroutines a minute. Captures may be far
//! apart: growth between them is part of the line.
//!
//! A program that fills its caches also grows, and then stops. So the result is the slope of all
//! points or of the recent points, whichever is smaller: a leak does not stop.

use crate::compare::Measured;

/// Fewest points for an estimate of the variance.
const LEAST: usize = 5;
/// Shortest time span of a trend in seconds.
const SHORTEST: f64 = 1.0;

/// Returns the growth per second of points (time in seconds, value) in any order. Returns `None` if
/// there are too few. A falling value has no growth.
pub(super) fn trend(points: impl IntoIterator<Item = (f64, f64)>) -> Option<Measured> {
    let mut points: Vec<_> = points.into_iter().collect();
    points.sort_by(|a, b| a.0.total_cmp(&b.0));
    let points = since_restart(&points);
    let all = slope(points)?;
    let of_late = slope(&points[points.len() / 2..]);
    Some(of_late.filter(|late| late.value < all.value).unwrap_or(all))
}

/// Returns the slope of the line through points, in the order of their times.
fn slope(points: &[(f64, f64)]) -> Option<Measured> {
    let (first, last) = (points.first()?, points.last()?);
    if points.len() < LEAST || last.0 - first.0 < SHORTEST {
        return None;
    }
    let n = points.len() as f64;
    let mean = |of: fn(&(f64, f64)) -> f64| points.iter().map(of).sum::<f64>() / n;
    let (at, level) = (mean(|p| p.0), mean(|p| p.1));
    let spread: f64 = points.iter().map(|p| (p.0 - at).powi(2)).sum();
    let both = points.iter().map(|p| (p.0 - at) * (p.1 - level));
    let slope = both.sum::<f64>() / spread;
    let off = points.iter().map(|p| p.1 - level - slope * (p.0 - at));
    let error = (off.map(|r| r * r).sum::<f64>() / (n - 2.0) / spread).sqrt();
    Some(Measured {
        value: slope.max(0.0),
        range: Some(((slope - error).max(0.0), (slope + error).max(0.0))),
    })
}

/// Returns the points since the value last fell to less than half: a restarted program starts over.
fn since_restart(points: &[(f64, f64)]) -> &[(f64, f64)] {
    let falls = points.windows(2).rposition(|w| w[1].1 < w[0].1 / 2.0);
    &points[falls.map_or(0, |i| i + 1)..]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(values: &[f64]) -> Option<Measured> {
        let times = (0..).map(|i| 60.0 * f64::from(i));
        trend(times.zip(values.iter().copied()))
    }

    #[test]
    fn a_line_is_found_with_its_error() {
        let straight = of(&[100.0, 160.0, 220.0, 280.0, 340.0]).unwrap();
        assert!((straight.value - 1.0).abs() < 1e-9, "{straight:?}");
        let (low, high) = straight.range.unwrap();
        assert!(high - low < 1e-9);
        // R: summary(lm(c(100,150,230,270,350)~c(0,60,120,180,240)))
        let noisy = of(&[100.0, 150.0, 230.0, 270.0, 350.0]).unwrap();
        assert!((noisy.value - 1.033_333).abs() < 1e-5, "{noisy:?}");
        let (low, high) = noisy.range.unwrap();
        assert!(((high - low) / 2.0 - 0.057_735).abs() < 1e-5, "{noisy:?}");
    }

    #[test]
    fn what_falls_or_stands_does_not_grow() {
        assert_eq!(of(&[9.0, 8.0, 7.0, 6.0, 5.0]).unwrap().value, 0.0);
        assert_eq!(of(&[9.0; 6]).unwrap().range, Some((0.0, 0.0)));
        assert_eq!(of(&[1.0, 2.0, 3.0, 4.0]), None);
        assert_eq!(trend([(0.0, 1.0); 9]), None);
    }

    #[test]
    fn what_grew_and_stopped_does_not_grow() {
        let warm: Vec<_> = (0..40).map(|i| f64::from(i.min(15)) * 30.0).collect();
        assert_eq!(of(&warm).unwrap().value, 0.0);
        let leak: Vec<_> = (0..40).map(|i| f64::from(i) * 30.0).collect();
        assert!((of(&leak).unwrap().value - 0.5).abs() < 1e-9);
        // The growth starts late and continues.
        let late: Vec<_> = (0..40).map(|i| f64::from((i - 20).max(0)) * 30.0).collect();
        assert!(of(&late).unwrap().value > 0.2);
    }

    #[test]
    fn after_a_restart_it_begins_anew() {
        let grown = [100.0, 200.0, 300.0, 10.0, 70.0, 130.0, 190.0, 250.0];
        let after = of(&grown).unwrap();
        assert!((after.value - 1.0).abs() < 1e-9, "{after:?}");
        assert_eq!(of(&grown[..6]), None);
    }

    #[test]
    fn the_order_of_arrival_does_not_count() {
        let points = [
            (180.0, 4.0),
            (0.0, 1.0),
            (240.0, 5.0),
            (60.0, 2.0),
            (120.0, 3.0),
        ];
        assert!((trend(points).unwrap().value - 1.0 / 60.0).abs() < 1e-9);
    }
}
