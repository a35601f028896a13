//! What holds for any stanza in any order. The seed of a failure is printed.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use proptest::prelude::*;
use schakel_core::adapter::{Adapter, Input, Output};
use schakel_core::model::ids::Str;
use schakel_core::report::EventReport;
use schakel_core::report::chat::{ChatEvent, ConversationEvent};
use support::House;
use xmpp_parsers::minidom::Element;
use xmpp_parsers::minidom::rxml::{Namespace, NcName};

/// Names, namespaces and values of which stanzas are made: those that mean something, and those that do not.
const NAMES: [&str; 44] = [
    "message",
    "presence",
    "iq",
    "body",
    "x",
    "invite",
    "item",
    "status",
    "destroy",
    "error",
    "query",
    "result",
    "fin",
    "set",
    "last",
    "forwarded",
    "received",
    "sent",
    "delay",
    "rtt",
    "t",
    "e",
    "composing",
    "gone",
    "replace",
    "stanza-id",
    "origin-id",
    "offer",
    "offer-revoke",
    "session",
    "slot",
    "put",
    "get",
    "header",
    "url",
    "nick",
    "show",
    "displayed",
    "request",
    "ping",
    "conflict",
    "not-acceptable",
    "item-not-found",
    "encrypted",
];
const SPACES: [&str; 24] = [
    "jabber:client",
    "http://jabber.org/protocol/muc#user",
    "http://jabber.org/protocol/muc#owner",
    "jabber:x:conference",
    "urn:xmpp:mam:2",
    "urn:xmpp:forward:0",
    "urn:xmpp:carbons:2",
    "urn:xmpp:delay",
    "urn:xmpp:rtt:0",
    "urn:xmpp:sid:0",
    "urn:xmpp:receipts",
    "urn:xmpp:chat-markers:0",
    "urn:xmpp:message-correct:0",
    "urn:xmpp:http:upload:0",
    "urn:xmpp:ping",
    "http://jabber.org/protocol/chatstates",
    "http://jabber.org/protocol/nick",
    "http://jabber.org/protocol/rsm",
    "http://jabber.org/protocol/disco#info",
    "http://jabber.org/protocol/workgroup",
    "http://jivesoftware.com/protocol/workgroup",
    "urn:ietf:params:xml:ns:xmpp-stanzas",
    "jabber:x:oob",
    "eu.siacs.conversations.axolotl",
];
const KEYS: [&str; 16] = [
    "from", "to", "type", "id", "by", "jid", "code", "queryid", "complete", "stamp", "p", "n", "event",
    "url", "nick", "name",
];
const VALUES: [&str; 46] = [
    "v@anon.example/w",
    "w@anon.example",
    "support@stad.example",
    "support@stad.example/schakel-1",
    "stad.example",
    "cti.stad.example",
    "permits@cti.stad.example",
    "permits@cti.stad.example/schakel",
    "jan@cti.stad.example/schakel",
    "c1@rooms.stad.example",
    "c1@rooms.stad.example/schakel",
    "c1@rooms.stad.example/v",
    "c1@rooms.stad.example/jan",
    "agents-00000000-0000-0000-0000-000000000015@rooms.stad.example",
    "agents-00000000-0000-0000-0000-000000000015@rooms.stad.example/schakel",
    "kees@stad.example/desk",
    "sales@workgroup.stad.example",
    "upload.stad.example",
    "@@",
    "",
    "groupchat",
    "chat",
    "error",
    "result",
    "set",
    "get",
    "unavailable",
    "subscribe",
    "probe",
    "110",
    "201",
    "307",
    "332",
    "303",
    "q1",
    "q2",
    "q3",
    "m1",
    "m2",
    "00000000-0000-0000-0000-000000000007",
    "2026-09-21T10:00:00Z",
    "99999999999999999999",
    "-1",
    "new",
    "true",
    "https://x.example/é",
];

fn element(depth: u32) -> impl Strategy<Value = Element> {
    let node =
        |children: Vec<Element>, name: usize, space: usize, attributes: Vec<(usize, usize)>, text: String| {
            let mut made = Element::bare(NAMES[name], SPACES[space]);
            for (key, value) in attributes {
                let key = NcName::try_from(KEYS[key]).unwrap();
                made.set_attr(Namespace::NONE, key, VALUES[value]);
            }
            made.append_text_node(text);
            for child in children {
                made.append_child(child);
            }
            made
        };
    let head = || {
        let attributes = prop::collection::vec((0..KEYS.len(), 0..VALUES.len()), 0..6);
        (0..NAMES.len(), 0..SPACES.len(), attributes, "[a-zé\u{0}\u{1b}\n<&]{0,6}")
    };
    let leaf =
        head().prop_map(move |(name, space, attributes, text)| node(vec![], name, space, attributes, text));
    leaf.prop_recursive(depth, 24, 5, move |inner| {
        (prop::collection::vec(inner, 0..5), head()).prop_map(
            move |(children, (name, space, attributes, text))| node(children, name, space, attributes, text),
        )
    })
}

/// A stanza: mostly one in the namespace of stanzas, of somebody to somebody.
fn any_stanza() -> impl Strategy<Value = Element> {
    (element(4), 0..4usize, 0..VALUES.len(), 0..VALUES.len()).prop_map(|(inside, name, from, to)| {
        if name == 3 {
            return inside;
        }
        let mut made = Element::bare(NAMES[name], "jabber:client");
        for (key, value) in inside.attrs().iter() {
            made.set_attr(Namespace::NONE, key.1.clone(), value.as_str());
        }
        for (key, value) in [("from", from), ("to", to)] {
            made.set_attr(Namespace::NONE, NcName::try_from(key).unwrap(), VALUES[value]);
        }
        for child in inside.children() {
            made.append_child(child.clone());
        }
        made
    })
}

#[derive(Debug, Clone)]
enum Act {
    Stanza(Element),
    Text(&'static str),
    Pass(u64),
    Reconnect,
    Acknowledged(u64),
    House(&'static str),
}

/// What really happens in conversations, so that chance stanzas meet conversations in all states.
const TEXTS: [&str; 10] = [
    "<message from='v@anon.example/w' to='permits@cti.stad.example' type='chat' id='1'><body>hello</body></message>",
    "<message from='v@anon.example/w' to='support@stad.example' type='chat'><body>hello</body></message>",
    "<message from='c1@rooms.stad.example' to='permits@cti.stad.example'><x xmlns='http://jabber.org/protocol/muc#user'><invite from='v@anon.example/w'/></x></message>",
    "<presence from='c1@rooms.stad.example/v' to='permits@cti.stad.example/schakel'><x xmlns='http://jabber.org/protocol/muc#user'><item/></x></presence>",
    "<presence from='c1@rooms.stad.example/schakel' to='permits@cti.stad.example/schakel'><x xmlns='http://jabber.org/protocol/muc#user'><item/><status code='110'/></x></presence>",
    "<message from='c1@rooms.stad.example/v' to='permits@cti.stad.example/schakel' type='groupchat'><body>in the room</body></message>",
    "<presence from='agents-00000000-0000-0000-0000-000000000015@rooms.stad.example/schakel' to='permits@cti.stad.example/schakel'><x xmlns='http://jabber.org/protocol/muc#user'><item/><status code='110'/><status code='201'/></x></presence>",
    "<iq type='result' from='agents-00000000-0000-0000-0000-000000000015@rooms.stad.example' to='permits@cti.stad.example/schakel' id='q1'/>",
    "<iq type='result' from='agents-00000000-0000-0000-0000-000000000015@rooms.stad.example' to='permits@cti.stad.example/schakel' id='q2'/>",
    "<iq type='result' id='q3'><fin xmlns='urn:xmpp:mam:2' complete='true'/></iq>",
];
const ASKED: [&str; 8] = [
    "join #1 jan",
    "join #1 kees",
    "leave #1 jan",
    "say #1 7 jan public",
    "file #1 9 jan public",
    "whisper #1 21 jan SECRET",
    "show jan chat",
    "end #1",
];

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        4 => any_stanza().prop_map(Act::Stanza),
        5 => prop::sample::select(&TEXTS[..]).prop_map(Act::Text),
        4 => prop::sample::select(&ASKED[..]).prop_map(Act::House),
        1 => (1..70u64).prop_map(Act::Pass),
        1 => Just(Act::Reconnect),
        1 => (0..50u64).prop_map(Act::Acknowledged),
    ]
}

fn house(component: bool) -> House {
    let all = "queues=permits:permits,support:permits agents=kees:kees@stad.example upload=upload.stad.example \
               workgroup=sales@workgroup.stad.example default=permits";
    let keys = all.split_whitespace().chain(component.then_some("component=cti.stad.example"));
    let keys =
        keys.filter_map(|pair| pair.split_once('=')).map(|(key, value)| (key.into(), value.into())).collect();
    House::new(support::settings(&keys))
}

/// What must be so of everything that is told and sent.
fn check(outputs: &[Output<Element>]) {
    for output in outputs {
        match output {
            Output::Report(EventReport::Chat(report)) => {
                if let Some(ChatEvent::Chat { chat, event }) = &report.event {
                    assert!(!chat.as_str().is_empty());
                    if let ConversationEvent::Said(heard) = &**event {
                        assert!(!heard.keys.is_empty() && heard.keys.iter().all(|key: &Str| !key.is_empty()));
                        assert!(
                            heard
                                .text
                                .expose()
                                .chars()
                                .all(|one| matches!(one, '\n' | '\t') || !one.is_control())
                        );
                        assert!(!heard.text.expose().trim().is_empty() || !heard.links.is_empty());
                    }
                }
            }
            Output::Transmit(stanza) => {
                let text = String::from(stanza);
                assert!(text.parse::<Element>().is_ok(), "{text}");
                assert!(matches!(stanza.name(), "message" | "presence" | "iq"));
                if text.contains("SECRET") {
                    let to = stanza.attr("to").unwrap_or_default();
                    assert!(to.starts_with("agents-"), "a private word goes to {to}");
                }
            }
            _ => {}
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn w08_any_stanzas_in_any_order_are_borne_and_no_private_word_gets_out(
        component in any::<bool>(),
        whispers in any::<bool>(),
        acts in prop::collection::vec(act(), 1..60),
    ) {
        let mut house = house(component);
        check(&house.connect());
        if component && whispers {
            // Chance alone does not find its way into an agents' room.
            for text in [TEXTS[0], "join #1 kees", "whisper #1 21 jan SECRET", TEXTS[6], TEXTS[7]] {
                let is_stanza = text.starts_with('<');
                check(&if is_stanza { house.receive(text) } else { house.operate(text) });
            }
            let said = house.operate("whisper #1 22 jan SECRET");
            check(&said);
            prop_assert!(said.iter().any(|one| matches!(one, Output::Transmit(it) if it.name() == "message")));
        }
        for act in acts {
            let outputs = match act {
                Act::Stanza(stanza) => house.give(Input::Received(&stanza)),
                Act::Text(text) => house.receive(text),
                Act::Pass(seconds) => house.pass(schakel_core::model::time::Millis::seconds(seconds)),
                Act::Reconnect => {
                    let mut all = house.give(Input::Closed("lost"));
                    all.append(&mut house.connect());
                    all
                }
                Act::Acknowledged(count) => house.give(Input::Acknowledged(count)),
                Act::House(text) if text.starts_with("show") || !house.chats.is_empty() => house.operate(text),
                Act::House(_) => Vec::new(),
            };
            check(&outputs);
        }
        let _ = house.xmpp.observations();
    }
}

#[test]
fn a_stanza_as_deep_and_as_large_as_can_be_is_refused_and_others_are_heard() {
    let mut house = house(true);
    house.connect();
    let mut deep = Element::bare("x", "urn:x");
    for _ in 0..3_000 {
        let mut outer = Element::bare("forwarded", "urn:xmpp:forward:0");
        outer.append_child(deep);
        deep = outer;
    }
    let mut stanza =
        support::stanza("<message from='v@anon.example/w' to='permits@cti.stad.example' id='1'/>");
    stanza.append_child(deep);
    check(&house.give(Input::Received(&stanza)));
    let mut large =
        support::stanza("<message from='v@anon.example/w' to='permits@cti.stad.example' id='2'/>");
    let mut body = Element::bare("body", "jabber:client");
    body.append_text_node("x".repeat(10_000_000));
    large.append_child(body);
    let outputs = house.give(Input::Received(&large));
    assert!(outputs.iter().any(|output| matches!(output, Output::Fault(_))));
    let mut long = support::stanza("<message from='v@anon.example/w' to='permits@cti.stad.example' id='3'/>");
    let mut body = Element::bare("body", "jabber:client");
    body.append_text_node("x".repeat(20_000));
    long.append_child(body);
    let outputs = house.give(Input::Received(&long));
    let told = outputs.iter().map(|output| house.line(output)).collect::<String>();
    assert!(told.contains("not-acceptable") && !told.contains("said"), "{told}");
    let heard = house
        .receive("<message from='w@anon.example/w' to='permits@cti.stad.example'><body>hi</body></message>");
    assert!(house.line(&heard[0]).contains("said by Visitor \"hi\""));
    let kept: usize = house.xmpp.observations().refused.iter().map(|one| one.message.expose().len()).sum();
    assert!(kept < 10_000, "{kept}");
}

#[test]
fn a_thousand_invitations_fill_our_rooms_and_nothing_else() {
    let mut settings = schakel_xmpp::Settings::component("cti.stad.example");
    settings.default_queue = Some("permits".into());
    settings.limits.rooms_max = 100;
    let mut house = House::new(settings);
    house.connect();
    let mut entered = 0;
    for number in 0..1_000 {
        let outputs = house.receive(&format!(
            "<message from='r{number}@rooms.stad.example' to='permits@cti.stad.example'><x xmlns='http://jabber.org/protocol/muc#user'><invite from='v{number}@anon.example/w'/></x></message>"
        ));
        entered += outputs
            .iter()
            .filter(|one| matches!(one, Output::Transmit(it) if it.name() == "presence"))
            .count();
    }
    assert_eq!(entered, 100);
    let heard = house
        .receive("<message from='w@anon.example/w' to='permits@cti.stad.example'><body>hi</body></message>");
    assert!(house.line(&heard[0]).contains("said by Visitor \"hi\""));
}

#[test]
fn ten_thousand_watchers_do_not_fill_the_connection_with_news_and_nobody_is_told_twice() {
    let mut settings = schakel_xmpp::Settings::component("cti.stad.example");
    settings.default_queue = Some("permits".into());
    let mut house = House::new(settings);
    house.connect();
    for number in 0..10_000 {
        house.receive(&format!(
            "<presence from='v{number}@anon.example' to='permits@cti.stad.example' type='subscribe'/>"
        ));
    }
    let news = house.operate("show jan available");
    assert_eq!(news.len(), 1_000, "what is news to all");
    assert_eq!(house.operate("show jan available").len(), 0);
    assert_eq!(house.operate("show piet away").len(), 0, "the queue is as it was");
}

#[test]
fn what_waits_for_an_archive_has_a_bound_in_bytes_and_the_rest_is_read_from_it() {
    let mut settings = schakel_xmpp::Settings::client("support@stad.example");
    settings.default_queue = Some("permits".into());
    settings.muc_service = Some("rooms.stad.example".into());
    let mut house = House::new(settings);
    house.connect();
    let padding = "x".repeat(200_000);
    for number in 0..60 {
        house.receive(&format!(
            "<message from='v@anon.example/w' to='support@stad.example' type='chat' id='i{number}'><body>{number}</body><p xmlns='urn:p'>{padding}</p><stanza-id xmlns='urn:xmpp:sid:0' by='support@stad.example' id='s{number}'/></message>"
        ));
    }
    let read = house.receive("<iq type='result' id='q3'><fin xmlns='urn:xmpp:mam:2' complete='true'/></iq>");
    let said = read.iter().filter(|one| house.line(one).contains("said by Visitor")).count();
    assert!((30..50).contains(&said), "{said}");
    let after = format!("<after>s{}</after>", said - 1);
    assert!(
        read.iter().any(|one| house.line(one).contains(&after)),
        "the next begins after the last that fitted"
    );
}
