//! A thin pull reader over quick-xml: local names, text, skipping, limits and
//! the place of an error. It borrows from the document wherever it can.

use std::borrow::Cow;

use quick_xml::Reader;
use quick_xml::errors::{Error as XmlError, IllFormedError, SyntaxError};
use quick_xml::events::{BytesRef, BytesStart, Event};

use crate::error::{DecodeError, Problem};
use crate::value::{DeviceId, Value};

/// Open elements at once. CSTA itself needs about ten.
pub const MAX_DEPTH: usize = 64;

/// An element that has just been opened.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Tag<'a> {
    /// Name without prefix.
    pub(crate) name: &'a str,
    /// Prefix, empty if there is none.
    pub(crate) prefix: &'a str,
    /// The attributes as they stand in the document.
    attributes: &'a str,
    /// `<a/>`: it has no content and no end tag.
    empty: bool,
}

impl<'a> Tag<'a> {
    /// The value of an attribute, matched by its local name.
    pub(crate) fn attribute(&self, name: &str) -> Option<Cow<'a, str>> {
        if self.attributes.trim_ascii().is_empty() {
            return None;
        }
        self.attributes_iter().find(|(key, _)| key.rsplit(':').next() == Some(name)).map(|(_, value)| value)
    }

    /// The namespace that this element declares for `prefix` (empty: the default one).
    pub(crate) fn namespace(&self, prefix: &str) -> Option<Cow<'a, str>> {
        self.attributes_iter()
            .find(|(key, _)| match key.strip_prefix("xmlns") {
                Some("") => prefix.is_empty(),
                Some(rest) => !prefix.is_empty() && rest.strip_prefix(':') == Some(prefix),
                None => false,
            })
            .map(|(_, value)| value)
    }

    fn attributes_iter(&self) -> impl Iterator<Item = (&'a str, Cow<'a, str>)> {
        let mut rest = self.attributes;
        std::iter::from_fn(move || {
            let (key, after) = rest.split_once('=')?;
            let after = after.trim_ascii_start();
            let quote = after.chars().next().filter(|c| matches!(c, '"' | '\''))?;
            let (value, after) = after.get(1..)?.split_once(quote)?;
            rest = after;
            let value = quick_xml::escape::unescape(value).unwrap_or(Cow::Borrowed(value));
            Some((key.trim_ascii(), value))
        })
    }
}

/// The reader. Every element that is opened must be read to its end by exactly
/// one of [`Pull::child`] (until `None`), [`Pull::text`] or [`Pull::skip`].
pub(crate) struct Pull<'a> {
    source: &'a str,
    reader: Reader<&'a [u8]>,
    depth: usize,
}

impl<'a> Pull<'a> {
    pub(crate) fn new(source: &'a str) -> Self {
        Self { source, reader: Reader::from_str(source), depth: 0 }
    }

    /// Opens the root element.
    pub(crate) fn root(&mut self) -> Result<Tag<'a>, DecodeError> {
        loop {
            match self.event()? {
                Event::Start(start) => return self.open(&start, false),
                Event::Empty(start) => return self.open(&start, true),
                Event::Text(text) if !text.trim_ascii().is_empty() => {
                    return Err(self.fail(Problem::Malformed("text before the root element".into())));
                }
                Event::GeneralRef(_) | Event::CData(_) => {
                    return Err(self.fail(Problem::Malformed("text before the root element".into())));
                }
                Event::Eof => return Err(self.fail(Problem::Empty)),
                _ => {}
            }
        }
    }

    /// Opens the next child element of `parent`, which is open; `None` at the end of `parent`.
    pub(crate) fn child(&mut self, parent: &Tag<'a>) -> Result<Option<Tag<'a>>, DecodeError> {
        if parent.empty {
            return Ok(None);
        }
        loop {
            match self.event()? {
                Event::Start(start) => return self.open(&start, false).map(Some),
                Event::Empty(start) => return self.open(&start, true).map(Some),
                Event::End(_) => {
                    self.depth -= 1;
                    return Ok(None);
                }
                Event::Eof => return Err(self.fail(Problem::Truncated(parent.name.to_owned()))),
                Event::GeneralRef(entity) => {
                    self.resolve(&entity)?;
                }
                _ => {}
            }
        }
    }

    /// The text of `tag` without the white space around it. Products nest an
    /// element where text should be: then that element's text counts.
    pub(crate) fn text(&mut self, tag: &Tag<'a>) -> Result<Cow<'a, str>, DecodeError> {
        let mut text = Cow::Borrowed("");
        let mut nested = Cow::Borrowed("");
        if tag.empty {
            return Ok(text);
        }
        loop {
            match self.event()? {
                Event::Text(piece) => append(&mut text, piece.into_inner()),
                Event::CData(piece) => append(&mut text, piece.into_inner()),
                Event::GeneralRef(entity) => {
                    let character = self.resolve(&entity)?;
                    text.to_mut().push(character);
                }
                Event::Start(start) => {
                    let inner = self.open(&start, false)?;
                    let inner_text = self.text(&inner)?;
                    if nested.is_empty() {
                        nested = inner_text;
                    }
                }
                Event::Empty(start) => {
                    self.open(&start, true)?;
                }
                Event::End(_) => {
                    self.depth -= 1;
                    let text = trim(text);
                    return Ok(if text.is_empty() { nested } else { text });
                }
                Event::Eof => return Err(self.fail(Problem::Truncated(tag.name.to_owned()))),
                _ => {}
            }
        }
    }

    /// The first child of `tag` with its text, or no child and the text of `tag` itself.
    pub(crate) fn choice(&mut self, tag: &Tag<'a>) -> Result<(Option<Tag<'a>>, Cow<'a, str>), DecodeError> {
        let mut found = None;
        let mut text = Cow::Borrowed("");
        let mut own = Cow::Borrowed("");
        if tag.empty {
            return Ok((None, own));
        }
        loop {
            match self.event()? {
                Event::Start(start) => {
                    let child = self.open(&start, false)?;
                    if found.is_none() {
                        text = self.text(&child)?;
                        found = Some(child);
                    } else {
                        self.skip(&child)?;
                    }
                }
                Event::Empty(start) => {
                    let child = self.open(&start, true)?;
                    found.get_or_insert(child);
                }
                Event::Text(piece) => append(&mut own, piece.into_inner()),
                Event::CData(piece) => append(&mut own, piece.into_inner()),
                Event::GeneralRef(entity) => {
                    let character = self.resolve(&entity)?;
                    own.to_mut().push(character);
                }
                Event::End(_) => {
                    self.depth -= 1;
                    let own = trim(own);
                    return Ok(if found.is_some() { (found, text) } else { (None, own) });
                }
                Event::Eof => return Err(self.fail(Problem::Truncated(tag.name.to_owned()))),
                _ => {}
            }
        }
    }

    /// The children of `tag` named `name` as device ids, and the text of `tag` itself.
    pub(crate) fn devices_or_text(
        &mut self,
        tag: &Tag<'a>,
        name: &str,
    ) -> Result<(Vec<DeviceId<'a>>, Cow<'a, str>), DecodeError> {
        let mut list = Vec::new();
        let mut own = Cow::Borrowed("");
        if tag.empty {
            return Ok((list, own));
        }
        loop {
            let (child, empty) = match self.event()? {
                Event::Start(start) => (self.open(&start, false)?, false),
                Event::Empty(start) => (self.open(&start, true)?, true),
                Event::Text(piece) => {
                    append(&mut own, piece.into_inner());
                    continue;
                }
                Event::CData(piece) => {
                    append(&mut own, piece.into_inner());
                    continue;
                }
                Event::GeneralRef(entity) => {
                    let character = self.resolve(&entity)?;
                    own.to_mut().push(character);
                    continue;
                }
                Event::End(_) => {
                    self.depth -= 1;
                    return Ok((list, trim(own)));
                }
                Event::Eof => return Err(self.fail(Problem::Truncated(tag.name.to_owned()))),
                _ => continue,
            };
            if child.name == name && !empty {
                list.push(DeviceId::read(self, &child)?);
            } else {
                self.skip(&child)?;
            }
        }
    }

    /// Reads past the end of `tag`, whatever is inside.
    pub(crate) fn skip(&mut self, tag: &Tag<'a>) -> Result<(), DecodeError> {
        if tag.empty {
            return Ok(());
        }
        let until = self.depth - 1;
        while self.depth > until {
            match self.event()? {
                Event::Start(start) => {
                    self.open(&start, false)?;
                }
                Event::End(_) => self.depth -= 1,
                Event::GeneralRef(entity) => {
                    self.resolve(&entity)?;
                }
                Event::Eof => return Err(self.fail(Problem::Truncated(tag.name.to_owned()))),
                _ => {}
            }
        }
        Ok(())
    }

    /// Checks that nothing but white space and comments follows the root element.
    pub(crate) fn finish(&mut self) -> Result<(), DecodeError> {
        loop {
            match self.event()? {
                Event::Eof => return Ok(()),
                Event::Text(text) if text.trim_ascii().is_empty() => {}
                Event::Comment(_) | Event::PI(_) => {}
                _ => return Err(self.fail(Problem::AfterEnd)),
            }
        }
    }

    /// An error at the place that has been reached.
    pub(crate) fn fail(&self, problem: Problem) -> DecodeError {
        self.fail_at(self.reader.buffer_position(), problem)
    }

    fn fail_at(&self, offset: u64, problem: Problem) -> DecodeError {
        let offset = usize::try_from(offset).unwrap_or(usize::MAX).min(self.source.len());
        DecodeError { offset, path: path_at(self.source, offset), problem }
    }

    fn event(&mut self) -> Result<Event<'a>, DecodeError> {
        match self.reader.read_event() {
            Ok(Event::DocType(_)) => Err(self.fail(Problem::Doctype)),
            Ok(event) => Ok(event),
            Err(XmlError::Syntax(SyntaxError::UnclosedDoctype)) => Err(self.fail(Problem::Doctype)),
            Err(XmlError::IllFormed(IllFormedError::MissingEndTag(name))) => {
                Err(self.fail(Problem::Truncated(name)))
            }
            Err(error) => {
                Err(self.fail_at(self.reader.error_position(), Problem::Malformed(error.to_string())))
            }
        }
    }

    /// The tag that has just been read, with names that borrow from the document.
    fn open(&mut self, start: &BytesStart<'_>, empty: bool) -> Result<Tag<'a>, DecodeError> {
        if !empty {
            self.depth += 1;
            if self.depth > MAX_DEPTH {
                return Err(self.fail(Problem::TooDeep(MAX_DEPTH)));
            }
        }
        // The reader stands after `>`, the content of the tag ends before it (and before `/`).
        let end = usize::try_from(self.reader.buffer_position())
            .unwrap_or(0)
            .saturating_sub(1 + usize::from(empty));
        let begin = end.saturating_sub(start.len());
        let content = self.source.get(begin..end).unwrap_or_default();
        let name_len = start.name().as_ref().len();
        let (name, attributes) = content.split_at_checked(name_len).unwrap_or((content, ""));
        if name.is_empty() {
            return Err(self.fail(Problem::Malformed("a tag without a name".into())));
        }
        let (prefix, name) = name.split_once(':').unwrap_or(("", name));
        Ok(Tag { name, prefix, attributes, empty })
    }

    fn resolve(&self, entity: &BytesRef<'_>) -> Result<char, DecodeError> {
        match entity.resolve_char_ref() {
            Ok(Some(character)) => Ok(character),
            Ok(None) => match &**entity {
                "lt" => Ok('<'),
                "gt" => Ok('>'),
                "amp" => Ok('&'),
                "quot" => Ok('"'),
                "apos" => Ok('\''),
                other => Err(self.fail(Problem::UnknownEntity(other.chars().take(40).collect()))),
            },
            Err(error) => Err(self.fail(Problem::Malformed(error.to_string()))),
        }
    }
}

fn append<'a>(text: &mut Cow<'a, str>, piece: Cow<'a, str>) {
    if text.is_empty() {
        *text = piece;
    } else {
        text.to_mut().push_str(&piece);
    }
}

fn trim(text: Cow<'_, str>) -> Cow<'_, str> {
    match text {
        Cow::Borrowed(text) => Cow::Borrowed(text.trim_ascii()),
        Cow::Owned(text) if text.trim_ascii().len() == text.len() => Cow::Owned(text),
        Cow::Owned(text) => Cow::Owned(text.trim_ascii().to_owned()),
    }
}

/// The open elements at `offset`. Errors are rare, so the path is found by
/// reading the document again instead of being kept for every element.
fn path_at(source: &str, offset: usize) -> String {
    let mut reader = Reader::from_str(source);
    reader.config_mut().check_end_names = false;
    let mut open: Vec<String> = Vec::new();
    while let Ok(event) = reader.read_event() {
        if usize::try_from(reader.buffer_position()).unwrap_or(usize::MAX) > offset {
            break;
        }
        match event {
            Event::Start(start) if open.len() <= MAX_DEPTH => {
                open.push(start.local_name().as_ref().chars().take(60).collect());
            }
            Event::End(_) => {
                open.pop();
            }
            Event::Eof => break,
            _ => {}
        }
    }
    // Deep nesting is told by its first elements; a path of 64 names helps nobody.
    open.truncate(8);
    open.join("/")
}
