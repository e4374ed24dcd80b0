//! Explanation of error responses.

use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::header::LOCATION;
use hyper::{Response, StatusCode};
use tokio::time::{Instant, timeout_at};

use crate::tls::trouble;

/// Maximum length of the shown text.
const SHOWN: usize = 200;

/// Status and text of an error response.
pub(crate) struct Refusal {
    /// The status.
    pub status: StatusCode,
    /// Start of the text.
    pub text: String,
    /// First line that is not empty, or an explanation.
    pub line: Option<String>,
}

/// Reads the start of an error response, until a deadline.
pub(crate) async fn explain(answer: Response<Incoming>, deadline: Instant) -> Refusal {
    let (head, mut body) = answer.into_parts();
    let mut said = Vec::new();
    while said.len() < SHOWN {
        match timeout_at(deadline, body.frame()).await {
            Ok(Some(Ok(frame))) => said.extend(frame.into_data().unwrap_or_default()),
            _ => break,
        }
    }
    let text = String::from_utf8_lossy(&said).into_owned();
    let location = head.headers.get(LOCATION);
    let line = match location.filter(|_| head.status.is_redirection()) {
        Some(location) => Some(format!(
            "a redirect to {}, which follow_redirects does not allow",
            shown(&String::from_utf8_lossy(location.as_bytes()))
        )),
        None if trouble::refuses_plain(&text) => Some(trouble::SECURE.into()),
        None => {
            let line = text.lines().find(|line| !line.trim().is_empty());
            line.map(shown)
        }
    };
    Refusal {
        status: head.status,
        text,
        line,
    }
}

fn shown(text: &str) -> String {
    text.chars().take(SHOWN).collect()
}
