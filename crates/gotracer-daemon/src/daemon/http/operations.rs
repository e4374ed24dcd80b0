//! `/-/healthy`, `/-/ready` and `/-/reload`.

use hyper::StatusCode;

use super::call::Call;
use super::reply::{Reply, text};
use crate::daemon::reload;

/// Answers that the daemon runs.
pub(super) fn healthy(_: &Call<'_>) -> Reply {
    text(StatusCode::OK, "gotracer is healthy")
}

/// Answers whether all watched directories are available.
pub(super) fn ready(call: &Call<'_>) -> Reply {
    let watches = call.state.watches.all().into_iter();
    let down = watches.filter_map(|(path, health)| {
        let why = health.down?;
        Some(format!("cannot watch {}: {why}", path.display()))
    });
    let down: Vec<_> = down.collect();
    match down.is_empty() {
        true => text(StatusCode::OK, "gotracer is ready"),
        false => text(StatusCode::SERVICE_UNAVAILABLE, &down.join("\n")),
    }
}

/// Reloads the configuration, if that is enabled.
pub(super) async fn reload(call: Call<'_>) -> Reply {
    let Some(requests) = &call.state.reload else {
        let off = "reloading over HTTP is off; --web.enable-lifecycle switches it on";
        return text(StatusCode::FORBIDDEN, off);
    };
    match reload::reload(requests).await {
        Ok(()) => text(StatusCode::OK, "reloaded"),
        Err(error) => text(
            StatusCode::INTERNAL_SERVER_ERROR,
            &format!("not reloaded: {error}"),
        ),
    }
}
