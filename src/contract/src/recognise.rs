//! Recognising a number while something is told: who asks knows nothing of how it is known.

use crate::views::{MatchView, NumberKind, NumberView, RecognitionStatus, RecognitionView};
use schakel_core::model::call::Party;
use std::borrow::Cow;
use std::fmt::Debug;

/// Says whose number it is. It is asked for every notification with a contact, on the thread of the events: it must
/// look up and not wait.
pub trait Recognise: Debug + Send + Sync {
    /// What is known of a party's number now.
    fn recognise<'a>(&self, party: &'a Party) -> RecognitionView<'a>;
}

/// Knows nobody and no numbering plan.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoRecognition;

impl Recognise for NoRecognition {
    fn recognise<'a>(&self, party: &'a Party) -> RecognitionView<'a> {
        let kind = if party.restricted { NumberKind::Anonymous } else { NumberKind::Unknown };
        RecognitionView::of(
            NumberView { raw: raw_of(party), e164: None, extension: None, kind },
            Vec::new(),
            false,
        )
    }
}

/// A party's number as it came.
pub fn raw_of(party: &Party) -> Option<Cow<'_, str>> {
    party.number.as_ref().map(|number| Cow::Borrowed(&**number.expose()))
}

impl<'a> RecognitionView<'a> {
    /// A number with those whom it can mean.
    pub fn of(number: NumberView<'a>, matches: Vec<MatchView<'a>>, more: bool) -> Self {
        let status = match (matches.len(), number.kind) {
            (0, NumberKind::Anonymous) => RecognitionStatus::Anonymous,
            (0, _) => RecognitionStatus::None,
            (1, _) => RecognitionStatus::One,
            _ => RecognitionStatus::Several,
        };
        Self { status, number, matches, more }
    }
}
