//! Who a visitor is.

use crate::model::ids::Str;
use crate::model::pii::Pii;
use serde::{Deserialize, Serialize};

/// Who a visitor is, as far as he or his site tells.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Visitor {
    /// What he calls himself (O05).
    pub nickname: Option<Pii<Str>>,
    /// His e-mail address, where he gave one (O05).
    pub email: Option<Pii<Str>>,
    /// How his provider names him: a JID.
    pub address: Option<Pii<Str>>,
    /// The language that he reads: `nl`, `en`.
    pub language: Option<Str>,
    /// What is known of him beside, with where it comes from.
    pub attributes: Vec<Attribute>,
}

/// Something known of a visitor.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attribute {
    /// What it is called.
    pub name: Str,
    /// What it is.
    pub value: Pii<Str>,
    /// Who vouches for it; none for what the visitor says himself (W03: shown with a lock only where somebody does).
    pub verified_by: Option<Str>,
}

/// Whether a visitor is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
pub enum Presence {
    /// He is.
    #[default]
    There,
    /// His connection is lost, or his page hidden: he is waited for.
    Away,
    /// He has gone.
    Gone,
}
