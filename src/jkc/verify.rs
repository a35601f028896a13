//! Verifies a webhook as Standard Webhooks 1.0 says: HMAC-SHA256 over `id.timestamp.body`, compared in constant time,
//! any of several signatures (while a secret rotates), a timestamp that is not older or newer than five minutes.
//!
//! Written from the specification and not with the code that signs, so that the two check each other.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// How far the sender's clock may be away from ours.
pub const TOLERANCE_SECONDS: u64 = 5 * 60;

/// A sender signs with at most two secrets; more than this is somebody who tries.
const SIGNATURES_MAX: usize = 16;

/// A secret to verify signatures with.
#[derive(Clone)]
pub struct Secret(Vec<u8>);

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// Why a webhook is not what it should be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum VerifyError {
    /// A header is missing or cannot be read.
    #[error("the header {0} is missing or cannot be read")]
    Header(&'static str),
    /// The timestamp is too old or too new: a replay, or a clock that is wrong.
    #[error(
        "the timestamp is {0} s away from this machine's clock, at most {TOLERANCE_SECONDS} s are accepted"
    )]
    Timestamp(u64),
    /// No signature fits any secret.
    #[error("no signature fits: the secret differs, or the message was changed on its way")]
    Signature,
    /// The secret is none.
    #[error("a webhook secret looks like whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw: \"whsec_\" and base64")]
    Secret,
}

impl Secret {
    /// Reads a secret as the API shows it: `whsec_` and base64.
    ///
    /// # Errors
    /// When it is none.
    pub fn parse(text: &str) -> Result<Self, VerifyError> {
        let text = text.trim();
        let encoded = text.strip_prefix("whsec_").unwrap_or(text);
        let key = STANDARD.decode(encoded).map_err(|_| VerifyError::Secret)?;
        if key.is_empty() { Err(VerifyError::Secret) } else { Ok(Self(key)) }
    }
}

/// The headers of a webhook.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SignedHeaders<'a> {
    /// `webhook-id`: the same over retries.
    pub id: &'a str,
    /// `webhook-timestamp`: seconds since 1970, of this attempt.
    pub timestamp: &'a str,
    /// `webhook-signature`: signatures with spaces between.
    pub signature: &'a str,
}

impl<'a> SignedHeaders<'a> {
    /// The three headers of a request.
    ///
    /// # Errors
    /// The one that is missing.
    pub fn of(headers: &'a http::HeaderMap) -> Result<Self, VerifyError> {
        let text = |name: &'static str| {
            let value = headers.get(name).and_then(|value| value.to_str().ok());
            value.filter(|value| !value.is_empty()).ok_or(VerifyError::Header(name))
        };
        Ok(Self {
            id: text("webhook-id")?,
            timestamp: text("webhook-timestamp")?,
            signature: text("webhook-signature")?,
        })
    }
}

/// Checks a webhook against the secrets at a time in seconds since 1970.
///
/// # Errors
/// What is wrong with it.
pub fn verify(
    secrets: &[Secret],
    headers: SignedHeaders<'_>,
    body: &[u8],
    now: u64,
) -> Result<(), VerifyError> {
    let sent: u64 = headers.timestamp.parse().map_err(|_| VerifyError::Header("webhook-timestamp"))?;
    let away = now.abs_diff(sent);
    if away > TOLERANCE_SECONDS {
        return Err(VerifyError::Timestamp(away));
    }
    // Other versions (v1a, asymmetric) are for other receivers.
    let signatures = headers.signature.split(' ').filter_map(|each| each.strip_prefix("v1,"));
    let fits = signatures
        .take(SIGNATURES_MAX)
        .filter_map(|signature| STANDARD.decode(signature).ok())
        .any(|signature| secrets.iter().any(|secret| matches(secret, headers, body, &signature)));
    if fits { Ok(()) } else { Err(VerifyError::Signature) }
}

fn matches(secret: &Secret, headers: SignedHeaders<'_>, body: &[u8], signature: &[u8]) -> bool {
    // HMAC takes a key of any length.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(&secret.0) else { return false };
    for part in [headers.id.as_bytes(), b".", headers.timestamp.as_bytes(), b".", body] {
        mac.update(part);
    }
    // Compares in constant time.
    mac.verify_slice(signature).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    // The vector that the published Standard Webhooks libraries test themselves with.
    const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    const BODY: &[u8] = br#"{"test": 2432232314}"#;
    const NOW: u64 = 1_614_265_330;
    const HEADERS: SignedHeaders<'static> = SignedHeaders {
        id: "msg_p5jXN8AQM9LWM0D4loKWxJek",
        timestamp: "1614265330",
        signature: "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    };
    const OTHER: &str = "v1,AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";

    fn secrets() -> Vec<Secret> {
        vec![Secret::parse(SECRET).unwrap()]
    }

    #[test]
    fn p03_the_published_vector_is_verified() {
        assert_eq!(verify(&secrets(), HEADERS, BODY, NOW), Ok(()));
        let bare = [Secret::parse("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap()];
        assert_eq!(verify(&bare, HEADERS, BODY, NOW), Ok(()), "the prefix may be left out");
    }

    #[test]
    fn p03_one_of_two_signatures_is_enough_while_a_secret_rotates() {
        let ours = HEADERS.signature;
        for signature in [format!("{OTHER} {ours}"), format!("{ours} {OTHER}"), format!("v1a,abc {ours}")] {
            let headers = SignedHeaders { signature: &signature, ..HEADERS };
            assert_eq!(verify(&secrets(), headers, BODY, NOW), Ok(()), "{signature}");
        }
        let both = [Secret::parse("whsec_AAAA").unwrap(), secrets().remove(0)];
        assert_eq!(verify(&both, HEADERS, BODY, NOW), Ok(()));
    }

    #[test]
    fn p03_whatever_is_changed_is_refused() {
        let refused = Err(VerifyError::Signature);
        assert_eq!(verify(&secrets(), HEADERS, br#"{"test": 2432232315}"#, NOW), refused);
        assert_eq!(verify(&secrets(), SignedHeaders { id: "msg_other", ..HEADERS }, BODY, NOW), refused);
        assert_eq!(
            verify(&secrets(), SignedHeaders { timestamp: "1614265331", ..HEADERS }, BODY, NOW),
            refused
        );
        for signature in
            [OTHER, "v2,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=", "v1,", "v1,%%%", "g0hM9SsE"]
        {
            assert_eq!(
                verify(&secrets(), SignedHeaders { signature, ..HEADERS }, BODY, NOW),
                refused,
                "{signature}"
            );
        }
        let other = [Secret::parse("whsec_AAAA").unwrap()];
        assert_eq!(verify(&other, HEADERS, BODY, NOW), refused);
        assert_eq!(verify(&[], HEADERS, BODY, NOW), refused);
    }

    #[test]
    fn p03_a_replay_after_five_minutes_is_refused_and_so_is_the_future() {
        assert_eq!(verify(&secrets(), HEADERS, BODY, NOW + TOLERANCE_SECONDS), Ok(()));
        assert_eq!(verify(&secrets(), HEADERS, BODY, NOW + 301), Err(VerifyError::Timestamp(301)));
        assert_eq!(verify(&secrets(), HEADERS, BODY, NOW - 301), Err(VerifyError::Timestamp(301)));
        for timestamp in ["", "-1", "yesterday", "99999999999999999999999"] {
            let headers = SignedHeaders { timestamp, ..HEADERS };
            assert_eq!(verify(&secrets(), headers, BODY, NOW), Err(VerifyError::Header("webhook-timestamp")));
        }
    }

    #[test]
    fn p03_a_missing_header_is_named() {
        let mut headers = http::HeaderMap::new();
        assert_eq!(SignedHeaders::of(&headers), Err(VerifyError::Header("webhook-id")));
        headers.insert("webhook-id", "a".parse().unwrap());
        headers.insert("webhook-timestamp", "1".parse().unwrap());
        assert_eq!(SignedHeaders::of(&headers), Err(VerifyError::Header("webhook-signature")));
    }

    #[test]
    fn what_is_no_secret_is_refused_and_a_secret_is_not_printed() {
        for text in ["", "whsec_", "whsec_***", "wachtwoord!"] {
            assert_eq!(Secret::parse(text).unwrap_err(), VerifyError::Secret, "{text}");
        }
        assert_eq!(format!("{:?}", secrets()), "[Secret(…)]");
    }
}
