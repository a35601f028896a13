//! The numbering plan of one organisation: its extensions, its own numbers, how it dials outside.

use super::clean::{Cleaned, clean};
use super::{Digits, Normalised, dutch};
use schakel_contract::E164;
use schakel_contract::views::NumberKind;
use std::fmt;

/// What the configuration says of numbers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlanSettings {
    /// The country code; only 31 is known.
    pub country: String,
    /// The area code with its 0, such as `070`; empty where numbers without an area code do not occur.
    pub area_code: String,
    /// Digits that are dialled for an outside line, such as `0`.
    pub trunk_prefixes: Vec<String>,
    /// What schakel itself dials for an outside line, before numbers that are not written as they are dialled.
    pub outside_line: String,
    /// Extensions: single ones and ranges such as `2000-2999`.
    pub extensions: Vec<String>,
    /// Numbers that lead to extensions, a block each, such as `+31703538000-+31703538999 = 8000-8999`.
    pub own: Vec<String>,
}

impl Default for PlanSettings {
    fn default() -> Self {
        Self {
            country: dutch::COUNTRY.into(),
            area_code: String::new(),
            trunk_prefixes: vec!["0".into()],
            outside_line: String::new(),
            extensions: Vec::new(),
            own: Vec::new(),
        }
    }
}

/// A mistake in the settings: at which key, what, how to mend it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlanError {
    /// Below the section, such as `extensions[0]`.
    pub key: String,
    /// What is wrong and how to mend it.
    pub text: String,
}

impl fmt::Display for PlanError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.key, self.text)
    }
}

/// Numbers of equal length, in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Range {
    width: usize,
    first: u64,
    last: u64,
}

#[derive(Debug, Clone)]
struct Block {
    first: u64,
    last: u64,
    extensions: Range,
}

/// Reads numbers as one organisation means them. Cheap to ask, made once.
#[derive(Debug, Clone)]
pub struct NumberPlan {
    /// Without its 0.
    area: String,
    trunks: Vec<String>,
    outside_line: String,
    /// By width and number, without overlap.
    extensions: Vec<Range>,
    /// By number, without overlap.
    blocks: Vec<Block>,
}

/// A number of an extension is no longer than this; longer ones are of the public plan.
const EXTENSION_MAX: usize = 8;

/// What a text turned out to be.
#[derive(Debug, Clone, Copy)]
struct Read {
    kind: NumberKind,
    e164: Option<E164>,
    extension: Option<Digits>,
}

impl Read {
    const fn of(kind: NumberKind, e164: Option<E164>) -> Self {
        Self { kind, e164, extension: None }
    }

    const UNKNOWN: Self = Self::of(NumberKind::Unknown, None);

    fn known(self) -> Option<Self> {
        (self.kind != NumberKind::Unknown).then_some(self)
    }
}

impl Default for NumberPlan {
    fn default() -> Self {
        let trunks = PlanSettings::default().trunk_prefixes;
        Self {
            area: String::new(),
            trunks,
            outside_line: String::new(),
            extensions: Vec::new(),
            blocks: Vec::new(),
        }
    }
}

impl NumberPlan {
    /// The plan that the settings describe.
    ///
    /// # Errors
    /// Everything that is wrong with them.
    pub fn new(settings: &PlanSettings) -> Result<Self, Vec<PlanError>> {
        let mut errors = Vec::new();
        let mut say = |key: String, text: String| errors.push(PlanError { key, text });
        if settings.country != dutch::COUNTRY {
            say("country".into(), format!("\"{}\" is not known here; only \"31\" is", settings.country));
        }
        let area = settings.area_code.strip_prefix('0').unwrap_or(&settings.area_code);
        if !(settings.area_code.is_empty()
            || settings.area_code.starts_with('0') && dutch::area_exactly(area))
        {
            let text =
                format!("\"{}\" is no Dutch area code; write it as \"070\" or \"0297\"", settings.area_code);
            say("area_code".into(), text);
        }
        for (at, prefix) in settings.trunk_prefixes.iter().enumerate() {
            if Digits::of(prefix).is_none() || prefix.is_empty() || prefix.len() > 3 {
                say(
                    format!("trunk_prefixes[{at}]"),
                    format!("\"{prefix}\" is not one to three digits, such as \"0\""),
                );
            }
        }
        if Digits::of(&settings.outside_line).is_none() || settings.outside_line.len() > 3 {
            let text =
                format!("\"{}\" is not empty or one to three digits, such as \"0\"", settings.outside_line);
            say("outside_line".into(), text);
        }
        let mut extensions = Vec::new();
        for (at, text) in settings.extensions.iter().enumerate() {
            match extension_range(text) {
                Ok(range) => extensions.push(range),
                Err(text) => say(format!("extensions[{at}]"), text),
            }
        }
        let mut blocks: Vec<Block> = Vec::new();
        for (at, own) in settings.own.iter().enumerate() {
            match block(own) {
                Ok(block) => {
                    extensions.push(block.extensions);
                    blocks.push(block);
                }
                Err(text) => say(format!("own[{at}]"), text),
            }
        }
        blocks.sort_by_key(|block| block.first);
        if blocks.windows(2).any(|two| two[1].first <= two[0].last) {
            say("own".into(), "two blocks have a number in common; a number leads to one extension".into());
        }
        if errors.is_empty() {
            Ok(Self {
                area: area.to_owned(),
                trunks: settings.trunk_prefixes.clone(),
                outside_line: settings.outside_line.clone(),
                extensions: merged(extensions),
                blocks,
            })
        } else {
            Err(errors)
        }
    }

    /// Telephones that are watched are extensions too, whatever the settings say. Names that are no short number are
    /// left out.
    #[must_use]
    pub fn with_devices<'a>(mut self, devices: impl Iterator<Item = &'a str>) -> Self {
        self.extensions.extend(devices.filter_map(|device| extension_range(device).ok()));
        self.extensions = merged(std::mem::take(&mut self.extensions));
        self
    }

    /// What number a text is. Never fails: what the plan does not know is [`NumberKind::Unknown`].
    ///
    /// What is read first wins: 112; an extension; a whole Dutch number; a foreign one; a Dutch one behind an outside
    /// line; a short one of a service; a Dutch number that lost its plus; one without an area code. A number that
    /// begins with `00` and is short for a foreign one is taken for an outside line and a Dutch number.
    pub fn normalise<'a>(&self, raw: &'a str) -> Normalised<'a> {
        let read = match clean(raw) {
            Cleaned::Anonymous => Read::of(NumberKind::Anonymous, None),
            Cleaned::Other => Read::UNKNOWN,
            Cleaned::Number { plus: true, digits } => self.international(digits.as_str()),
            Cleaned::Number { plus: false, digits } => self.dialled(digits.as_str()),
        };
        Normalised { raw, kind: read.kind, e164: read.e164, extension: read.extension }
    }

    /// What is dialled here to reach a number: an extension, or an outside line and the number.
    pub fn dial(&self, number: E164) -> String {
        if let Some(extension) = self.extension_of(number) {
            return extension.as_str().to_owned();
        }
        let digits = number.digits().to_string();
        let outside = &self.outside_line;
        match digits.strip_prefix(dutch::COUNTRY) {
            // Short ones of services are dialled as they stand.
            Some(short) if dutch::short(short).is_some() => format!("{outside}{short}"),
            Some(national) => format!("{outside}0{national}"),
            None => format!("{outside}00{digits}"),
        }
    }

    /// As it is dialled here.
    fn dialled(&self, number: &str) -> Read {
        if number == dutch::EMERGENCY {
            return Read::of(NumberKind::Emergency, None);
        }
        if self.is_extension(number) {
            return Read {
                kind: NumberKind::Extension,
                e164: self.number_of(number),
                extension: Digits::of(number),
            };
        }
        let outside = || self.outside(number);
        // The longest Dutch number behind 00 is longer than this; a foreign one of ten digits or fewer that is a Dutch
        // one behind an outside line's 0 hardly exists.
        const SHORT_FOREIGN: usize = 10;
        let whole = match number.strip_prefix("00") {
            Some(rest) if rest.len() <= SHORT_FOREIGN => {
                outside().or_else(|| self.international(rest).known())
            }
            Some(rest) => self.international(rest).known().or_else(outside),
            None => self.trunkless(number).or_else(outside),
        };
        whole.or_else(|| self.without_plus(number)).or_else(|| self.local(number)).unwrap_or(Read::UNKNOWN)
    }

    /// Behind a digit for an outside line.
    fn outside(&self, number: &str) -> Option<Read> {
        self.trunks.iter().filter_map(|prefix| number.strip_prefix(prefix.as_str())).find_map(|rest| {
            let abroad = || self.international(rest.strip_prefix("00")?).known();
            self.trunkless(rest).or_else(abroad)
        })
    }

    /// A Dutch number: with its 0, or a short one.
    fn trunkless(&self, number: &str) -> Option<Read> {
        if let Some(rest) = number.strip_prefix('0') {
            return self.national(rest);
        }
        let (kind, has_e164) = dutch::short(number)?;
        Some(Read::of(kind, dutch::e164(number).filter(|_| has_e164)))
    }

    /// After a plus or 00.
    fn international(&self, number: &str) -> Read {
        if let Some(rest) = number.strip_prefix(dutch::COUNTRY) {
            // "+31 (0)70"
            let rest = rest.strip_prefix('0').unwrap_or(rest);
            return self.national(rest).unwrap_or(Read::UNKNOWN);
        }
        // ITU-T E.164: 15 digits at most, no country begins with 0. Universal free numbers are +800 and eight.
        let is_free = number.starts_with("800");
        let fits =
            (7..=15).contains(&number.len()) && !number.starts_with('0') && (!is_free || number.len() == 11);
        match number.parse().ok().and_then(E164::from_digits).filter(|_| fits) {
            Some(e164) => Read::of(NumberKind::International, Some(e164)),
            None => Read::UNKNOWN,
        }
    }

    /// After the first 0 or the country code; a number of our own is an extension.
    fn national(&self, number: &str) -> Option<Read> {
        let (kind, e164) = (dutch::national(number)?, dutch::e164(number)?);
        Some(match self.extension_of(e164) {
            Some(extension) => {
                Read { kind: NumberKind::Extension, e164: Some(e164), extension: Some(extension) }
            }
            None => Read::of(kind, Some(e164)),
        })
    }

    /// `31703538000`: some telephone systems take the plus off.
    fn without_plus(&self, number: &str) -> Option<Read> {
        // Short ones would be guesses.
        const WHOLE: usize = 9;
        let rest = number.strip_prefix(dutch::COUNTRY).filter(|rest| rest.len() >= WHOLE)?;
        self.national(rest)
    }

    /// A subscriber's number, dialled within the area.
    fn local(&self, number: &str) -> Option<Read> {
        let whole =
            !self.area.is_empty() && self.area.len() + number.len() == 9 && !number.starts_with(['0', '1']);
        if whole { self.national(&format!("{}{number}", self.area)) } else { None }
    }

    fn is_extension(&self, number: &str) -> bool {
        let Some(value) = short_value(number) else { return false };
        let at = self.extensions.partition_point(|range| (range.width, range.first) <= (number.len(), value));
        let range = at.checked_sub(1).and_then(|at| self.extensions.get(at));
        range.is_some_and(|range| range.width == number.len() && value <= range.last)
    }

    /// The whole number of an extension.
    fn number_of(&self, extension: &str) -> Option<E164> {
        let value = short_value(extension)?;
        let block = self.blocks.iter().find(|Block { extensions, .. }| {
            extensions.width == extension.len() && (extensions.first..=extensions.last).contains(&value)
        })?;
        E164::from_digits(block.first + (value - block.extensions.first))
    }

    /// The extension of a whole number.
    fn extension_of(&self, number: E164) -> Option<Digits> {
        let at = self.blocks.partition_point(|block| block.first <= number.digits());
        let block = self.blocks.get(at.checked_sub(1)?).filter(|block| number.digits() <= block.last)?;
        let (value, width) =
            (block.extensions.first + (number.digits() - block.first), block.extensions.width);
        Digits::of(&format!("{value:0width$}"))
    }
}

fn short_value(number: &str) -> Option<u64> {
    (number.len() <= EXTENSION_MAX).then(|| number.parse().ok()).flatten()
}

/// In order, those that touch or overlap made one.
fn merged(mut ranges: Vec<Range>) -> Vec<Range> {
    ranges.sort_unstable();
    let mut all: Vec<Range> = Vec::with_capacity(ranges.len());
    for range in ranges {
        match all.last_mut() {
            Some(last) if last.width == range.width && range.first <= last.last + 1 => {
                last.last = last.last.max(range.last);
            }
            _ => all.push(range),
        }
    }
    all
}

fn extension_range(text: &str) -> Result<Range, String> {
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    let (first, last) = (first.trim(), last.trim());
    let wrong = || {
        format!(
            "\"{text}\" is no extension and no range of at most {EXTENSION_MAX} digits; write it as \"2000-2999\""
        )
    };
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|each| each.is_ascii_digit());
    if first.len() != last.len() || !is_number(first) || !is_number(last) {
        return Err(wrong());
    }
    let (Some(low), Some(high)) = (short_value(first), short_value(last)) else { return Err(wrong()) };
    if low > high {
        return Err(wrong());
    }
    if first.len() == 3 && (low..=high).contains(&112) {
        return Err(format!("\"{text}\" has 112 in it, which is always the emergency number"));
    }
    Ok(Range { width: first.len(), first: low, last: high })
}

fn block(own: &str) -> Result<Block, String> {
    let wrong = || {
        format!(
            "\"{own}\" is not Dutch numbers and their extensions, as \"+31703538000-+31703538999 = 8000-8999\""
        )
    };
    let (numbers, extensions) = own.split_once('=').ok_or_else(wrong)?;
    let (first, last) = numbers.split_once('-').unwrap_or((numbers, numbers));
    let dutch = |text: &str| {
        let number: E164 = text.trim().parse().ok()?;
        dutch::national(text.trim().strip_prefix("+31")?).map(|_| number.digits())
    };
    let (Some(first), Some(last)) = (dutch(first), dutch(last)) else { return Err(wrong()) };
    if first > last {
        return Err(wrong());
    }
    let extensions = extension_range(extensions)?;
    let (numbers, places) = (last - first + 1, extensions.last - extensions.first + 1);
    if numbers != places {
        return Err(format!("\"{own}\" has {places} extensions for {numbers} numbers; they must be as many"));
    }
    Ok(Block { first, last, extensions })
}
