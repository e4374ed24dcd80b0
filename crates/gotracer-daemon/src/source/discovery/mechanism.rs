//! Interface of a mechanism of service discovery.

use futures_util::future::BoxFuture;
use tokio::sync::mpsc::Sender;

use super::refresh::Update;
use crate::source::http::FieldError;

/// Section of a job that discovers targets.
pub trait Mechanism: Send + Sync {
    /// Checks the section without reading files.
    ///
    /// # Errors
    /// Returns the first invalid field.
    fn check(&self) -> Result<(), FieldError>;

    /// Checks the files that the section names. Files that do not exist yet are reported to `warn`.
    ///
    /// # Errors
    /// Returns the first field whose files cannot be used.
    fn check_files(&self, warn: &mut dyn FnMut(FieldError)) -> Result<(), FieldError>;

    /// Sends every refresh to `updates` until its receiver is dropped.
    fn follow(&self, updates: Sender<Update>) -> BoxFuture<'_, ()>;
}
