//! Parties of a call.

use crate::E164;
use schakel_core::model::call::Party;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use utoipa::ToSchema;

/// Who it is, as far as is known.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Party)]
pub struct PartyView<'a> {
    /// The number as the telephone system gave it; absent when unknown or restricted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, examples("0201234567"), extensions(("x-personal" = json!(true))))]
    pub number: Option<Cow<'a, str>>,
    /// The same number in E.164, where it could be recognised.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, extensions(("x-personal" = json!(true))))]
    pub e164: Option<E164>,
    /// The name as the telephone system gave it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, examples("Gemeente Voorbeeld"), extensions(("x-personal" = json!(true))))]
    pub name: Option<Cow<'a, str>>,
    /// The caller asked not to be shown.
    pub restricted: bool,
}

impl<'a> PartyView<'a> {
    /// A party as it is shown.
    pub fn of(party: &'a Party) -> Self {
        Self {
            number: party.number.as_ref().map(|number| Cow::Borrowed(&**number.expose())),
            e164: None,
            name: party.name.as_ref().map(|name| Cow::Borrowed(&**name.expose())),
            restricted: party.restricted,
        }
    }
}
