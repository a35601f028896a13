//! The register on a disk: what is put, switched off, imported, erased; and what a notification is told.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by it")]

use schakel_contract::views::{
    CustomerKind, CustomerNumberView, CustomerView, MatchKind, MatchRole, NumberKind, RecognitionStatus,
};
use schakel_contract::{E164, Recognise};
use schakel_core::model::call::Party;
use schakel_register::number::{NumberPlan, PlanSettings};
use schakel_register::{
    Format, ImportOptions, Imported, Limits, MISTAKES_MAX, Mistakes, Mode, Register, RegisterError,
};
use std::fs::File;
use std::io::Write as _;
use std::path::Path;
use tempfile::TempDir;

const MERGE: ImportOptions = ImportOptions { format: Format::Csv, mode: Mode::Merge, dry_run: false };
const REPLACE: ImportOptions = ImportOptions { mode: Mode::Replace, ..MERGE };

fn plan() -> NumberPlan {
    let own = "+31703538000-+31703538999 = 8000-8999".to_owned();
    NumberPlan::new(&PlanSettings { area_code: "070".into(), own: vec![own], ..PlanSettings::default() })
        .unwrap()
}

fn open(folder: &Path) -> Register {
    Register::open(folder.join("register.db"), plan(), Limits::default()).unwrap()
}

fn house() -> (TempDir, Register) {
    let folder = tempfile::tempdir().unwrap();
    let register = open(folder.path());
    (folder, register)
}

fn file(text: &str) -> File {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(text.as_bytes()).unwrap();
    file
}

fn number(text: &str, enabled: bool, of: Option<&str>) -> CustomerNumberView {
    CustomerNumberView { number: text.parse().unwrap(), enabled, representative_of: of.map(str::to_owned) }
}

fn customer(reference: &str, name: &str, numbers: Vec<CustomerNumberView>) -> CustomerView {
    let (reference, name) = (reference.into(), name.into());
    CustomerView { reference, kind: CustomerKind::Person, name, numbers, version: 0 }
}

/// References and roles of whom a number means.
fn told(register: &Register, number: &str) -> Vec<(String, MatchRole)> {
    let party = Party::of_number(number);
    let found = register.recognise(&party).matches;
    found.into_iter().map(|each| (each.reference.into_owned(), each.role)).collect()
}

fn mistakes(imported: Imported) -> Mistakes {
    match imported {
        Imported::Refused(mistakes) => mistakes,
        Imported::Done(report) => panic!("it was imported: {report:?}"),
    }
}

fn lines(mistakes: &Mistakes) -> Vec<(u64, Option<&str>)> {
    mistakes.told.iter().map(|mistake| (mistake.line, mistake.column)).collect()
}

#[tokio::test]
async fn t10_a_number_that_is_switched_on_is_told_and_one_that_is_off_is_not() {
    let (_folder, register) = house();
    let numbers = vec![number("+31612345678", true, None), number("+31703531234", false, None)];
    let (version, new) = register.put_customer(customer("K-1", "J. de Vries", numbers), None).await.unwrap();
    assert!(new);
    let found = register.look_up("06-12345678");
    assert_eq!(found.status, RecognitionStatus::One);
    assert_eq!((found.number.kind, found.number.raw.as_deref()), (NumberKind::Mobile, Some("06-12345678")));
    assert_eq!(found.number.e164, Some("+31612345678".parse().unwrap()));
    assert_eq!((found.matches[0].kind, found.matches[0].name.as_ref()), (MatchKind::Person, "J. de Vries"));
    assert_eq!(register.look_up("0703531234").status, RecognitionStatus::None, "it is switched off");
    assert_eq!(register.customer("K-1").await.unwrap().unwrap().numbers.len(), 2, "and kept");
    assert_eq!(register.numbers_of("K-1").await.unwrap().len(), 2);

    let off = customer("K-1", "J. de Vries", vec![number("+31612345678", false, None)]);
    let (next, new) = register.put_customer(off, Some(version)).await.unwrap();
    assert!(!new && next > version);
    assert_eq!(told(&register, "0612345678"), []);
    let stale = register.put_customer(customer("K-1", "x", Vec::new()), Some(version)).await;
    assert!(matches!(stale, Err(RegisterError::VersionMismatch { found: Some(found) }) if found == next));
    assert!(register.delete_customer("K-1", None).await.unwrap());
    assert!(!register.delete_customer("K-1", None).await.unwrap());
    assert_eq!(register.customer("K-1").await.unwrap(), None);
}

#[tokio::test]
async fn t10_a_household_and_a_representative_are_told_apart() {
    let (_folder, register) = house();
    let shared = "+31201234567";
    for reference in ["K-2", "K-1"] {
        let numbers = vec![number(shared, true, None)];
        register.put_customer(customer(reference, "de Vries", numbers), None).await.unwrap();
    }
    let numbers = vec![number(shared, true, Some("O-9")), number("+31612345678", true, None)];
    register.put_customer(customer("K-3", "A. Bakker", numbers), None).await.unwrap();
    assert_eq!(register.shared_numbers("K-3").await.unwrap(), [shared.parse().unwrap()]);
    let found = register.look_up("020 123 4567");
    assert_eq!(found.status, RecognitionStatus::Several);
    assert_eq!(
        told(&register, "0201234567"),
        [
            ("K-1".into(), MatchRole::Customer),
            ("K-2".into(), MatchRole::Customer),
            ("K-3".into(), MatchRole::Representative)
        ]
    );
    assert_eq!(found.matches[2].of.as_deref(), Some("O-9"));
    assert_eq!(told(&register, "0612345678"), [("K-3".into(), MatchRole::Customer)]);
}

#[tokio::test]
async fn t10_who_does_not_want_to_be_shown_is_not_looked_up() {
    let (_folder, register) = house();
    let numbers = vec![number("+31612345678", true, None)];
    register.put_customer(customer("K-1", "J. de Vries", numbers), None).await.unwrap();
    let hidden = Party { restricted: true, ..Party::of_number("0612345678") };
    for party in [hidden, Party::default(), Party::of_number("anonymous")] {
        let found = register.recognise(&party);
        assert_eq!(found.status, RecognitionStatus::Anonymous);
        assert_eq!((found.number.kind, found.number.e164), (NumberKind::Anonymous, None));
        assert!(found.matches.is_empty());
    }
}

#[tokio::test]
async fn t10_everything_is_there_after_a_restart() {
    let (folder, register) = house();
    let numbers = vec![number("+31612345678", true, None), number("+31703531234", true, Some("O-1"))];
    register.put_customer(customer("K-1", "J. de Vries", numbers), None).await.unwrap();
    let csv = "id,name,number\nm-1,Jan Jansen,8123\n";
    register.import_entries(file(csv), MERGE).await.unwrap();
    drop(register);
    let register = open(folder.path());
    assert_eq!(told(&register, "0612345678"), [("K-1".into(), MatchRole::Customer)]);
    assert_eq!(told(&register, "0703531234"), [("K-1".into(), MatchRole::Representative)]);
    assert_eq!(register.directory().get("m-1").unwrap().name, "Jan Jansen");
    assert_eq!(register.figures().numbers, 2);
}

#[tokio::test]
async fn t10_an_import_of_csv_and_json_lines() {
    let (_folder, register) = house();
    let csv = "\u{feff}Nummer;Soort;Referentie;Naam;VertegenwoordigerVan;Aan\r\n\
               06-12345678;persoon;K-1;\"Vries, J. de\";;ja\r\n\
               020 123 4567;organisatie;O-1;Bakkerij Voorbeeld;;\r\n\
               +31 (0)6 87654321;persoon;K-1;\"Vries, J. de\";O-1;ja\r\n\
               0703531234;persoon;K-2;A. Bakker;;nee\r\n\
               ;;;;;\r\n";
    let Imported::Done(report) = register.import_customers(file(csv), MERGE).await.unwrap() else { panic!() };
    assert_eq!((report.rows, report.total, report.removed), (4, 4, 0));
    assert_eq!(told(&register, "0612345678"), [("K-1".into(), MatchRole::Customer)]);
    assert_eq!(told(&register, "0687654321"), [("K-1".into(), MatchRole::Representative)]);
    assert_eq!(register.look_up("0201234567").matches[0].kind, MatchKind::Organisation);
    assert_eq!(told(&register, "0703531234"), []);

    let json = "{\"number\":\"0703531234\",\"kind\":\"person\",\"reference\":\"K-2\",\"name\":\"A. Bakker\",\"enabled\":true}\n\n";
    let options = ImportOptions { format: Format::JsonLines, dry_run: true, ..REPLACE };
    let Imported::Done(tried) = register.import_customers(file(json), options).await.unwrap() else {
        panic!()
    };
    assert_eq!((tried.dry_run, tried.total, tried.removed), (true, 1, 3));
    assert_eq!(register.figures().numbers, 3, "nothing was stored");
    let options = ImportOptions { dry_run: false, ..options };
    register.import_customers(file(json), options).await.unwrap();
    assert_eq!(told(&register, "0703531234"), [("K-2".into(), MatchRole::Customer)]);
    assert_eq!((register.figures().numbers, register.customer("K-1").await.unwrap()), (1, None));
}

#[tokio::test]
async fn t10_every_mistake_of_an_import_has_its_line_and_nothing_is_half_imported() {
    let (_folder, register) = house();
    let good = "number,kind,reference,name\n0612345678,person,K-1,J. de Vries\n";
    register.import_customers(file(good), MERGE).await.unwrap();
    let bad = "number,kind,reference,name,enabled\n\
               0687654321,person,K-2,A. Bakker,true\n\
               112,person,K-3,Noodgeval,true\n\
               0201234567,robot,K-4,,misschien\n\
               0201234567,person,K-5\n\
               \"06\n12345678\",person,K-6,Op twee regels,true\n\
               0612,person,K-7,Te kort,true\n";
    for options in [MERGE, REPLACE] {
        let found = mistakes(register.import_customers(file(bad), options).await.unwrap());
        assert_eq!(
            lines(&found),
            [
                (3, Some("number")),
                (4, Some("name")),
                (4, Some("kind")),
                (4, Some("enabled")),
                (5, None),
                (6, Some("number")),
                (8, Some("number"))
            ]
        );
        assert!(found.told.iter().all(|mistake| !mistake.text.contains("Bakker")), "{found:?}");
        assert_eq!(told(&register, "0612345678").len(), 1, "what was there is there");
        assert_eq!(told(&register, "0687654321"), [], "the good row before the mistakes is not stored");
    }
    let heading = mistakes(register.import_customers(file("nr;kind;kind\n"), MERGE).await.unwrap());
    assert_eq!(heading.count, 5, "{heading:?}");
    assert_eq!(mistakes(register.import_customers(file(""), MERGE).await.unwrap()).count, 1);
    let latin = b"number,kind,reference,name\n0612345678,person,K-1,Ren\xe9\n0612345678,person,K-1,Ren\n";
    let mut raw = tempfile::tempfile().unwrap();
    raw.write_all(latin).unwrap();
    assert_eq!(lines(&mistakes(register.import_customers(raw, MERGE).await.unwrap())), [(2, None)]);
}

#[tokio::test]
async fn t10_a_row_without_an_end_takes_no_memory_and_is_told_with_what_to_look_for() {
    let (_folder, register) = house();
    let heading = "number,kind,reference,name\n0612345678,person,K-1,Jan\n";
    let endless = [
        format!("{heading}{}", "x,".repeat(100_000)),
        format!("{heading}\"0687654321,person,K-2,Piet\n{}", "0687654321,person,K-2,Piet\n".repeat(10_000)),
    ];
    for text in endless {
        let found = mistakes(register.import_customers(file(&text), MERGE).await.unwrap());
        assert_eq!(lines(&found), [(3, None)]);
        assert!(found.told[0].text.contains("quotation mark"), "{found:?}");
    }
    let found = mistakes(register.import_customers(file(&"x".repeat(1_000_000)), MERGE).await.unwrap());
    assert_eq!(lines(&found), [(1, None)]);
    let long = "x".repeat(20_000);
    let rows = format!("{heading}0687654321,person,{long},Piet\n0687654321,person,K-2,\n");
    let found = mistakes(register.import_customers(file(&rows), MERGE).await.unwrap());
    assert_eq!(lines(&found), [(3, Some("reference")), (4, Some("name"))], "a long row is no endless one");
}

#[tokio::test]
async fn t10_a_file_of_which_all_is_wrong_is_not_read_to_its_end() {
    let (_folder, register) = house();
    let row = "{\"reference\":\"K-1\"}";
    let files = [
        (Format::Csv, format!("number,kind,reference,name\n{}", "1,2,3\n".repeat(5_000))),
        (Format::JsonLines, format!("{row}\n").repeat(5_000)),
        (Format::Json, format!("[{row}{}]", format!(",{row}").repeat(5_000))),
    ];
    for (format, text) in files {
        let options = ImportOptions { format, ..MERGE };
        let found = mistakes(register.import_customers(file(&text), options).await.unwrap());
        assert_eq!(found.told.len(), MISTAKES_MAX);
        assert!((1_001..1_010).contains(&found.count), "{}", found.count);
    }
}

#[tokio::test]
async fn t13_a_byte_order_mark_is_no_mistake_in_any_format() {
    let (_folder, register) = house();
    let row = "{\"id\":\"1\",\"name\":\"Jan\",\"number\":\"8123\",\"kind\":\"person\"}";
    let files = [
        (Format::Csv, "\u{feff}id,kind,name,number\n1,person,Jan,8123\n".to_owned()),
        (Format::Json, format!("\u{feff}[{row}]")),
        (Format::JsonLines, format!("\u{feff}{row}\n")),
    ];
    for (format, text) in files {
        let imported = register.import_entries(file(&text), ImportOptions { format, ..MERGE }).await.unwrap();
        assert!(matches!(imported, Imported::Done(_)), "{imported:?}");
    }
}

#[tokio::test]
async fn t13_mistakes_of_json_have_lines_too() {
    let (_folder, register) = house();
    let json = "[\n  {\"id\": \"1\", \"name\": \"Jan\", \"number\": 8123},\n  {\"id\": \"1\", \"name\": \"Piet\",\n   \"number\": \"8124\"},\n  {\"id\": \"3\", \"naam\": \"x\"}, 7\n]";
    let options = ImportOptions { format: Format::Json, ..MERGE };
    let found = mistakes(register.import_entries(file(json), options).await.unwrap());
    assert_eq!(lines(&found), [(3, Some("id")), (5, None), (5, None)]);
    let lines_of_it = "{\"id\":\"1\"}\nnot json\n{\"id\":\"2\",\"name\":\"Jan\",\"number\":[1]}\n";
    let options = ImportOptions { format: Format::JsonLines, ..MERGE };
    let found = mistakes(register.import_entries(file(lines_of_it), options).await.unwrap());
    assert_eq!(lines(&found), [(1, Some("name")), (1, Some("number")), (2, None), (3, Some("number"))]);
    let broken = mistakes(
        register.import_entries(file("[{]"), ImportOptions { format: Format::Json, ..MERGE }).await.unwrap(),
    );
    assert_eq!(broken.count, 1);
    assert!(register.directory().is_empty());
}

#[tokio::test]
async fn t13_a_directory_is_merged_and_replaced() {
    let (_folder, register) = house();
    let csv = "id,kind,name,number,department,function,agent,email,queue\n\
               m-1,person,Jan van der Berg,8123,Burgerzaken,adviseur,jansen,jan@voorbeeld.nl,\n\
               a-1,department,Burgerzaken,7001,,,,,7001\n";
    register.import_entries(file(csv), MERGE).await.unwrap();
    let more = "id,name,number\nm-2,Piet Smit,06-12345678\n";
    let Imported::Done(report) = register.import_entries(file(more), MERGE).await.unwrap() else { panic!() };
    assert_eq!((report.total, report.removed), (3, 0));
    let directory = register.directory();
    assert_eq!(directory.of_agent("jansen").unwrap().id, "m-1");
    assert_eq!(directory.get("a-1").unwrap().queue.as_deref(), Some("7001"));
    let Imported::Done(report) = register.import_entries(file(more), REPLACE).await.unwrap() else {
        panic!()
    };
    assert_eq!((report.total, report.removed), (1, 2));
    assert_eq!(directory.len(), 3, "who holds the picture of before still has it");
    let entry = register.directory().get("m-2").unwrap().clone();
    assert!(matches!(
        register.delete_entry("m-2", Some(entry.version + 1)).await,
        Err(RegisterError::VersionMismatch { .. })
    ));
    assert!(register.delete_entry("m-2", Some(entry.version)).await.unwrap());
    let (_, new) = register.put_entry(entry, None).await.unwrap();
    assert!(new && register.directory().len() == 1);
}

#[tokio::test]
async fn t10_a_colleague_is_told_by_extension_and_by_number() {
    let (_folder, register) = house();
    let csv = "id,kind,name,number\nm-1,person,Jan Jansen,8123\na-1,department,Balie,7001\n";
    register.import_entries(file(csv), MERGE).await.unwrap();
    for text in ["8123", "0703538123", "+31 70 353 8123"] {
        let found = register.look_up(text);
        assert_eq!(
            (found.status, found.matches[0].kind),
            (RecognitionStatus::One, MatchKind::Colleague),
            "{text}"
        );
        assert_eq!(found.number.extension.as_deref(), Some("8123"));
        assert_eq!(found.matches[0].role, MatchRole::Colleague);
    }
    assert_eq!(register.look_up("7001").matches[0].kind, MatchKind::Department);
    // Another plan: 8123 is somebody's number no more, and is still his extension.
    register.set_plan(NumberPlan::default()).await;
    assert_eq!(register.look_up("8123").matches.len(), 1);
    assert_eq!(register.look_up("0703538123").matches.len(), 0);
}

#[tokio::test]
async fn p05_another_numbering_plan_waits_for_no_import_and_an_import_keeps_it() {
    let (folder, register) = house();
    let csv = "id,kind,name,number\nm-1,person,Jan Jansen,8123\n";
    register.import_entries(file(csv), MERGE).await.unwrap();
    // An import that is not ready before the file of the register may be written.
    let other = rusqlite::Connection::open(folder.path().join("register.db")).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let importing = tokio::spawn({
        let csv = file("id,kind,name,number\nm-2,person,Piet Pietersen,8124\n");
        let register = register.clone();
        async move { register.import_entries(csv, MERGE).await }
    });
    tokio::task::yield_now().await;
    register.set_plan(NumberPlan::default()).await;
    assert!(!importing.is_finished());
    assert_eq!(register.look_up("0703538123").matches.len(), 0, "it is in force");
    other.execute_batch("ROLLBACK").unwrap();
    assert!(matches!(importing.await.unwrap().unwrap(), Imported::Done(_)));
    assert_eq!(register.look_up("8124").matches.len(), 1);
    assert_eq!(register.look_up("0703538124").matches.len(), 0, "it stays in force");
    let found = register.search("p".into(), None, 10).await.unwrap();
    assert_eq!(found.iter().map(|entry| &*entry.id).collect::<Vec<_>>(), ["m-2"]);
}

#[tokio::test]
async fn what_is_erased_is_in_no_file_any_more() {
    let (folder, register) = house();
    let secret = "Geheimzinnig";
    let numbers = vec![number("+31612345678", true, None), number("+31687654321", false, None)];
    register.put_customer(customer("K-1", secret, numbers), None).await.unwrap();
    let numbers = vec![number("+31201234567", true, Some("K-1")), number("+31201234567", true, None)];
    register.put_customer(customer("K-2", "A. Bakker", numbers), None).await.unwrap();
    assert_eq!(register.shared_numbers("K-1").await.unwrap(), [], "who speaks for him has another");
    assert_eq!(register.erase("K-1").await.unwrap(), 3, "two of his own, one of who spoke for him");
    assert_eq!(register.erase("K-1").await.unwrap(), 0);
    assert_eq!(told(&register, "0612345678"), []);
    assert_eq!(
        told(&register, "0201234567"),
        [("K-2".into(), MatchRole::Customer)],
        "for himself he still calls"
    );
    for entry in std::fs::read_dir(folder.path()).unwrap() {
        let bytes = std::fs::read(entry.unwrap().path()).unwrap();
        assert!(!bytes.windows(secret.len()).any(|window| window == secret.as_bytes()));
    }
}

#[tokio::test]
async fn limits_are_kept_and_said() {
    let folder = tempfile::tempdir().unwrap();
    let limits = Limits { numbers_max: 2, entries_max: 1 };
    let register = Register::open(folder.path().join("r"), plan(), limits).unwrap();
    let numbers = |count: u64| {
        let number = |last| CustomerNumberView {
            number: E164::from_digits(31_612_345_670 + last).unwrap(),
            enabled: false,
            representative_of: None,
        };
        (0..count).map(number).collect::<Vec<_>>()
    };
    register.put_customer(customer("K-1", "x", numbers(2)), None).await.unwrap();
    let more = register.put_customer(customer("K-2", "x", numbers(1)), None).await.unwrap_err();
    assert!(more.to_string().contains("numbers_max"), "{more}");
    register.put_customer(customer("K-1", "y", numbers(2)), None).await.unwrap();
    let csv = "id,name,number\n1,Jan,8123\n2,Piet,8124\n";
    let more = register.import_entries(file(csv), MERGE).await.unwrap_err();
    assert!(more.to_string().contains("entries_max"), "{more}");
    assert!(register.directory().is_empty());
}

#[tokio::test]
async fn o02_a_backup_of_a_register_in_use_can_be_restored() {
    let (folder, register) = house();
    let numbers = vec![number("+31612345678", true, None)];
    register.put_customer(customer("K-1", "J. de Vries", numbers), None).await.unwrap();
    let (from, copy, to) =
        (folder.path().join("register.db"), folder.path().join("copy"), folder.path().join("restored.db"));
    schakel_register::backup(&from, &copy).unwrap();
    assert!(schakel_register::backup(&from, &copy).is_err(), "nothing is written over");
    assert!(schakel_register::restore(&copy, &from).is_err(), "nor here");
    schakel_register::restore(&copy, &to).unwrap();
    let restored = Register::open(&to, plan(), Limits::default()).unwrap();
    assert_eq!(told(&restored, "0612345678").len(), 1);
    let second = Register::open(&from, plan(), Limits::default());
    assert!(matches!(second, Err(RegisterError::InUse { .. })));
    std::fs::write(&copy, "no database at all, but long enough to be one".repeat(100)).unwrap();
    assert!(matches!(
        schakel_register::restore(&copy, &folder.path().join("x")),
        Err(RegisterError::NotARegister { .. })
    ));
}
