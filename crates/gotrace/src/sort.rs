//! The reference reader's sort, to the swap.
//!
//! Where events of several threads carry the same time, their order follows
//! from how Go's `slices.SortFunc` leaves equal elements: insertion sort up to
//! twelve, pattern-defeating quicksort above. Neither is stable, so yielding
//! the same order means doing the same swaps. The algorithm is that of Orson
//! Peters (arXiv 2106.05123) with Go's choices of constants.

const MAX_INSERTION: usize = 12;
const SHORTEST_NINTHER: usize = 50;
const MAX_SWAPS: u32 = 4 * 3;
const MAX_STEPS: usize = 5;
const SHORTEST_SHIFTING: usize = 50;

/// Sorts by `key`, with equal elements in Go's order.
pub fn by_key<T>(data: &mut [T], key: impl Fn(&T) -> i64 + Copy) {
    let limit = usize::BITS - data.len().leading_zeros();
    let end = data.len();
    Sorter { data, key }.quick(0, end, limit);
}

struct Sorter<'a, T, K> {
    data: &'a mut [T],
    key: K,
}

enum Hint {
    Unknown,
    Increasing,
    Decreasing,
}

impl<T, K: Fn(&T) -> i64> Sorter<'_, T, K> {
    #[inline]
    fn less(&self, i: usize, j: usize) -> bool {
        (self.key)(&self.data[i]) < (self.key)(&self.data[j])
    }

    fn swap(&mut self, i: usize, j: usize) {
        self.data.swap(i, j);
    }

    fn insertion(&mut self, a: usize, b: usize) {
        for i in a + 1..b {
            let mut j = i;
            while j > a && self.less(j, j - 1) {
                self.swap(j, j - 1);
                j -= 1;
            }
        }
    }

    fn quick(&mut self, mut a: usize, mut b: usize, mut limit: u32) {
        let mut balanced = true;
        let mut partitioned = true;
        loop {
            let len = b - a;
            if len <= MAX_INSERTION {
                return self.insertion(a, b);
            }
            if limit == 0 {
                return self.heap(a, b);
            }
            if !balanced {
                self.break_patterns(a, b);
                limit -= 1;
            }
            let (mut pivot, mut hint) = self.choose_pivot(a, b);
            if matches!(hint, Hint::Decreasing) {
                self.data[a..b].reverse();
                pivot = (b - 1) - (pivot - a);
                hint = Hint::Increasing;
            }
            let sorted = balanced && partitioned && matches!(hint, Hint::Increasing);
            if sorted && self.partial_insertion(a, b) {
                return;
            }
            if a > 0 && !self.less(a - 1, pivot) {
                a = self.partition_equal(a, b, pivot);
                continue;
            }
            let (mid, already) = self.partition(a, b, pivot);
            partitioned = already;
            let (left, right) = (mid - a, b - mid);
            if left < right {
                balanced = left >= len / 8;
                self.quick(a, mid, limit);
                a = mid + 1;
            } else {
                balanced = right >= len / 8;
                self.quick(mid + 1, b, limit);
                b = mid;
            }
        }
    }

    /// Moves elements less than the pivot before it, all others after it.
    fn partition(&mut self, a: usize, b: usize, pivot: usize) -> (usize, bool) {
        self.swap(a, pivot);
        let (mut i, mut j) = (a + 1, b - 1);
        let mut already = true;
        loop {
            while i <= j && self.less(i, a) {
                i += 1;
            }
            while i <= j && !self.less(j, a) {
                j -= 1;
            }
            if i > j {
                break;
            }
            already = false;
            self.swap(i, j);
            i += 1;
            j -= 1;
        }
        self.swap(j, a);
        (j, already)
    }

    /// Moves elements equal to the pivot before greater ones; none is less.
    fn partition_equal(&mut self, a: usize, b: usize, pivot: usize) -> usize {
        self.swap(a, pivot);
        let (mut i, mut j) = (a + 1, b - 1);
        loop {
            while i <= j && !self.less(a, i) {
                i += 1;
            }
            while i <= j && self.less(a, j) {
                j -= 1;
            }
            if i > j {
                return i;
            }
            self.swap(i, j);
            i += 1;
            j -= 1;
        }
    }

    /// Repairs a few places that are out of order. True if that sorted it.
    fn partial_insertion(&mut self, a: usize, b: usize) -> bool {
        let mut i = a + 1;
        for _ in 0..MAX_STEPS {
            while i < b && !self.less(i, i - 1) {
                i += 1;
            }
            if i == b {
                return true;
            }
            if b - a < SHORTEST_SHIFTING {
                return false;
            }
            self.swap(i, i - 1);
            if i - a >= 2 {
                // Down to the front of the whole slice: that is Go's bound.
                for j in (1..i).rev() {
                    if !self.less(j, j - 1) {
                        break;
                    }
                    self.swap(j, j - 1);
                }
            }
            if b - i >= 2 {
                for j in i + 1..b {
                    if !self.less(j, j - 1) {
                        break;
                    }
                    self.swap(j, j - 1);
                }
            }
        }
        false
    }

    fn break_patterns(&mut self, a: usize, b: usize) {
        let len = b - a;
        let mut random = len as u64;
        let mask = (1u64 << (u64::BITS - (len as u64).leading_zeros())) - 1;
        let middle = a + (len / 4) * 2;
        for i in middle - 1..=middle + 1 {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            let mut other = (random & mask) as usize;
            if other >= len {
                other -= len;
            }
            self.swap(i, a + other);
        }
    }

    #[expect(
        clippy::many_single_char_names,
        reason = "the names are those of Go's pdqsort"
    )]
    fn choose_pivot(&self, a: usize, b: usize) -> (usize, Hint) {
        let len = b - a;
        let mut swaps = 0;
        let quarter = len / 4;
        let (mut i, mut j, mut k) = (a + quarter, a + quarter * 2, a + quarter * 3);
        if len >= SHORTEST_NINTHER {
            i = self.median(i - 1, i, i + 1, &mut swaps);
            j = self.median(j - 1, j, j + 1, &mut swaps);
            k = self.median(k - 1, k, k + 1, &mut swaps);
        }
        j = self.median(i, j, k, &mut swaps);
        let hint = match swaps {
            0 => Hint::Increasing,
            MAX_SWAPS => Hint::Decreasing,
            _ => Hint::Unknown,
        };
        (j, hint)
    }

    fn median(&self, a: usize, b: usize, c: usize, swaps: &mut u32) -> usize {
        let mut ordered = |x, y| {
            if self.less(y, x) {
                *swaps += 1;
                (y, x)
            } else {
                (x, y)
            }
        };
        let (a, b) = ordered(a, b);
        let (b, _) = ordered(b, c);
        let (_, b) = ordered(a, b);
        b
    }

    fn heap(&mut self, a: usize, b: usize) {
        let len = b - a;
        for i in (0..=(len - 1) / 2).rev() {
            self.sift_down(a, i, len);
        }
        for end in (0..len).rev() {
            self.swap(a, a + end);
            self.sift_down(a, 0, end);
        }
    }

    fn sift_down(&mut self, first: usize, mut root: usize, len: usize) {
        loop {
            let mut child = 2 * root + 1;
            if child >= len {
                return;
            }
            if child + 1 < len && self.less(first + child, first + child + 1) {
                child += 1;
            }
            if !self.less(first + root, first + child) {
                return;
            }
            self.swap(first + root, first + child);
            root = child;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn sorts(mut v in proptest::collection::vec(0i64..50, 0..300)) {
            let mut want = v.clone();
            want.sort_unstable();
            by_key(&mut v, |x| *x);
            prop_assert_eq!(v, want);
        }
    }

    #[test]
    fn a_list_of_which_only_the_first_two_are_swapped_is_sorted() {
        let mut v: Vec<i64> = (0..100).collect();
        v.swap(0, 1);
        by_key(&mut v, |x| *x);
        assert!(v.is_sorted(), "{v:?}");
    }

    // Only keys that make quicksort quadratic reach it; tests/oracle compares these with Go.
    #[test]
    fn heapsort_sorts_lists_of_every_length() {
        for n in 1..60 {
            let mut data: Vec<i64> = (0..n).map(|i| (i * i * 7 + 3 * i) % 31).collect();
            let (end, key) = (data.len(), |x: &i64| *x);
            Sorter {
                data: &mut data,
                key,
            }
            .heap(0, end);
            assert!(data.is_sorted(), "{n}");
        }
    }

    #[test]
    fn equal_elements_fall_as_they_do_in_go() {
        // Printed by a Go program: slices.SortFunc of (key, index) pairs by key
        // for keys (i*i*7+3*i) % 5 and lengths 12 (insertion) and 40 (quick).
        let order = |n: i64| {
            let mut v: Vec<(i64, i64)> = (0..n).map(|i| ((i * i * 7 + 3 * i) % 5, i)).collect();
            by_key(&mut v, |x| x.0);
            v.iter().map(|x| x.1).collect::<Vec<_>>()
        };
        assert_eq!(order(12), GO_12);
        assert_eq!(order(40), GO_40);
        assert_eq!(order(70), GO_70);
    }
    const GO_12: [i64; 12] = [0, 1, 5, 6, 10, 11, 3, 8, 2, 4, 7, 9];
    const GO_40: [i64; 40] = [
        20, 16, 36, 35, 31, 5, 6, 30, 26, 0, 10, 11, 21, 25, 1, 15, 28, 8, 38, 3, 13, 33, 18, 23,
        27, 4, 24, 17, 22, 29, 7, 9, 32, 12, 34, 14, 2, 37, 19, 39,
    ];
    const GO_70: [i64; 70] = [
        30, 1, 66, 65, 61, 5, 6, 60, 56, 55, 10, 11, 51, 50, 46, 15, 16, 45, 0, 41, 20, 21, 40, 36,
        35, 25, 26, 31, 18, 43, 28, 68, 3, 33, 63, 58, 23, 8, 38, 53, 13, 48, 49, 9, 44, 17, 14,
        47, 19, 29, 22, 12, 52, 39, 54, 42, 37, 57, 24, 59, 7, 4, 62, 34, 64, 32, 2, 67, 27, 69,
    ];
}
