//! Errors from the answers of an S3 store.

use object_store::Error;

use super::error::{Failure, ObjectError};
use super::location::Location;
use crate::cause::deepest;
use crate::tls::trouble::{self, Options};

/// Names of the options of TLS in error messages.
const OPTIONS: Options = Options {
    authorities: "AWS_CA_BUNDLE",
    server_name: None,
    client: "a client certificate",
};

impl ObjectError {
    /// Creates the error for a store's answer. `name` is the object's name below the location.
    pub(super) fn of(location: &Location, name: &str, doing: &'static str, error: &Error) -> Self {
        let answer = detail(error);
        let code = element(&answer, "Code").unwrap_or_default();
        let why = match (code, element(&answer, "Message")) {
            ("", _) => answer.clone(),
            (code, None) => code.into(),
            (code, Some(message)) => format!("{code}: {message}"),
        };
        let failure = failure(error, code);
        Self {
            failure,
            doing,
            url: location.url(name),
            why: why.trim_end_matches('.').into(),
            advice: advise(location, doing, failure, &answer, code),
        }
    }

    /// Marks the error as one without credentials in the environment or from the machine's role.
    pub(super) fn anonymous(self) -> Self {
        Self {
            failure: Failure::Credentials,
            why: format!(
                "there are no credentials, and this machine has none to give ({})",
                self.why
            ),
            advice: Some("set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY".into()),
            ..self
        }
    }
}

/// Returns whether the request for the machine's role failed.
pub(super) fn is_of_machine(error: &Error) -> bool {
    let asked = ["/latest/api/token", "/latest/meta-data/iam"];
    let text = error.to_string();
    asked.iter().any(|path| text.contains(path))
}

fn failure(error: &Error, code: &str) -> Failure {
    match (error, code) {
        (_, "SignatureDoesNotMatch" | "InvalidAccessKeyId" | "ExpiredToken" | "InvalidToken")
        | (Error::Unauthenticated { .. }, _) => Failure::Credentials,
        (Error::NotFound { .. }, _) | (_, "NoSuchBucket") => Failure::Missing,
        (Error::PermissionDenied { .. }, _) | (_, "AccessDenied") => Failure::Denied,
        (
            Error::InvalidPath { .. } | Error::NotSupported { .. } | Error::NotImplemented { .. },
            _,
        ) => Failure::Invalid,
        _ => Failure::Unavailable,
    }
}

/// Returns advice for a failure.
fn advise(
    location: &Location,
    doing: &str,
    failure: Failure,
    answer: &str,
    code: &str,
) -> Option<String> {
    let permission = match doing {
        "list" => "s3:ListBucket",
        "write" => "s3:PutObject",
        "delete" => "s3:DeleteObject",
        _ => "s3:GetObject",
    };
    let bucket = location.bucket();
    match (failure, code) {
        (Failure::Missing, "NoSuchBucket") => Some(
            "check the bucket's name, and AWS_ENDPOINT_URL if the store is not Amazon's".into(),
        ),
        (Failure::Missing, _) if doing == "list" => {
            Some(format!("check that there is a bucket {bucket}"))
        }
        (Failure::Denied, _) => Some(format!("the credentials need {permission} there")),
        (Failure::Credentials, "ExpiredToken" | "InvalidToken") => {
            Some("AWS_SESSION_TOKEN has to be renewed".into())
        }
        (Failure::Credentials, _) => {
            Some("check AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY".into())
        }
        (_, "PermanentRedirect" | "AuthorizationHeaderMalformed") => {
            Some(format!("set AWS_REGION to the region of {bucket}"))
        }
        _ if answer.contains("configured region") => {
            Some(format!("set AWS_REGION to the region of {bucket}"))
        }
        (Failure::Unavailable, "") => {
            Some("check AWS_ENDPOINT_URL and AWS_REGION, and whether the store is reachable".into())
        }
        _ => None,
    }
}

/// Describes an error of a request: what is wrong with TLS, or its innermost cause.
pub(super) fn detail(error: &(dyn std::error::Error + 'static)) -> String {
    trouble::of(error, &OPTIONS).unwrap_or_else(|| deepest(error))
}

/// Returns the text of an element of the answer's XML.
fn element<'a>(answer: &'a str, name: &str) -> Option<&'a str> {
    let (_, after) = answer.split_once(&format!("<{name}>"))?;
    let (text, _) = after.split_once("</")?;
    Some(text)
}
