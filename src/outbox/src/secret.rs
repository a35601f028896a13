//! Signing, as Standard Webhooks 1.0.0 says: HMAC-SHA256 over `id.timestamp.body`.

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rand::TryRngCore as _;

/// What the text of a secret begins with.
const PREFIX: &str = "whsec_";

/// Length of a secret in bytes that Standard Webhooks recommends as least and most.
const LENGTH: std::ops::RangeInclusive<usize> = 24..=64;

/// A subscription's signing secret. Its `Debug` shows nothing of it.
#[derive(Clone)]
pub struct Secret {
    key: Vec<u8>,
    // The key's two blocks hashed once, not for every message. The provider of TLS signs, because it uses what the
    // processor has for SHA-256: a notification of 3 KB is hashed for every delivery.
    mac: hmac::Key,
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret(…)")
    }
}

impl PartialEq for Secret {
    fn eq(&self, other: &Self) -> bool {
        self.key == other.key
    }
}

impl Eq for Secret {}

/// Why a text is no secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SecretError {
    /// Not `whsec_` and base64.
    #[error("a webhook secret is `whsec_` followed by base64 with padding")]
    Form,
    /// Too short or too long.
    #[error("a webhook secret has 24 to 64 bytes, this one has {0}")]
    Length(usize),
    /// No entropy.
    #[error("the system's random source failed")]
    Random,
}

impl Secret {
    /// Reads `whsec_<base64>`.
    ///
    /// # Errors
    /// When the form or the length is wrong.
    pub fn parse(text: &str) -> Result<Self, SecretError> {
        let encoded = text.strip_prefix(PREFIX).ok_or(SecretError::Form)?;
        Self::new(STANDARD.decode(encoded).map_err(|_| SecretError::Form)?)
    }

    /// A new secret of 32 random bytes.
    ///
    /// # Errors
    /// When the system's random source fails.
    pub fn generate() -> Result<Self, SecretError> {
        let mut key = vec![0; 32];
        rand::rngs::OsRng.try_fill_bytes(&mut key).map_err(|_| SecretError::Random)?;
        Self::new(key)
    }

    /// `whsec_<base64>`, to be shown once and stored.
    #[must_use]
    pub fn to_text(&self) -> String {
        format!("{PREFIX}{}", STANDARD.encode(&self.key))
    }

    /// Appends `v1,<base64>` of a message to a `webhook-signature` header.
    pub(crate) fn sign(&self, id: &str, timestamp: &str, body: &[u8], header: &mut String) {
        let mut mac = hmac::Context::with_key(&self.mac);
        for part in [id.as_bytes(), b".", timestamp.as_bytes(), b".", body] {
            mac.update(part);
        }
        if !header.is_empty() {
            header.push(' ');
        }
        header.push_str("v1,");
        STANDARD.encode_string(mac.sign(), header);
    }

    fn new(key: Vec<u8>) -> Result<Self, SecretError> {
        if !LENGTH.contains(&key.len()) {
            return Err(SecretError::Length(key.len()));
        }
        let mac = hmac::Key::new(hmac::HMAC_SHA256, &key);
        Ok(Self { key, mac })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of the Standard Webhooks specification and its reference libraries.
    #[test]
    fn signs_the_published_example() {
        let secret = Secret::parse("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
        let mut header = String::new();
        secret.sign("msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330", br#"{"test": 2432232314}"#, &mut header);
        assert_eq!(header, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
        secret.sign("msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330", br#"{"test": 2432232314}"#, &mut header);
        assert_eq!(header.split(' ').count(), 2);
    }

    #[test]
    fn says_what_is_wrong_with_a_secret() {
        assert_eq!(Secret::parse("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"), Err(SecretError::Form));
        assert_eq!(Secret::parse("whsec_%%%"), Err(SecretError::Form));
        assert_eq!(Secret::parse("whsec_c2hvcnQ="), Err(SecretError::Length(5)));
    }

    #[test]
    fn a_new_secret_can_be_read_back_and_is_never_shown() {
        let secret = Secret::generate().unwrap();
        assert_eq!(Secret::parse(&secret.to_text()), Ok(secret.clone()));
        assert_ne!(Secret::generate().unwrap(), secret);
        assert_eq!(format!("{secret:?}"), "Secret(…)");
    }
}
