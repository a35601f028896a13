//! The link against a server that says exactly what the test wants, over real sockets and TLS.

use super::*;
use crate::link::TlsClient;
use crate::{jkc, tls};
use schakel_contract::NoRecognition;
use schakel_core::adapter::Observations;
use schakel_core::input::InputBody;
use schakel_core::model::provider::Capabilities;
use schakel_core::settings::{ProviderSettings, Settings};
use schakel_engine::{Engine, EngineSettings};
use schakel_journal::{Options, Store};
use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, LocalSet};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

/// Nothing in these tests takes so long, except what is wrong.
const LIMIT: Duration = Duration::from_secs(20);

const FEATURES: &str = "<stream:features><mechanisms xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>\
    <mechanism>PLAIN</mechanism></mechanisms></stream:features>";
const FEATURES_IN: &str = "<stream:features><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/>\
    <sm xmlns='urn:xmpp:sm:3'/></stream:features>";
const HEADER: &str = "<?xml version='1.0'?><stream:stream xmlns='jabber:client' \
    xmlns:stream='http://etherx.jabber.org/streams' from='chat.test' id='1' version='1.0'>";

/// Says what it is told, and takes notes.
#[derive(Clone, Default)]
struct Notes(Rc<RefCell<Vec<String>>>);

impl Adapter<Element> for Notes {
    fn handle(&mut self, input: Input<'_, Element>, _: Time, output: &mut Vec<Output<Element>>) {
        let note = match input {
            Input::Named(name) => format!("named {}", name.split('/').next().unwrap_or_default()),
            Input::Opened => {
                output.push(Output::Ready(Capabilities::default()));
                "opened".into()
            }
            Input::Received(stanza) => {
                // Something that has to be written before the stanza counts.
                output.push(Output::Ready(Capabilities::default()));
                format!("received {}", stanza.attr("id").unwrap_or_default())
            }
            Input::Closed(_) => "closed".into(),
            Input::Typing { nickname, .. } => {
                let message = Element::builder("message", ns::DEFAULT_NS);
                let id = xmpp_parsers::minidom::rxml::xml_ncname!("id").to_owned();
                output.push(Output::Transmit(message.attr(id, nickname).build()));
                return;
            }
            Input::Acknowledged(count) => format!("acknowledged {count}"),
            _ => return,
        };
        self.0.borrow_mut().push(note);
    }

    fn next_deadline(&self) -> Option<Time> {
        None
    }

    fn observations(&self) -> Observations {
        Observations::default()
    }
}

struct House {
    _folder: tempfile::TempDir,
    listener: TcpListener,
    acceptor: TlsAcceptor,
    engine: EngineHandle,
    orders: mpsc::Sender<Order>,
    control: LinkControl,
    notes: Notes,
    link: JoinHandle<()>,
}

impl House {
    /// An engine whose commits take so long, and a link that is about to call.
    async fn start(commit_takes: Duration, pace: Pace) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let files = jkc::certificate::make(folder.path(), &["chat.test"]).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let config = tls::client(&files.ca, false).unwrap();
        let transport = Transport {
            address: listener.local_addr().unwrap().to_string(),
            security: Security::DirectTls(TlsClient { config, name: "chat.test".try_into().unwrap() }),
            identity: Identity::Account {
                user: "bot".into(),
                domain: "chat.test".into(),
                password: "secret".into(),
                resource: "test".into(),
            },
            stream_management: true,
        };
        let (store, recovery) = Store::open(folder.path().join("journal.db"), Options::default()).unwrap();
        let settings = EngineSettings {
            organisation: "test".into(),
            source: "urn:test".into(),
            snapshot_every: 1_000,
            recognise: Arc::new(NoRecognition),
            act_before_commit: false,
            commit_takes,
        };
        let engine = Engine::recover(store, recovery, settings).unwrap();
        let handle = engine.handle();
        let provider = ProviderSettings { id: "xmpp".into(), devices: Vec::new() };
        let configured = Settings { providers: vec![provider], ..Settings::default() };
        let first = vec![InputBody::Started, InputBody::Configured(Box::new(configured))];
        tokio::task::spawn_local(engine.run(first));
        let (orders, taken) = mpsc::channel(16);
        let (control, notes) = (LinkControl::default(), Notes::default());
        let trusted = tls::client(&files.ca, false).unwrap();
        let uploads = Uploads::new(&trusted, false, Arc::new(|_| "none".into()), 1).unwrap();
        let adapter = Box::new(notes.clone());
        let link = XmppLink::new(
            "xmpp".into(),
            transport,
            pace,
            adapter,
            uploads,
            handle.clone(),
            taken,
            control.clone(),
        );
        let link = tokio::task::spawn_local(link.run());
        let acceptor = TlsAcceptor::from(tls::link_server(&files.certificate, &files.key, false).unwrap());
        Self { _folder: folder, listener, acceptor, engine: handle, orders, control, notes, link }
    }

    async fn accept(&self) -> Peer {
        let (tcp, _) = self.listener.accept().await.unwrap();
        let mut peer = Peer { io: self.acceptor.accept(tcp).await.unwrap(), heard: String::new() };
        peer.expect("version='1.0'>").await;
        peer.say(&format!("{HEADER}{FEATURES}")).await;
        peer.expect("</auth>").await;
        peer
    }

    /// A client that is logged in.
    async fn logged_in(&self) -> Peer {
        let mut peer = self.accept().await;
        peer.say("<success xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>").await;
        peer.expect("version='1.0'>").await;
        peer.say(&format!("{HEADER}{FEATURES_IN}")).await;
        peer
    }

    /// One that is bound as well, in a session that can be resumed.
    async fn in_session(&self) -> Peer {
        let mut peer = self.logged_in().await;
        peer.bind().await;
        peer
    }

    async fn types(&self, nickname: &str) {
        let order = Order::Typing { chat: "c".into(), nickname: nickname.into(), typing: true };
        self.orders.send(order).await.unwrap();
    }

    /// Waits until the link has told the adapter so many things, and gives them.
    async fn notes(&self, count: usize) -> Vec<String> {
        let waiting = async {
            let mut again = tokio::time::interval(Duration::from_millis(2));
            while self.notes.0.borrow().len() < count {
                again.tick().await;
            }
        };
        let waited = tokio::time::timeout(LIMIT, waiting).await;
        assert!(waited.is_ok(), "{:?}", self.notes.0.borrow());
        self.notes.0.borrow().clone()
    }

    async fn reason(&self) -> String {
        let reason = |state: &schakel_core::state::State| {
            state.providers.get(&ProviderId::from("xmpp")).and_then(|provider| provider.reason.clone())
        };
        self.engine.read(reason).await.unwrap().unwrap_or_default().to_string()
    }

    /// Nobody calls for a while.
    async fn stays_quiet(&self, span: Duration) {
        let called = tokio::time::timeout(span, self.listener.accept()).await;
        assert!(called.is_err(), "the link calls though it should not");
    }
}

struct Peer {
    io: TlsStream<TcpStream>,
    heard: String,
}

impl Peer {
    async fn say(&mut self, text: &str) {
        self.io.write_all(text.as_bytes()).await.unwrap();
        self.io.flush().await.unwrap();
    }

    /// Reads up to and with what is expected.
    async fn expect(&mut self, what: &str) -> String {
        let mut room = [0; 4096];
        loop {
            if let Some(at) = self.heard.find(what) {
                let rest = self.heard.split_off(at + what.len());
                return std::mem::replace(&mut self.heard, rest);
            }
            let read = tokio::time::timeout(LIMIT, self.io.read(&mut room)).await;
            let count = read.unwrap_or_else(|_| panic!("no {what} in {}", self.heard)).unwrap();
            assert!(count > 0, "closed before {what}: {}", self.heard);
            self.heard.push_str(&String::from_utf8_lossy(&room[..count]));
        }
    }

    async fn bind(&mut self) {
        let asked = self.expect("</iq>").await;
        assert!(asked.contains("test-"), "{asked}");
        let (_, id) = asked.split_once("id='").or_else(|| asked.split_once("id=\"")).unwrap();
        let id = id.split(['\'', '"']).next().unwrap();
        self.say(&format!(
            "<iq type='result' id='{id}'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'><jid>bot@chat.test/test-1</jid></bind></iq>"
        ))
        .await;
        self.expect("<enable ").await;
        self.say("<enabled xmlns='urn:xmpp:sm:3' id='s1' resume='true' max='60'/>").await;
    }

    async fn message(&mut self, id: &str) {
        self.say(&format!("<message id='{id}' from='v@chat.test/x'><body>x</body></message>")).await;
    }
}

/// As the link's own, and quick.
fn quick() -> Pace {
    Pace {
        first_pause: Duration::from_millis(5),
        longest_pause: Duration::from_millis(20),
        ..Pace::default()
    }
}

fn on_one_thread(test: impl Future<Output = ()>) {
    tls::install();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    LocalSet::new().block_on(&runtime, test);
}

#[test]
fn h_counts_only_what_is_durable() {
    on_one_thread(async {
        let house = House::start(Duration::from_millis(150), quick()).await;
        let mut server = house.in_session().await;
        server.message("1").await;
        server.message("2").await;
        server.say("<r xmlns='urn:xmpp:sm:3'/>").await;
        let early = server.expect("</a>").await;
        assert!(early.contains("h='0'") || early.contains("h=\"0\""), "{early}");
        let told = server.expect("</a>").await;
        assert!(told.contains("h='2'") || told.contains("h=\"2\""), "told of its own accord: {told}");
        assert_eq!(house.notes(4).await, ["named bot@chat.test", "opened", "received 1", "received 2"]);
    });
}

#[test]
fn a_cut_is_mended_with_nothing_lost_and_nothing_doubled() {
    on_one_thread(async {
        let house = House::start(Duration::ZERO, quick()).await;
        let mut server = house.in_session().await;
        server.message("1").await;
        house.notes(3).await;
        house.types("a").await;
        house.types("b").await;
        server.expect("</message>").await;
        server.expect("</message>").await;
        // Closed in good order, and yet without the end of the stream.
        server.io.shutdown().await.unwrap();
        drop(server);
        house.types("c").await;
        let mut server = house.logged_in().await;
        let resume = server.expect("</resume>").await;
        assert!(resume.contains("resume") && resume.contains("s1") && resume.contains("h="), "{resume}");
        assert!(
            resume.contains("'1'") || resume.contains("\"1\""),
            "one of the server's is durable: {resume}"
        );
        server.say("<resumed xmlns='urn:xmpp:sm:3' previd='s1' h='1'/>").await;
        server.message("2").await;
        let again = server.expect("<r ").await;
        let sent = |id: &str| again.contains(&format!("'{id}'")) || again.contains(&format!("\"{id}\""));
        assert_eq!((sent("a"), sent("b"), sent("c")), (false, true, true), "{again}");
        server.say("<a xmlns='urn:xmpp:sm:3' h='3'/>").await;
        let notes = house.notes(6).await;
        assert_eq!(notes[2..], ["received 1", "acknowledged 1", "received 2", "acknowledged 3"]);
    });
}

#[test]
fn a_session_that_the_server_forgot_is_begun_anew() {
    on_one_thread(async {
        let house = House::start(Duration::ZERO, quick()).await;
        let mut server = house.in_session().await;
        house.notes(2).await;
        house.types("a").await;
        server.expect("</message>").await;
        drop(server);
        let mut server = house.logged_in().await;
        server.expect("</resume>").await;
        // Without h, which the library's own parser does not take.
        server
            .say("<failed xmlns='urn:xmpp:sm:3'><item-not-found xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></failed>")
            .await;
        server.bind().await;
        let notes = house.notes(5).await;
        assert_eq!(notes[2..], ["closed", "named bot@chat.test", "opened"]);
    });
}

#[test]
fn refused_credentials_stop_the_link_until_an_operator_asks() {
    on_one_thread(async {
        let house = House::start(Duration::ZERO, quick()).await;
        let refusal = "<failure xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><not-authorized/></failure>";
        for _ in 0..3 {
            house.accept().await.say(refusal).await;
        }
        house.stays_quiet(Duration::from_millis(300)).await;
        let reason = house.reason().await;
        assert!(reason.contains("password_file") && reason.contains("reconnect"), "{reason}");
        house.control.reconnect();
        house.in_session().await;
        house.notes(2).await;
    });
}

#[test]
fn a_conflict_is_no_war() {
    on_one_thread(async {
        let pace = Pace { conflict: Duration::from_millis(400), ..quick() };
        let house = House::start(Duration::ZERO, pace).await;
        let mut server = house.in_session().await;
        server
            .say("<stream:error><conflict xmlns='urn:ietf:params:xml:ns:xmpp-streams'/></stream:error>")
            .await;
        house.stays_quiet(Duration::from_millis(300)).await;
        assert!(house.reason().await.contains("conflict"), "{}", house.reason().await);
        house.in_session().await;
    });
}

#[test]
fn a_stop_ends_the_session_and_tells_first_what_is_durable() {
    on_one_thread(async {
        let house = House::start(Duration::from_millis(100), quick()).await;
        let mut server = house.in_session().await;
        server.message("1").await;
        house.notes(3).await;
        house.types("a").await;
        server.expect("</message>").await;
        house.control.stop();
        let goodbye = server.expect("</stream:stream>").await;
        assert!(goodbye.contains("h='1'") || goodbye.contains("h=\"1\""), "{goodbye}");
        server.message("2").await;
        server.say("</stream:stream>").await;
        tokio::time::timeout(LIMIT, house.link).await.unwrap().unwrap();
        assert_eq!(house.notes.0.borrow().last().map(String::as_str), Some("received 1"));
    });
}

#[test]
fn a_stop_does_not_wait_for_a_server_that_is_away_or_says_nothing() {
    on_one_thread(async {
        let away = House::start(Duration::ZERO, quick()).await;
        drop(away.accept().await);
        away.control.stop();
        tokio::time::timeout(LIMIT, away.link).await.unwrap().unwrap();
        let silent = House::start(Duration::ZERO, quick()).await;
        let server = silent.in_session().await;
        silent.notes(2).await;
        silent.control.stop();
        tokio::time::timeout(LIMIT, silent.link).await.unwrap().unwrap();
        drop(server);
    });
}

#[test]
fn a_silent_server_is_asked_and_then_left() {
    on_one_thread(async {
        let pace = Pace { quiet: Duration::from_millis(50), silent: Duration::from_millis(100), ..quick() };
        let house = House::start(Duration::ZERO, pace).await;
        let mut server = house.in_session().await;
        server.expect("<r ").await;
        // It says nothing, and its connection stays open.
        let mut second = house.logged_in().await;
        second.expect("resume").await;
        drop(server);
    });
}

#[test]
fn what_no_parser_takes_and_what_is_too_large_costs_one_stanza_and_no_connection() {
    on_one_thread(async {
        let house = House::start(Duration::ZERO, quick()).await;
        let mut server = house.in_session().await;
        let long = "x".repeat(20_000);
        server.say(&format!("<message id='1'><x a='{long}'/></message>")).await;
        let large = "x".repeat(1024 * 1024 + 1);
        server.say(&format!("<message id='2'><body>{large}</body></message>")).await;
        server.message("3").await;
        assert_eq!(house.notes(4).await[2..], ["received 1", "received 3"]);
        let asked = async {
            loop {
                server.say("<r xmlns='urn:xmpp:sm:3'/>").await;
                let answer = server.expect("</a>").await;
                if answer.contains("h='3'") || answer.contains("h=\"3\"") {
                    return;
                }
            }
        };
        tokio::time::timeout(LIMIT, asked).await.unwrap();
    });
}
