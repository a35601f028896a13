//! Questions of others, and the services that our server has (XEP-0030, XEP-0092, XEP-0199).

use xmpp_parsers::jid::Jid;
use xmpp_parsers::minidom::Element;

use crate::session::{Question, Xmpp};
use crate::wire::{self, Set, ns};

/// Services of a server that are asked what they can do.
const SERVICES_MAX: usize = 50;

impl Xmpp {
    /// Answers what somebody asks of us. Who asks what we do not know is told so, once; errors are answered by nobody.
    pub(crate) fn request(&mut self, stanza: &Element, from: Option<&Jid>) {
        let to = stanza.attr("to").and_then(|to| Jid::new(to).ok());
        if to.is_some_and(|to| !self.own.is_ours(&to)) {
            return self.refuse(stanza, "a question for somebody else", Some(&wire::ITEM_NOT_FOUND));
        }
        let is_get = stanza.attr("type") == Some("get");
        let Some(payload) = stanza.children().find(|child| child.name() != "error") else {
            return self.refuse(stanza, "an iq that asks nothing", Some(&wire::BAD_REQUEST));
        };
        if is_get && payload.is("ping", ns::PING) {
            self.answer(stanza, None);
        } else if is_get && payload.is("query", ns::DISCO_INFO) {
            let node = payload.attr("node");
            let info = self.info(node, stanza.attr("to"));
            self.answer(stanza, Some(info));
        } else if is_get && payload.is("query", ns::DISCO_ITEMS) {
            let items = self.items(stanza.attr("to"));
            self.answer(stanza, Some(items));
        } else if is_get && payload.is("query", ns::VERSION) {
            let version = wire::make("query", ns::VERSION).child("name", ns::VERSION, "schakel");
            let version = version.child("version", ns::VERSION, env!("CARGO_PKG_VERSION"));
            self.answer(stanza, Some(version.build()));
        } else if !self.workgroup_request(stanza, payload, from) {
            self.observed.count("requests_not_understood");
            if let Some(answer) = wire::error(stanza, &wire::SERVICE_UNAVAILABLE, "") {
                self.transmit(answer);
            }
        }
    }

    /// A positive answer.
    pub(crate) fn answer(&mut self, asked: &Element, payload: Option<Element>) {
        let ours = asked.attr("to").filter(|_| self.own.component);
        let (to, id) = (asked.attr("from").unwrap_or_default(), asked.attr("id").unwrap_or_default());
        let made = wire::stanza("iq", ours, to, Some("result"), id).append_all(payload);
        self.transmit(made.build());
    }

    fn info(&self, node: Option<&str>, to: Option<&str>) -> Element {
        let is_domain = self.own.component && to == Some(self.own.bare.as_str());
        let (category, kind) = if is_domain { ("component", "generic") } else { ("client", "bot") };
        let identity = wire::make("identity", ns::DISCO_INFO).set("category", category).set("type", kind);
        let mut info = wire::make("query", ns::DISCO_INFO).set_if("node", node);
        info = info.append(identity.set("name", "schakel").build());
        for feature in features(self.settings.real_time_text) {
            info = info.append(wire::make("feature", ns::DISCO_INFO).set("var", feature).build());
        }
        info.build()
    }

    /// The addresses of our queues, in component shape.
    fn items(&self, to: Option<&str>) -> Element {
        let mut items = wire::make("query", ns::DISCO_ITEMS);
        if self.own.component && to == Some(self.own.bare.as_str()) {
            for (name, queue) in self.settings.queues.iter().filter(|(name, _)| !name.contains(['@', '.'])) {
                let jid = format!("{name}@{}", self.own.bare);
                let item = wire::make("item", ns::DISCO_ITEMS).set("jid", &jid).set("name", queue.as_str());
                items = items.append(item.build());
            }
        }
        items.build()
    }

    /// Asks the server which services it has, where the settings do not say.
    pub(crate) fn find_services(&mut self) {
        let lacks =
            self.link.muc_service.is_none() || (self.settings.upload && self.link.upload_service.is_none());
        let own = self.own.bare.domain().as_str();
        // A component's services are those of the domain above it.
        let server =
            if self.own.component { own.split_once('.').map_or("", |(_, above)| above) } else { own }
                .to_owned();
        if lacks && !server.is_empty() {
            self.ask(&server, None, "get", wire::bare("query", ns::DISCO_ITEMS), Question::Services);
        }
    }

    /// The server's services: each is asked what it can do.
    pub(crate) fn services_found(&mut self, answer: Option<&Element>) {
        let Some(items) = answer.and_then(|answer| answer.get_child("query", ns::DISCO_ITEMS)) else {
            return;
        };
        let own = self.own.bare.as_str();
        let names: Vec<String> = items
            .children()
            .filter_map(|item| Jid::new(item.attr("jid")?).ok())
            .filter(|jid| jid.node().is_none() && jid.as_str() != own)
            .map(|jid| jid.to_string())
            .take(SERVICES_MAX)
            .collect();
        for name in names {
            let asks = wire::bare("query", ns::DISCO_INFO);
            self.ask(&name, None, "get", asks, Question::Service(name.clone()));
        }
    }

    /// What a service can do.
    pub(crate) fn service_found(&mut self, name: &str, answer: Option<&Element>) {
        let Some(info) = answer.and_then(|answer| answer.get_child("query", ns::DISCO_INFO)) else { return };
        let has = |feature: &str| info.children().any(|child| child.attr("var") == Some(feature));
        if has(ns::MUC) && self.link.muc_service.is_none() {
            self.link.muc_service = Some(name.to_owned());
        }
        if has(ns::HTTP_UPLOAD) && self.link.upload_service.is_none() {
            self.link.upload_service = Some(name.to_owned());
        }
    }
}

/// What we understand, sorted: it is hashed in this order by who asks (XEP-0115 section 5.1).
fn features(real_time_text: bool) -> impl Iterator<Item = &'static str> {
    let mut all = vec![
        ns::CHATSTATES,
        ns::DISCO_INFO,
        ns::DISCO_ITEMS,
        ns::MUC,
        ns::NICK,
        ns::CONFERENCE,
        ns::VERSION,
        ns::OOB,
        ns::MARKERS,
        ns::MESSAGE_CORRECT,
        ns::PING,
        ns::RECEIPTS,
        ns::SID,
    ];
    if real_time_text {
        all.push(ns::RTT);
    }
    all.sort_unstable();
    all.into_iter()
}
