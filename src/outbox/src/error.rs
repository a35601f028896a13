//! Why an outbox could not be started.

/// Why an outbox could not be started.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum OutboxError {
    /// The CA file or text.
    #[error("{source_name}: {detail}; it must be readable and hold certificates of authorities in PEM form")]
    Ca {
        /// Which file or text.
        source_name: String,
        /// What was wrong.
        detail: String,
    },
    /// TLS could not be set up.
    #[error("TLS for webhooks could not be set up: {detail}")]
    Tls {
        /// What was wrong.
        detail: String,
    },
}
