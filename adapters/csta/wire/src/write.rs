//! Writes elements. What is written is always well formed: text is escaped, and
//! characters that XML 1.0 cannot carry are replaced.

use crate::edition::Edition;

/// Appends XML to a buffer.
pub(crate) struct Writer<'o> {
    out: &'o mut Vec<u8>,
    /// The edition whose shapes are written.
    pub(crate) edition: Edition,
}

impl<'o> Writer<'o> {
    pub(crate) fn new(out: &'o mut Vec<u8>, edition: Edition) -> Self {
        Self { out, edition }
    }

    pub(crate) fn raw(&mut self, text: &str) {
        self.out.extend_from_slice(text.as_bytes());
    }

    pub(crate) fn open(&mut self, name: &str) {
        self.raw("<");
        self.raw(name);
        self.raw(">");
    }

    pub(crate) fn open_with(&mut self, name: &str, attribute: &str, value: &str) {
        self.raw("<");
        self.raw(name);
        self.raw(" ");
        self.raw(attribute);
        self.raw("=\"");
        self.escaped(value);
        self.raw("\">");
    }

    pub(crate) fn close(&mut self, name: &str) {
        self.raw("</");
        self.raw(name);
        self.raw(">");
    }

    pub(crate) fn empty(&mut self, name: &str) {
        self.raw("<");
        self.raw(name);
        self.raw("/>");
    }

    pub(crate) fn text(&mut self, name: &str, text: &str) {
        self.open(name);
        self.escaped(text);
        self.close(name);
    }

    pub(crate) fn flag(&mut self, name: &str, value: bool) {
        self.text(name, if value { "true" } else { "false" });
    }

    /// `<name>` with what `content` writes inside; nothing written there gives `<name/>`.
    pub(crate) fn element(&mut self, name: &str, content: impl FnOnce(&mut Self)) {
        self.open(name);
        let before = self.length();
        content(self);
        self.close_or_shorten(name, before);
    }

    /// Bytes written so far.
    pub(crate) fn length(&self) -> usize {
        self.out.len()
    }

    /// Ends an element whose start tag ended at `before`; one without content becomes `<name/>`.
    pub(crate) fn close_or_shorten(&mut self, name: &str, before: usize) {
        if self.out.len() == before {
            self.out.truncate(before - 1);
            self.raw("/>");
        } else {
            self.close(name);
        }
    }

    pub(crate) fn escaped(&mut self, text: &str) {
        let needs = |b: &u8| matches!(b, b'<' | b'>' | b'&' | b'"') || *b < 0x20 || *b == 0xef;
        let mut rest = text;
        while let Some(at) = rest.bytes().position(|b| needs(&b)) {
            let (plain, special) = rest.split_at_checked(at).unwrap_or((rest, ""));
            self.raw(plain);
            let Some(character) = special.chars().next() else { return };
            match character {
                '<' => self.raw("&lt;"),
                '>' => self.raw("&gt;"),
                '&' => self.raw("&amp;"),
                '"' => self.raw("&quot;"),
                '\t' | '\n' => self.raw(if character == '\t' { "&#9;" } else { "&#10;" }),
                '\r' => self.raw("&#13;"),
                '\0'..'\u{20}' | '\u{fffe}' | '\u{ffff}' => self.raw("\u{fffd}"),
                other => self.raw(other.encode_utf8(&mut [0; 4])),
            }
            rest = special.get(character.len_utf8()..).unwrap_or_default();
        }
        self.raw(rest);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_always_well_formed() {
        let mut out = Vec::new();
        Writer::new(&mut out, Edition::Ed6).text("a", "N<1&2>\"\u{1}\u{ffff}\t\u{fb01}é");
        assert_eq!(
            String::from_utf8(out).unwrap(),
            "<a>N&lt;1&amp;2&gt;&quot;\u{fffd}\u{fffd}&#9;\u{fb01}é</a>"
        );
    }

    #[test]
    fn an_element_without_content_is_written_short() {
        let mut out = Vec::new();
        Writer::new(&mut out, Edition::Ed6).element("a", |w| w.element("b", |_| {}));
        assert_eq!(out, b"<a><b/></a>");
    }
}
