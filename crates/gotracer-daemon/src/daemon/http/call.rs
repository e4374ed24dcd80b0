//! Requests as handlers receive them.

use std::sync::Arc;

use futures_util::future::BoxFuture;
use hyper::Request;
use hyper::body::Incoming;

use super::State;
use super::connections::InFlight;
use super::reply::Reply;

/// Function that answers a request.
pub(super) type Handler = for<'c> fn(Call<'c>) -> BoxFuture<'c, Reply>;

/// Request of an admitted client.
pub(super) struct Call<'c> {
    /// Request.
    pub request: Request<Incoming>,
    /// Text that the placeholder of the path stands for.
    pub below: String,
    /// State of the request for the limits.
    pub in_flight: &'c InFlight,
    /// Whether the client is local or authenticated.
    pub trusted: bool,
    /// State of the server.
    pub state: Arc<State>,
}
