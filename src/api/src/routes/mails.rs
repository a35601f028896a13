//! Mails that carry what visitors leave (C15): those that no server has taken, and sending them again.

use crate::ask::Ask;
use crate::problem::Failure;
use crate::reply::{json_reply, page_reply};
use crate::route::{Answer, Route, route};
use crate::time::at;
use http::{Method, StatusCode};
use schakel_contract::problem::{InputError, InputPlace};
use schakel_contract::views::{MailState, MailView, Scope};
use schakel_journal::MailRow;
use uuid::Uuid;

pub(super) fn routes() -> Vec<Route> {
    let scope = Scope::WebhooksManage;
    vec![
        route(
            Method::GET,
            "/mails",
            "listMails",
            "Mails with messages of visitors that wait for the mail server or were given up, without what is in them (C15)",
            list,
        )
        .scope(scope)
        .gives_page::<MailView>(),
        route(
            Method::POST,
            "/mails/{mail}/redrive",
            "redriveMail",
            "Sends a mail again that was given up; one that waits is tried at once",
            redrive,
        )
        .scope(scope)
        .gives::<MailView>(),
    ]
}

async fn list(ask: Ask) -> Answer {
    let after = ask.asked("after").map(Uuid::try_parse).transpose().map_err(|_| {
        let detail = "expected the `next` of the page before, which is a UUID";
        Failure::invalid(vec![InputError::parameter(InputPlace::Query, "after", "format", detail)])
    })?;
    let (after, size) = (after.unwrap_or_default().as_u128(), ask.page_size());
    let mut rows = ask.app.store.read(move |reader| reader.all_mails(after, size + 1)).await?;
    let more = rows.len() > size;
    rows.truncate(size);
    let next = rows.last().filter(|_| more).map(|last| Uuid::from_u128(last.mail.id).to_string());
    let items: Vec<_> = rows.into_iter().map(view).collect();
    Ok(page_reply(&items, next))
}

async fn redrive(ask: Ask) -> Answer {
    let id = ask.id("mail")?;
    let row = ask.app.mailer.redrive_one(id).await?.ok_or_else(|| Failure::not_found("mail"))?;
    tracing::info!(mail = %Uuid::from_u128(id), by = ask.access.token.id, "a mail is sent again");
    Ok(json_reply(StatusCode::OK, &view(row)))
}

/// Of the message only its queue.
fn view(row: MailRow) -> MailView {
    let message = schakel_engine::decode_offline(&row.mail.bytes).ok();
    MailView {
        id: Uuid::from_u128(row.mail.id),
        state: if row.dead { MailState::Dead } else { MailState::Waiting },
        queue: message.map(|message| message.queue.as_str().to_owned()),
        since: at(row.mail.at_ms),
        due_at: (!row.dead).then(|| at(row.due_ms)),
        attempts: row.attempts,
        reason: Some(row.error).filter(|reason| !reason.is_empty()),
    }
}
