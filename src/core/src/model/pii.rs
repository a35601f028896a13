//! Personal data that must never reach a log.

use serde::{Deserialize, Serialize};
use std::fmt;

/// A telephone number, a name or a message body. `Debug` hides it; only [`Pii::expose`] gives it out.
///
/// There is no `Display`, so that it cannot slip into a format string.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Pii<T>(T);

impl<T> Pii<T> {
    /// Marks a value as personal data.
    pub fn new(value: T) -> Self {
        Self(value)
    }

    /// The value itself, for the wire and for comparison; never for a log line.
    pub fn expose(&self) -> &T {
        &self.0
    }
}

impl<T> fmt::Debug for Pii<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[personal]")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_never_shows_the_value() {
        assert_eq!(format!("{:?}", Pii::new("0612345678")), "[personal]");
    }
}
