//! Build information.

/// Revision, compiler and features of a binary, for bug reports and `gotracer_build_info`.
#[derive(Clone, Copy, Debug)]
pub struct Build {
    /// Git revision, or `unknown`.
    pub revision: &'static str,
    /// Version of rustc.
    pub rustc: &'static str,
    /// Features of the binary, separated by commas.
    pub features: &'static str,
}

impl Default for Build {
    fn default() -> Self {
        Self {
            revision: "unknown",
            rustc: "unknown",
            features: "",
        }
    }
}
