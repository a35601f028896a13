//! Every message is written in the standard's own order of children.
//!
//! `protocol-fixtures/csta/structure/` holds an extract of the standard's
//! structure: just what is spoken here. `UPDATE_FIXTURES=1` makes it again from
//! the structure files of the standard, where they are present.
#![allow(clippy::unwrap_used, clippy::panic)]

mod structure;

use std::collections::BTreeSet;

use proptest::prelude::*;
use schakel_csta_wire::{Edition, Encoder, decode};
use structure::{EDITIONS, Full, Maker, Node, Structure, Words};

/// More than the largest choice (`CSTAErrorCode` has nine).
const ALTERNATIVES: usize = 9;

fn rewritten(edition: Edition, document: &str) -> String {
    let decoded = decode(document).unwrap_or_else(|e| panic!("{document}: {e}"));
    String::from_utf8(Encoder::new(edition).to_vec(&decoded.message)).unwrap()
}

#[test]
fn every_message_is_written_exactly_as_the_standard_has_it() {
    if std::env::var_os("UPDATE_FIXTURES").is_some() {
        update();
    }
    for (edition, name) in EDITIONS {
        let structure = structure::fixture(name);
        assert_eq!(
            structure.messages.len(),
            structure::roots().len(),
            "{name}: a message has no line in the extract"
        );
        for message in &structure.messages {
            for k in 0..ALTERNATIVES {
                let document = structure::document(message, &structure.words, &mut Full { k, count: 0 });
                let document = structure::dressed(edition, &message.name, &document);
                assert_eq!(rewritten(edition, &document), document, "{name} {}", message.name);
            }
        }
    }
}

#[test]
fn the_extract_agrees_with_the_structure_files_of_the_standard() {
    for (_, name) in EDITIONS {
        let Some(published) = structure::published(name) else { return };
        let extract = structure::fixture(name);
        for message in &extract.messages {
            let whole = published.messages.iter().find(|m| m.name == message.name).unwrap();
            assert_part_of(message, whole, name);
        }
        for (ty, words) in &extract.words {
            assert_eq!(Some(words), published.words.get(ty), "{name} {ty}");
        }
    }
}

/// The children of `part` are children of `whole`, in the same order, with the same types.
fn assert_part_of(part: &Node, whole: &Node, place: &str) {
    let place = format!("{place}/{}", part.name);
    assert_eq!((&part.ty, part.repeats, part.choice), (&whole.ty, whole.repeats, whole.choice), "{place}");
    let mut rest = whole.children.iter();
    for child in &part.children {
        let found = rest
            .find(|c| c.name == child.name)
            .unwrap_or_else(|| panic!("{place}: {} out of order", child.name));
        assert_part_of(child, found, &place);
    }
}

/// Makes the extract again: what survives being read and written of a document with everything in it.
fn update() {
    for (edition, name) in EDITIONS {
        let Some(published) = structure::published(name) else { return };
        let mut text = format!(
            "# ECMA-323 {name}: the children, in the standard's order, of every message that schakel writes.\n\
             # root:type{{child:type ...}}, (a:T|b:T) a choice, * repeats; \"= Type word ...\" an enumeration.\n\
             # Made by UPDATE_FIXTURES=1 from the structure of the standard's schema; do not edit.\n"
        );
        let mut types = BTreeSet::new();
        for message in &published.messages {
            let mut written = BTreeSet::from([format!("/{}", message.name)]);
            for k in 0..ALTERNATIVES {
                let document = structure::document(message, &published.words, &mut Full { k, count: 0 });
                let document = structure::dressed(edition, &message.name, &document);
                written.extend(structure::paths(&rewritten(edition, &document)));
            }
            let kept = structure::prune(message, &written, "").unwrap();
            collect_types(&kept, &mut types);
            text.push_str(&structure::print_node(&kept));
            text.push('\n');
        }
        for (ty, words) in published.words.iter().filter(|(ty, _)| types.contains(*ty)) {
            text.push_str(&format!("= {ty} {}\n", words.join(" ")));
        }
        std::fs::write(structure::fixture_path(name), text).unwrap();
    }
}

fn collect_types(node: &Node, types: &mut BTreeSet<String>) {
    types.insert(node.ty.clone());
    node.children.iter().for_each(|child| collect_types(child, types));
}

/// Takes its decisions from a list of random numbers.
struct Random {
    numbers: Vec<u32>,
    next: usize,
}

impl Random {
    fn draw(&mut self, below: usize) -> usize {
        self.next += 1;
        self.numbers[self.next % self.numbers.len()] as usize / 7 % below.max(1)
    }
}

const TEXTS: [&str; 8] = [
    "0",
    "-12",
    "N&lt;302118840100&gt;;noa=nk",
    "Jos&#233; &amp; zn.",
    "<![CDATA[a<b]]>",
    " 2001 ",
    "sip:u@h:5060;tel=1",
    "日本",
];

impl Maker for Random {
    fn alternative(&mut self, count: usize) -> usize {
        self.draw(count)
    }
    fn present(&mut self) -> bool {
        self.draw(4) != 0
    }
    fn text(&mut self, ty: &str, words: &Words) -> String {
        match ty {
            "boolean" => ["true", "false"][self.draw(2)].into(),
            "long" | "short" | "integer" => self.draw(100_000).to_string(),
            "hexBinary" => ["4A4B43", "00ff"][self.draw(2)].into(),
            _ => match words.get(ty) {
                Some(words) if self.draw(5) != 0 => words[self.draw(words.len())].clone(),
                _ => TEXTS[self.draw(TEXTS.len())].into(),
            },
        }
    }
    fn order(&mut self, children: &mut Vec<String>) {
        for i in (1..children.len()).rev() {
            children.swap(i, self.draw(i + 1));
        }
        if self.draw(3) == 0 {
            children.insert(0, "<vendorThing a='1'><b>x</b><c/></vendorThing>".into());
        }
    }
}

fn check_round_trip(structure: &Structure, edition: Edition, which: usize, numbers: Vec<u32>) {
    let message = &structure.messages[which % structure.messages.len()];
    let document = structure::document(message, &structure.words, &mut Random { numbers, next: 0 });
    let first = decode(&document).unwrap_or_else(|e| panic!("{document}: {e}"));
    let written = Encoder::new(edition).to_vec(&first.message);
    let written = String::from_utf8(written).unwrap();
    let second = decode(&written).unwrap_or_else(|e| panic!("{written}: {e}"));
    assert_eq!(first.message, second.message, "{document}\n{written}");
    assert_eq!(second.edition, edition);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(ProptestConfig::default().cases.max(2000)))]

    /// Any subset of children, in any order, with unknown ones between them, any text and either edition.
    #[test]
    fn what_is_read_is_written_and_read_again_the_same(
        which in 0_usize..1000,
        edition in 0_usize..2,
        numbers in proptest::collection::vec(any::<u32>(), 40..120),
    ) {
        thread_local! {
            static STRUCTURES: Vec<Structure> = EDITIONS.iter().map(|(_, name)| structure::fixture(name)).collect();
        }
        STRUCTURES.with(|s| check_round_trip(&s[edition], EDITIONS[edition].0, which, numbers));
    }
}
