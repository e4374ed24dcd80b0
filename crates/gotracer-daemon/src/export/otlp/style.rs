//! Form of metrics: what receivers may choose by the standard variables.

/// Form of metrics.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Style {
    /// How points of one series relate to each other.
    pub temporality: Temporality,
    /// Buckets of histograms.
    pub histograms: Histograms,
}

/// How points of one series relate to each other.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Temporality {
    /// Each point counts since the start of the series.
    #[default]
    Cumulative,
    /// Each point counts since the point before it.
    Delta,
}

/// Buckets of histograms.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Histograms {
    /// The classic bounds of `/metrics`.
    #[default]
    Explicit,
    /// The native buckets of `/metrics`: eight per doubling.
    Exponential,
}
