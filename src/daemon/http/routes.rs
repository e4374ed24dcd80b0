//! Which path gives what.

use std::convert::Infallible;
use std::sync::Arc;

use hyper::header::{ACCEPT, ALLOW, HeaderValue};
use hyper::{Method, Request, StatusCode};

use super::State;
use super::landing;
use super::reply::{Reply, compressed, reply, text};
use crate::export::prometheus::Format;

/// Answers one request.
pub async fn answer<B>(request: Request<B>, state: Arc<State>) -> Result<Reply, Infallible> {
    let reply = match request.uri().path() {
        path @ ("/" | "/metrics" | "/-/healthy" | "/-/ready") => {
            if matches!(*request.method(), Method::GET | Method::HEAD) {
                get(path, &request, state).await
            } else {
                let mut reply = text(StatusCode::METHOD_NOT_ALLOWED, "only GET is allowed here");
                let allow = HeaderValue::from_static("GET, HEAD");
                reply.headers_mut().insert(ALLOW, allow);
                reply
            }
        }
        _ => text(StatusCode::NOT_FOUND, "not found; / lists what there is"),
    };
    Ok(reply)
}

async fn get<B>(path: &str, request: &Request<B>, state: Arc<State>) -> Reply {
    match path {
        "/metrics" => metrics(request, state).await,
        "/-/healthy" => text(StatusCode::OK, "gotracer is healthy"),
        "/-/ready" => text(StatusCode::OK, "gotracer is ready"),
        _ => {
            let page = landing::page(&state.analyst.recent.all());
            reply(StatusCode::OK, "text/html; charset=utf-8", page)
        }
    }
}

async fn metrics<B>(request: &Request<B>, state: Arc<State>) -> Reply {
    let accept = request.headers().get_all(ACCEPT).iter();
    let accept: Vec<_> = accept.filter_map(|v| v.to_str().ok()).collect();
    let format = Format::negotiate(&accept.join(","));
    let headers = request.headers().clone();
    // Many targets take a while to write, and the other answers must not wait
    // for that.
    let encode = tokio::task::spawn_blocking(move || {
        let body = state.analyst.exporter.encode(format)?;
        Ok::<_, crate::export::prometheus::EncodeError>(compressed(
            &headers,
            format.content_type(),
            body,
        ))
    });
    match encode.await {
        Ok(Ok(reply)) => reply,
        Ok(Err(error)) => {
            tracing::error!(%error, "metrics failed");
            text(StatusCode::INTERNAL_SERVER_ERROR, &error.to_string())
        }
        Err(error) => {
            tracing::error!(%error, "metrics failed");
            text(StatusCode::INTERNAL_SERVER_ERROR, "the metrics failed")
        }
    }
}
