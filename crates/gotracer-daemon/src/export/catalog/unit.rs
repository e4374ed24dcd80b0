//! Units of metrics.

/// Unit of a metric.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Unit {
    /// None.
    None,
    /// Seconds.
    Seconds,
    /// Bytes.
    Bytes,
    /// Quotient of two values of the same unit.
    Ratio,
    /// Threads.
    Threads,
    /// Things that the name already says, in UCUM's braces.
    Of(&'static str),
}

impl Unit {
    /// Suffix of the name in Prometheus; empty if there is none.
    pub fn suffix(self) -> &'static str {
        match self {
            Self::Seconds => "seconds",
            Self::Bytes => "bytes",
            Self::Ratio => "ratio",
            Self::Threads => "threads",
            Self::None | Self::Of(_) => "",
        }
    }

    /// UCUM code, as OpenTelemetry writes units.
    pub fn ucum(self) -> &'static str {
        match self {
            Self::None => "",
            Self::Seconds => "s",
            Self::Bytes => "By",
            Self::Ratio => "1",
            Self::Threads => "{thread}",
            Self::Of(things) => things,
        }
    }
}
