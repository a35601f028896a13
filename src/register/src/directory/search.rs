//! Searching by words: a sorted list of words, the rarest word of the question, and the others checked.

use super::fold::{words, written_out};
use crate::number::NumberPlan;
use schakel_contract::views::{DirectoryEntryView, EntryKind};
use std::cmp::Reverse;

/// Words of a question that are looked at.
const WORDS_MAX: usize = 8;

/// Entries that are looked at for one question: one letter can be the beginning of half a directory.
const CANDIDATES_MAX: usize = 20_000;

/// Where a word stands, and how much a hit there says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Field {
    /// The last word of a name: people are looked for by it most.
    Surname,
    Name,
    Number,
    Department,
    Function,
}

impl Field {
    /// Points for the beginning of a word; a whole word has half as many more.
    const fn points(self) -> u32 {
        match self {
            Field::Surname => 60,
            Field::Name => 50,
            Field::Number => 40,
            Field::Department => 20,
            Field::Function => 10,
        }
    }
}

#[derive(Debug)]
struct Word {
    text: Box<str>,
    field: Field,
}

/// The words of all entries.
#[derive(Debug, Default)]
pub(super) struct Words {
    /// By entry.
    of: Vec<Vec<Word>>,
    /// Entry and word in it, in the order of the words.
    sorted: Vec<(u32, u32)>,
}

impl Words {
    pub(super) fn new(entries: &[DirectoryEntryView], plan: &NumberPlan) -> Self {
        let of: Vec<Vec<Word>> = entries.iter().map(|entry| words_of(entry, plan)).collect();
        let places = of.iter().enumerate();
        let mut sorted: Vec<(u32, u32)> = places
            .flat_map(|(entry, words)| (0..words.len()).map(move |word| (entry as u32, word as u32)))
            .collect();
        let text = |place: &(u32, u32)| &*of[place.0 as usize][place.1 as usize].text;
        sorted.sort_by(|one, other| text(one).cmp(text(other)));
        Self { of, sorted }
    }

    pub(super) fn search<'a>(
        &self,
        entries: &'a [DirectoryEntryView],
        text: &str,
        kind: Option<EntryKind>,
        limit: usize,
    ) -> Vec<&'a DirectoryEntryView> {
        // A number is one word, however it is grouped.
        let is_number =
            !text.chars().any(char::is_alphabetic) && text.contains(|each: char| each.is_ascii_digit());
        let mut asked = if is_number { vec![digits(text)] } else { words(text) };
        asked.truncate(WORDS_MAX);
        let Some(rarest) = asked.iter().map(|word| self.beginning_with(word)).min_by_key(|range| range.len())
        else {
            return Vec::new();
        };
        let mut candidates: Vec<u32> = rarest.iter().map(|(entry, _)| *entry).take(CANDIDATES_MAX).collect();
        candidates.sort_unstable();
        candidates.dedup();
        let mut hits: Vec<(Reverse<u32>, &str, &str, &DirectoryEntryView)> = candidates
            .into_iter()
            .filter_map(|at| Some((entries.get(at as usize)?, self.of.get(at as usize)?)))
            .filter(|(entry, _)| kind.is_none_or(|kind| kind == entry.kind))
            .filter_map(|(entry, words)| {
                Some((Reverse(score(&asked, words)?), &*entry.name, &*entry.id, entry))
            })
            .collect();
        hits.sort_by_key(|(score, name, id, _)| (*score, *name, *id));
        hits.into_iter().take(limit).map(|(.., entry)| entry).collect()
    }

    /// The places of all words that begin so.
    fn beginning_with(&self, beginning: &str) -> &[(u32, u32)] {
        let text = |place: &(u32, u32)| &*self.of[place.0 as usize][place.1 as usize].text;
        let from = self.sorted.partition_point(|place| text(place) < beginning);
        let rest = self.sorted.get(from..).unwrap_or_default();
        rest.get(..rest.partition_point(|place| text(place).starts_with(beginning))).unwrap_or_default()
    }
}

/// How well the words of an entry answer a question; none when one of the question's words is not there.
fn score(asked: &[String], words: &[Word]) -> Option<u32> {
    asked.iter().try_fold(0, |sum, beginning| {
        let points = words.iter().filter(|word| word.text.starts_with(beginning.as_str())).map(|word| {
            let whole = word.text.len() == beginning.len();
            word.field.points() * if whole { 3 } else { 2 } / 2
        });
        points.max().map(|most| sum + most)
    })
}

fn words_of(entry: &DirectoryEntryView, plan: &NumberPlan) -> Vec<Word> {
    let mut all = Vec::new();
    let mut push = |text: &str, field| all.push(Word { text: text.into(), field });
    let name = words(&entry.name);
    // "Berg, Jan van der": what stands before a comma is the surname.
    let before_comma = entry.name.split_once(',').map(|(surname, _)| words(surname).len());
    let surname = before_comma.unwrap_or(name.len()).saturating_sub(1);
    for (at, word) in name.iter().enumerate() {
        let field = if at == surname { Field::Surname } else { Field::Name };
        push(word, field);
        for long in written_out(word) {
            push(long, field);
        }
    }
    for (text, field) in [(&entry.department, Field::Department), (&entry.function, Field::Function)] {
        for word in text.as_deref().map(words).unwrap_or_default() {
            push(&word, field);
        }
    }
    let number = plan.normalise(&entry.number);
    push(&digits(&entry.number), Field::Number);
    if let Some(extension) = number.extension.filter(|extension| extension.as_str() != entry.number) {
        push(extension.as_str(), Field::Number);
    }
    if let Some(e164) = number.e164 {
        let e164 = digits(&e164.to_string());
        push(&e164, Field::Number);
        if let Some(national) = e164.strip_prefix("31") {
            push(&format!("0{national}"), Field::Number);
        }
    }
    all
}

fn digits(text: &str) -> String {
    text.chars().filter(char::is_ascii_digit).collect()
}

#[cfg(test)]
mod tests {
    use crate::directory::Directory;
    use crate::number::NumberPlan;
    use schakel_contract::views::{DirectoryEntryView, EntryKind};

    fn entry(id: &str, name: &str, number: &str, department: &str, function: &str) -> DirectoryEntryView {
        let text = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        DirectoryEntryView {
            id: id.into(),
            kind: if id.starts_with("afd") { EntryKind::Department } else { EntryKind::Person },
            name: name.into(),
            number: number.into(),
            department: text(department),
            function: text(function),
            agent: None,
            email: None,
            queue: None,
            version: 1,
        }
    }

    fn directory() -> Directory {
        let entries = vec![
            entry("1", "Jan van der Berg", "8123", "Burgerzaken", "adviseur"),
            entry("2", "Berg, José van den", "8124", "Vergunningen", "jurist"),
            entry("3", "Anneke Bergsma", "8125", "Burgerzaken", "teamleider"),
            entry("4", "F. v.d. Velde", "06-12345678", "Buitendienst", ""),
            entry("5", "Fatma Çelik", "8300", "Berging en toezicht", ""),
            entry("6", "Bergen, Piet", "8126", "", ""),
            entry("afd-1", "Burgerzaken", "7001", "Publiek", ""),
        ];
        Directory::new(entries, &NumberPlan::default())
    }

    fn found(text: &str) -> Vec<String> {
        directory().search(text, None, 10).into_iter().map(|entry| entry.id.clone()).collect()
    }

    #[test]
    fn t13_words_in_any_order_with_particles_and_accents() {
        for (text, ids) in [
            ("jan berg", &["1"][..]),
            ("berg jan", &["1"]),
            ("Berg, van der", &["1"]),
            ("van der ber", &["1"]),
            ("jose", &["2"]),
            ("JOSÉ BERG", &["2"]),
            ("celik", &["5"]),
            ("van der velde", &["4"]),
            ("vd velde", &["4"]),
            ("v.d. Berg", &["2", "1"]),
            ("jurist", &["2"]),
            ("8123", &["1"]),
            ("0612", &["4"]),
            ("06-12345678", &["4"]),
            ("+31 6 1234", &["4"]),
            ("nobody", &[]),
            ("berg nobody", &[]),
            ("", &[]),
            ("—", &[]),
        ] {
            assert_eq!(found(text), ids, "{text}");
        }
    }

    #[test]
    fn t13_the_best_come_first() {
        // The whole surname, then its beginning, then a word of the department.
        assert_eq!(found("berg"), ["2", "1", "3", "6", "5"]);
        assert_eq!(found("burgerzaken"), ["afd-1", "3", "1"]);
        assert_eq!(directory().search("b", None, 2).len(), 2);
        let departments = directory().search("burgerzaken", Some(EntryKind::Department), 10).len();
        assert_eq!(departments, 1);
    }
}
