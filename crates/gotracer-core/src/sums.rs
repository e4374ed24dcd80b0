//! Sums and differences of many times, ns.
//!
//! A damaged trace can have times near the end of the range, so sums and differences stop at its ends. Nearly all times
//! are 0, because a goroutine is in few states: those are passed over.

/// Adds to a sum that is kept for each event.
#[inline(always)]
pub(crate) fn increase(sum: &mut u64, more: u64) {
    let (total, over) = sum.overflowing_add(more);
    *sum = total;
    if over {
        stop_at_the_end(sum);
    }
}

/// A function of its own, because a branch that is never taken is cheaper than to select the value each time.
#[cold]
#[inline(never)]
fn stop_at_the_end(sum: &mut u64) {
    *sum = u64::MAX;
}

/// Sum of times.
#[inline]
pub(crate) fn sum<const N: usize>(times: &[u64; N]) -> u64 {
    let times = times.iter().filter(|&&time| time > 0);
    times.fold(0, |sum: u64, &time| sum.saturating_add(time))
}

/// Adds a time to each. Returns the sum of what is added.
#[inline]
pub(crate) fn add<const N: usize>(times: &mut [u64; N], more: &[u64; N]) -> u64 {
    let mut sum: u64 = 0;
    for (time, &more) in times.iter_mut().zip(more) {
        if more > 0 {
            *time = time.saturating_add(more);
            sum = sum.saturating_add(more);
        }
    }
    sum
}

/// Subtracts a time from each.
#[inline]
pub(crate) fn subtract<const N: usize>(times: &mut [u64; N], less: &[u64; N]) {
    for (time, &less) in times.iter_mut().zip(less) {
        if less > 0 {
            *time = time.saturating_sub(less);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn time() -> impl Strategy<Value = u64> {
        prop_oneof![4 => 0..9_u64, 1 => (u64::MAX >> 5) - 1..(u64::MAX >> 5) + 2, 1 => any::<u64>()]
    }

    proptest! {
        #[test]
        fn sums_and_differences_stop_at_the_ends_of_the_range(
            times in proptest::array::uniform16(time()),
            other in proptest::array::uniform16(time()),
        ) {
            prop_assert_eq!(sum(&times), times.into_iter().fold(0, u64::saturating_add));
            let (mut more, mut less) = (times, times);
            let mut increased = times[0];
            increase(&mut increased, other[0]);
            prop_assert_eq!(increased, times[0].saturating_add(other[0]));
            prop_assert_eq!(add(&mut more, &other), sum(&other));
            subtract(&mut less, &other);
            for i in 0..times.len() {
                prop_assert_eq!(more[i], times[i].saturating_add(other[i]));
                prop_assert_eq!(less[i], times[i].saturating_sub(other[i]));
            }
        }
    }
}
