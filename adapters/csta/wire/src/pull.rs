//! A pull reader for the XML that CSTA uses: local names, text, skipping, limits
//! and the place of an error. It allocates only for text with entities in it.
//!
//! It is its own scanner, not one over a general XML reader, because decoding is
//! the hot path and a general reader spends more on checks that are of no use
//! here (texts validated again piece by piece, names copied) than on the markup:
//! quick-xml took 53,000 instructions for an event of 1.1 KB, this takes 24,000.
//! quick-xml has the second word on whatever is refused ([`crate::decode`]), and
//! a property test holds this reader to accept nothing that quick-xml refuses.

use std::borrow::Cow;

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
    /// The attributes as they stand in the document, already known to be well formed.
    attributes: &'a str,
    /// `<a/>`: it has no content and no end tag.
    empty: bool,
}

impl<'a> Tag<'a> {
    /// The same element under another name.
    pub(crate) fn renamed(&self, name: &'static str) -> Self {
        Self { name, ..*self }
    }

    /// The value of an attribute, matched by its local name.
    pub(crate) fn attribute(&self, name: &str) -> Option<Cow<'a, str>> {
        if self.attributes.is_empty() {
            return None;
        }
        self.attributes_iter()
            .find(|(key, _)| key.rsplit(':').next() == Some(name))
            .map(|(_, value)| unescaped(value))
    }

    /// The namespace that this element declares for `prefix` (empty: the default one).
    pub(crate) fn namespace(&self, prefix: &str) -> Option<Cow<'a, str>> {
        self.attributes_iter()
            .find(|(key, _)| match key.strip_prefix("xmlns") {
                Some("") => prefix.is_empty(),
                Some(rest) => !prefix.is_empty() && rest.strip_prefix(':') == Some(prefix),
                None => false,
            })
            .map(|(_, value)| unescaped(value))
    }

    fn attributes_iter(&self) -> impl Iterator<Item = (&'a str, &'a str)> {
        let mut rest = self.attributes;
        std::iter::from_fn(move || {
            let (key, after) = rest.split_once('=')?;
            let after = after.trim_ascii_start();
            let quote = char::from(*after.as_bytes().first()?);
            let (value, after) = after.get(1..)?.split_once(quote)?;
            rest = after;
            Some((key.trim_ascii(), value))
        })
    }
}

/// A piece of the document. Comments and processing instructions are passed over.
enum Token<'a> {
    Open(Tag<'a>),
    Close,
    /// Text as it stands there, and whether there are entities in it.
    Text(&'a str, bool),
    Literal(&'a str),
    End,
}

/// The reader. Every element that is opened must be read to its end by exactly one
/// of [`Pull::child`] (until `None`), [`Pull::text`], [`Pull::choice`],
/// [`Pull::devices_or_text`] or [`Pull::skip`].
pub(crate) struct Pull<'a> {
    source: &'a str,
    at: usize,
    /// The whole names, prefix included, of the open elements.
    open: [&'a str; MAX_DEPTH],
    depth: usize,
}

impl<'a> Pull<'a> {
    pub(crate) fn new(source: &'a str) -> Self {
        Self { source, at: 0, open: [""; MAX_DEPTH], depth: 0 }
    }

    /// Opens the root element.
    pub(crate) fn root(&mut self) -> Result<Tag<'a>, DecodeError> {
        loop {
            match self.next()? {
                Token::Open(tag) => return Ok(tag),
                Token::Text(text, _) if text.trim_ascii().is_empty() => {}
                Token::End => return Err(self.fail(Problem::Empty)),
                _ => return Err(self.fail(Problem::Malformed("text before the root element"))),
            }
        }
    }

    /// Opens the next child element of `parent`, which is open; `None` at the end of `parent`.
    pub(crate) fn child(&mut self, parent: &Tag<'a>) -> Result<Option<Tag<'a>>, DecodeError> {
        if parent.empty {
            return Ok(None);
        }
        loop {
            match self.next()? {
                Token::Open(tag) => return Ok(Some(tag)),
                Token::Close => return Ok(None),
                Token::Text(text, true) => {
                    self.unescape(text)?;
                }
                _ => {}
            }
        }
    }

    /// As [`Pull::child`]; `own` is the text of `parent` itself once its end is reached.
    pub(crate) fn child_or_text(
        &mut self,
        parent: &Tag<'a>,
        own: &mut Cow<'a, str>,
    ) -> Result<Option<Tag<'a>>, DecodeError> {
        if parent.empty {
            return Ok(None);
        }
        loop {
            match self.next()? {
                Token::Open(tag) => return Ok(Some(tag)),
                Token::Close => {
                    *own = trim(std::mem::take(own));
                    return Ok(None);
                }
                piece => self.append(own, &piece)?,
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
            match self.next()? {
                Token::Open(child) => {
                    let inner = self.text(&child)?;
                    if nested.is_empty() {
                        nested = inner;
                    }
                }
                Token::Close => {
                    let text = trim(text);
                    return Ok(if text.is_empty() { nested } else { text });
                }
                piece => self.append(&mut text, &piece)?,
            }
        }
    }

    /// The first child of `tag` that is an alternative, or else the first, with its
    /// text; or no child and the text of `tag` itself.
    pub(crate) fn choice(
        &mut self,
        tag: &Tag<'a>,
        is_alternative: impl Fn(&str) -> bool,
    ) -> Result<(Option<Tag<'a>>, Cow<'a, str>), DecodeError> {
        let mut found: Option<Tag<'a>> = None;
        let mut text = Cow::Borrowed("");
        let mut own = Cow::Borrowed("");
        if tag.empty {
            return Ok((None, own));
        }
        loop {
            match self.next()? {
                Token::Open(child)
                    if found
                        .is_none_or(|found| !is_alternative(found.name) && is_alternative(child.name)) =>
                {
                    text = self.text(&child)?;
                    found = Some(child);
                }
                Token::Open(child) => self.skip(&child)?,
                Token::Close => return Ok(if found.is_some() { (found, text) } else { (None, trim(own)) }),
                piece => self.append(&mut own, &piece)?,
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
            match self.next()? {
                Token::Open(child) if child.name == name => {
                    let device = DeviceId::read(self, &child)?;
                    if !device.is_empty() {
                        list.push(device);
                    }
                }
                Token::Open(child) => self.skip(&child)?,
                Token::Close => return Ok((list, trim(own))),
                piece => self.append(&mut own, &piece)?,
            }
        }
    }

    /// Every element inside `tag` that has no element inside itself: its path and its text.
    pub(crate) fn leaves(
        &mut self,
        tag: &Tag<'a>,
        path: &str,
        found: &mut Vec<(String, String)>,
    ) -> Result<(), DecodeError> {
        let mut own = Cow::Borrowed("");
        let mut inner = false;
        if !tag.empty {
            loop {
                match self.next()? {
                    Token::Open(child) => {
                        inner = true;
                        let path = if path.is_empty() {
                            child.name.to_owned()
                        } else {
                            format!("{path}/{}", child.name)
                        };
                        self.leaves(&child, &path, found)?;
                    }
                    Token::Close => break,
                    piece => self.append(&mut own, &piece)?,
                }
            }
        }
        if !inner {
            found.push((path.to_owned(), trim(own).into_owned()));
        }
        Ok(())
    }

    /// Reads past the end of `tag`, whatever is inside.
    pub(crate) fn skip(&mut self, tag: &Tag<'a>) -> Result<(), DecodeError> {
        if tag.empty {
            return Ok(());
        }
        let until = self.depth - 1;
        while self.depth > until {
            if let Token::Text(text, true) = self.next()? {
                self.unescape(text)?;
            }
        }
        Ok(())
    }

    /// How many bytes have been read.
    pub(crate) fn position(&self) -> usize {
        self.at
    }

    /// Checks that nothing but white space and comments follows the root element.
    pub(crate) fn finish(&mut self) -> Result<(), DecodeError> {
        loop {
            match self.next()? {
                Token::End => return Ok(()),
                Token::Text(text, false) if text.trim_ascii().is_empty() => {}
                _ => return Err(self.fail(Problem::AfterEnd)),
            }
        }
    }

    /// An error at the place that has been reached.
    fn fail(&self, problem: Problem) -> DecodeError {
        // Deep nesting is told by its first elements; a path of 64 names helps nobody.
        let names: Vec<_> = self.open.iter().take(self.depth.min(8)).map(|name| local(name)).collect();
        let offset = self.at.min(self.source.len());
        DecodeError { offset, path: names.join("/"), problem, second_opinion: None }
    }

    /// The document ends too early: inside an element, or inside the markup before the first one.
    fn truncated(&mut self, markup: &'static str) -> DecodeError {
        match self.open.get(self.depth.wrapping_sub(1)) {
            Some(name) if self.depth > 0 => self.fail(Problem::Truncated((*name).to_owned())),
            _ => self.fail(Problem::Malformed(markup)),
        }
    }

    fn rest(&self) -> &'a str {
        self.source.get(self.at..).unwrap_or_default()
    }

    fn byte(&self, at: usize) -> Option<u8> {
        self.source.as_bytes().get(at).copied()
    }

    fn next(&mut self) -> Result<Token<'a>, DecodeError> {
        loop {
            match (self.byte(self.at), self.byte(self.at + 1)) {
                (None, _) if self.depth == 0 => return Ok(Token::End),
                (None, _) => return Err(self.truncated("")),
                (Some(b'<'), Some(b'/')) => return self.close_tag(),
                (Some(b'<'), Some(b'!')) => {
                    if let Some(text) = self.declaration()? {
                        return Ok(Token::Literal(text));
                    }
                }
                (Some(b'<'), Some(b'?')) => {
                    self.past("?>", 2)
                        .ok_or_else(|| self.truncated("a processing instruction is not closed"))?;
                }
                (Some(b'<'), _) => return self.open_tag().map(Token::Open),
                _ => return Ok(self.plain_text()),
            }
        }
    }

    fn plain_text(&mut self) -> Token<'a> {
        let begin = self.at;
        let mut entities = false;
        while let Some(byte) = self.byte(self.at) {
            match byte {
                b'<' => break,
                b'&' => entities = true,
                _ => {}
            }
            self.at += 1;
        }
        Token::Text(self.source.get(begin..self.at).unwrap_or_default(), entities)
    }

    /// Moves past the next `end`, looking from `skip` bytes ahead; what was in between.
    fn past(&mut self, end: &str, skip: usize) -> Option<&'a str> {
        let rest = self.rest().get(skip..)?;
        let length = rest.find(end)?;
        self.at += skip + length + end.len();
        rest.get(..length)
    }

    /// A comment (`None`) or the text of a CDATA section; a DOCTYPE is refused.
    fn declaration(&mut self) -> Result<Option<&'a str>, DecodeError> {
        let rest = self.rest();
        if rest.starts_with("<!--") {
            self.past("-->", 4).ok_or_else(|| self.truncated("a comment is not closed"))?;
            return Ok(None);
        }
        if rest.starts_with("<![CDATA[") {
            return self
                .past("]]>", 9)
                .map(Some)
                .ok_or_else(|| self.truncated("a CDATA section is not closed"));
        }
        let word = rest.as_bytes().get(2..9).unwrap_or_default();
        Err(self.fail(if word.eq_ignore_ascii_case(b"DOCTYPE") {
            Problem::Doctype
        } else {
            Problem::Malformed("an unknown declaration")
        }))
    }

    fn open_tag(&mut self) -> Result<Tag<'a>, DecodeError> {
        let begin = self.at + 1;
        let mut end = begin;
        let mut colon = None;
        while let Some(byte) = self.byte(end) {
            match byte {
                b'>' | b'/' | b' ' | b'\t' | b'\r' | b'\n' => break,
                b':' if colon.is_none() => colon = Some(end),
                b'<' | b'&' | b'"' | b'\'' | b'=' | b'!' => break,
                _ => {}
            }
            end += 1;
        }
        let whole = self.source.get(begin..end).unwrap_or_default();
        if !whole.as_bytes().first().is_some_and(|b| b.is_ascii_alphabetic() || *b == b'_' || *b >= 0x80) {
            return Err(self.fail(Problem::Malformed("a tag without a name")));
        }
        let (prefix, name) = match colon {
            Some(colon) => (
                self.source.get(begin..colon).unwrap_or_default(),
                self.source.get(colon + 1..end).unwrap_or_default(),
            ),
            None => ("", whole),
        };
        // Most tags have no attributes.
        let (attributes, empty, after) = match self.byte(end) {
            Some(b'>') => ("", false, end + 1),
            _ => self.attributes(end)?,
        };
        if !empty {
            match self.open.get_mut(self.depth) {
                Some(place) => *place = whole,
                None => return Err(self.fail(Problem::TooDeep(MAX_DEPTH))),
            }
            self.depth += 1;
        }
        self.at = after;
        Ok(Tag { name, prefix, attributes, empty })
    }

    /// Checks the attributes from `begin` on: their text, whether the tag is empty, and where it ends.
    fn attributes(&self, begin: usize) -> Result<(&'a str, bool, usize), DecodeError> {
        let malformed = |at: usize, what| {
            let place = Self { at, source: self.source, open: self.open, depth: self.depth };
            Err(place.fail(Problem::Malformed(what)))
        };
        let mut at = begin;
        loop {
            let before = at;
            at = self.past_space(at);
            match self.byte(at) {
                None => return malformed(at, "a tag is not closed"),
                Some(b'>') => return Ok((self.source.get(begin..before).unwrap_or_default(), false, at + 1)),
                Some(b'/') if self.byte(at + 1) == Some(b'>') => {
                    return Ok((self.source.get(begin..before).unwrap_or_default(), true, at + 2));
                }
                Some(_) if at == before => {
                    return malformed(at, "a tag has a character that belongs to no attribute");
                }
                Some(_) => {}
            }
            let name = at;
            while self
                .byte(at)
                .is_some_and(|b| !matches!(b, b'=' | b'>' | b'/' | b'<' | b'"' | b'\'') && b > b' ')
            {
                at += 1;
            }
            let named = at > name;
            at = self.past_space(at);
            if !named || self.byte(at) != Some(b'=') {
                return malformed(at, "an attribute has no value");
            }
            at = self.past_space(at + 1);
            let quote = match self.byte(at) {
                Some(quote @ (b'"' | b'\'')) => quote,
                _ => return malformed(at, "an attribute's value is not in quotes"),
            };
            at += 1;
            while self.byte(at).is_some_and(|b| b != quote && b != b'<') {
                at += 1;
            }
            match self.byte(at) {
                Some(byte) if byte == quote => at += 1,
                _ => return malformed(at, "an attribute's value is not closed"),
            }
        }
    }

    fn past_space(&self, mut at: usize) -> usize {
        while self.byte(at).is_some_and(|b| matches!(b, b' ' | b'\t' | b'\r' | b'\n')) {
            at += 1;
        }
        at
    }

    fn close_tag(&mut self) -> Result<Token<'a>, DecodeError> {
        let Some(expected) = self.depth.checked_sub(1).and_then(|last| self.open.get(last)) else {
            return Err(self.fail(Problem::Malformed("an end tag without a start tag")));
        };
        let begin = self.at + 2;
        let found = self.source.as_bytes().get(begin..begin + expected.len());
        let after = self.past_space(begin + expected.len());
        if found != Some(expected.as_bytes()) || self.byte(after) != Some(b'>') {
            // `</na` at the very end is a document that was cut off.
            let rest = self.rest().get(2..).unwrap_or_default().trim_ascii_end();
            return Err(if expected.starts_with(rest) {
                self.truncated("")
            } else {
                self.fail(Problem::WrongEndTag((*expected).to_owned()))
            });
        }
        self.depth -= 1;
        self.at = after + 1;
        Ok(Token::Close)
    }

    fn append(&self, text: &mut Cow<'a, str>, piece: &Token<'a>) -> Result<(), DecodeError> {
        let piece = match piece {
            Token::Text(piece, true) => Cow::Owned(self.unescape(piece)?),
            Token::Text(piece, false) | Token::Literal(piece) => Cow::Borrowed(*piece),
            _ => return Ok(()),
        };
        // White space between children is not worth keeping, nor an allocation.
        if text.trim_ascii().is_empty() {
            *text = piece;
        } else {
            text.to_mut().push_str(&piece);
        }
        Ok(())
    }

    /// `text`, which has just been read, with its entities resolved.
    fn unescape(&self, text: &str) -> Result<String, DecodeError> {
        let mut out = String::with_capacity(text.len());
        let mut rest = text;
        while let Some(at) = rest.bytes().position(|b| b == b'&') {
            let (plain, reference) = rest.split_at_checked(at).unwrap_or((rest, ""));
            out.push_str(plain);
            let begin = self.at - reference.len();
            match resolve(reference) {
                Ok((character, length)) => {
                    out.push(character);
                    rest = reference.get(length..).unwrap_or_default();
                }
                Err(problem) => return Err(DecodeError { offset: begin, ..self.fail(problem) }),
            }
        }
        out.push_str(rest);
        Ok(out)
    }
}

/// The character that `reference` begins with, and the reference's length in bytes.
fn resolve(reference: &str) -> Result<(char, usize), Problem> {
    // The longest reference to a character is `&#x10FFFF;`; leading zeros make it longer.
    let end = reference.bytes().take(32).position(|b| b == b';');
    let Some(name) = end.and_then(|end| reference.get(1..end)) else {
        return Err(Problem::Malformed("an ampersand that begins no entity; write &amp;"));
    };
    let character = match name {
        "lt" => '<',
        "gt" => '>',
        "amp" => '&',
        "quot" => '"',
        "apos" => '\'',
        _ => match name.strip_prefix('#') {
            Some(number) => {
                let (digits, radix) = number.strip_prefix('x').map_or((number, 10), |digits| (digits, 16));
                let plain = digits.bytes().all(|b| char::from(b).is_digit(radix));
                u32::from_str_radix(digits, radix)
                    .ok()
                    .filter(|code| plain && *code != 0)
                    .and_then(char::from_u32)
                    .ok_or(Problem::Malformed("a reference to a character that does not exist"))?
            }
            None => return Err(Problem::UnknownEntity(name.to_owned())),
        },
    };
    Ok((character, name.len() + 2))
}

/// An attribute's value; what cannot be resolved is left as it stands.
fn unescaped(value: &str) -> Cow<'_, str> {
    if !value.contains('&') {
        return Cow::Borrowed(value);
    }
    let mut out = String::with_capacity(value.len());
    let mut rest = value;
    while let Some(at) = rest.find('&') {
        let (plain, reference) = rest.split_at_checked(at).unwrap_or((rest, ""));
        out.push_str(plain);
        let (character, length) = resolve(reference).unwrap_or(('&', 1));
        out.push(character);
        rest = reference.get(length..).unwrap_or_default();
    }
    out.push_str(rest);
    Cow::Owned(out)
}

fn local(name: &str) -> &str {
    name.rsplit(':').next().unwrap_or(name)
}

pub(crate) fn trim(text: Cow<'_, str>) -> Cow<'_, str> {
    match text {
        Cow::Borrowed(text) => Cow::Borrowed(text.trim_ascii()),
        Cow::Owned(text) if text.trim_ascii().len() == text.len() => Cow::Owned(text),
        Cow::Owned(text) => Cow::Owned(text.trim_ascii().to_owned()),
    }
}
