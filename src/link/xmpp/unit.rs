//! What a stream hands over: an element, or the news that one was refused because nobody should have to hold it.

use xmpp_parsers::minidom::Element;
use xmpp_parsers::minidom::rxml::{AttrMap, Event, QName};
use xso::error::{Error, FromEventsError};
use xso::{Context, FromEventsBuilder, FromXml};

/// Servers send stanzas of at most 256 KiB or 512 KiB; one from an archive is wrapped once more.
pub(super) const STANZA_BYTES_MAX: usize = 1024 * 1024;

/// One child of the stream.
#[derive(Debug)]
pub(super) enum Unit {
    /// As it came.
    Element(Element),
    /// Too large; read over.
    Refused(&'static str),
}

/// Builds one as its events arrive, and stops holding them at a bound.
pub(super) struct UnitBuilder {
    building: Result<<Element as FromXml>::Builder, &'static str>,
    depth: usize,
    bytes: usize,
}

impl FromXml for Unit {
    type Builder = UnitBuilder;

    fn from_events(
        name: QName,
        attributes: AttrMap,
        context: &Context<'_>,
    ) -> Result<UnitBuilder, FromEventsError> {
        let building = Ok(Element::from_events(name, attributes, context)?);
        Ok(UnitBuilder { building, depth: 0, bytes: 0 })
    }
}

impl FromEventsBuilder for UnitBuilder {
    type Output = Unit;

    fn feed(&mut self, event: Event, context: &Context<'_>) -> Result<Option<Unit>, Error> {
        let mut last = false;
        match &event {
            Event::StartElement(size, ..) => {
                self.depth += 1;
                self.bytes += size.len();
            }
            Event::EndElement(_) => match self.depth.checked_sub(1) {
                Some(depth) => self.depth = depth,
                None => last = true,
            },
            Event::Text(size, _) => self.bytes += size.len(),
            Event::XmlDeclaration(..) => {}
        }
        if self.bytes > STANZA_BYTES_MAX {
            self.building = Err("a stanza of more than 1 MiB was refused");
        }
        match &mut self.building {
            Ok(building) => Ok(building.feed(event, context)?.map(Unit::Element)),
            Err(why) if last => Ok(Some(Unit::Refused(why))),
            Err(_) => Ok(None),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Unit {
        xso::from_bytes(text.as_bytes()).unwrap()
    }

    #[test]
    fn what_is_too_large_is_refused_and_read_over() {
        let wide = |bytes: usize| format!("<m xmlns='x'><a/>{}</m>", "x".repeat(bytes));
        assert!(matches!(read(&wide(STANZA_BYTES_MAX - 100)), Unit::Element(_)));
        assert!(matches!(read(&wide(STANZA_BYTES_MAX)), Unit::Refused(_)));
    }
}
