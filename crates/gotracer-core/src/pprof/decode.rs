//! Decoding of profiles that Go programs serve.

use std::collections::HashMap;
use std::io::Read;

use flate2::read::GzDecoder;
use prost::Message;

use super::schema::Profile;

/// Maximum size of a decompressed profile, bytes. Decoding takes up to 40 times as much memory.
const LIMIT: u64 = 1 << 20;

/// Error of a profile that cannot be decoded.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DecodeError {
    /// The data is not compressed with gzip, or truncated.
    #[error("the profile cannot be decompressed: {0}")]
    Gzip(#[from] std::io::Error),
    /// The profile is too large.
    #[error("the profile has more than {LIMIT} bytes")]
    TooLarge,
    /// The data is no profile.
    #[error("this is no profile: {0}")]
    Message(#[from] prost::DecodeError),
}

/// Number of the occurrences at a stack.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Counted {
    /// First value of the sample.
    pub count: u64,
    /// Functions of the stack, innermost first.
    pub functions: Vec<String>,
}

/// Decodes the stacks of a profile and their first values, the greatest value first.
///
/// # Errors
/// If the data is no profile in pprof's format.
pub fn decode(gzip: &[u8]) -> Result<Vec<Counted>, DecodeError> {
    let mut bytes = Vec::new();
    GzDecoder::new(gzip)
        .take(LIMIT + 1)
        .read_to_end(&mut bytes)?;
    if bytes.len() as u64 > LIMIT {
        return Err(DecodeError::TooLarge);
    }
    let profile = Profile::decode(&bytes[..])?;
    let text = |index: i64| {
        let index = usize::try_from(index).ok()?;
        profile.string_table.get(index).map(String::as_str)
    };
    let names: HashMap<_, _> = profile.function.iter().map(|f| (f.id, f.name)).collect();
    let locations: HashMap<_, _> = profile.location.iter().map(|l| (l.id, l)).collect();
    let mut counted: Vec<_> = profile
        .sample
        .iter()
        .map(|sample| {
            let known = sample.location_id.iter().filter_map(|id| locations.get(id));
            let lines = known.flat_map(|location| &location.line);
            let functions = lines.filter_map(|line| text(*names.get(&line.function_id)?));
            let count = sample.value.first().copied().unwrap_or_default();
            Counted {
                count: u64::try_from(count).unwrap_or_default(),
                functions: functions.map(str::to_owned).collect(),
            }
        })
        .collect();
    counted.sort_by(|a, b| (b.count, &a.functions).cmp(&(a.count, &b.functions)));
    Ok(counted)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pprof::{Profiles, Type, Window};

    #[test]
    fn written_profiles_are_decoded() {
        let mut bytes = Vec::new();
        let profiles = Profiles::sample(1..3);
        let written = profiles.write(&mut bytes, Type::Wait, Window::default());
        written.expect("bytes");
        let counted = decode(&bytes).expect("a profile");
        let one = Counted {
            count: 1,
            functions: vec!["main.wait".into(), "main.main".into()],
        };
        assert_eq!(counted, [one.clone(), one]);
        for end in 0..bytes.len() {
            assert!(decode(&bytes[..end]).is_err(), "{end} bytes");
        }
    }
}
