//! Access tokens in memory: never shown, except on purpose.

use std::convert::Infallible;
use std::fmt;
use std::str::FromStr;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};

/// A token. `Debug` does not show it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Secret(String);

impl Secret {
    /// Keeps a token, without the white space around it.
    ///
    /// # Errors
    /// When the text cannot be a token; the message does not repeat it.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        let text = text.trim();
        if text.is_empty() {
            return Err("it is empty");
        }
        if !text.chars().all(|c| c.is_ascii_graphic()) {
            return Err("it holds characters that no token holds");
        }
        Ok(Self(text.to_owned()))
    }

    /// The token itself.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// What the token says of itself; nothing when it is no JWT.
    pub fn claims(&self) -> Claims {
        let payload = self.0.split('.').nth(1).and_then(|part| URL_SAFE_NO_PAD.decode(part).ok());
        payload.and_then(|json| serde_json::from_slice(&json).ok()).unwrap_or_default()
    }

    /// A sign that there is a token: its last characters, when it is long enough to spare them.
    pub fn redacted(&self) -> String {
        let tail = self
            .0
            .len()
            .checked_sub(4)
            .filter(|_| self.0.len() >= 32)
            .and_then(|at| self.0.get(at..))
            .unwrap_or_default();
        format!("...{tail}")
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

/// What a token says of itself. Nothing vouches for it here: it is for showing, and for naming the token to its server.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
pub struct Claims {
    /// Its id.
    #[serde(default)]
    pub jti: Option<String>,
    /// When it ends, in seconds since 1970 (UTC).
    #[serde(default)]
    pub exp: Option<i64>,
}

/// A token as it was given, not looked at yet. `Debug` does not show it.
#[derive(Clone, PartialEq, Eq)]
pub struct Unchecked(String);

impl Unchecked {
    /// Whether nothing was given.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The token, if it can be one.
    ///
    /// # Errors
    /// When the text cannot be a token; the message does not repeat it, as that of clap would.
    pub fn check(&self) -> Result<Secret, &'static str> {
        Secret::parse(&self.0)
    }
}

impl FromStr for Unchecked {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Debug for Unchecked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Unchecked(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[test]
    fn a_token_is_never_shown_whole() {
        let token = Secret::parse("eyJhbGciOiJFZERTQSJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl\n").unwrap();
        assert_eq!(format!("{token:?} {}", token.redacted()), "Secret(..) ...dXJl");
        assert_eq!(token.expose(), "eyJhbGciOiJFZERTQSJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl");
        assert_eq!(Secret::parse("short").unwrap().redacted(), "...");
    }

    #[test]
    fn a_token_tells_its_id_and_its_end() {
        let payload = URL_SAFE_NO_PAD.encode(r#"{"iss":"lakewarden","jti":"0197c2a4","exp":1790000000}"#);
        let claims = Secret::parse(&format!("e30.{payload}.c2ln")).unwrap().claims();
        assert_eq!(claims, Claims { jti: Some("0197c2a4".to_owned()), exp: Some(1_790_000_000) });
        assert_eq!(Secret::parse("opaque").unwrap().claims(), Claims::default());
    }

    #[rstest]
    #[case("")]
    #[case(" \n")]
    #[case("two words")]
    #[case("a\r\nx-evil: 1")]
    #[case("größe")]
    fn what_cannot_be_a_token_is_refused(#[case] text: &str) {
        assert!(Secret::parse(text).is_err());
    }
}
