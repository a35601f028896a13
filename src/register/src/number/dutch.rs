//! The Dutch numbering plan (Nummerplan telefoon- en ISDN-diensten): which national numbers there are.
//!
//! | begins with | is | digits without the first 0 |
//! | --- | --- | --- |
//! | `010` … `0599` | area code and subscriber | 9 |
//! | `06-1` … `06-5`, `06-8` | mobile | 9 |
//! | `066` | pager | 9 |
//! | `097` | machines | 11 |
//! | `0800` | free | 7 or 10 |
//! | `0900` `0906` `0909` | paid | 7 or 10 |
//! | `084` `087` | personal assistance | 9 |
//! | `085` | anywhere | 9 |
//! | `088` | companies | 9 |
//! | `14` + area code | municipalities | 5 or 6, area code with its 0 |
//! | `116…` | European services | 6 |
//! | `18..` | directories | 4 |
//! | `144` … | short ones of services | 3 |
//! | `112` | emergency | 3 |

use schakel_contract::E164;
use schakel_contract::views::NumberKind;

/// The country code.
pub(super) const COUNTRY: &str = "31";

/// The one number for emergencies.
pub(super) const EMERGENCY: &str = "112";

/// Area codes of three digits, without their 0. Their subscribers have seven.
const AREAS_OF_2: &[&str] = &[
    "10", "13", "15", "20", "23", "24", "26", "30", "33", "35", "36", "38", "40", "43", "45", "46", "50",
    "53", "55", "58", "70", "71", "72", "73", "74", "75", "76", "77", "78", "79",
];

/// Area codes of four digits, without their 0, in order. Their subscribers have six.
const AREAS_OF_3: &[&str] = &[
    "111", "113", "114", "115", "117", "118", "161", "162", "164", "165", "166", "167", "168", "172", "174",
    "180", "181", "182", "183", "184", "186", "187", "222", "223", "224", "226", "227", "228", "229", "251",
    "252", "255", "294", "297", "299", "313", "314", "315", "316", "317", "318", "320", "321", "341", "342",
    "343", "344", "345", "346", "347", "348", "411", "412", "413", "416", "418", "475", "478", "481", "485",
    "486", "487", "488", "492", "493", "495", "497", "499", "511", "512", "513", "514", "515", "516", "517",
    "518", "519", "521", "522", "523", "524", "525", "527", "528", "529", "541", "543", "544", "545", "546",
    "547", "548", "561", "562", "566", "570", "571", "572", "573", "575", "577", "578", "591", "592", "593",
    "594", "595", "596", "597", "598", "599",
];

/// Short numbers of services, dialled as they are: suicide prevention, animals in need, veterans and the like have
/// no number in E.164.
const SHORT: [&str; 3] = ["113", "114", "144"];

/// What a national number is: the digits after the first 0, or after +31. None where there is no such number.
pub(super) fn national(number: &str) -> Option<NumberKind> {
    let digits = number.as_bytes();
    let begins = |prefix: &str| number.starts_with(prefix);
    let kind = match (digits.len(), digits) {
        (9, [b'6', b'1'..=b'5' | b'8', ..]) => NumberKind::Mobile,
        (9, [b'6', b'6', ..]) => NumberKind::Service,
        (9, [b'8', b'4' | b'5' | b'7' | b'8', ..]) => NumberKind::Service,
        (9, _) if area(number).is_some() => NumberKind::Geographic,
        (11, _) if begins("970") => NumberKind::Service,
        (7 | 10, _) if ["800", "900", "906", "909"].iter().any(|prefix| begins(prefix)) => {
            NumberKind::Service
        }
        (5 | 6, [b'1', b'4', b'0', ..]) if area_exactly(&number[3..]) => NumberKind::Service,
        (6, _) if begins("116") => NumberKind::Service,
        _ => return None,
    };
    Some(kind)
}

/// What a short number is that is dialled as it stands, without a 0 before it; and whether it has a form in E.164.
pub(super) fn short(number: &str) -> Option<(NumberKind, bool)> {
    if number == EMERGENCY {
        return Some((NumberKind::Emergency, false));
    }
    if number.starts_with("14") || number.starts_with("116") {
        return match national(number) {
            Some(kind) => Some((kind, true)),
            None => SHORT.contains(&number).then_some((NumberKind::Service, false)),
        };
    }
    let directory = number.len() == 4 && number.starts_with("18");
    (directory || SHORT.contains(&number)).then_some((NumberKind::Service, false))
}

/// A national number in E.164.
pub(super) fn e164(number: &str) -> Option<E164> {
    let digits = number.bytes().try_fold(31_u64, |value, digit| {
        value.checked_mul(10)?.checked_add(u64::from(digit.checked_sub(b'0')?))
    })?;
    E164::from_digits(digits)
}

/// A Dutch number for a person.
pub(super) fn display(number: E164) -> String {
    let text = number.to_string();
    let Some(national) = text.strip_prefix("+31") else { return text };
    let part = |at: usize| national.split_at_checked(at).unwrap_or((national, ""));
    let halves = |text: &str, at: usize| match text.split_at_checked(at) {
        Some((first, rest)) if !rest.is_empty() => format!("{first} {rest}"),
        _ => text.to_owned(),
    };
    match national.as_bytes() {
        [b'1', b'4', ..] => halves(national, 2),
        [b'1', b'1', b'6', ..] if national.len() == 6 => halves(national, 3),
        [b'6', ..] => format!("06 {}", halves(part(1).1, 4)),
        [b'8' | b'9', b'0', ..] => format!("0{}", halves(national, 3)),
        [b'9', b'7', ..] => format!("0{}", halves(national, 3)),
        [b'8', ..] => format!("0{} {}", part(2).0, halves(part(2).1, 3)),
        _ => {
            let area = area(national).map_or(2, str::len);
            format!("0{} {}", part(area).0, halves(part(area).1, 3))
        }
    }
}

/// The area code that a number of nine digits begins with, without its 0.
fn area(number: &str) -> Option<&str> {
    let of = |length: usize| number.get(..length).filter(|code| area_exactly(code));
    // A subscriber's number begins with no 0 in the plan, but ranges of it are in use by companies.
    of(2).or_else(|| of(3))
}

/// Whether this is an area code, without its 0.
pub(super) fn area_exactly(code: &str) -> bool {
    AREAS_OF_2.binary_search(&code).is_ok() || AREAS_OF_3.binary_search(&code).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_area_codes_are_in_order() {
        assert!(AREAS_OF_2.is_sorted() && AREAS_OF_3.is_sorted());
        // No code of four digits begins with one of three: the number would have two readings.
        assert!(!AREAS_OF_3.iter().any(|code| AREAS_OF_2.contains(&&code[..2])));
    }

    #[test]
    fn t10_a_person_reads_it_in_groups() {
        for (e164, text) in [
            ("+31703538000", "070 353 8000"),
            ("+31297123456", "0297 123 456"),
            ("+31612345678", "06 1234 5678"),
            ("+318001234", "0800 1234"),
            ("+31881234567", "088 123 4567"),
            ("+3114070", "14 070"),
            ("+31140297", "14 0297"),
            ("+31116000", "116 000"),
            ("+319090011", "0909 0011"),
        ] {
            assert_eq!(display(e164.parse().unwrap()), text);
        }
    }
}
