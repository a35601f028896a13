//! Device ids as PBXs write them, and back to the numbers of the switch.

use std::borrow::Cow;

use schakel_csta_wire::{ConnectionId, DeviceId, DeviceRef};

use crate::config::DeviceIdStyle;
use crate::switch::{self, Caller, Number, Switch};

/// Writes device ids in one style.
#[derive(Clone, Copy)]
pub(crate) struct Names<'s> {
    pub(crate) style: DeviceIdStyle,
    pub(crate) switch: &'s Switch,
}

impl Names<'_> {
    pub(crate) fn text<'a>(&self, number: &'a Number) -> Cow<'a, str> {
        match self.style {
            DeviceIdStyle::Plain => Cow::Borrowed(number.as_str()),
            DeviceIdStyle::Bracketed => Cow::Owned(format!("N<{number}>")),
            DeviceIdStyle::Tel => Cow::Owned(format!("tel:{number}")),
            DeviceIdStyle::Named => {
                let name = self.switch.name_of(number).map_or("", |name| name);
                Cow::Owned(format!("N<{number}>{name}"))
            }
        }
    }

    pub(crate) fn id<'a>(&self, number: &'a Number) -> DeviceId<'a> {
        DeviceId::new(self.text(number))
    }

    pub(crate) fn device<'a>(&self, number: &'a Number) -> DeviceRef<'a> {
        DeviceRef::Identifier(self.id(number))
    }

    pub(crate) fn caller<'a>(&self, caller: &'a Caller) -> DeviceRef<'a> {
        if caller.withheld { DeviceRef::Restricted } else { self.device(&caller.device) }
    }

    /// The same without a borrow.
    pub(crate) fn own_caller(&self, caller: &Caller) -> DeviceRef<'static> {
        if caller.withheld {
            DeviceRef::Restricted
        } else {
            DeviceRef::known(self.text(&caller.device).into_owned())
        }
    }

    pub(crate) fn connection<'a>(&self, connection: &'a switch::ConnectionId) -> ConnectionId<'a> {
        ConnectionId { call: Cow::Borrowed(connection.call.as_str()), device: self.id(&connection.device) }
    }

    /// The same without a borrow, for answers that outlive what they tell of.
    pub(crate) fn own_connection(&self, connection: &switch::ConnectionId) -> ConnectionId<'static> {
        ConnectionId::new(connection.call.as_str().to_owned(), self.text(&connection.device).into_owned())
    }
}

/// The number that a device id means: `2001`, `N<2001>Jan`, `tel:2001;ext=1`, `sip:2001@pbx` are all 2001.
pub(crate) fn number_of(id: &str) -> Number {
    let id = id.trim();
    if let Some((_, rest)) = id.split_once('<')
        && let Some((number, _)) = rest.split_once('>')
    {
        return Number::from(number.split('!').next().unwrap_or(number));
    }
    let id = id.strip_prefix("tel:").or_else(|| id.strip_prefix("sip:")).unwrap_or(id);
    let end = id.find([';', '@']).unwrap_or(id.len());
    Number::from(id.get(..end).unwrap_or(id))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_style_of_device_id_is_understood() {
        for id in [
            "2001",
            " 2001 ",
            "N<2001>",
            "N<2001>Zoë Öztürk",
            "N<2001!98>",
            "tel:2001;x=y",
            "sip:2001@pbx:5060",
        ] {
            assert_eq!(number_of(id).as_str(), "2001", "{id}");
        }
    }

    #[test]
    fn nonsense_is_a_number_that_no_device_has() {
        for id in ["", "<", ">", "N<", "sip:", "é;ü"] {
            let number = number_of(id);
            assert!(!number.as_str().contains(';'), "{id}");
        }
    }
}
