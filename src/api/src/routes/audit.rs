//! The audit log (BIO 8.15), and erasing a customer (GDPR article 17).

use crate::ask::Ask;
use crate::audit::About;
use crate::erase;
use crate::problem::Failure;
use crate::reply::{json_reply, page_reply};
use crate::route::{Answer, Route, route};
use crate::time::at;
use http::{Method, StatusCode};
use schakel_contract::Timestamp;
use schakel_contract::problem::{InputError, InputPlace};
use schakel_contract::requests::ErasureRequest;
use schakel_contract::views::{AuditActorView, AuditRowView, ErasureView, Scope};
use schakel_engine::identifier;
use schakel_journal::{AuditFilter, AuditHead, AuditRow};
use serde_json::json;

pub(super) fn routes() -> Vec<Route> {
    let text = |max: u32| json!({ "type": "string", "minLength": 1, "maxLength": max });
    let moment = || json!({ "type": "string", "format": "date-time" });
    let cursor = json!({ "type": "string", "pattern": "^[0-9]{1,20}$" });
    vec![
        route(Method::GET, "/audit", "listAudit", "The audit log: who did what to which object, oldest first", list)
            .scope(Scope::AuditRead)
            .gives_rows::<AuditRowView>()
            .query("after", "The `next` of the page before.", cursor)
            .page_size()
            .query("token", "By this access token.", text(128))
            .query("action", "This action, such as call.answer, or a family of them, such as call.", text(64))
            .query("object", "This object, such as contacts/<id>, or what is under it.", text(300))
            .query("from", "At or after this moment.", moment())
            .query("to", "Before this moment.", moment())
            .recorded(),
        route(
            Method::POST,
            "/erasures",
            "createErasure",
            "Erases what is known of a customer: recognised numbers, and numbers and names in everything that is kept. \
             Figures stay",
            erase_customer,
        )
        .scope(Scope::PrivacyErase)
        .body::<ErasureRequest>()
        .gives::<ErasureView>(),
    ]
}

async fn list(ask: Ask) -> Answer {
    let after = ask.cursor(ask.asked("after"), InputPlace::Query, "after")?.unwrap_or(0);
    let size = ask.page_size();
    let text = |name| ask.asked(name).map(str::to_owned);
    let filter = AuditFilter {
        token: text("token"),
        action: text("action"),
        object: text("object"),
        from_ms: moment(&ask, "from")?,
        to_ms: moment(&ask, "to")?,
    };
    let (rows, next, more) = ask.app.store.read(move |reader| reader.audit(after, size, &filter)).await?;
    let rows: Vec<_> = rows.into_iter().map(view).collect();
    Ok(page_reply(&rows, more.then(|| format!("{next:020}"))))
}

fn moment(ask: &Ask, name: &str) -> Result<Option<i64>, Failure> {
    let Some(text) = ask.asked(name) else { return Ok(None) };
    let time: Timestamp = serde_json::from_value(text.into()).map_err(|error| {
        Failure::invalid(vec![InputError::parameter(InputPlace::Query, name, "format", error.to_string())])
    })?;
    Ok(Some(i64::try_from(time.as_millis()).unwrap_or(i64::MAX)))
}

fn view(row: AuditRow) -> AuditRowView {
    let hash = AuditHead { seq: row.seq, hash: row.hash }.to_text();
    let AuditRow { seq, entry, .. } = row;
    AuditRowView {
        seq,
        at: at(entry.at_ms),
        actor: AuditActorView { token: entry.token, name: entry.name, agent: entry.agent },
        action: entry.action,
        object: entry.object,
        result: entry.result,
        from: entry.from,
        hash: hash.split_once(':').map(|(_, hash)| hash.to_owned()).unwrap_or_default(),
    }
}

async fn erase_customer(ask: Ask) -> Answer {
    let request: ErasureRequest = ask.body()?;
    let app = ask.app.clone();
    let reference = request.reference.clone();
    // It goes on when the caller does not wait for it: half erased is not erased.
    let erased = tokio::spawn(async move { erase::customer(&app, &reference).await });
    let erased = erased.await.unwrap_or_else(|_| Err(erase::interrupted()))?;
    let mut response = json_reply(StatusCode::OK, &erased);
    response.extensions_mut().insert(About(format!("customers/{}", identifier(&request.reference))));
    Ok(response)
}
