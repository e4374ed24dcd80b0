//! Cells aligned in columns, laid out to fit a terminal.

use std::ops::Range;

/// Spaces between columns.
const GAP: usize = 2;

/// Layout of rows with `N` cells.
pub(crate) struct Grid<const N: usize> {
    widths: [usize; N],
    shown: [bool; N],
    numbers: Range<usize>,
    gap: usize,
}

impl<const N: usize> Grid<N> {
    /// Returns the layout of rows whose columns `numbers` are aligned to the right.
    pub(crate) fn of<'a>(
        rows: impl IntoIterator<Item = &'a [String; N]>,
        numbers: Range<usize>,
    ) -> Self {
        let mut widths = [0; N];
        for row in rows {
            for (width, cell) in widths.iter_mut().zip(row) {
                *width = (*width).max(cell.chars().count());
            }
        }
        Self {
            widths,
            shown: [true; N],
            numbers,
            gap: GAP,
        }
    }

    /// Hides a column and narrows the gaps, as far as the width requires.
    pub(crate) fn fit(mut self, width: Option<usize>, hidden_first: Option<usize>) -> Self {
        if let Some(column) = hidden_first.filter(|_| !self.fits(width)) {
            self.shown[column] = false;
        }
        if !self.fits(width) {
            self.gap = 1;
        }
        self
    }

    /// Reports whether all lines fit the width.
    pub(crate) fn fits(&self, width: Option<usize>) -> bool {
        width.is_none_or(|width| self.width() <= width)
    }

    /// Returns the columns of the longest line.
    pub(crate) fn width(&self) -> usize {
        let shown = self.widths.iter().zip(&self.shown);
        let cells = shown.filter(|(_, shown)| **shown);
        let gaps = self.shown.iter().filter(|shown| **shown).count();
        cells.map(|(width, _)| width).sum::<usize>() + gaps.saturating_sub(1) * self.gap
    }

    /// Returns a row as a line. A text in the last column may have colors.
    pub(crate) fn line(&self, cells: &[String; N]) -> String {
        let mut line = String::new();
        let mut first = true;
        for (i, (cell, &width)) in cells.iter().zip(&self.widths).enumerate() {
            if !self.shown[i] {
                continue;
            }
            if !first {
                line.extend(std::iter::repeat_n(' ', self.gap));
            }
            first = false;
            line += &match self.numbers.contains(&i) {
                true => format!("{cell:>width$}"),
                false => format!("{cell:<width$}"),
            };
        }
        line.truncate(line.trim_end().len());
        line
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_narrow_terminal_has_fewer_columns_and_smaller_gaps() {
        let rows = [["name", "1", "200", "ok"], ["n", "10", "2", "late"]];
        let rows = rows.map(|row| row.map(String::from));
        let grid = |width| Grid::of(&rows, 1..3).fit(width, Some(1));
        let first = |width| grid(width).line(&rows[0]);
        assert_eq!(first(None), "name   1  200  ok");
        assert_eq!(first(Some(19)), "name   1  200  ok");
        assert_eq!(first(Some(18)), "name  200  ok");
        assert_eq!(first(Some(14)), "name 200 ok");
        assert_eq!(grid(Some(14)).line(&rows[1]), "n      2 late");
        assert!(grid(Some(13)).fits(Some(13)) && !grid(Some(12)).fits(Some(12)));
    }
}
