//! Version and build information.

/// Output of `--version`: version, revision, compiler and features, for bug reports.
pub(crate) const LONG: &str = concat!(
    env!("CARGO_PKG_VERSION"),
    "\nrevision: ",
    env!("GOTRACER_REVISION"),
    "\nrustc: ",
    env!("GOTRACER_RUSTC"),
    "\nfeatures: ",
    env!("GOTRACER_FEATURES"),
);

/// Build information for the daemon's metrics.
#[cfg(feature = "daemon")]
pub(crate) const BUILD: gotracer::build::Build = gotracer::build::Build {
    revision: env!("GOTRACER_REVISION"),
    rustc: env!("GOTRACER_RUSTC"),
    features: env!("GOTRACER_FEATURES"),
};
