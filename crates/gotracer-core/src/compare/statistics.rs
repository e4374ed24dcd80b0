//! Test whether a difference is chance.
//!
//! Two runs of the same program differ. The variance between runs can be estimated from several traces per side,
//! hardly from two, and not from one. The test therefore combines the variance of the traces with the usual variance
//! of programs, which counts as if it were known from a handful of traces. This is the moderated t-test, which is used
//! where many quantities are compared by few samples (Smyth, "Linear Models and Empirical Bayes Methods", 2004). The
//! variance within a trace is added: a short trace, or one whose waits came in one burst, weighs less.

use statrs::distribution::{ContinuousCDF, StudentsT};

use super::quantity::Observation;

/// Degrees of freedom of the usual variance. The number is small because programs differ in how steady they are.
const USUAL: f64 = 6.0;

/// The difference between two sides.
#[derive(Clone, Copy, Debug)]
pub(super) struct Test {
    /// Difference of the mean levels, new less base.
    pub difference: f64,
    /// Its standard error.
    error: f64,
    freedom: f64,
}

impl Test {
    /// Creates a test; `None` if a side has no value. `usual` is the expected standard deviation between runs.
    pub(super) fn new(base: &[Observation], new: &[Observation], usual: f64) -> Option<Self> {
        if base.is_empty() || new.is_empty() {
            return None;
        }
        let (b, n) = (base.len() as f64, new.len() as f64);
        let within = base.iter().chain(new).map(|o| o.chance).sum::<f64>() / (b + n);
        let (mean_base, squares_base) = moments(base);
        let (mean_new, squares_new) = moments(new);
        let seen = b + n - 2.0;
        let variance =
            (USUAL * (usual * usual + within) + squares_base + squares_new) / (USUAL + seen);
        Some(Self {
            difference: mean_new - mean_base,
            error: (variance * (1.0 / b + 1.0 / n)).sqrt(),
            freedom: USUAL + seen,
        })
    }

    /// Returns the confidence interval of the difference. `doubt` is the error rate, from 0 to 1.
    pub(super) fn interval(&self, doubt: f64) -> (f64, f64) {
        let reach = StudentsT::new(0.0, 1.0, self.freedom)
            .map_or(f64::INFINITY, |t| t.inverse_cdf(1.0 - doubt / 2.0));
        let reach = reach * self.error;
        (self.difference - reach, self.difference + reach)
    }
}

/// Returns the mean and the sum of squared deviations.
fn moments(side: &[Observation]) -> (f64, f64) {
    let mean = side.iter().map(|o| o.level).sum::<f64>() / side.len() as f64;
    let squares = side.iter().map(|o| (o.level - mean).powi(2)).sum();
    (mean, squares)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn side(levels: &[f64], chance: f64) -> Vec<Observation> {
        let levels = levels.iter();
        levels.map(|&level| Observation { level, chance }).collect()
    }

    fn interval(base: &[f64], new: &[f64], chance: f64) -> (f64, f64) {
        let test = Test::new(&side(base, chance), &side(new, chance), 0.4).unwrap();
        test.interval(0.05)
    }

    #[test]
    fn a_single_pair_is_judged_by_what_is_usual() {
        // t for 95 % and 6 degrees of freedom is 2.4469.
        let (low, high) = interval(&[1.0], &[3.0], 0.0);
        let reach = 2.4469 * 0.4 * 2.0_f64.sqrt();
        assert!((low - (2.0 - reach)).abs() < 1e-3, "{low}");
        assert!((high - (2.0 + reach)).abs() < 1e-3, "{high}");
    }

    #[test]
    fn what_is_chance_within_traces_makes_less_sure() {
        let width = |(low, high): (f64, f64)| high - low;
        assert!(width(interval(&[1.0], &[3.0], 1.0)) > 2.0 * width(interval(&[1.0], &[3.0], 0.0)));
    }

    #[test]
    fn many_steady_traces_show_a_small_difference_and_unsteady_ones_do_not() {
        let steady =
            |at: f64| -> Vec<f64> { (0..20).map(|i| at + 0.02 * f64::from(i % 3)).collect() };
        assert!(interval(&steady(1.0), &steady(1.3), 0.0).0 > 0.0);
        let unsteady = |at: f64| -> Vec<f64> { (0..20).map(|i| at + f64::from(i % 5)).collect() };
        assert!(interval(&unsteady(1.0), &unsteady(1.3), 0.0).0 < 0.0);
        assert!(Test::new(&[], &side(&[1.0], 0.0), 0.4).is_none());
    }
}
