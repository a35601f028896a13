//! The numbering plan against a table of numbers, against any text, and against another implementation.

#![allow(clippy::unwrap_used, reason = "a test fails by it")]

use phonenumber::country::Id::NL;
use proptest::prelude::*;
use schakel_contract::views::NumberKind;
use schakel_register::number::{NumberPlan, PlanSettings};

const TABLE: &str = include_str!("../../../protocol-fixtures/numbers/nl.tsv");

/// The plan that the table is for.
fn plan() -> NumberPlan {
    let own = "+31703538000-+31703538999 = 8000-8999".to_owned();
    NumberPlan::new(&PlanSettings {
        area_code: "070".into(),
        extensions: vec!["2000-2999".into()],
        own: vec![own],
        ..PlanSettings::default()
    })
    .unwrap()
}

/// As it comes, kind, E.164, extension, for a person.
fn rows() -> impl Iterator<Item = [&'static str; 5]> {
    TABLE.lines().filter(|line| !line.starts_with("# ")).map(|line| {
        let fields: Vec<_> = line.split('\t').collect();
        assert_eq!(fields.len(), 6, "{line}");
        std::array::from_fn(|at| fields[at])
    })
}

fn word(kind: NumberKind) -> String {
    serde_json::to_value(kind).unwrap().as_str().unwrap().to_owned()
}

#[test]
fn t10_the_table_of_dutch_numbers() {
    let plan = plan();
    let mut wrong = Vec::new();
    for [raw, kind, e164, extension, display] in rows() {
        let found = plan.normalise(raw);
        let text = |text: Option<String>| text.unwrap_or_else(|| "-".into());
        let seen = [
            word(found.kind),
            text(found.e164.map(|e164| e164.to_string())),
            text(found.extension.map(|extension| extension.as_str().to_owned())),
            found.display(),
        ];
        if seen != [kind, e164, extension, display] {
            wrong.push(format!("{raw:?}: {seen:?} instead of {:?}", [kind, e164, extension, display]));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(rows().count() >= 80, "the table is to have at least 80 numbers");
}

#[test]
fn t12_what_is_dialled_for_a_number_is_that_number() {
    for outside_line in ["", "0"] {
        let own = vec!["+31703538000-+31703538999 = 8000-8999".to_owned()];
        let settings = PlanSettings { own, outside_line: outside_line.into(), ..PlanSettings::default() };
        let plan = NumberPlan::new(&settings).unwrap();
        for [raw, ..] in rows() {
            let Some(e164) = plan.normalise(raw).e164 else { continue };
            let dialled = plan.dial(e164);
            // Behind an outside line's 0 a machine's number has the digits of a Palestinian one.
            if dialled.starts_with("00970") {
                continue;
            }
            assert_eq!(plan.normalise(&dialled).e164, Some(e164), "{raw}: {dialled}");
        }
    }
    let plan =
        NumberPlan::new(&PlanSettings { outside_line: "0".into(), ..PlanSettings::default() }).unwrap();
    for (number, dialled) in [
        ("+31612345678", "00612345678"),
        ("+3114070", "014070"),
        ("+318001234", "008001234"),
        ("+3225551234", "0003225551234"),
    ] {
        assert_eq!(plan.dial(number.parse().unwrap()), dialled);
    }
}

#[test]
fn t10_the_raw_text_is_kept() {
    let raw = " +31 (0)70 353 12 34 ";
    assert_eq!(plan().normalise(raw).raw, raw);
}

/// What the other implementation says of a text: a valid Dutch number, in E.164.
fn elsewhere(text: &str) -> Option<String> {
    let number = phonenumber::parse(Some(NL), text).ok()?;
    let valid = number.is_valid() && number.country().code() == 31;
    valid.then(|| number.format().mode(phonenumber::Mode::E164).to_string())
}

/// What we say, with a plan that knows no extension, no area code and no outside line, as the other does not either.
fn here(plan: &NumberPlan, text: &str) -> Option<String> {
    let found = plan.normalise(text);
    let dutch = matches!(found.kind, NumberKind::Geographic | NumberKind::Mobile | NumberKind::Service);
    found.e164.filter(|_| dutch).map(|e164| e164.to_string())
}

fn bare_plan() -> NumberPlan {
    NumberPlan::new(&PlanSettings { trunk_prefixes: Vec::new(), ..PlanSettings::default() }).unwrap()
}

/// Numbers of which the two think otherwise on purpose, by what follows +31.
fn known_difference(e164: &str) -> bool {
    let national = e164.strip_prefix("+31").unwrap_or(e164);
    // It takes 0800 and 0900 with five and six digits as well, which the numbering plan does not give out, and lets
    // 082, 0676, 0979 and 14 with any digits pass.
    ["800", "90", "82", "67", "14", "116", "18", "970", "979", "91", "83", "81", "80"]
        .iter()
        .any(|prefix| national.starts_with(prefix))
}

#[test]
fn t10_another_implementation_reads_geographic_and_mobile_numbers_the_same() {
    let plan = bare_plan();
    let mut compared = 0;
    let mut wrong = Vec::new();
    // Every beginning of three digits, with each length from too short to too long.
    for begin in 100..1000 {
        for rest in ["23456", "234567", "2345678"] {
            let text = format!("0{begin}{rest}");
            let (ours, theirs) = (here(&plan, &text), elsewhere(&text));
            let any = ours.as_deref().or(theirs.as_deref()).unwrap_or("");
            compared += usize::from(!any.is_empty());
            if ours != theirs && !known_difference(any) {
                wrong.push(format!("{text}: {ours:?} here, {theirs:?} there"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(compared > 400, "only {compared} numbers were valid: the comparison says nothing");
}

proptest! {
    #[test]
    fn nothing_is_a_panic(text in "\\PC*") {
        let plan = plan();
        let found = plan.normalise(&text);
        let _ = found.display();
        prop_assert_eq!(found.raw, text.as_str());
    }

    #[test]
    fn what_looks_like_a_number_is_no_panic_either(text in "(tel:|sip:|<)?[+0-9 ()*#.%@;:-]{0,40}>?") {
        let _ = plan().normalise(&text).display();
    }

    /// What is read from E.164 is the same number again, and so is what a person reads.
    #[test]
    fn t10_reading_again_changes_nothing(text in "(\\+|0|00|0031|\\+31|00|14|116)?[0-9]{2,13}") {
        let plan = plan();
        let found = plan.normalise(&text);
        if let Some(e164) = found.e164 {
            let whole = e164.to_string();
            let again = plan.normalise(&whole);
            prop_assert_eq!((again.kind, again.e164, again.extension), (found.kind, found.e164, found.extension));
            let shown = found.display();
            let shown = plan.normalise(&shown);
            prop_assert_eq!((shown.kind, shown.e164), (found.kind, found.e164));
        }
    }

    /// Separators say nothing.
    #[test]
    fn t10_separators_change_nothing(digits in "0[1-9][0-9]{8}", gaps in proptest::collection::vec(0_usize..5, 10)) {
        let plan = plan();
        let separators = ["", " ", "-", ".", "\u{a0}"];
        let spread: String = digits.chars().zip(&gaps).map(|(digit, gap)| format!("{digit}{}", separators[*gap])).collect();
        let (plain, spread) = (plan.normalise(&digits), plan.normalise(&spread));
        prop_assert_eq!((plain.kind, plain.e164), (spread.kind, spread.e164));
    }
}

#[test]
fn the_mistakes_of_a_plan_are_told_together() {
    let own = |numbers: &str, extensions: &str| format!("{numbers} = {extensions}");
    let wrong = PlanSettings {
        country: "32".into(),
        area_code: "70".into(),
        trunk_prefixes: vec!["x".into()],
        outside_line: "0000".into(),
        extensions: vec!["20-1".into(), "100-199".into()],
        own: vec![
            own("0703538000", "8000"),
            own("+31703538000-+31703538009", "8000"),
            own("+31703538000-+31703538009", "8000-8009"),
            own("+31703538009", "8009"),
        ],
    };
    let keys: Vec<_> = NumberPlan::new(&wrong).unwrap_err().into_iter().map(|error| error.key).collect();
    assert_eq!(
        keys,
        [
            "country",
            "area_code",
            "trunk_prefixes[0]",
            "outside_line",
            "extensions[0]",
            "extensions[1]",
            "own[0]",
            "own[1]",
            "own"
        ]
    );
}

#[test]
fn t14_telephones_that_are_watched_are_extensions() {
    let plan = bare_plan().with_devices(["301", "302", "0703538123", "wachtrij-1"].into_iter());
    assert_eq!(plan.normalise("302").kind, NumberKind::Extension);
    assert_eq!(plan.normalise("303").kind, NumberKind::Unknown);
    assert_eq!(plan.normalise("0703538123").kind, NumberKind::Geographic);
}
