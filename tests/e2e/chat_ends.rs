//! How chats end and what is left of them: wrapped up in JKC's session, archived by themselves, never served, left as
//! mail, erased.

use crate::chats::{CHATS, Chats, QUEUE, accepts, says, texts};
use crate::harness::{House, SOON, command, on_runtime, pbx};
use http::Method;
use schakel::client::Visitor;
use schakel_contract::problem::RefusalCause;
use schakel_contract::views::{
    ActionName, ChatMessageView, ChatState, EndReason, ErasureView, Page, TextName,
};
use serde_json::{Value, json};
use std::path::Path;
use tempfile::TempDir;
use uuid::Uuid;

/// How often some text is in the files of a folder.
fn occurrences(folder: &Path, needle: &str) -> usize {
    let files = std::fs::read_dir(folder).unwrap().map(|each| each.unwrap().path());
    let files = files.filter(|path| path.is_file()).map(|path| std::fs::read(path).unwrap());
    files.map(|bytes| bytes.windows(needle.len()).filter(|window| *window == needle.as_bytes()).count()).sum()
}

#[test]
fn c06_o24_a_session_opened_while_it_is_wrapped_up_keeps_it_open_and_without_one_it_is_archived_by_itself() {
    on_runtime(async {
        let chats = Chats::start().await;
        let anna = chats.agent("anna", "2001").await;
        let mark = chats.house.mark();
        let kim = chats.visitor("Kim").await;
        accepts(&anna).await;
        anna.end_chat(None).await.unwrap();
        anna.open_session(Some("Z-1")).await.unwrap();
        assert!(chats.chat(kim.id()).await.session.is_some());
        chats.pass(900, &["anna"]).await;
        // The session's own lease is kept by the browser of the softphone in real time only: what counts is that the
        // chat was not archived under an open or parked session.
        assert_eq!(chats.chat(kim.id()).await.state, ChatState::Wrapping);
        match anna.session() {
            Some(_) => drop(anna.close().await.unwrap()),
            None => {
                anna.resume().await.unwrap();
                anna.close().await.unwrap();
            }
        }
        chats.told(mark, kim.id(), "chat.archived").await;
        anna.set_ready(true, None).await.unwrap();
        let sam = chats.visitor("Sam").await;
        accepts(&anna).await;
        anna.end_chat(Some(anna.number_of(sam.id()))).await.unwrap();
        chats.told(mark, sam.id(), "chat.ended").await;
        chats.pass(600, &["anna"]).await;
        let archived = chats.told(mark, sam.id(), "chat.archived").await.data.chat.unwrap();
        assert_eq!(archived.ended.map(|ended| ended.reason), Some(EndReason::Agent));
        chats.house.ends_clean().await;
    });
}

#[test]
fn c08_c10_who_waits_too_long_or_finds_nobody_is_told_so_and_not_left_waiting() {
    on_runtime(async {
        let chats = Chats::start().await;
        let nobody = Visitor::open(chats.website.clone(), QUEUE, "Kim", "nl").await.unwrap_err();
        let problem = nobody.problem().unwrap();
        assert_eq!((problem.status, problem.cause), (409, Some(RefusalCause::AgentNotAvailable)));
        let shown = problem.availability.as_ref().unwrap();
        assert_eq!((shown.text_id, shown.may_leave_message), (TextName::ClosedWithoutForm, false));
        let anna = chats.agent("anna", "2001").await;
        chats.house.pbx.ring("0201234567", "2001").unwrap();
        anna.ringing(SOON).await.unwrap();
        anna.control(ActionName::Answer).await.unwrap();
        anna.connected(SOON).await.unwrap();
        let mark = chats.house.mark();
        let kim = chats.visitor("Kim").await;
        assert_eq!(texts(&kim).await.last(), Some(&TextName::Busy));
        chats.pass(240, &["anna"]).await;
        let over = chats.told(mark, kim.id(), "chat.ended").await.data.chat.unwrap();
        assert_eq!((over.state, over.ended.unwrap().reason), (ChatState::Unserved, EndReason::NotServed));
        assert_eq!(texts(&kim).await.last(), Some(&TextName::ClosedWithoutForm));
        chats.house.pbx.hang_up("0201234567").unwrap();
        chats.house.ends_clean().await;
    });
}

#[test]
fn c05_silence_is_warned_of_and_then_ends_it() {
    on_runtime(async {
        let chats = Chats::start().await;
        let anna = chats.agent("anna", "2001").await;
        let mark = chats.house.mark();
        let kim = chats.visitor("Kim").await;
        accepts(&anna).await;
        says(&anna, "Bent u daar nog?").await;
        chats.pass(480, &["anna"]).await;
        assert_eq!(texts(&kim).await.last(), Some(&TextName::InactivityWarning));
        assert_eq!(chats.chat(kim.id()).await.state, ChatState::Active);
        chats.pass(120, &["anna"]).await;
        let ended = chats.told(mark, kim.id(), "chat.ended").await.data.chat.unwrap();
        assert_eq!(ended.ended.map(|ended| ended.reason), Some(EndReason::Inactivity));
        assert_eq!(texts(&kim).await.last(), Some(&TextName::InactivityEnd));
        chats.house.ends_clean().await;
    });
}

#[test]
fn w06_a_choice_is_answered_by_one_of_its_options_and_by_no_other() {
    on_runtime(async {
        let chats = Chats::start().await;
        let anna = chats.agent("anna", "2001").await;
        let kim = chats.visitor("Kim").await;
        accepts(&anna).await;
        let (chat, asked) = (kim.id().to_string(), Uuid::now_v7());
        let options = json!([{"id": "ja", "text": "Ja, graag"}, {"id": "nee", "text": "Nee"}]);
        let question = json!({"agent": "anna", "text": "Zal ik u bellen?", "choice": {"options": options}});
        let path = ["chats", &chat, "messages", &asked.to_string()];
        command(&chats.house.api, Method::PUT, &path, &question).await;
        let answer = async |option: &str| {
            let body = json!({"chosen": {"message": asked, "option": option}});
            let path = ["visits", &chat, "messages", &Uuid::now_v7().to_string()];
            chats.website.send::<Value>(Method::PUT, &path, &body).await
        };
        let wrong = answer("misschien").await.unwrap_err();
        assert!(wrong.problem().is_some_and(|problem| (400..500).contains(&problem.status)), "{wrong}");
        answer("ja").await.unwrap();
        let all: Page<ChatMessageView<'static>> =
            chats.house.api.get(&["chats", &chat, "messages"]).await.unwrap();
        let chosen = all.items.iter().rev().find_map(|message| match message {
            ChatMessageView::Public(message) => message.content.chosen.as_ref(),
            ChatMessageView::Agents(_) => None,
        });
        assert_eq!(chosen.map(|chosen| (chosen.message, &*chosen.option)), Some((asked, "ja")));
        chats.house.ends_clean().await;
    });
}

#[test]
fn avg_17_an_erased_customers_chat_is_in_no_file_of_the_daemon() {
    on_runtime(async {
        let folder = TempDir::new().unwrap();
        let path = folder.path().to_owned();
        let house = House::furnished(folder, None, pbx(), "", |text| text + CHATS).await;
        let chats = Chats::of(house).await;
        let anna = chats.agent("anna", "2001").await;
        let mark = chats.house.mark();
        let kim = chats.visitor("Kwikstaart").await;
        accepts(&anna).await;
        kim.say("Mijn buurman Zandloper is er ook.").await.unwrap();
        anna.open_session(Some("K-1")).await.unwrap();
        anna.end_chat(None).await.unwrap();
        anna.close().await.unwrap();
        chats.told(mark, kim.id(), "chat.archived").await;
        // Another customer's chat stays.
        let sam = chats.visitor("Wielewaal").await;
        accepts(&anna).await;
        assert!(occurrences(&path, "Kwikstaart") > 0 && occurrences(&path, "Zandloper") > 0);
        let erased: ErasureView =
            chats.house.api.send(Method::POST, &["erasures"], &json!({"reference": "K-1"})).await.unwrap();
        assert!(erased.contacts == 1 && erased.messages > 0, "{erased:?}");
        for personal in ["Kwikstaart", "Zandloper"] {
            assert_eq!(occurrences(&path, personal), 0, "{personal} is in a file");
        }
        assert!(occurrences(&path, "Wielewaal") > 0, "another's is kept");
        sam.end().await.unwrap();
        chats.house.ends_clean().await;
    });
}
