//! Whose number it is (T04, T10).

use crate::number::E164;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use utoipa::ToSchema;

/// What is known of a number at the moment of telling.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Recognition)]
pub struct RecognitionView<'a> {
    /// How many it can be.
    pub status: RecognitionStatus,
    /// The number.
    pub number: NumberView<'a>,
    /// Everyone for whom this number is switched on, and colleagues; by kind and reference.
    pub matches: Vec<MatchView<'a>>,
    /// There are more than are told here.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub more: bool,
}

/// How many a number can be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum RecognitionStatus {
    /// Nobody for whom it is switched on.
    None,
    /// One.
    One,
    /// Several: a household, a switchboard.
    Several,
    /// The caller is not shown.
    Anonymous,
}

/// A number: as it came, and what it is in the organisation's numbering plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Number)]
pub struct NumberView<'a> {
    /// As the telephone system gave it; absent when it gave none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, examples("0201234567"), extensions(("x-personal" = json!(true))))]
    pub raw: Option<Cow<'a, str>>,
    /// In E.164, where it is such a number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, extensions(("x-personal" = json!(true))))]
    pub e164: Option<E164>,
    /// Its extension, where it is one of the organisation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, examples("8123"), extensions(("x-personal" = json!(true))))]
    pub extension: Option<Cow<'a, str>>,
    /// What kind of number it is.
    pub kind: NumberKind,
}

/// What kind of number it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum NumberKind {
    /// An extension of the organisation.
    Extension,
    /// A Dutch number with an area code.
    Geographic,
    /// A Dutch mobile number.
    Mobile,
    /// A Dutch number of a service, a company or a machine: 0800, 0900, 085, 088, 14 with an area code, 116 …
    Service,
    /// 112.
    Emergency,
    /// A number of another country.
    International,
    /// Not shown.
    Anonymous,
    /// Nothing that the numbering plan knows.
    Unknown,
}

/// One whom a number can mean.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Match)]
pub struct MatchView<'a> {
    /// What it is.
    pub kind: MatchKind,
    /// JKC's own reference; of a colleague or a department the id in the directory.
    #[schema(examples("K-10042"))]
    pub reference: Cow<'a, str>,
    /// Its name.
    #[schema(examples("J. de Vries"), extensions(("x-personal" = json!(true))))]
    pub name: Cow<'a, str>,
    /// As whom he calls.
    pub role: MatchRole,
    /// Of a representative: the reference of the customer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, examples("K-20017"))]
    pub of: Option<Cow<'a, str>>,
}

/// What a number can mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum MatchKind {
    /// A person.
    Person,
    /// An organisation.
    Organisation,
    /// A colleague of the directory.
    Colleague,
    /// A department of the directory.
    Department,
}

/// As whom somebody calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum MatchRole {
    /// For himself.
    Customer,
    /// For the customer that `of` names.
    Representative,
    /// From within the organisation.
    Colleague,
}

/// What kind of customer it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum CustomerKind {
    /// A person.
    Person,
    /// An organisation.
    Organisation,
}

impl From<CustomerKind> for MatchKind {
    fn from(kind: CustomerKind) -> Self {
        match kind {
            CustomerKind::Person => MatchKind::Person,
            CustomerKind::Organisation => MatchKind::Organisation,
        }
    }
}

/// A person or an organisation, with the numbers that are recognised or not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = RecognisedCustomer)]
pub struct CustomerView {
    /// JKC's own reference.
    #[schema(examples("K-10042"))]
    pub reference: String,
    /// Person or organisation.
    pub kind: CustomerKind,
    /// Its name.
    #[schema(extensions(("x-personal" = json!(true))))]
    pub name: String,
    /// Its numbers, those that are switched off among them.
    pub numbers: Vec<CustomerNumberView>,
    /// Counts changes; the entity tag, for `If-Match`.
    pub version: u64,
}

/// A number of a customer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = CustomerNumber)]
pub struct CustomerNumberView {
    /// The number.
    #[schema(extensions(("x-personal" = json!(true))))]
    pub number: E164,
    /// Whether it is recognised.
    pub enabled: bool,
    /// Who calls from it speaks for the customer with this reference.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub representative_of: Option<String>,
}
