//! Writers of objects, for threads that may block.

use std::io::{self, Write};
use std::mem;
use std::sync::Arc;

use object_store::{MultipartUpload, ObjectStoreExt, PutPayload, WriteMultipart};

use super::client::Client;
use super::error::ObjectError;

/// Size of a part of a multipart upload. A shorter object is one request. S3 accepts 10,000 parts.
const PART: usize = 8 << 20;
/// Parts that are uploaded concurrently.
const UNDER_WAY: usize = 2;

/// Writer of an object. The object appears as a whole after [`finish`](Self::finish), or not at
/// all.
pub struct ObjectWriter {
    store: Arc<Client>,
    name: String,
    state: State,
}

enum State {
    /// Buffered content, shorter than one part.
    Short(Vec<u8>),
    Parts(WriteMultipart),
    Finished,
}

impl ObjectWriter {
    pub(super) fn new(store: Arc<Client>, name: &str) -> Self {
        Self {
            store,
            name: name.into(),
            state: State::Short(Vec::new()),
        }
    }

    /// Completes the object.
    ///
    /// # Errors
    /// If the store fails.
    pub fn finish(mut self) -> Result<(), ObjectError> {
        let path = self.store.path(&self.name, "write")?;
        let state = mem::replace(&mut self.state, State::Finished);
        let done = self.store.block_on(async {
            match state {
                State::Short(bytes) => {
                    let put = self.store.s3.put(&path, PutPayload::from(bytes));
                    put.await.map(drop)
                }
                State::Parts(upload) => upload.finish().await.map(drop),
                State::Finished => Ok(()),
            }
        });
        done.map_err(|e| self.store.error(&self.name, "write", &e))
    }

    fn add(&mut self, bytes: &[u8]) -> Result<(), ObjectError> {
        if let State::Short(short) = &mut self.state {
            if short.len() + bytes.len() <= PART {
                short.extend_from_slice(bytes);
                return Ok(());
            }
            let path = self.store.path(&self.name, "write")?;
            let upload = self.store.block_on(self.store.s3.put_multipart(&path));
            let upload: Box<dyn MultipartUpload> =
                upload.map_err(|e| self.store.error(&self.name, "write", &e))?;
            let short = mem::take(short);
            let mut parts = WriteMultipart::new_with_chunk_size(upload, PART);
            self.store.block_on(async { parts.write(&short) });
            self.state = State::Parts(parts);
        }
        let State::Parts(parts) = &mut self.state else {
            return Ok(());
        };
        let room = self.store.block_on(async {
            parts.wait_for_capacity(UNDER_WAY).await?;
            parts.write(bytes);
            Ok(())
        });
        room.map_err(|e| self.store.error(&self.name, "write", &e))
    }
}

impl Write for ObjectWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.add(bytes).map_err(io::Error::other)?;
        Ok(bytes.len())
    }

    /// The store keeps nothing before the object is complete.
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for ObjectWriter {
    /// Deletes the parts: without completion, the bucket would keep them forever.
    fn drop(&mut self) {
        if let State::Parts(upload) = mem::replace(&mut self.state, State::Finished)
            && let Err(e) = self.store.block_on(upload.abort())
        {
            let error = self.store.error(&self.name, "write", &e);
            tracing::warn!(%error, "parts of an object were left behind");
        }
    }
}
