//! The parts that messages are made of, and how a part is read and written.

use std::borrow::Cow;

use crate::edition::Edition;
use crate::enums::EventCause;
use crate::error::DecodeError;
use crate::pull::{Pull, Tag};
use crate::write::Writer;

/// One child element: how its content is read into a field and written from it.
pub(crate) trait Value<'a>: Sized {
    fn read(pull: &mut Pull<'a>, tag: &Tag<'a>) -> Result<Self, DecodeError>;
    fn write(&self, name: &str, writer: &mut Writer<'_>);
}

/// The children of one element: a message or a part of one.
pub(crate) trait Content<'a>: Default {
    /// Reads `tag` if it is a child that is known here; `false` leaves it unread.
    fn child(&mut self, pull: &mut Pull<'a>, tag: &Tag<'a>) -> Result<bool, DecodeError>;
    /// Writes the children in the standard's order.
    fn write_children(&self, writer: &mut Writer<'_>);

    /// Reads all children of `parent`; unknown ones are skipped.
    fn read_children(pull: &mut Pull<'a>, parent: &Tag<'a>) -> Result<Self, DecodeError> {
        let mut content = Self::default();
        while let Some(tag) = pull.child(parent)? {
            if !content.child(pull, &tag)? {
                pull.skip(&tag)?;
            }
        }
        Ok(content)
    }
}

/// How a field takes a child that has been found, and whether it is written.
pub(crate) trait Field<'a> {
    fn absorb(&mut self, pull: &mut Pull<'a>, tag: &Tag<'a>) -> Result<(), DecodeError>;
    fn put(&self, name: &str, writer: &mut Writer<'_>);
}

impl<'a, T: Value<'a>> Field<'a> for T {
    fn absorb(&mut self, pull: &mut Pull<'a>, tag: &Tag<'a>) -> Result<(), DecodeError> {
        *self = T::read(pull, tag)?;
        Ok(())
    }
    fn put(&self, name: &str, writer: &mut Writer<'_>) {
        self.write(name, writer);
    }
}

impl<'a, T: Value<'a>> Field<'a> for Option<T> {
    fn absorb(&mut self, pull: &mut Pull<'a>, tag: &Tag<'a>) -> Result<(), DecodeError> {
        *self = Some(T::read(pull, tag)?);
        Ok(())
    }
    fn put(&self, name: &str, writer: &mut Writer<'_>) {
        if let Some(value) = self {
            value.write(name, writer);
        }
    }
}

/// An entry of a list, and the name of its element inside the list's element.
pub(crate) trait Item {
    const NAME: &'static str;
}

impl<'a, T: Value<'a> + Item> Field<'a> for Vec<T> {
    fn absorb(&mut self, pull: &mut Pull<'a>, tag: &Tag<'a>) -> Result<(), DecodeError> {
        while let Some(item) = pull.child(tag)? {
            if item.name == T::NAME {
                self.push(T::read(pull, &item)?);
            } else {
                pull.skip(&item)?;
            }
        }
        Ok(())
    }
    fn put(&self, name: &str, writer: &mut Writer<'_>) {
        if !self.is_empty() {
            writer.element(name, |w| self.iter().for_each(|item| item.write(T::NAME, w)));
        }
    }
}

/// Declares a struct whose fields are child elements, in the standard's order.
/// `"a" | "b"` reads both names and writes the first; `since_ed4` marks a child
/// that edition 3 does not have.
macro_rules! content {
    (
        $(#[$meta:meta])*
        $name:ident [$($life:lifetime)?] {
            $( $(#[$field_meta:meta])* $field:ident : $ty:ty = $tag:literal $(| $alias:literal)* $(, $since:ident)? ; )*
        }
    ) => {
        $(#[$meta])*
        #[derive(Debug, Clone, PartialEq, Default)]
        pub struct $name $(<$life>)? {
            $( $(#[$field_meta])* pub $field: $ty, )*
        }

        impl<'a> $crate::value::Content<'a> for $name $(<$life>)? {
            #[allow(unused_variables)]
            fn child(
                &mut self,
                pull: &mut $crate::pull::Pull<'a>,
                tag: &$crate::pull::Tag<'a>,
            ) -> Result<bool, $crate::error::DecodeError> {
                match tag.name {
                    $( $tag $(| $alias)* => $crate::value::Field::absorb(&mut self.$field, pull, tag)?, )*
                    _ => return Ok(false),
                }
                #[allow(unreachable_code)]
                Ok(true)
            }
            #[allow(unused_variables)]
            fn write_children(&self, writer: &mut $crate::write::Writer<'_>) {
                $(
                    if true $(&& $crate::value::$since(writer.edition))? {
                        $crate::value::Field::put(&self.$field, $tag, writer);
                    }
                )*
            }
        }
    };
}
pub(crate) use content;

/// Makes a struct of [`content!`] usable as a child element itself.
macro_rules! nested {
    ($($name:ident [$($life:lifetime)?]),* $(,)?) => {
        $(impl<'a> $crate::value::Value<'a> for $name $(<$life>)? {
            fn read(
                pull: &mut $crate::pull::Pull<'a>,
                tag: &$crate::pull::Tag<'a>,
            ) -> Result<Self, $crate::error::DecodeError> {
                $crate::value::Content::read_children(pull, tag)
            }
            fn write(&self, name: &str, writer: &mut $crate::write::Writer<'_>) {
                writer.element(name, |w| $crate::value::Content::write_children(self, w));
            }
        })*
    };
}
pub(crate) use nested;

/// Guard of the `content!` fields that edition 3 does not have.
pub(crate) fn since_ed4(edition: Edition) -> bool {
    edition.is_ed4_or_later()
}

impl<'a> Value<'a> for Cow<'a, str> {
    fn read(pull: &mut Pull<'a>, tag: &Tag<'a>) -> Result<Self, DecodeError> {
        pull.text(tag)
    }
    fn write(&self, name: &str, writer: &mut Writer<'_>) {
        writer.text(name, self);
    }
}

impl<'a> Value<'a> for bool {
    fn read(pull: &mut Pull<'a>, tag: &Tag<'a>) -> Result<Self, DecodeError> {
        Ok(matches!(&*pull.text(tag)?, "true" | "1" | "TRUE" | "True"))
    }
    fn write(&self, name: &str, writer: &mut Writer<'_>) {
        writer.flag(name, *self);
    }
}

impl<'a> Value<'a> for u32 {
    /// A number that is none reads as 0: no decision hangs on one.
    fn read(pull: &mut Pull<'a>, tag: &Tag<'a>) -> Result<Self, DecodeError> {
        Ok(pull.text(tag)?.parse().unwrap_or(0))
    }
    fn write(&self, name: &str, writer: &mut Writer<'_>) {
        writer.text(name, &self.to_string());
    }
}

/// A device id as the PBX writes it (ECMA-323, DeviceID): opaque here.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct DeviceId<'a> {
    /// The text of the element.
    pub value: Cow<'a, str>,
    /// The attribute `typeOfNumber`, if it is there (the standard's default is `dialingNumber`).
    pub type_of_number: Option<Cow<'a, str>>,
}

impl<'a> DeviceId<'a> {
    /// An id without attributes.
    pub fn new(value: impl Into<Cow<'a, str>>) -> Self {
        Self { value: value.into(), type_of_number: None }
    }

    /// Whether the id has no text at all.
    pub fn is_empty(&self) -> bool {
        self.value.is_empty()
    }
}

impl<'a> From<&'a str> for DeviceId<'a> {
    fn from(value: &'a str) -> Self {
        Self::new(value)
    }
}

impl From<String> for DeviceId<'_> {
    fn from(value: String) -> Self {
        Self::new(value)
    }
}

impl<'a> Value<'a> for DeviceId<'a> {
    fn read(pull: &mut Pull<'a>, tag: &Tag<'a>) -> Result<Self, DecodeError> {
        Ok(Self { type_of_number: tag.attribute("typeOfNumber"), value: pull.text(tag)? })
    }
    fn write(&self, name: &str, writer: &mut Writer<'_>) {
        match &self.type_of_number {
            Some(kind) => {
                writer.open_with(name, "typeOfNumber", kind);
                writer.escaped(&self.value);
                writer.close(name);
            }
            None => writer.text(name, &self.value),
        }
    }
}

/// A device, or why there is none (ECMA-323, SubjectDeviceID, CallingDeviceID, RedirectionDeviceID and so on).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DeviceRef<'a> {
    /// `deviceIdentifier` (in redirection data `numberDialed`, in endpoints `deviceID`).
    Identifier(DeviceId<'a>),
    /// `notKnown`.
    NotKnown,
    /// `restricted`: known to the PBX, withheld from us.
    Restricted,
    /// `notRequired` (redirection data only).
    NotRequired,
    /// `notSpecified` (redirection data only).
    NotSpecified,
}

const DEVICE_ALTERNATIVES: [&str; 7] =
    ["deviceIdentifier", "numberDialed", "deviceID", "notKnown", "restricted", "notRequired", "notSpecified"];

impl<'a> DeviceRef<'a> {
    /// A known device.
    pub fn known(value: impl Into<Cow<'a, str>>) -> Self {
        Self::Identifier(DeviceId::new(value))
    }

    /// The id's text, if there is one.
    pub fn value(&self) -> Option<&str> {
        match self {
            Self::Identifier(id) if !id.is_empty() => Some(&id.value),
            _ => None,
        }
    }
}

impl<'a> Value<'a> for DeviceRef<'a> {
    /// Bare text instead of a choice, as some phones send it, is an identifier.
    fn read(pull: &mut Pull<'a>, tag: &Tag<'a>) -> Result<Self, DecodeError> {
        let (choice, text) = pull.choice(tag, |name| DEVICE_ALTERNATIVES.contains(&name))?;
        Ok(match choice {
            Some(child) => match child.name {
                "restricted" => Self::Restricted,
                "notRequired" => Self::NotRequired,
                "notSpecified" => Self::NotSpecified,
                "notKnown" => Self::NotKnown,
                _ if text.is_empty() => Self::NotKnown,
                _ => Self::Identifier(DeviceId {
                    value: text,
                    type_of_number: child.attribute("typeOfNumber"),
                }),
            },
            None if text.is_empty() => Self::NotKnown,
            None => Self::Identifier(DeviceId { value: text, type_of_number: tag.attribute("typeOfNumber") }),
        })
    }

    fn write(&self, name: &str, writer: &mut Writer<'_>) {
        writer.element(name, |w| match self {
            Self::Identifier(id) => id.write(
                match name {
                    "lastRedirectionDevice" | "oldDeviceID" => "numberDialed",
                    "endpoint" | "associatedNID" => "deviceID",
                    _ => "deviceIdentifier",
                },
                w,
            ),
            Self::NotKnown => w.empty("notKnown"),
            Self::Restricted => w.empty("restricted"),
            Self::NotRequired => w.empty("notRequired"),
            Self::NotSpecified => w.empty("notSpecified"),
        });
    }
}

/// A call's appearance at a device (ECMA-323, ConnectionID). Either part may be
/// missing on the wire, and is then empty here. `0` and `-12` are legal ids.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ConnectionId<'a> {
    /// The PBX's id of the call; PBXs reuse them.
    pub call: Cow<'a, str>,
    /// The PBX's id of the device in this call.
    pub device: DeviceId<'a>,
}

impl<'a> ConnectionId<'a> {
    /// A connection of `call` at `device`.
    pub fn new(call: impl Into<Cow<'a, str>>, device: impl Into<Cow<'a, str>>) -> Self {
        Self { call: call.into(), device: DeviceId::new(device) }
    }
}

impl<'a> Value<'a> for ConnectionId<'a> {
    /// Bare text instead of the two parts is the call's id.
    fn read(pull: &mut Pull<'a>, tag: &Tag<'a>) -> Result<Self, DecodeError> {
        let mut id = Self::default();
        let mut own = Cow::Borrowed("");
        while let Some(child) = pull.child_or_text(tag, &mut own)? {
            match child.name {
                "callID" | "callId" => id.call = pull.text(&child)?,
                "deviceID" | "deviceId" => id.device = DeviceId::read(pull, &child)?,
                _ => pull.skip(&child)?,
            }
        }
        if id.call.is_empty() {
            id.call = own;
        }
        Ok(id)
    }
    fn write(&self, name: &str, writer: &mut Writer<'_>) {
        writer.element(name, |w| {
            if !self.call.is_empty() {
                w.text("callID", &self.call);
            }
            if !self.device.is_empty() {
                self.device.write("deviceID", w);
            }
        });
    }
}

/// Data that rides along with a call (`correlatorData`, `userData`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Octets<'a> {
    /// `string`, hexadecimal text as it stands on the wire.
    Hex(Cow<'a, str>),
    /// `private`: vendor's own elements, not kept.
    Private,
}

impl Octets<'_> {
    /// Hexadecimal text of `bytes`.
    pub fn from_bytes(bytes: &[u8]) -> Self {
        const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
        let digit = |nibble: u8| char::from(DIGITS.get(usize::from(nibble)).copied().unwrap_or(b'0'));
        Self::Hex(bytes.iter().flat_map(|b| [digit(b >> 4), digit(b & 15)]).collect::<String>().into())
    }

    /// The bytes; `None` if it is private data or not hexadecimal (white space inside is ignored).
    pub fn to_bytes(&self) -> Option<Vec<u8>> {
        let Self::Hex(text) = self else { return None };
        let mut digits = text.chars().filter(|c| !c.is_ascii_whitespace()).map(|c| c.to_digit(16));
        let mut bytes = Vec::with_capacity(text.len() / 2);
        while let Some(high) = digits.next() {
            let low = digits.next()??;
            bytes.push(u8::try_from(high? * 16 + low).ok()?);
        }
        Some(bytes)
    }
}

impl<'a> Value<'a> for Octets<'a> {
    fn read(pull: &mut Pull<'a>, tag: &Tag<'a>) -> Result<Self, DecodeError> {
        let (choice, text) = pull.choice(tag, |name| matches!(name, "string" | "private"))?;
        Ok(match choice {
            Some(child) if child.name == "private" => Self::Private,
            _ => Self::Hex(text),
        })
    }
    fn write(&self, name: &str, writer: &mut Writer<'_>) {
        writer.element(name, |w| match self {
            Self::Hex(text) => w.text("string", text),
            Self::Private => w.empty("private"),
        });
    }
}

content! {
    /// One connection of the call that a transfer or conference made.
    ConnectionListItem['a] {
        /// The connection in the new call.
        new: Option<ConnectionId<'a>> = "newConnection";
        /// The connection it was before.
        old: Option<ConnectionId<'a>> = "oldConnection";
        /// The device at the far end of it.
        endpoint: Option<DeviceRef<'a>> = "endpoint";
        /// The network interface that the far end stands behind.
        associated_nid: Option<DeviceRef<'a>> = "associatedNID";
    }
}

content! {
    /// Where a call has been before (ECMA-323, DeviceHistoryListItem).
    DeviceHistoryItem['a] {
        /// The device that the call left.
        device: Option<DeviceRef<'a>> = "oldDeviceID";
        /// Why it left.
        cause: Option<EventCause<'a>> = "eventCause";
        /// The connection it had there.
        connection: Option<ConnectionId<'a>> = "oldConnectionID";
    }
}

nested!(ConnectionListItem['a], DeviceHistoryItem['a]);

impl Item for ConnectionListItem<'_> {
    const NAME: &'static str = "connectionListItem";
}
impl Item for DeviceHistoryItem<'_> {
    const NAME: &'static str = "DeviceHistoryListItem";
}

/// Ids that tie the calls of one conversation together (ECMA-323, CallLinkageData).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CallLinkage<'a> {
    /// `globalCallLinkageID`: the same for a call in every switch that it passes.
    pub global_call: Option<Cow<'a, str>>,
    /// `threadLinkageID`: the same for calls that follow from one another.
    pub thread: Option<Cow<'a, str>>,
}

impl<'a> Value<'a> for CallLinkage<'a> {
    /// In `callLinkageDataList` the new data is kept and the old passed over.
    fn read(pull: &mut Pull<'a>, tag: &Tag<'a>) -> Result<Self, DecodeError> {
        let mut linkage = Self::default();
        while let Some(child) = pull.child(tag)? {
            match child.name {
                "newCallLinkageData" => linkage = Self::read(pull, &child)?,
                "globalCallData" => linkage.global_call = read_only(pull, &child, "globalCallLinkageID")?,
                "threadData" => linkage.thread = read_only(pull, &child, "threadLinkageID")?,
                _ => pull.skip(&child)?,
            }
        }
        Ok(linkage)
    }

    fn write(&self, name: &str, writer: &mut Writer<'_>) {
        let data = |w: &mut Writer<'_>| {
            if let Some(id) = &self.global_call {
                w.element("globalCallData", |w| {
                    w.element("globalCallLinkageID", |w| w.text("globallyUniqueCallLinkageID", id));
                });
            }
            if let Some(id) = &self.thread {
                w.element("threadData", |w| {
                    w.element("threadLinkageID", |w| w.text("globallyUniqueThreadID", id));
                });
            }
        };
        if name == "callLinkageDataList" {
            writer.element(name, |w| w.element("newCallLinkageData", data));
        } else {
            writer.element(name, data);
        }
    }
}

/// What sort of call it is (ECMA-323, CallCharacteristics): a set of flags.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct CallCharacteristics(u16);

/// Names in the standard's order; the misspelling is the standard's.
const CHARACTERISTICS: [&str; 13] = [
    "acdCall",
    "lowPriorityCall",
    "priorityCall",
    "highPriorityCall",
    "maintainanceCall",
    "directAgent",
    "assistCall",
    "voiceUnitCall",
    "privateCall",
    "personalCall",
    "sensitiveCall",
    "confidentialCall",
    "encryptedCall",
];

impl CallCharacteristics {
    /// A call that the PBX's distribution handles (`acdCall`).
    pub const ACD: Self = Self(1);

    /// Whether the distribution of the PBX handles this call.
    pub fn is_acd(self) -> bool {
        self.0 & Self::ACD.0 != 0
    }

    /// The names of the flags that are set, in the standard's order.
    pub fn names(self) -> impl Iterator<Item = &'static str> {
        CHARACTERISTICS
            .into_iter()
            .enumerate()
            .filter(move |(bit, _)| self.0 >> bit & 1 == 1)
            .map(|(_, name)| name)
    }
}

impl<'a> Value<'a> for CallCharacteristics {
    fn read(pull: &mut Pull<'a>, tag: &Tag<'a>) -> Result<Self, DecodeError> {
        let mut flags = 0;
        while let Some(child) = pull.child(tag)? {
            match CHARACTERISTICS.iter().position(|name| *name == child.name) {
                Some(bit) => flags |= u16::from(bool::read(pull, &child)?) << bit,
                None => pull.skip(&child)?,
            }
        }
        Ok(Self(flags))
    }
    fn write(&self, name: &str, writer: &mut Writer<'_>) {
        writer.element(name, |w| self.names().for_each(|flag| w.flag(flag, true)));
    }
}

/// Reads one child of `tag` by name, in whatever case, and passes over the others.
pub(crate) fn read_only<'a, T: Value<'a>>(
    pull: &mut Pull<'a>,
    tag: &Tag<'a>,
    name: &str,
) -> Result<Option<T>, DecodeError> {
    let mut found = None;
    while let Some(child) = pull.child(tag)? {
        if child.name.eq_ignore_ascii_case(name) {
            found = Some(T::read(pull, &child)?);
        } else {
            pull.skip(&child)?;
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn correlator_data_survives_white_space_and_says_when_it_is_not_hex() {
        assert_eq!(Octets::Hex("4A 4B\n4 3".into()).to_bytes().as_deref(), Some(&b"JKC"[..]));
        assert_eq!(Octets::Hex("hello".into()).to_bytes(), None);
        assert_eq!(Octets::Hex("4A4".into()).to_bytes(), None);
        assert_eq!(Octets::from_bytes(b"JKC"), Octets::Hex("4A4B43".into()));
    }
}
