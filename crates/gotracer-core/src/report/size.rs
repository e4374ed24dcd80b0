//! Approximate sizes of reports in memory: names make nearly all of it.

use super::{Finding, Frame, Report};

/// Bytes of a frame with these names.
pub fn frame(function: &str, file: &str) -> usize {
    size_of::<Frame>() + function.len() + file.len()
}

fn stack(frames: &[Frame]) -> usize {
    frames.iter().map(|f| frame(&f.function, &f.file)).sum()
}

impl Report {
    /// Approximate size in memory, bytes.
    pub fn size(&self) -> usize {
        size_of::<Self>() + self.findings.iter().map(Finding::size).sum::<usize>()
    }
}

impl Finding {
    fn size(&self) -> usize {
        let cause = self.cause.as_ref().map_or(0, |cause| stack(&cause.stack));
        size_of::<Self>() + self.message.len() + self.suggestion.len() + stack(&self.stack) + cause
    }
}
