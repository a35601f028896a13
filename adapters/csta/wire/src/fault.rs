//! `CSTAErrorCode`: the negative answer to any service (ECMA-323, UniversalFailure).

use std::borrow::Cow;
use std::fmt;

use crate::error::DecodeError;
use crate::pull::{Pull, Tag, trim};
use crate::value::Value;
use crate::write::Writer;

/// The kind of refusal: which child of `CSTAErrorCode` there was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ErrorCategory {
    /// The request itself is wrong.
    Operation,
    /// Too much at once.
    PerformanceManagement,
    /// The private data is wrong.
    PrivateData,
    /// The vendor's own code, as text.
    PrivateErrorCode,
    /// Security.
    Security,
    /// The call, connection or device is not in a state for this.
    StateIncompatibility,
    /// A limit of the subscription.
    SubscribedResourceAvailability,
    /// The PBX lacks a resource.
    SystemResourceAvailability,
    /// No reason given.
    Unspecified,
}

impl ErrorCategory {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::Operation,
        Self::PerformanceManagement,
        Self::PrivateData,
        Self::PrivateErrorCode,
        Self::Security,
        Self::StateIncompatibility,
        Self::SubscribedResourceAvailability,
        Self::SystemResourceAvailability,
        Self::Unspecified,
    ];

    /// The element's name; `systemResourceAvailibility` is the standard's spelling.
    pub fn name(self) -> &'static str {
        match self {
            Self::Operation => "operation",
            Self::PerformanceManagement => "performanceManagement",
            Self::PrivateData => "privateData",
            Self::PrivateErrorCode => "privateErrorCode",
            Self::Security => "security",
            Self::StateIncompatibility => "stateIncompatibility",
            Self::SubscribedResourceAvailability => "subscribedResourceAvailability",
            Self::SystemResourceAvailability => "systemResourceAvailibility",
            Self::Unspecified => "unspecified",
        }
    }
}

/// A refusal. Products put free text where the standard has an enumeration, so
/// the value stays a word.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CstaError<'a> {
    /// The kind.
    pub category: ErrorCategory,
    /// The reason, as `invalidConnectionID`; empty for [`ErrorCategory::Unspecified`] unless text was given.
    pub value: Cow<'a, str>,
}

impl<'a> CstaError<'a> {
    /// A refusal of this kind for this reason.
    pub fn new(category: ErrorCategory, value: impl Into<Cow<'a, str>>) -> Self {
        Self { category, value: value.into() }
    }

    /// The refusal of a service that is not implemented.
    pub fn service_not_supported() -> Self {
        Self::new(ErrorCategory::Operation, "serviceNotSupported")
    }

    /// The same without a borrow.
    pub fn into_owned(self) -> CstaError<'static> {
        CstaError { category: self.category, value: Cow::Owned(self.value.into_owned()) }
    }

    /// `<errorResponse Error="…"/>`, which one product answers instead of `CSTAErrorCode`.
    pub(crate) fn read_of_vendor(pull: &mut Pull<'a>, tag: &Tag<'a>) -> Result<Self, DecodeError> {
        let text = pull.text(tag)?;
        // Text is without white space around it; so is the attribute.
        let words = if text.is_empty() { trim(tag.attribute("Error").unwrap_or_default()) } else { text };
        Ok(Self::new(ErrorCategory::PrivateErrorCode, words))
    }

    /// Writes only the child, without an element around it.
    pub(crate) fn write_choice(&self, writer: &mut Writer<'_>) {
        if self.value.is_empty() {
            writer.empty(self.category.name());
        } else {
            writer.text(self.category.name(), &self.value);
        }
    }
}

impl Default for CstaError<'_> {
    fn default() -> Self {
        Self::new(ErrorCategory::Unspecified, "")
    }
}

impl fmt::Display for CstaError<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.category.name())?;
        if self.value.is_empty() { Ok(()) } else { write!(f, ": {}", self.value) }
    }
}

impl<'a> Value<'a> for CstaError<'a> {
    /// Text without a child is a vendor's reason, as some products send it.
    fn read(pull: &mut Pull<'a>, tag: &Tag<'a>) -> Result<Self, DecodeError> {
        let named = |name: &str| ErrorCategory::ALL.into_iter().find(|category| category.name() == name);
        let correct = "systemResourceAvailability";
        let (child, value) = pull.choice(tag, |name| name == correct || named(name).is_some())?;
        let category = match child {
            None if value.is_empty() => ErrorCategory::Unspecified,
            None => ErrorCategory::PrivateErrorCode,
            // The correct spelling is accepted beside the standard's.
            Some(child) if child.name == correct => ErrorCategory::SystemResourceAvailability,
            Some(child) => named(child.name).unwrap_or(ErrorCategory::PrivateErrorCode),
        };
        Ok(Self { category, value })
    }

    fn write(&self, name: &str, writer: &mut Writer<'_>) {
        writer.element(name, |w| self.write_choice(w));
    }
}
