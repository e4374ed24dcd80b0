//! `kubernetes_sd_configs` in builds without the feature `kubernetes`: the error
//! names the feature instead of an unknown key.

use futures_util::future::BoxFuture;
use serde::{Deserialize, Deserializer, Serialize};
use tokio::sync::mpsc::Sender;

use super::mechanism::Mechanism;
use super::refresh::Update;
use crate::source::http::FieldError;

/// Type without values: deserializing it fails.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize)]
pub enum KubernetesSd {}

impl<'de> Deserialize<'de> for KubernetesSd {
    fn deserialize<D: Deserializer<'de>>(_: D) -> Result<Self, D::Error> {
        let why = "kubernetes_sd_configs: this gotracer was built without Kubernetes; \
                   build it with --features kubernetes";
        Err(serde::de::Error::custom(why))
    }
}

impl Mechanism for KubernetesSd {
    fn check(&self) -> Result<(), FieldError> {
        match *self {}
    }

    fn check_files(&self, _: &mut dyn FnMut(FieldError)) -> Result<(), FieldError> {
        match *self {}
    }

    fn follow(&self, _: Sender<Update>) -> BoxFuture<'_, ()> {
        match *self {}
    }
}
