//! Why a token was refused.

use jsonwebtoken::errors::ErrorKind as JwtError;
use lakewarden_catalog::ErrorKind;
use tonic::Status;

use crate::status::plain;

/// Why a request has no caller. `Display` is for the log; the caller reads [`Refusal::answer`].
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// No token came with the request.
    #[error("no token")]
    Missing,
    /// It is not a token.
    #[error("malformed token: {0}")]
    Malformed(&'static str),
    /// A rule about the header, a claim or the signature is broken.
    #[error("invalid token: {0}")]
    Invalid(&'static str),
    /// Its issuer is not trusted.
    #[error("untrusted issuer")]
    Issuer,
    /// No key of its issuer has its `kid`.
    #[error("unknown key")]
    UnknownKey,
    /// Its time is over.
    #[error("expired token")]
    Expired,
    /// Its time has not come.
    #[error("token is not valid yet")]
    NotYet,
    /// The catalog has no live record of it: it was revoked, or never recorded.
    #[error("revoked or unrecorded token")]
    Unrecorded,
    /// It stands for no principal that may call.
    #[error("unknown principal")]
    Principal,
}

impl Refusal {
    /// What the caller reads.
    pub fn answer(&self) -> &'static str {
        match self {
            Self::Missing => "a token is needed: send `authorization: Bearer <token>`",
            Self::Expired => "the token has expired: ask for a new one",
            Self::NotYet => "the token is not valid yet",
            Self::Unrecorded => "the token is not valid, or was revoked",
            Self::Malformed(_) | Self::Invalid(_) | Self::Issuer | Self::UnknownKey | Self::Principal => {
                "the token is not valid"
            }
        }
    }

    /// A word of a closed set, for metrics.
    pub fn label(&self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::Malformed(_) => "malformed",
            Self::Invalid(_) => "invalid",
            Self::Issuer => "issuer",
            Self::UnknownKey => "unknown_key",
            Self::Expired => "expired",
            Self::NotYet => "not_yet",
            Self::Unrecorded => "unrecorded",
            Self::Principal => "principal",
        }
    }

    /// The answer of a gRPC door.
    pub fn status(&self) -> Status {
        plain(ErrorKind::Unauthenticated, "UNAUTHENTICATED", self.answer())
    }
}

impl From<jsonwebtoken::errors::Error> for Refusal {
    fn from(error: jsonwebtoken::errors::Error) -> Self {
        match error.kind() {
            JwtError::ExpiredSignature => Self::Expired,
            JwtError::ImmatureSignature => Self::NotYet,
            JwtError::InvalidSignature => Self::Invalid("signature"),
            JwtError::InvalidAlgorithm => Self::Invalid("algorithm"),
            JwtError::InvalidIssuer => Self::Invalid("iss"),
            JwtError::InvalidAudience => Self::Invalid("aud"),
            JwtError::InvalidSubject => Self::Invalid("sub"),
            JwtError::MissingRequiredClaim(_) => Self::Invalid("a claim is missing"),
            _ => Self::Malformed("not a token of the accepted form"),
        }
    }
}
