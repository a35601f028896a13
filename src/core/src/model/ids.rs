//! Identifiers. Ours are UUIDv7 and permanent; a provider's are opaque text, recycled by PBXs, and never shown as ours.

use super::time::Time;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

/// Text that is cheap to copy.
pub type Str = Arc<str>;

macro_rules! own_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub u128);

        impl Ord for $name {
            /// By halves: the upper one tells nearly always, and two words at once cost twice as much.
            #[inline]
            fn cmp(&self, other: &Self) -> Ordering {
                let halves = |id: u128| ((id >> 64) as u64, id as u64);
                halves(self.0).cmp(&halves(other.0))
            }
        }

        impl PartialOrd for $name {
            #[inline]
            fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
                Some(self.cmp(other))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write_uuid(self.0, f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write_uuid(self.0, f)
            }
        }

        impl std::str::FromStr for $name {
            type Err = NotAnId;
            fn from_str(text: &str) -> Result<Self, NotAnId> {
                parse_uuid(text).map(Self)
            }
        }
    };
}

own_id!(
    /// The customer's contact: survives consultation, transfer, conference, re-dial by the PBX and restart.
    ContactId
);
own_id!(
    /// One call as schakel knows it; stays the same when the PBX gives the call a new id.
    CallId
);
own_id!(
    /// One transfer, a resource of its own.
    TransferId
);
own_id!(
    /// One command of JKC.
    CommandId
);
own_id!(
    /// One contact session of JKC.
    SessionId
);
own_id!(
    /// One question of a PBX where a call shall go.
    RouteId
);
own_id!(
    /// One chat.
    ChatId
);
own_id!(
    /// One offer of a chat to an agent, or one invitation into a chat.
    OfferId
);
own_id!(
    /// One message of a chat, by the id that its sender made.
    MessageId
);
own_id!(
    /// One file that was said in a chat.
    FileId
);
own_id!(
    /// One time that an agent is in the chat channel, from start to stop.
    ChatServiceId
);
own_id!(
    /// One message that was left while nobody could chat.
    OfflineMessageId
);
own_id!(
    /// One notification; the same over all retries.
    NotificationId
);

/// The text is not a UUID in the usual 8-4-4-4-12 form.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not an id: expected a UUID such as 01890a5d-ac96-774b-bcce-b302099a8057")]
pub struct NotAnId;

/// Text that is looked up by: in the order of texts, with its first bytes at hand, so that a walk through a map of ten
/// thousand telephones compares numbers and follows no pointer.
#[derive(Clone)]
struct Text {
    /// The first eight bytes, the first of them highest; zeroes after the end.
    head: u64,
    text: Str,
}

/// Bytes in [`Text::head`].
const HEAD: usize = 8;

impl Text {
    fn new(text: Str) -> Self {
        let mut head = [0; HEAD];
        for (to, byte) in head.iter_mut().zip(text.bytes()) {
            *to = byte;
        }
        Self { head: u64::from_be_bytes(head), text }
    }
}

impl PartialEq for Text {
    #[inline]
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Text {}

impl PartialOrd for Text {
    #[inline]
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Text {
    #[inline]
    fn cmp(&self, other: &Self) -> Ordering {
        if self.head != other.head {
            return if self.head < other.head { Ordering::Less } else { Ordering::Greater };
        }
        if self.text.len() <= HEAD && other.text.len() <= HEAD {
            // A zero byte in the text looks like its end: then it is longer.
            return self.text.len().cmp(&other.text.len());
        }
        self.text.cmp(&other.text)
    }
}

impl Hash for Text {
    fn hash<H: Hasher>(&self, hasher: &mut H) {
        self.text.hash(hasher);
    }
}

impl Serialize for Text {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.text.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Str::deserialize(deserializer).map(Self::new)
    }
}

macro_rules! text_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(Text);

        impl $name {
            /// The text itself.
            pub fn as_str(&self) -> &str {
                &self.0.text
            }

            /// The text itself, to be shared.
            pub fn as_shared(&self) -> &Str {
                &self.0.text
            }
        }

        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                Self(Text::new(text.into()))
            }
        }

        impl From<Str> for $name {
            fn from(text: Str) -> Self {
                Self(Text::new(text))
            }
        }
    };
}

text_id!(
    /// A municipality: the unit of state and of configuration.
    OrganisationId
);
text_id!(
    /// One PBX or chat server, by the name that the configuration gives it.
    ProviderId
);
text_id!(
    /// A user of JKC.
    AgentId
);
text_id!(
    /// A device as its provider's adapter names it after normalising: `2001`, or an outside caller's number.
    DeviceId
);
text_id!(
    /// A provider's call id: opaque, recycled.
    ProviderCallId
);
text_id!(
    /// A chat queue, by the name that the configuration gives it.
    QueueId
);
text_id!(
    /// A provider's conversation: opaque, and with a visitor's address in it.
    ProviderChatId
);
text_id!(
    /// An option of a choice, by the name that whoever offers it gives it.
    OptionId
);

impl fmt::Debug for OrganisationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
impl fmt::Debug for ProviderId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
impl fmt::Debug for AgentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
impl fmt::Debug for ProviderCallId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
impl fmt::Debug for QueueId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
impl fmt::Debug for OptionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
impl fmt::Debug for ProviderChatId {
    /// A visitor's address is his own business.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[conversation]")
    }
}
impl fmt::Debug for DeviceId {
    /// An extension is shown; anything long enough to be a public number keeps its last two characters only,
    /// because an outside caller's device id is his number.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const LONGEST_EXTENSION: usize = 6;
        let characters = self.as_str().chars().count();
        if characters <= LONGEST_EXTENSION {
            return f.write_str(self.as_str());
        }
        f.write_str("…")?;
        self.as_str().chars().skip(characters - 2).try_for_each(|c| write!(f, "{c}"))
    }
}

/// Makes the ids of one input: UUIDv7 (RFC 9562 section 5.7) from the input's time and seed, so a replay makes the same.
#[derive(Debug, Clone)]
pub struct IdMaker {
    at: Time,
    state: u64,
}

impl IdMaker {
    /// For an input that happened at `at` and carries `seed`.
    pub fn new(at: Time, seed: u64) -> Self {
        Self { at, state: seed }
    }

    /// The next id.
    pub fn make(&mut self) -> u128 {
        let (a, b) = (self.split_mix(), self.split_mix());
        let time = u128::from(self.at.0 & 0xffff_ffff_ffff);
        let random_a = u128::from(a & 0x0fff);
        let random_b = u128::from(b & 0x3fff_ffff_ffff_ffff);
        (time << 80) | (0x7 << 76) | (random_a << 64) | (0b10 << 62) | random_b
    }

    /// SplitMix64 (Steele, Lea and Flood 2014): enough to spread one journalled seed over the few ids of an input.
    fn split_mix(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
}

fn write_uuid(value: u128, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let (a, b, c) = ((value >> 96) as u32, (value >> 80) as u16, (value >> 64) as u16);
    let (d, e) = ((value >> 48) as u16, value as u64 & 0xffff_ffff_ffff);
    write!(f, "{a:08x}-{b:04x}-{c:04x}-{d:04x}-{e:012x}")
}

fn parse_uuid(text: &str) -> Result<u128, NotAnId> {
    let shape = text.len() == 36
        && text.bytes().enumerate().all(|(at, byte)| match at {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        });
    if !shape {
        return Err(NotAnId);
    }
    u128::from_str_radix(&text.replace('-', ""), 16).map_err(|_| NotAnId)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_reads_back_and_is_uuid_version_7() {
        let id = CallId(IdMaker::new(Time(1_790_000_000_000), 42).make());
        let text = id.to_string();
        assert_eq!(text.parse(), Ok(id));
        assert_eq!(text.as_bytes()[14], b'7');
        assert!(matches!(text.as_bytes()[19], b'8' | b'9' | b'a' | b'b'));
        assert_eq!("+1-2".parse::<CallId>(), Err(NotAnId));
    }

    #[test]
    fn ids_have_the_order_of_their_texts() {
        let texts = [
            "",
            "\0",
            "\0\0",
            "1",
            "10",
            "2001",
            "2001\0",
            "2001\0\0\0\0x",
            "20010",
            "2001000",
            "20010000",
            "20010001",
            "200100010",
            "200100011",
            "2002",
            "FF00000000000000E6B7425E64140000",
            "FF00000000000000E6B7425E64160000",
            "é",
            "élève",
            "\u{10ffff}\u{10ffff}",
            "\u{10ffff}\u{10ffff}\u{10ffff}",
        ];
        for left in texts {
            for right in texts {
                let (one, other) = (DeviceId::from(left), DeviceId::from(right));
                assert_eq!(one.cmp(&other), left.cmp(right), "{left:?} {right:?}");
                assert_eq!(one == other, left == right, "{left:?} {right:?}");
            }
            let id = DeviceId::from(left);
            let bytes = postcard::to_stdvec(&id).unwrap();
            assert_eq!(bytes, postcard::to_stdvec(left).unwrap(), "stored as its text");
            assert_eq!(postcard::from_bytes::<DeviceId>(&bytes).unwrap(), id);
        }
    }

    #[test]
    fn a_public_number_is_not_shown_in_debug() {
        assert_eq!(format!("{:?}", DeviceId::from("2001")), "2001");
        assert_eq!(format!("{:?}", DeviceId::from("0201234567")), "…67");
    }
}
