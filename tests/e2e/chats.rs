//! Chats over real sockets: a visitor's program with its own token, agents' screens, the telephone system, JKC.

use crate::agents::sits;
use crate::harness::{House, SOON, command, on_runtime, pbx, pbx_has, town_hall};
use http::Method;
use schakel::client::{Api, ApiError, Visitor};
use schakel::softphone::{Softphone, SoftphoneError};
use schakel_contract::event::Event;
use schakel_contract::problem::RefusalCause;
use schakel_contract::requests::TokenRequest;
use schakel_contract::requests::chat::MessageAudience;
use schakel_contract::views::{
    AgentView, AvailabilityState as Is, ChatMessageView, ChatOverviewView, ChatRole, ChatState, ChatView,
    CreatedToken, EndReason, Page, RevokedBecause, Scope, TextName, VisitState,
};
use schakel_simulator::config::SimulatorConfig;
use schakel_simulator::switch::AgentState as PbxState;
use serde_json::json;
use tempfile::TempDir;
use uuid::Uuid;

/// The queue of chats.
pub const QUEUE: &str = "burgerzaken";

/// Where agents take a chat from the list.
const LIST: &str = "lijst";

/// Queues of chats; each agent has two chats at once.
pub const CHATS: &str = r#"
[[chat.queues]]
name = "burgerzaken"
chats_max = 2
[[chat.queues]]
name = "lijst"
offers = false
"#;

/// A house with chats, and a website.
pub struct Chats {
    pub house: House,
    pub website: Api,
}

/// What a private word says, in words that nothing else has.
const WORD: &str = "Kwikstaart vertelt dit alleen aan collega's";

/// The API with a token of a website's program: it may open chats for visitors and nothing else.
pub async fn website(api: &Api, url: &str) -> Api {
    let request = TokenRequest {
        name: "website".into(),
        scopes: vec![Scope::ChatsVisit],
        agent: None,
        expires_at: None,
    };
    let token: CreatedToken = api.send(Method::POST, &["tokens"], &request).await.unwrap();
    crate::harness::api(url.parse().unwrap(), &token.secret)
}

impl Chats {
    pub async fn start() -> Self {
        Self::with(pbx()).await
    }

    async fn with(simulator: SimulatorConfig) -> Self {
        let folder = TempDir::new().unwrap();
        let house = House::furnished(folder, None, simulator, "", |text| text + CHATS).await;
        Self::of(house).await
    }

    /// In a house that is furnished with them.
    pub async fn of(house: House) -> Self {
        let website = website(&house.api, &house.daemon.api.to_string()).await;
        Self { house, website }
    }

    /// An agent at a telephone, in the channel.
    pub async fn agent(&self, name: &str, device: &str) -> Softphone {
        let phone = self.house.agent(name, device).await;
        phone.chat_on(&[QUEUE.into()]).await.unwrap();
        phone
    }

    /// A visitor who has asked something.
    pub async fn visitor(&self, name: &str) -> Visitor {
        self.visitor_of(QUEUE, name).await
    }

    async fn visitor_of(&self, queue: &str, name: &str) -> Visitor {
        let (visitor, _) = Visitor::open(self.website.clone(), queue, name, "nl").await.unwrap();
        visitor.say(&format!("{name} vraagt iets.")).await.unwrap();
        visitor
    }

    /// The next notification of a kind about a chat.
    pub async fn told(&self, mark: usize, chat: Uuid, change: &str) -> Event {
        self.told_of(mark, chat, change, |_| true).await
    }

    async fn told_of(&self, mark: usize, chat: Uuid, change: &str, fits: impl Fn(&Event) -> bool) -> Event {
        let about = |event: &Event| {
            event.data.change == change
                && event.data.chat.as_ref().is_some_and(|known| known.id == chat)
                && fits(event)
        };
        let what = format!("{change} of chat {chat}");
        self.house.jkc.event_after(mark, what, SOON, about).await.unwrap_or_else(|error| panic!("{error}")).0
    }

    async fn offered_to(&self, mark: usize, chat: Uuid, agent: &str) -> Event {
        let to = |event: &Event| event.data.offer.as_ref().is_some_and(|offer| offer.agent == agent);
        self.told_of(mark, chat, "chat.offered", to).await
    }

    pub async fn chat(&self, chat: Uuid) -> ChatView<'static> {
        self.house.api.get(&["chats", &chat.to_string()]).await.unwrap()
    }

    /// Time passes, while the browsers of these agents say that they are there.
    pub async fn pass(&self, seconds: u64, there: &[&str]) {
        for _ in 0..seconds.div_ceil(15) {
            self.house.pass(15).await;
            for agent in there {
                self.house.api.tell(&["agents", agent, "chat", "heartbeat"]).await.unwrap();
            }
        }
    }
}

/// Takes the chat that is offered.
pub async fn accepts(agent: &Softphone) -> Uuid {
    let offer = agent.offered(SOON).await.unwrap_or_else(|error| panic!("{error}"));
    agent.accept(None).await.unwrap_or_else(|error| panic!("{error}"));
    offer.chat
}

pub async fn says(agent: &Softphone, text: &str) {
    agent.say(None, MessageAudience::Public, text).await.unwrap_or_else(|error| panic!("{error}"));
}

fn owner(chat: &ChatView<'_>) -> String {
    let mut there = chat.participants.iter().filter(|one| one.left_at.is_none());
    let owners: Vec<_> = there.by_ref().filter(|one| one.role == ChatRole::Owner).collect();
    assert_eq!(owners.len(), 1, "there is one owner: {chat:?}");
    owners[0].agent.to_string()
}

fn cause(error: &SoftphoneError) -> Option<RefusalCause> {
    match error {
        SoftphoneError::Api(ApiError::Problem(problem)) => problem.cause,
        _ => None,
    }
}

pub async fn texts(visitor: &Visitor) -> Vec<TextName> {
    visitor.messages().await.unwrap().iter().filter_map(|message| message.author.text_id).collect()
}

#[test]
fn c01_c05_c06_o05_o06_o07_o09_o18_w10_a_chat_from_the_first_word_to_the_archive() {
    on_runtime(async {
        let chats = Chats::start().await;
        let anna = chats.agent("anna", "2001").await;
        let mark = chats.house.mark();
        let (kim, visit) = Visitor::open(chats.website.clone(), QUEUE, "Kim", "nl").await.unwrap();
        let chat = visit.id;
        assert_eq!(visit.state, VisitState::Opened);
        kim.say("Ik heb een vraag.").await.unwrap();
        chats.offered_to(mark, chat, "anna").await;
        accepts(&anna).await;
        says(&anna, "Zegt u het maar.").await;
        kim.say("Wanneer bent u open?").await.unwrap();
        let unanswered = chats.chat(chat).await.unanswered_since;
        assert!(unanswered.is_some(), "O07: words wait for an answer");
        says(&anna, "Van 9 tot 5.").await;
        assert!(chats.chat(chat).await.unanswered_since.is_none());
        // JKC works on the contact before the talking ends; it is closed with the work.
        anna.open_session(Some("Z-1")).await.unwrap();
        anna.set_fields(None, |fields| fields.subject = Some("Openingstijden".into())).await.unwrap();
        anna.end_chat(None).await.unwrap();
        chats.told(mark, chat, "chat.ended").await;
        let ended = chats.chat(chat).await;
        assert_eq!(ended.state, ChatState::Wrapping);
        assert_eq!(ended.ended.as_ref().map(|ended| ended.reason), Some(EndReason::Agent));
        assert!(texts(&kim).await.contains(&TextName::EndedByAgent));
        kim.rate(4, None).await.unwrap();
        anna.close().await.unwrap();
        let archived = chats.told(mark, chat, "chat.archived").await.data.chat.unwrap();
        assert_eq!(archived.fields.subject.as_deref(), Some("Openingstijden"));
        assert_eq!(archived.rating.as_ref().map(|rating| rating.stars), Some(4));
        let seqs: Vec<_> = kim.messages().await.unwrap().iter().map(|message| message.seq).collect();
        assert_eq!(seqs, (1..=seqs.len() as u64).collect::<Vec<_>>());
        let said: Vec<_> = kim.messages().await.unwrap().into_iter().map(|m| m.text.to_string()).collect();
        let order: Vec<_> = ["Ik heb een vraag.", "Zegt u het maar.", "Wanneer bent u open?", "Van 9 tot 5."]
            .map(|text| said.iter().position(|one| one == text).unwrap())
            .into();
        assert!(order.is_sorted(), "{said:?}");
        chats.house.ends_clean().await;
    });
}

#[test]
fn w08_o20_w07_o22_a_private_word_is_in_no_byte_that_a_visitor_gets() {
    on_runtime(async {
        let chats = Chats::start().await;
        let anna = chats.agent("anna", "2001").await;
        let kim = chats.visitor("Kim").await;
        let mut stream = kim.follow().await.unwrap();
        let chat = accepts(&anna).await;
        let bram = chats.agent("bram", "2002").await;
        let mark = chats.house.mark();
        anna.invite(None, "@bram", false).await.unwrap();
        let second = anna.invite(None, "@carla", false).await.unwrap_err();
        assert_eq!(cause(&second), Some(RefusalCause::InvitationOpen), "W07: one at a time");
        accepts(&bram).await;
        chats.told(mark, chat, "chat.participant-joined").await;
        for agent in [&anna, &bram] {
            agent.say(None, MessageAudience::Agents, WORD).await.unwrap();
        }
        says(&bram, "Ik neem het over.").await;
        // O22: whoever leaves hands it over.
        let mark = chats.house.mark();
        anna.leave_chat(None).await.unwrap();
        let moved = chats.told(mark, chat, "chat.transferred").await;
        assert_eq!(owner(moved.data.chat.as_ref().unwrap()), "bram");
        bram.end_chat(None).await.unwrap();
        bram.archive(Some(bram.number_of(chat))).await.unwrap();
        chats.told(mark, chat, "chat.archived").await;
        // Agents have it, marked.
        let id = chat.to_string();
        let internal: Page<ChatMessageView<'static>> =
            chats.house.api.get(&["chats", &id, "messages"]).await.unwrap();
        let words = internal.items.iter().filter(|message| matches!(message, ChatMessageView::Agents(_)));
        assert_eq!(words.count(), 2);
        // The visitor has it nowhere.
        let mut bytes = kim.everything().await.unwrap();
        while let Some(message) = stream.next().await {
            bytes.push_str(&message.kind);
            bytes.push_str(&message.data);
        }
        for media in ["application/json", "text/html"] {
            let path = ["chats", &id, "transcript"];
            bytes.push_str(&chats.house.api.read(&path, &[("audience", "public")], media).await.unwrap());
        }
        assert!(bytes.contains("Ik neem het over."), "the stream and the transcripts were read");
        for trace in ["Kwikstaart", "\"order\"", "audience", "invitation", "\"version\""] {
            assert!(!bytes.contains(trace), "{trace}: {bytes}");
        }
        // His token opens nothing of the agents' side.
        for path in [&["chats", &id, "messages"][..], &["chats", &id, "transcript"], &["chats", &id]] {
            let refused = chats.website.get::<serde_json::Value>(path).await.unwrap_err();
            assert_eq!(refused.problem().map(|problem| problem.status), Some(403));
        }
        chats.house.ends_clean().await;
    });
}

#[test]
fn c02_a_ringing_telephone_takes_the_offer_away_and_leaves_the_chat_that_goes_on() {
    on_runtime(async {
        let chats = Chats::start().await;
        let anna = chats.agent("anna", "2001").await;
        let kim = chats.visitor("Kim").await;
        let goes_on = accepts(&anna).await;
        let mark = chats.house.mark();
        let sam = chats.visitor("Sam").await;
        chats.offered_to(mark, sam.id(), "anna").await;
        let bram = chats.agent("bram", "2002").await;
        chats.house.pbx.ring("0201234567", "2001").unwrap();
        let revoked = chats.told(mark, sam.id(), "chat.revoked").await;
        assert_eq!(revoked.data.offer.as_ref().unwrap().revoked, Some(RevokedBecause::AgentBusy));
        chats.offered_to(mark, sam.id(), "bram").await;
        assert!(!texts(&sam).await.contains(&TextName::Unresponsive), "nobody ignored him");
        assert_eq!(accepts(&bram).await, sam.id());
        anna.ringing(SOON).await.unwrap();
        let running = chats.chat(goes_on).await;
        assert_eq!((running.state, owner(&running).as_str()), (ChatState::Active, "anna"));
        says(&anna, "Een ogenblik, de telefoon gaat.").await;
        kim.say("Goed.").await.unwrap();
        chats.house.pbx.hang_up("0201234567").unwrap();
        chats.house.ends_clean().await;
    });
}

#[test]
fn c03_c09_w02_ignored_goes_to_the_next_and_the_visitor_is_told_rejected_at_once_and_he_is_not() {
    on_runtime(async {
        let chats = Chats::start().await;
        let _anna = chats.agent("anna", "2001").await;
        let bram = chats.agent("bram", "2002").await;
        let mark = chats.house.mark();
        let kim = chats.visitor("Kim").await;
        chats.offered_to(mark, kim.id(), "anna").await;
        assert!(bram.offer(None).is_none(), "one offer at a time");
        chats.pass(30, &["anna", "bram"]).await;
        chats.told(mark, kim.id(), "chat.expired").await;
        chats.offered_to(mark, kim.id(), "bram").await;
        assert!(texts(&kim).await.contains(&TextName::Unresponsive));
        // Another visitor is rejected: at once to the other agent, and nobody is told that it takes longer.
        bram.offered(SOON).await.unwrap();
        let carla = chats.agent("carla", "2003").await;
        bram.reject(None).await.unwrap();
        chats.told(mark, kim.id(), "chat.rejected").await;
        chats.offered_to(mark, kim.id(), "carla").await;
        assert_eq!(accepts(&carla).await, kim.id());
        let ignored: AgentView<'static> = chats.house.api.get(&["agents", "anna"]).await.unwrap();
        assert_eq!(ignored.chat.as_ref().map(|chat| (chat.ignored, chat.paused)), Some((1, false)));
        chats.house.ends_clean().await;
    });
}

#[test]
fn o21_who_vanishes_leaves_his_chat_first_in_line_with_all_that_was_said() {
    on_runtime(async {
        let chats = Chats::start().await;
        let anna = chats.agent("anna", "2001").await;
        let kim = chats.visitor("Kim").await;
        let lost = accepts(&anna).await;
        says(&anna, "Ik zoek het op.").await;
        let last = anna.leave_chat(None).await.unwrap_err();
        assert_eq!(cause(&last), Some(RefusalCause::LastAgent), "O21");
        // Bram has as many as he can; Sam waits.
        let bram = chats.agent("bram", "2002").await;
        anna.set_ready(false, None).await.unwrap();
        let (first, second) = (chats.visitor("Eerste").await, chats.visitor("Tweede").await);
        for _ in 0..2 {
            accepts(&bram).await;
        }
        let sam = chats.visitor("Sam").await;
        let mark = chats.house.mark();
        anna.browser(false);
        chats.pass(90, &["bram"]).await;
        let queued = chats.told(mark, lost, "chat.queued").await.data.chat.unwrap();
        assert_eq!(queued.id, kim.id());
        assert!(texts(&kim).await.contains(&TextName::Requeued));
        first.end().await.unwrap();
        let offer = bram.offered(SOON).await.unwrap();
        assert_eq!(offer.chat, lost, "who was being helped is first in line, before {}", sam.id());
        accepts(&bram).await;
        bram.choose(lost);
        let said = bram.transcript(None).await.unwrap();
        let said = format!("{said:?}");
        assert!(said.contains("Kim vraagt iets.") && said.contains("Ik zoek het op."), "{said}");
        assert_eq!(owner(&chats.chat(lost).await), "bram");
        second.end().await.unwrap();
        assert_eq!(accepts(&bram).await, sam.id());
        chats.house.ends_clean().await;
    });
}

#[test]
fn c02_t02_the_telephone_system_has_who_chats_as_not_ready_and_again_as_he_was() {
    on_runtime(async {
        let chats = Chats::with(town_hall()).await;
        sits(&chats.house.api, "4001", "2001").await;
        pbx_has(&chats.house.pbx, "2001", Some(PbxState::Ready)).await;
        let start = json!({"queues": [QUEUE], "nickname": "Anna"});
        command(&chats.house.api, Method::PUT, &["agents", "4001", "chat"], &start).await;
        let mark = chats.house.mark();
        let kim = chats.visitor("Kim").await;
        let offered = chats.offered_to(mark, kim.id(), "4001").await.data.offer.unwrap();
        let (chat, offer) = (kim.id().to_string(), offered.id.to_string());
        let me = json!({"agent": "4001"});
        command(&chats.house.api, Method::POST, &["chats", &chat, "offers", &offer, "accept"], &me).await;
        let now = chats.house.is("4001", Is::Chatting).await;
        assert!(!now.availability.takes_calls, "{:?}", now.availability);
        pbx_has(&chats.house.pbx, "2001", Some(PbxState::NotReady)).await;
        command(&chats.house.api, Method::POST, &["chats", &chat, "end"], &me).await;
        let archive = ["chats", &chat, "archive"];
        command(&chats.house.api, Method::POST, &archive, &json!({})).await;
        chats.house.is("4001", Is::Available).await;
        pbx_has(&chats.house.pbx, "2001", Some(PbxState::Ready)).await;
        chats.house.ends_clean().await;
    });
}

#[test]
fn o08_w01_two_agents_race_for_one_chat_and_one_of_them_owns_it() {
    on_runtime(async {
        let chats = Chats::start().await;
        let (anna, bram) = (chats.house.agent("anna", "2001").await, chats.house.agent("bram", "2002").await);
        for phone in [&anna, &bram] {
            phone.chat_on(&[LIST.into()]).await.unwrap();
        }
        for round in 0..10 {
            let mark = chats.house.mark();
            let kim = chats.visitor_of(LIST, "Kim").await;
            chats.told(mark, kim.id(), "chat.queued").await;
            let id = kim.id().to_string();
            let join = async |agent: &'static str| {
                let body = json!({"agent": agent});
                chats.house.api.command(Method::POST, &["chats", &id, "join"], Some(&body)).await
            };
            let (one, two) = tokio::join!(join("anna"), join("bram"));
            assert!(one.is_ok() || two.is_ok(), "round {round}: {one:?} {two:?}");
            let chat = chats.chat(kim.id()).await;
            assert_eq!(chat.state, ChatState::Active);
            let there = chat.participants.iter().filter(|one| one.left_at.is_none()).count();
            assert_eq!(there, usize::from(one.is_ok()) + usize::from(two.is_ok()), "round {round}");
            assert!(["anna", "bram"].contains(&owner(&chat).as_str()));
            kim.end().await.unwrap();
            command(&chats.house.api, Method::POST, &["chats", &id, "archive"], &json!({})).await;
        }
        chats.house.ends_clean().await;
    });
}

#[test]
fn c01_an_offer_is_taken_once_and_by_no_other() {
    on_runtime(async {
        let chats = Chats::start().await;
        let anna = chats.agent("anna", "2001").await;
        let _bram = chats.agent("bram", "2002").await;
        let kim = chats.visitor("Kim").await;
        let offer = anna.offered(SOON).await.unwrap();
        let (chat, id) = (offer.chat.to_string(), offer.id.to_string());
        let take = async |agent: &'static str| {
            let (body, path) = (json!({"agent": agent}), ["chats", &chat, "offers", &id, "accept"]);
            chats.house.api.command(Method::POST, &path, Some(&body)).await
        };
        let (theirs, ours) = tokio::join!(take("bram"), take("anna"));
        let refused = theirs.unwrap_err();
        assert!(refused.problem().is_some_and(|problem| problem.cause.is_some()), "{refused}");
        ours.unwrap();
        let chat = chats.chat(kim.id()).await;
        assert_eq!((chat.state, owner(&chat).as_str()), (ChatState::Active, "anna"));
        chats.house.ends_clean().await;
    });
}

#[test]
fn o16_the_visitor_ends_it_and_who_leaves_before_anybody_came_is_abandoned() {
    on_runtime(async {
        let chats = Chats::start().await;
        let anna = chats.agent("anna", "2001").await;
        let mark = chats.house.mark();
        let kim = chats.visitor("Kim").await;
        chats.offered_to(mark, kim.id(), "anna").await;
        kim.end().await.unwrap();
        let revoked = chats.told(mark, kim.id(), "chat.revoked").await;
        assert_eq!(revoked.data.offer.as_ref().unwrap().revoked, Some(RevokedBecause::ChatEnded));
        let over = chats.told(mark, kim.id(), "chat.ended").await.data.chat.unwrap();
        assert_eq!(over.state, ChatState::Abandoned);
        let sam = chats.visitor("Sam").await;
        let chat = accepts(&anna).await;
        sam.end().await.unwrap();
        let ended = chats.told(mark, chat, "chat.ended").await.data.chat.unwrap();
        assert_eq!(ended.ended.as_ref().map(|ended| ended.reason), Some(EndReason::Visitor));
        assert_eq!(sam.look().await.unwrap().state, VisitState::Ended);
        assert!(sam.say("Nog iets").await.is_err(), "nothing is said after the end");
        chats.house.ends_clean().await;
    });
}

#[test]
fn o22_o23_handed_over_when_the_other_joins_and_watched_unseen() {
    on_runtime(async {
        let chats = Chats::start().await;
        let anna = chats.agent("anna", "2001").await;
        let kim = chats.visitor("Kim").await;
        let chat = accepts(&anna).await;
        let id = chat.to_string();
        let bram = chats.agent("bram", "2002").await;
        let mark = chats.house.mark();
        let _carla = chats.house.agent("carla", "2003").await;
        let watch = json!({"agent": "carla", "purpose": "Kwaliteit"});
        command(&chats.house.api, Method::POST, &["chats", &id, "observe"], &watch).await;
        chats.told(mark, chat, "chat.observed").await;
        assert!(!kim.everything().await.unwrap().contains("carla"), "O23: unseen");
        // To whoever of the queue can: that is Bram.
        anna.invite(None, QUEUE, true).await.unwrap();
        accepts(&bram).await;
        let moved = chats.told(mark, chat, "chat.transferred").await.data.chat.unwrap();
        assert_eq!(owner(&moved), "bram");
        let anna_left = moved.participants.iter().any(|one| one.agent == "anna" && one.left_at.is_some());
        assert!(anna_left, "{moved:?}");
        says(&bram, "U spreekt met Bram.").await;
        let said = anna.say(Some(1), MessageAudience::Public, "Ik ben er nog.").await.unwrap_err();
        assert_eq!(cause(&said), Some(RefusalCause::NotParticipant));
        chats.house.ends_clean().await;
    });
}

#[test]
fn o24_o25_c02_capacity_is_one_for_telephone_and_chat_and_the_overview_counts_it() {
    on_runtime(async {
        let chats = Chats::start().await;
        let anna = chats.agent("anna", "2001").await;
        let overview =
            async || chats.house.api.get::<ChatOverviewView<'static>>(&["chat-overview"]).await.unwrap();
        let empty = overview().await;
        assert_eq!((empty.maximum, empty.running, empty.left), (2, 0, 2));
        let kim = chats.visitor("Kim").await;
        accepts(&anna).await;
        let sam = chats.visitor("Sam").await;
        accepts(&anna).await;
        let mark = chats.house.mark();
        let lou = chats.visitor("Lou").await;
        assert_eq!(lou.look().await.unwrap().text_id, Some(TextName::Busy), "C08");
        let full = overview().await;
        assert_eq!((full.running, full.left, full.waiting, full.unanswered), (2, 0, 1, 3), "{full:?}");
        assert_eq!(full.agents[0].unanswered, 2, "{full:?}");
        assert!(anna.offer(None).is_none());
        // A telephone that rings is taken as it is, and while it does no chat comes, whatever room there is.
        chats.house.pbx.ring("0201234567", "2001").unwrap();
        anna.ringing(SOON).await.unwrap();
        kim.end().await.unwrap();
        chats.told(mark, kim.id(), "chat.ended").await;
        assert_eq!(chats.chat(lou.id()).await.state, ChatState::Queued);
        chats.house.pbx.hang_up("0201234567").unwrap();
        chats.offered_to(mark, lou.id(), "anna").await;
        assert_eq!(accepts(&anna).await, lou.id());
        // O24: those that ended and wait for their record; the others go on.
        let list = async |open: &str| {
            let text = chats.house.api.read(&["chats"], &[("open", open)], "application/json").await.unwrap();
            let page: Page<ChatView<'static>> = serde_json::from_str(&text).unwrap();
            page.items.iter().map(|chat| chat.id).collect::<Vec<_>>()
        };
        assert_eq!(list("true").await, [kim.id()]);
        assert_eq!(list("false").await, [sam.id(), lou.id()]);
        chats.house.ends_clean().await;
    });
}
