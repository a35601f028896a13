//! Bodies of requests about the directory and the recognition of numbers.

use crate::views::{CustomerKind, EntryKind};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Puts a colleague or a department in the directory (T13).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DirectoryEntryRequest {
    /// A colleague or a department.
    pub kind: EntryKind,
    /// The name, as `Jan van der Berg` or `Berg, Jan van der`.
    #[schema(
        min_length = 1,
        max_length = 256,
        pattern = r"^[^\u0000-\u001f\u007f-\u009f]+$",
        examples("Jan van der Berg")
    )]
    pub name: String,
    /// The extension or the number, as it is dialled.
    #[schema(min_length = 1, max_length = 64, pattern = r"^[0-9+*#][0-9 +*#()./-]{0,63}$", examples("8123"))]
    pub number: String,
    /// The department; of a department the one that it is part of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(
        min_length = 1,
        max_length = 256,
        pattern = r"^[^\u0000-\u001f\u007f-\u009f]+$",
        nullable = false
    )]
    pub department: Option<String>,
    /// What he does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(
        min_length = 1,
        max_length = 256,
        pattern = r"^[^\u0000-\u001f\u007f-\u009f]+$",
        nullable = false
    )]
    pub function: Option<String>,
    /// JKC's name of the user, where he is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(
        min_length = 1,
        max_length = 128,
        pattern = r"^[^\u0000-\u001f\u007f-\u009f]+$",
        nullable = false
    )]
    pub agent: Option<String>,
    /// His address for mail.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(
        min_length = 3,
        max_length = 254,
        pattern = r"^[^@\s\u0000-\u001f]+@[^@\s\u0000-\u001f]+$",
        nullable = false
    )]
    pub email: Option<String>,
    /// The queue of a department, by the number that it has at the telephone system.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(
        min_length = 1,
        max_length = 128,
        pattern = r"^[^\u0000-\u001f\u007f-\u009f]+$",
        nullable = false
    )]
    pub queue: Option<String>,
}

/// Searches the directory by words: parts of a name in any order, of a department or a function, digits of a number.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DirectorySearchRequest {
    /// The words; each must be the beginning of one of the entry's words.
    #[schema(min_length = 1, max_length = 128, examples("berg jan"))]
    pub text: String,
    /// Colleagues or departments alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub kind: Option<EntryKind>,
    /// How many at most; 20 where nothing is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1, maximum = 100, nullable = false)]
    pub limit: Option<u32>,
}

/// Switches the recognition of a person or an organisation on or off, for each of its numbers (T10).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CustomerRequest {
    /// Person or organisation.
    pub kind: CustomerKind,
    /// The name that the pop-up shows.
    #[schema(
        min_length = 1,
        max_length = 256,
        pattern = r"^[^\u0000-\u001f\u007f-\u009f]+$",
        examples("J. de Vries")
    )]
    pub name: String,
    /// All its numbers: one that is not named here is forgotten.
    #[schema(max_items = 100)]
    pub numbers: Vec<CustomerNumberRequest>,
}

/// A number of a customer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CustomerNumberRequest {
    /// The number, in any way of writing that the numbering plan knows.
    #[schema(min_length = 1, max_length = 64, examples("06-12345678"))]
    pub number: String,
    /// Whether it is recognised; true where nothing is said.
    #[serde(default = "on")]
    pub enabled: bool,
    /// Who calls from it speaks for the customer with this reference.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(
        min_length = 1,
        max_length = 128,
        pattern = r"^[^\u0000-\u001f\u007f-\u009f]+$",
        nullable = false
    )]
    pub representative_of: Option<String>,
}

/// Asks whose number it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NumberSearchRequest {
    /// The number, as it came or as somebody writes it.
    #[schema(max_length = 512, examples("+31612345678"))]
    pub number: String,
}

fn on() -> bool {
    true
}
