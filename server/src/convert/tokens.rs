//! `tokens.proto`.

use lakewarden_catalog::Pinned;
use lakewarden_catalog::model::{Token, TokenId};
use lakewarden_proto::v1;
use prost_types::Duration;
use uuid::Uuid;

use super::Faults;
use super::records::timestamp;

/// What is sent of a token.
pub fn show(pinned: &Pinned, token: &Token) -> v1::Token {
    v1::Token {
        id: token.id.to_string(),
        principal: pinned.state().principal_name(token.principal),
        comment: token.comment.clone().unwrap_or_default(),
        created_at: Some(timestamp(token.created_at_ms)),
        created_by: pinned.state().principal_name(token.created_by),
        expires_at: Some(timestamp(token.expires_at_ms)),
        revoked_at: token.revoked_at_ms.map(timestamp),
    }
}

/// The id of a token.
pub fn id(text: &str, faults: &mut Faults) -> Option<TokenId> {
    let text = faults.required("id", text)?;
    match Uuid::parse_str(text) {
        Ok(id) => Some(TokenId(id)),
        Err(_) => {
            faults.add("id", "is not the id of a token: it is a UUID");
            None
        }
    }
}

/// How long a token is to live, in seconds: what is asked for, within bounds, or what is usual.
pub fn lifetime(ttl: Option<&Duration>, usual_s: u64, longest_s: u64, faults: &mut Faults) -> Option<u64> {
    let Some(ttl) = ttl else { return Some(usual_s) };
    let seconds = u64::try_from(ttl.seconds).ok().filter(|seconds| *seconds > 0 && ttl.nanos == 0);
    let Some(seconds) = seconds else {
        faults.add("ttl", "is not a whole number of seconds above 0");
        return None;
    };
    if seconds > longest_s {
        faults.add("ttl", format!("is {seconds} s, the most that this server gives is {longest_s} s"));
        return None;
    }
    Some(seconds)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case(None, Some(60))]
    #[case(Some((1, 0)), Some(1))]
    #[case(Some((100, 0)), Some(100))]
    #[case(Some((101, 0)), None)]
    #[case(Some((0, 0)), None)]
    #[case(Some((-1, 0)), None)]
    #[case(Some((1, 1)), None)]
    #[case(Some((i64::MAX, 0)), None)]
    fn lifetimes_are_bounded(#[case] asked: Option<(i64, i32)>, #[case] given: Option<u64>) {
        let asked = asked.map(|(seconds, nanos)| Duration { seconds, nanos });
        let mut faults = Faults::new();
        assert_eq!(lifetime(asked.as_ref(), 60, 100, &mut faults), given);
        assert_eq!(faults.finish(Some(())).is_ok(), given.is_some());
    }
}
