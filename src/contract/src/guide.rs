//! What the configuration has of routeing devices while something is told: who asks knows nothing of how it is known.

use crate::Timestamp;
use crate::views::OpeningHoursView;
use std::fmt::Debug;

/// Says what belongs to a routeing device, and whether it is open. It is asked on the thread of the events: it must not
/// wait.
pub trait RouteGuide: Debug + Send + Sync {
    /// The department that a routeing device is for.
    fn department(&self, provider: &str, device: &str) -> Option<String>;

    /// How a routeing device's opening hours stand at a moment; none where it has none.
    fn hours(&self, provider: &str, device: &str, at: Timestamp) -> Option<OpeningHoursView>;

    /// How all opening hours stand at a moment, by name.
    fn all_hours(&self, at: Timestamp) -> Vec<OpeningHoursView>;
}

/// Knows no departments and no hours.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoGuide;

impl RouteGuide for NoGuide {
    fn department(&self, _provider: &str, _device: &str) -> Option<String> {
        None
    }

    fn hours(&self, _provider: &str, _device: &str, _at: Timestamp) -> Option<OpeningHoursView> {
        None
    }

    fn all_hours(&self, _at: Timestamp) -> Vec<OpeningHoursView> {
        Vec::new()
    }
}
