//! The daemon is killed with SIGKILL in the middle of talking: every message that was answered with 200 is there exactly
//! once, in order, for the visitor and for the agents; and what was tried again under its id is no second message.

use crate::chats::{CHATS, QUEUE, website};
use crate::harness::{self, ANY, Dice, SOON};
use crate::process::Process;
use http::Method;
use schakel::client::ledger::Order;
use schakel::client::{Api, Visitor};
use schakel::jkc::StandIn;
use schakel_contract::reply::CommandReply;
use schakel_contract::requests::AgentName;
use schakel_contract::requests::chat::{MessageAudience, MessageRequest};
use schakel_contract::views::{ChatMessageView, ChatState, ChatView, Page};
use schakel_simulator::RunningSimulator;
use serde_json::json;
use std::path::PathBuf;
use std::time::Duration;
use tempfile::TempDir;
use uuid::Uuid;

/// Kills in the middle of talking.
const KILLS: u32 = 12;

/// Who asks again while the daemon is away waits so long in between.
const AGAIN: Duration = Duration::from_millis(10);

/// What stands around the daemon.
struct Street {
    _pbx: RunningSimulator,
    jkc: StandIn,
    api: Api,
    config: PathBuf,
    _folder: TempDir,
}

/// What was answered with 200, in order.
#[derive(Debug, Default)]
struct Said {
    visitor: Vec<Uuid>,
    agent: Vec<Uuid>,
    word: Vec<Uuid>,
}

impl Street {
    async fn new() -> (Self, Process, Api) {
        let folder = TempDir::new().unwrap();
        let pbx = schakel_simulator::start(harness::pbx()).await.unwrap();
        let (address, admin) = harness::free_ports();
        let csta = pbx.csta_address().unwrap();
        let text = harness::configuration(folder.path(), csta, &address.to_string(), &admin.to_string(), "");
        let config = folder.path().join("schakel.toml");
        let fast = "[chat]\nmessages_a_minute_max = 100000\nmessages_max = 100000\n";
        std::fs::write(&config, text + fast + CHATS).unwrap();
        let token = harness::token(&folder.path().join("journal.db"));
        let api = harness::api(address, &token);
        let jkc = StandIn::start(ANY, None, Order::Whole).await.unwrap();
        let mut process = Process::start(&config);
        process.says("schakel runs").await;
        harness::subscribe(&api, &jkc, false).await;
        let website = website(&api, &address.to_string()).await;
        (Self { _pbx: pbx, jkc, api, config, _folder: folder }, process, website)
    }

    /// An agent in the channel takes the chat of a visitor.
    async fn chat(&self, website: &Api) -> Visitor {
        let start = json!({"queues": [QUEUE]});
        harness::command(&self.api, Method::PUT, &["agents", "anna", "chat"], &start).await;
        let (kim, _) = Visitor::open(website.clone(), QUEUE, "Kim", "nl").await.unwrap();
        kim.say("De eerste vraag.").await.unwrap();
        let id = kim.id().to_string();
        harness::command(&self.api, Method::POST, &["chats", &id, "join"], &json!({"agent": "anna"})).await;
        kim
    }
}

/// The visitor says something, again and again until it is answered.
async fn visitor_says(kim: &Visitor, text: String) -> Uuid {
    let id = Uuid::now_v7();
    let mut again = tokio::time::interval(AGAIN);
    loop {
        again.tick().await;
        match kim.say_as(id, &text).await {
            Ok(reply) => {
                assert_eq!(reply.message.map(|message| message.id), Some(id));
                return id;
            }
            Err(error) => assert!(error.is_temporary(), "{error}"),
        }
    }
}

/// The agent says something, again and again until it is answered.
async fn agent_says(api: &Api, chat: &str, audience: MessageAudience, text: String) -> Uuid {
    let id = Uuid::now_v7();
    let request = MessageRequest {
        agent: AgentName("anna".into()),
        audience,
        text,
        files: Vec::new(),
        choice: None,
        canned: None,
    };
    let mut again = tokio::time::interval(AGAIN);
    loop {
        again.tick().await;
        let path = ["chats", chat, "messages", &id.to_string()];
        match api.send::<CommandReply<'static>>(Method::PUT, &path, &request).await {
            Ok(_) => return id,
            Err(error) => assert!(error.is_temporary(), "{error}"),
        }
    }
}

async fn internal(api: &Api, chat: &str) -> Vec<ChatMessageView<'static>> {
    let (mut all, mut after) = (Vec::new(), "0".to_owned());
    loop {
        let path = ["chats", chat, "messages"];
        let page = api.read(&path, &[("after", &after)], "application/json").await.unwrap();
        let page: Page<ChatMessageView<'static>> = serde_json::from_str(&page).unwrap();
        all.extend(page.items);
        match page.next {
            Some(next) => after = next,
            None => return all,
        }
    }
}

fn id_of(message: &ChatMessageView<'_>) -> (Uuid, u64) {
    match message {
        ChatMessageView::Public(message) => (message.id, message.order),
        ChatMessageView::Agents(message) => (message.id, message.order),
    }
}

/// These, in this order, and nothing else of them twice.
fn only<T: Copy + PartialEq>(all: &[T], of: &[T]) -> Vec<T> {
    all.iter().copied().filter(|one| of.contains(one)).collect()
}

#[test]
fn o14_w08_killed_in_the_middle_of_talking_every_answered_message_is_there_once_and_in_order() {
    harness::on_runtime(async {
        let mut dice = Dice::new();
        println!("seed {}; E2E_SEED repeats it", dice.seed());
        let (street, mut process, website) = Street::new().await;
        let kim = street.chat(&website).await;
        let chat = kim.id().to_string();
        let (stop, stopped) = tokio::sync::watch::channel(false);
        let (told, mut counted) = tokio::sync::watch::channel((0u32, 0u32));
        let of_visitor = async {
            let mut said = Vec::new();
            while !*stopped.borrow() {
                said.push(visitor_says(&kim, format!("vraag {}", said.len())).await);
                told.send_modify(|count| count.0 += 1);
            }
            said
        };
        let of_agent = async {
            let mut said = Said::default();
            while !*stopped.borrow() {
                let number = said.agent.len();
                let text = |what: &str| format!("{what} {number}");
                said.agent
                    .push(agent_says(&street.api, &chat, MessageAudience::Public, text("antwoord")).await);
                said.word.push(agent_says(&street.api, &chat, MessageAudience::Agents, text("geheim")).await);
                told.send_modify(|count| count.1 += 1);
            }
            said
        };
        let kills = async {
            for _ in 0..KILLS {
                // Each life has words of both in it, however slow the machine is.
                let (visitor, agent) = *counted.borrow_and_update();
                let talk = counted.wait_for(|now| now.0 > visitor + 1 && now.1 > agent + 1);
                tokio::time::timeout(SOON, talk).await.expect("both talk").unwrap();
                // A moment of the dice's choice, in the middle of whatever goes on.
                let never = std::future::pending::<()>();
                let _ = tokio::time::timeout(Duration::from_millis(dice.roll(120)), never).await;
                process.child.kill().await.unwrap();
                process = Process::start(&street.config);
                process.says("schakel runs").await;
            }
            stop.send_replace(true);
        };
        let (visitor, mut said, ()) = tokio::join!(of_visitor, of_agent, kills);
        said.visitor = visitor;
        println!(
            "{} of the visitor, {} of the agent, {} private",
            said.visitor.len(),
            said.agent.len(),
            said.word.len()
        );
        assert!(said.visitor.len() > KILLS as usize && said.agent.len() > KILLS as usize);

        let seen = kim.messages().await.unwrap();
        let seqs: Vec<_> = seen.iter().map(|message| message.seq).collect();
        assert_eq!(seqs, (1..=seqs.len() as u64).collect::<Vec<_>>(), "no gap");
        let ids: Vec<_> = seen.iter().map(|message| message.id).collect();
        assert_eq!(only(&ids, &said.visitor), said.visitor, "the visitor's, once and in order");
        assert_eq!(only(&ids, &said.agent), said.agent, "the agent's, once and in order");
        assert!(only(&ids, &said.word).is_empty() && !format!("{seen:?}").contains("geheim"), "W08");

        let all = internal(&street.api, &chat).await;
        let (ids, orders): (Vec<_>, Vec<_>) = all.iter().map(id_of).unzip();
        assert_eq!(orders, (1..=orders.len() as u64).collect::<Vec<_>>(), "no gap");
        for these in [&said.visitor, &said.agent, &said.word] {
            assert_eq!(only(&ids, these), *these, "once and in order");
        }
        let now: ChatView<'static> = street.api.get(&["chats", &chat]).await.unwrap();
        assert_eq!((now.state, now.messages), (ChatState::Active, all.len() as u64));
        // JKC is told of all of it, in order.
        let last = *said.word.last().unwrap();
        let told = |event: &schakel_contract::event::Event| {
            event.data.message.as_ref().is_some_and(|message| id_of(message).0 == last)
        };
        street
            .jkc
            .event_after(0, "the last word", SOON, told)
            .await
            .unwrap_or_else(|error| panic!("{error}"));
        let (of_jkc, violations) = street.jkc.look(|ledger| {
            let said = ledger.since(0).filter(|entry| entry.event.data.change == "chat.message");
            let ids: Vec<_> =
                said.filter_map(|entry| entry.event.data.message.as_ref().map(|one| id_of(one).0)).collect();
            (ids, ledger.violations().to_vec())
        });
        assert!(violations.is_empty(), "{violations:?}");
        for these in [&said.visitor, &said.agent] {
            assert_eq!(only(&of_jkc, these), *these, "JKC has each, once and in order");
        }
        process.child.kill().await.unwrap();
    });
}
