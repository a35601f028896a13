//! What a row says: a number of a customer, an entry of the directory.

use super::{Columns, Mistakes, Row};
use crate::number::NumberPlan;
use schakel_contract::E164;
use schakel_contract::views::{CustomerKind, DirectoryEntryView, EntryKind};

/// The most characters of a reference or an id.
const ID_MAX: usize = 128;

/// The most characters of a name.
const NAME_MAX: usize = 256;

/// The most characters of a number as somebody writes it.
const NUMBER_MAX: usize = 64;

/// The most characters of an address for mail (RFC 5321).
const EMAIL_MAX: usize = 254;

/// A number of a customer.
#[derive(Debug)]
pub(crate) struct CustomerRow {
    pub reference: String,
    pub kind: CustomerKind,
    pub name: String,
    pub number: E164,
    pub of: Option<String>,
    pub enabled: bool,
}

impl CustomerRow {
    pub(crate) const COLUMNS: Columns = Columns {
        names: &[
            ("number", "nummer"),
            ("kind", "soort"),
            ("reference", "referentie"),
            ("name", "naam"),
            ("representativeOf", "vertegenwoordigerVan"),
            ("enabled", "aan"),
        ],
        required: &["number", "kind", "reference", "name"],
    };

    /// Reads a row; everything that is wrong with it is told.
    pub(crate) fn of(row: &Row<'_>, plan: &NumberPlan, mistakes: &mut Mistakes) -> Option<Self> {
        let reference = needed(row, "reference", ID_MAX, mistakes);
        let name = needed(row, "name", NAME_MAX, mistakes);
        let kind = word(row, "kind", mistakes, |word| match word {
            "person" | "persoon" => Some(CustomerKind::Person),
            "organisation" | "organisatie" => Some(CustomerKind::Organisation),
            _ => None,
        });
        let number = needed(row, "number", NUMBER_MAX, mistakes).and_then(|text| {
            let number = plan.normalise(&text).e164;
            if number.is_none() {
                mistakes.push(row.line, Some("number"), NOT_RECOGNISABLE);
            }
            number
        });
        let of = optional(row, "representativeOf", ID_MAX, mistakes);
        let enabled = match row.get("enabled") {
            None => Some(true),
            Some(_) => word(row, "enabled", mistakes, |word| match word {
                "true" | "1" | "ja" | "aan" | "waar" | "yes" | "on" => Some(true),
                "false" | "0" | "nee" | "uit" | "onwaar" | "no" | "off" => Some(false),
                _ => None,
            }),
        };
        Some(Self {
            reference: reference?,
            kind: kind?,
            name: name?,
            number: number?,
            of: of?,
            enabled: enabled?,
        })
    }
}

/// What is wrong with a number that cannot be recognised.
pub const NOT_RECOGNISABLE: &str = "is no whole telephone number; write it with its area code or its country code, such as 070 353 1234 or +3225551234";

pub(crate) const ENTRY_COLUMNS: Columns = Columns {
    names: &[
        ("id", "kenmerk"),
        ("kind", "soort"),
        ("name", "naam"),
        ("number", "nummer"),
        ("department", "afdeling"),
        ("function", "functie"),
        ("agent", "gebruiker"),
        ("email", "e-mail"),
        ("queue", "wachtrij"),
    ],
    required: &["id", "name", "number"],
};

/// Reads a row of the directory; everything that is wrong with it is told.
pub(crate) fn entry_of(row: &Row<'_>, mistakes: &mut Mistakes) -> Option<DirectoryEntryView> {
    let id = needed(row, "id", ID_MAX, mistakes);
    let name = needed(row, "name", NAME_MAX, mistakes);
    let kind = match row.get("kind") {
        None => Some(EntryKind::Person),
        Some(_) => word(row, "kind", mistakes, |word| match word {
            "person" | "persoon" | "medewerker" => Some(EntryKind::Person),
            "department" | "afdeling" => Some(EntryKind::Department),
            _ => None,
        }),
    };
    let number = needed(row, "number", NUMBER_MAX, mistakes).filter(|text| {
        let dialled = crate::directory::dial_string(text);
        let fits = dialled.bytes().any(|byte| byte.is_ascii_digit())
            && text.chars().all(|each| each.is_ascii_digit() || " +*#()./-".contains(each));
        if !fits {
            mistakes.push(
                row.line,
                Some("number"),
                "is no extension and no number; write it as it is dialled",
            );
        }
        fits
    });
    let department = optional(row, "department", NAME_MAX, mistakes);
    let function = optional(row, "function", NAME_MAX, mistakes);
    let agent = optional(row, "agent", ID_MAX, mistakes);
    let email = optional(row, "email", EMAIL_MAX, mistakes);
    if let Some(Some(text)) = &email {
        let parts = text.split_once('@').filter(|(user, host)| {
            !user.is_empty() && !host.is_empty() && !host.contains('@') && !text.contains(char::is_whitespace)
        });
        if parts.is_none() {
            mistakes.push(row.line, Some("email"), "is no address for mail, such as jan@voorbeeld.nl");
            return None;
        }
    }
    let queue = optional(row, "queue", ID_MAX, mistakes);
    Some(DirectoryEntryView {
        id: id?,
        kind: kind?,
        name: name?,
        number: number?,
        department: department?,
        function: function?,
        agent: agent?,
        email: email?,
        queue: queue?,
        version: 0,
    })
}

/// A value that must be there.
fn needed(row: &Row<'_>, column: &'static str, most: usize, mistakes: &mut Mistakes) -> Option<String> {
    match optional(row, column, most, mistakes) {
        Some(None) => {
            mistakes.push(row.line, Some(column), "is missing");
            None
        }
        Some(Some(text)) => Some(text),
        None => None,
    }
}

/// A value that may be absent; none when there is one and it is wrong.
fn optional(
    row: &Row<'_>,
    column: &'static str,
    most: usize,
    mistakes: &mut Mistakes,
) -> Option<Option<String>> {
    let Some(text) = row.get(column) else { return Some(None) };
    if text.chars().count() > most {
        mistakes.push(row.line, Some(column), format!("is longer than {most} characters"));
        return None;
    }
    if text.chars().any(char::is_control) {
        mistakes.push(row.line, Some(column), "has a control character in it");
        return None;
    }
    Some(Some(text.to_owned()))
}

/// A value out of a few words.
fn word<T>(
    row: &Row<'_>,
    column: &'static str,
    mistakes: &mut Mistakes,
    read: impl Fn(&str) -> Option<T>,
) -> Option<T> {
    let text = needed(row, column, ID_MAX, mistakes)?;
    let found = read(&text.to_lowercase());
    if found.is_none() {
        let expected = match column {
            "enabled" => "is not true or false",
            "kind" if row.columns.required.contains(&"reference") => "is not person or organisation",
            _ => "is not person or department",
        };
        mistakes.push(row.line, Some(column), expected);
    }
    found
}
