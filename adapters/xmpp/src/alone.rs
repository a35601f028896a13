//! Whether a component is the only one of its domain. A server that believes an earlier connection of ours to be open may
//! share what is for us between the two (ejabberd does), and what goes to the dead one is lost. So nothing is begun, and
//! above all no room is entered, before all that we send to ourselves comes round: until then whatever is said in a room
//! can be read in its archive, in order.

use schakel_core::adapter::{CloseReason, Output};
use schakel_core::model::time::Millis;

use crate::session::{Asked, Question, Xmpp};
use crate::wire::{self, ns};

/// Pings to ourselves. Each goes to one connection by chance: that all come to this one of two is less likely than that
/// the machine fails.
const PINGS: u64 = 20;
/// How long one may take.
const LIMIT: Millis = Millis::seconds(2);
/// How long is waited before they are sent again.
const PAUSE: Millis = Millis(500);

/// How far the asking is.
#[derive(Debug, Default)]
pub(crate) struct Alone {
    round: u64,
    /// Pings of this round that are under way.
    waiting: u64,
    strayed: bool,
}

impl Xmpp {
    /// Sends pings to ourselves.
    pub(crate) fn ask_whether_alone(&mut self) {
        let round = self.link.alone.round + 1;
        self.link.alone = Alone { round, waiting: PINGS, strayed: false };
        let whom = self.server();
        for number in 0..PINGS {
            let id = format!("alone-{round}-{number}");
            let ping =
                wire::stanza("iq", Some(&whom), &whom, Some("get"), &id).append(wire::bare("ping", ns::PING));
            let asked = Asked { whom: whom.clone(), until: self.now + LIMIT, what: Question::Alone };
            self.link.asked.insert(id, asked);
            self.transmit(ping.build());
        }
    }

    /// One has come round, or has not in time.
    pub(crate) fn came_round(&mut self, came: bool) {
        let alone = &mut self.link.alone;
        alone.strayed |= !came;
        alone.waiting = alone.waiting.saturating_sub(1);
        if alone.waiting > 0 {
            return;
        }
        if !alone.strayed {
            return self.begin();
        }
        self.observed.count("shared_with_another_connection");
        if self.link.opened + self.settings.times.ping_limit > self.now {
            return self.wait(PAUSE, Question::AloneLater);
        }
        let text = "what is for this component does not all come to it: the server shares it with another connection, \
            which may be an earlier one that it has not found out to be dead; or another program is connected as this \
            component: end it, or give each a domain of its own";
        self.out.push(Output::Close(CloseReason { text: text.into(), fatal: false }));
        self.close();
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::settings::Settings;
    use schakel_core::adapter::{Adapter, Input};
    use schakel_core::model::time::Time;
    use xmpp_parsers::minidom::Element;

    struct Shared {
        xmpp: Xmpp,
        now: Time,
    }

    impl Shared {
        fn give(&mut self, input: Input<'_, Element>) -> Vec<Output<Element>> {
            let mut outputs = Vec::new();
            self.xmpp.handle(input, self.now, &mut outputs);
            outputs
        }

        /// The server gives back all but so many of the pings; gives what comes of it.
        fn round(&mut self, outputs: &[Output<Element>], but: usize) -> Vec<Output<Element>> {
            let pings = outputs.iter().filter_map(|output| match output {
                Output::Transmit(stanza) if stanza.has_child("ping", ns::PING) => Some(stanza.clone()),
                _ => None,
            });
            let pings: Vec<_> = pings.collect();
            assert_eq!(pings.len() as u64, PINGS);
            pings.iter().skip(but).flat_map(|ping| self.give(Input::Received(ping))).collect()
        }

        fn tick(&mut self) -> Vec<Output<Element>> {
            self.now = self.xmpp.next_deadline().unwrap();
            self.give(Input::Tick)
        }
    }

    fn shared() -> Shared {
        let xmpp = Xmpp::new(Settings::component("cti.stad.example")).unwrap();
        Shared { xmpp, now: Time(1_790_000_000_000) }
    }

    fn is_current(outputs: &[Output<Element>]) -> bool {
        outputs.iter().any(|output| matches!(output, Output::Resynced { .. }))
    }

    #[test]
    fn o14_a_component_begins_only_when_nobody_else_gets_what_is_for_it() {
        let mut shared = shared();
        let opened = shared.give(Input::Opened);
        assert!(!is_current(&opened));
        assert!(shared.round(&opened, 1).is_empty(), "one went astray");
        assert!(shared.tick().is_empty(), "it waits a while");
        let again = shared.tick();
        assert!(is_current(&shared.round(&again, 0)));
    }

    #[test]
    fn a_component_that_is_never_alone_says_so() {
        let mut shared = shared();
        let opened = shared.give(Input::Opened);
        shared.round(&opened, 10);
        for _ in 0..100 {
            if let Some(Output::Close(reason)) = shared.tick().first() {
                assert!(reason.text.contains("another connection") && !reason.fatal);
                return;
            }
        }
        panic!("it asks for ever");
    }
}
