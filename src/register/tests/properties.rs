//! What holds for any order of changes, and for any file.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by it")]

use proptest::prelude::*;
use schakel_contract::E164;
use schakel_contract::views::{CustomerKind, CustomerNumberView, CustomerView};
use schakel_register::number::NumberPlan;
use schakel_register::{Format, ImportOptions, Imported, Limits, Mode, Register};
use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::Write as _;
use std::path::Path;

/// What is asked of the register: a customer is one of four, a number one of five.
#[derive(Debug, Clone)]
enum Change {
    /// Puts a customer with these numbers, on or off, for himself or for another.
    Put(u8, Vec<(u8, bool, Option<u8>)>),
    Delete(u8),
    Erase(u8),
    /// Imports rows: customer, number, on or off.
    Import(bool, Vec<(u8, u8, bool)>),
    /// A file with a mistake in its last line.
    ImportBadly(Vec<(u8, u8, bool)>),
    Restart,
}

/// The numbers of a customer: number and for whom, on or off.
type Numbers = BTreeMap<(u8, Option<u8>), bool>;

/// The second, simpler register.
#[derive(Debug, Default)]
struct Model(BTreeMap<u8, Numbers>);

impl Model {
    fn apply(&mut self, change: &Change) {
        match change {
            Change::Put(who, numbers) => {
                self.0.insert(*who, numbers.iter().map(|(number, on, of)| ((*number, *of), *on)).collect());
            }
            Change::Delete(who) => drop(self.0.remove(who)),
            Change::Erase(who) => {
                self.0.remove(who);
                for numbers in self.0.values_mut() {
                    numbers.retain(|(_, of), _| of != &Some(*who));
                }
            }
            Change::Import(replace, rows) => {
                if *replace {
                    self.0.clear();
                }
                for (who, number, on) in rows {
                    self.0.entry(*who).or_default().insert((*number, None), *on);
                }
            }
            Change::ImportBadly(_) | Change::Restart => {}
        }
    }

    /// Whom a number means.
    fn told(&self, number: u8) -> BTreeSet<(String, Option<String>)> {
        let all = self.0.iter().flat_map(|(who, numbers)| numbers.iter().map(move |each| (who, each)));
        let theirs = all.filter(|(_, ((each, _), on))| *each == number && **on);
        theirs.map(|(who, ((_, of), _))| (reference(*who), of.map(reference))).collect()
    }
}

fn reference(who: u8) -> String {
    format!("K-{who}")
}

fn number(which: u8) -> E164 {
    E164::from_digits(31_612_345_670 + u64::from(which)).unwrap()
}

fn changes() -> impl Strategy<Value = Vec<Change>> {
    let (who, which) = (0_u8..4, 0_u8..5);
    let numbers =
        proptest::collection::vec((which.clone(), any::<bool>(), proptest::option::of(who.clone())), 0..4);
    let rows = proptest::collection::vec((who.clone(), which, any::<bool>()), 0..6);
    let change = prop_oneof![
        4 => (who.clone(), numbers).prop_map(|(who, numbers)| Change::Put(who, numbers)),
        1 => who.clone().prop_map(Change::Delete),
        1 => who.prop_map(Change::Erase),
        2 => (any::<bool>(), rows.clone()).prop_map(|(replace, rows)| Change::Import(replace, rows)),
        1 => rows.prop_map(Change::ImportBadly),
        1 => Just(Change::Restart),
    ];
    proptest::collection::vec(change, 1..12)
}

fn open(folder: &Path) -> Register {
    Register::open(folder.join("register.db"), NumberPlan::default(), Limits::default()).unwrap()
}

fn file(bytes: &[u8]) -> File {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(bytes).unwrap();
    file
}

fn csv(rows: &[(u8, u8, bool)]) -> String {
    let mut text = "reference,kind,name,number,enabled\n".to_owned();
    for (who, which, on) in rows {
        text += &format!("{},person,Naam {who},{},{on}\n", reference(*who), number(*which));
    }
    text
}

async fn apply(register: &Register, change: &Change) {
    let import = |replace: bool| ImportOptions {
        format: Format::Csv,
        mode: if replace { Mode::Replace } else { Mode::Merge },
        dry_run: false,
    };
    match change {
        Change::Put(who, numbers) => {
            // As the API does: the same number for the same customer once.
            let unique: Numbers = numbers.iter().map(|(which, on, of)| ((*which, *of), *on)).collect();
            let numbers = unique.into_iter().map(|((which, of), enabled)| CustomerNumberView {
                number: number(which),
                enabled,
                representative_of: of.map(reference),
            });
            let customer = CustomerView {
                reference: reference(*who),
                kind: CustomerKind::Person,
                name: format!("Naam {who}"),
                numbers: numbers.collect(),
                version: 0,
            };
            register.put_customer(customer, None).await.unwrap();
        }
        Change::Delete(who) => drop(register.delete_customer(&reference(*who), None).await.unwrap()),
        Change::Erase(who) => drop(register.erase(&reference(*who)).await.unwrap()),
        Change::Import(replace, rows) => {
            let done = register.import_customers(file(csv(rows).as_bytes()), import(*replace)).await.unwrap();
            assert!(matches!(done, Imported::Done(report) if report.rows == rows.len() as u64), "{done:?}");
        }
        Change::ImportBadly(rows) => {
            let text = csv(rows) + "K-1,person,Naam 1,112,true\n";
            let refused = register.import_customers(file(text.as_bytes()), import(true)).await.unwrap();
            let Imported::Refused(mistakes) = refused else { panic!("{refused:?}") };
            assert_eq!((mistakes.count, mistakes.told[0].line), (1, rows.len() as u64 + 2));
        }
        Change::Restart => {}
    }
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().build().unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: ProptestConfig::default().cases.max(256) / 4, ..ProptestConfig::default() })]

    /// Against the simpler register: whatever is put, imported, erased, and over a restart.
    #[test]
    fn t10_a_number_means_those_for_whom_it_is_switched_on_and_nobody_else(changes in changes()) {
        let folder = tempfile::tempdir().unwrap();
        let (mut register, mut model) = (open(folder.path()), Model::default());
        runtime().block_on(async {
            for change in &changes {
                if matches!(change, Change::Restart) {
                    drop(register);
                    register = open(folder.path());
                }
                apply(&register, change).await;
                model.apply(change);
                for which in 0..5 {
                    let found = register.look_up(&number(which).to_string());
                    let told: BTreeSet<_> = found
                        .matches
                        .iter()
                        .map(|each| (each.reference.to_string(), each.of.as_ref().map(ToString::to_string)))
                        .collect();
                    assert_eq!(told, model.told(which), "number {which} after {change:?}");
                    assert_eq!(told.len(), found.matches.len(), "nobody is told twice");
                }
            }
            for who in 0..4 {
                let kept = register.customer(&reference(who)).await.unwrap();
                let kept = kept.map(|kept| kept.numbers.len());
                assert_eq!(kept, model.0.get(&who).map(BTreeMap::len), "{who}");
            }
        });
    }

    /// Any bytes are read or refused, never half of them, and never with a panic.
    #[test]
    fn t10_t13_any_file_is_imported_or_refused(
        bytes in prop_oneof![
            proptest::collection::vec(any::<u8>(), 0..200),
            "[\\[{]?(\"id\":|id,name,number|[\"{},:;\n\\[\\]a-z0-9]){0,40}".prop_map(String::into_bytes),
        ],
        replace in any::<bool>(),
    ) {
        let folder = tempfile::tempdir().unwrap();
        let register = open(folder.path());
        let mode = if replace { Mode::Replace } else { Mode::Merge };
        runtime().block_on(async {
            let good = file(b"id,name,number\nm-1,Jan,8123\n");
            let options = ImportOptions { format: Format::Csv, mode, dry_run: false };
            register.import_entries(good, options).await.unwrap();
            for format in [Format::Csv, Format::JsonLines, Format::Json] {
                let options = ImportOptions { format, ..options };
                for customers in [false, true] {
                    let before = register.figures().entries;
                    let imported = if customers {
                        register.import_customers(file(&bytes), options).await.unwrap()
                    } else {
                        register.import_entries(file(&bytes), options).await.unwrap()
                    };
                    if let Imported::Refused(mistakes) = imported {
                        let lines = bytes.split(|byte| *byte == b'\n').count() as u64;
                        assert!(mistakes.count > 0 && mistakes.told.iter().all(|each| (1..=lines + 1).contains(&each.line)));
                        assert_eq!(register.figures().entries, before, "nothing of it");
                    }
                }
            }
        });
    }
}
