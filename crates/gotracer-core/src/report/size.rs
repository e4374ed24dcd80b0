//! Approximate sizes of reports in memory. Names make up nearly all of it.

use super::{Column, Creations, Finding, Frame, Report, SampledFunction, Slow};

/// Approximate size of a rule's distributions, bytes.
const RULE: usize = 4 << 10;

/// Returns the size of a frame with these names, bytes.
pub fn frame(function: &str, file: &str) -> usize {
    size_of::<Frame>() + function.len() + file.len()
}

fn stack(frames: &[Frame]) -> usize {
    frames.iter().map(|f| frame(&f.function, &f.file)).sum()
}

impl Report {
    /// Returns the approximate size in memory, bytes.
    pub fn size(&self) -> usize {
        let columns = self.course.as_ref().map_or(0, |c| c.columns.len());
        let creations =
            |c: &Creations| size_of::<u64>() * 2 + frame(&c.place.function, &c.place.file);
        size_of::<Self>()
            + self.rules.len() * RULE
            + columns * size_of::<Column>()
            + self
                .program
                .goroutines
                .places
                .iter()
                .map(creations)
                .sum::<usize>()
            + self.findings.iter().map(Finding::size).sum::<usize>()
            + self.types()
            + self.cpu()
    }
}

impl Report {
    /// Returns the size of the CPU samples in bytes.
    fn cpu(&self) -> usize {
        let functions = self.cpu_samples.iter().flat_map(|cpu| &cpu.functions);
        let bytes = functions.map(|f| size_of::<SampledFunction>() + f.function.len());
        bytes.sum()
    }

    /// Returns the size of tasks, regions, requests and suppressed findings, bytes.
    fn types(&self) -> usize {
        let tasks = self.tasks.iter().map(|t| (&t.name, &t.slowest));
        let regions = self.regions.iter().map(|r| (&r.name, &r.slowest));
        let requests = self.requests.iter().map(|r| (&r.handler, &r.slowest));
        let types = tasks.chain(regions).chain(requests);
        let suppressed = self
            .suppressed
            .iter()
            .map(|s| s.finding.size() + s.reason.len());
        types.map(kind).sum::<usize>() + suppressed.sum::<usize>()
    }
}

/// Returns the size of a type with its slowest ones, bytes.
fn kind((name, slowest): (&String, &Vec<Slow>)) -> usize {
    RULE + name.len() + slowest.len() * size_of::<Slow>()
}

impl Finding {
    fn size(&self) -> usize {
        let cause = self.cause.as_ref().map_or(0, |cause| stack(&cause.stack));
        size_of::<Self>() + self.message.len() + self.suggestion.len() + stack(&self.stack) + cause
    }
}

#[cfg(test)]
mod tests {
    use crate::report::sample;

    #[test]
    fn long_texts_count() {
        let short = sample::eventful("a");
        let mut long = short.clone();
        let message = &mut long.findings[0].message;
        message.push_str(&"m".repeat(10_000));
        assert_eq!(long.size(), short.size() + 10_000);
    }
}
