//! Agents' files (W09): a place for each is asked for (XEP-0363), the link puts it there, and its address goes out with
//! the message (XEP-0066).

use schakel_core::adapter::Output;
use schakel_core::model::ids::{MessageId, ProviderChatId, Str};
use schakel_core::report::chat::ConversationEvent;
use xmpp_parsers::minidom::Element;

use crate::conversation::FileState;
use crate::session::{Question, Xmpp};
use crate::wire::{self, Set, ns};

/// Headers that a service may ask for; XEP-0363 section 5 allows no others.
const HEADERS: [&str; 3] = ["authorization", "cookie", "expires"];

impl Xmpp {
    /// Asks for places for the files of the message that is next in a conversation.
    pub(crate) fn ask_for_slots(&mut self, chat: &ProviderChatId) {
        let service = self.link.upload_service.clone().filter(|_| self.settings.upload);
        let Some(first) = self.conversations.get_mut(chat).and_then(|one| one.outbox.front_mut()) else {
            return;
        };
        let id = first.spoken.message().id;
        let Some(service) = service else {
            return self.not_uploaded(chat, id, "files cannot be sent over this chat server");
        };
        let mut requests = Vec::new();
        for (at, (state, file)) in
            first.files.iter_mut().zip(&first.spoken.message().content.files).enumerate()
        {
            if *state == FileState::New {
                *state = FileState::Asked;
                let request = wire::make("request", ns::HTTP_UPLOAD)
                    .set("filename", file.name.expose())
                    .set("size", &file.size.to_string())
                    .set("content-type", &file.media_type);
                requests.push((at, request.build()));
            }
        }
        for (at, request) in requests {
            self.ask(&service, None, "get", request, Question::Slot(chat.clone(), id, at));
        }
    }

    /// A place for a file, or none.
    pub(crate) fn slot(
        &mut self,
        chat: &ProviderChatId,
        message: MessageId,
        at: usize,
        answer: Option<&Element>,
    ) {
        let slot = answer.and_then(|answer| answer.get_child("slot", ns::HTTP_UPLOAD));
        let put = slot.and_then(|slot| slot.get_child("put", ns::HTTP_UPLOAD));
        let address = |element: Option<&Element>| {
            let url = element?.attr("url")?;
            (url.starts_with("https://") || url.starts_with("http://")).then(|| url.to_owned())
        };
        let to = address(put);
        let from = address(slot.and_then(|slot| slot.get_child("get", ns::HTTP_UPLOAD)));
        let (Some(put), Some(to), Some(from)) = (put, to, from) else {
            let words = answer.map(wire::error_of).map_or("no answer".into(), |(condition, words)| {
                if words.is_empty() { condition } else { words }
            });
            return self.not_uploaded(chat, message, &format!("the chat server takes no file: {words}"));
        };
        self.link.last_number += 1;
        let upload = self.link.last_number;
        let waiting = self
            .conversations
            .get_mut(chat)
            .and_then(|one| one.outbox.iter_mut().find(|waiting| waiting.spoken.message().id == message));
        let Some(waiting) = waiting else { return };
        let (Some(state), Some(file)) =
            (waiting.files.get_mut(at), waiting.spoken.message().content.files.get(at))
        else {
            return;
        };
        *state = FileState::Uploading(upload, from);
        let headers =
            put.children().filter(|child| child.is("header", ns::HTTP_UPLOAD)).filter_map(|header| {
                let name = header.attr("name")?;
                let value = header.text().replace(['\r', '\n'], "");
                HEADERS
                    .contains(&name.to_ascii_lowercase().as_str())
                    .then(|| (name.into(), value.as_str().into()))
            });
        self.out.push(Output::Upload {
            upload,
            file: file.id,
            media_type: file.media_type.clone(),
            url: to.as_str().into(),
            headers: headers.collect(),
        });
    }

    /// What became of an upload.
    pub(crate) fn uploaded(&mut self, upload: u64, result: Result<(), Str>) {
        let found = self.conversations.iter_mut().find_map(|(chat, one)| {
            one.outbox.iter_mut().find_map(|waiting| {
                let id = waiting.spoken.message().id;
                let state = waiting
                    .files
                    .iter_mut()
                    .find(|file| matches!(file, FileState::Uploading(number, _) if *number == upload))?;
                Some((chat.clone(), id, state))
            })
        });
        let Some((chat, message, state)) = found else { return self.observed.count("uploads_unknown") };
        match (result, std::mem::replace(state, FileState::New)) {
            (Ok(()), FileState::Uploading(_, address)) => {
                *state = FileState::There(address);
                self.pump(&chat);
            }
            (Ok(()), _) => {}
            (Err(words), _) => self.not_uploaded(&chat, message, &words),
        }
    }

    fn not_uploaded(&mut self, chat: &ProviderChatId, message: MessageId, words: &str) {
        if let Some(one) = self.conversations.get_mut(chat) {
            one.outbox.retain(|waiting| waiting.spoken.message().id != message);
        }
        self.tell(chat, ConversationEvent::NotDelivered(message, words.into()), None);
        self.pump(chat);
    }
}
