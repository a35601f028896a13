//! Colleagues and departments: searched by name for the keypad (T13), called and transferred to by entry (T24).

use super::{all_reply, register};
use crate::ask::Ask;
use crate::problem::Failure;
use crate::reply::{json_reply, page_reply, with_version};
use crate::route::{Answer, Route, route};
use axum::response::IntoResponse as _;
use http::{Method, StatusCode};
use schakel_contract::problem::ProblemKind;
use schakel_contract::requests::{DirectoryEntryRequest, DirectorySearchRequest};
use schakel_contract::views::{DirectoryEntryView, DirectoryHitView, Scope};
use schakel_core::model::ids::DeviceId;
use schakel_core::state::State;
use schakel_register::directory::dial_string;
use schakel_register::number::NumberPlan;

/// Hits of a search, where nothing is said.
const HITS: usize = 20;

pub(super) fn routes() -> Vec<Route> {
    vec![
        route(
            Method::GET,
            "/directory/entries",
            "listDirectory",
            "The directory: colleagues and departments, by id",
            list,
        )
        .scope(Scope::DirectoryRead)
        .gives_page::<DirectoryEntryView>(),
        route(
            Method::GET,
            "/directory/entries/{entry}",
            "getDirectoryEntry",
            "A colleague or a department, and whether he is there",
            read,
        )
        .scope(Scope::DirectoryRead)
        .gives::<DirectoryHitView<'static>>()
        .versioned(),
        route(
            Method::PUT,
            "/directory/entries/{entry}",
            "putDirectoryEntry",
            "Puts a colleague or a department in the directory",
            put,
        )
        .scope(Scope::DirectoryWrite)
        .body::<DirectoryEntryRequest>()
        .gives::<DirectoryEntryView>()
        .versioned()
        .fails(ProblemKind::Conflict),
        route(
            Method::DELETE,
            "/directory/entries/{entry}",
            "deleteDirectoryEntry",
            "Takes a colleague or a department out of the directory",
            delete,
        )
        .scope(Scope::DirectoryWrite)
        .versioned(),
        route(
            Method::POST,
            "/directory/search",
            "searchDirectory",
            "Colleagues and departments by parts of a name, a department, a function or a number (T13)",
            search,
        )
        .scope(Scope::DirectoryRead)
        .search()
        .body::<DirectorySearchRequest>()
        .gives_all::<DirectoryHitView<'static>>(),
        register::import(
            route(
                Method::POST,
                "/directory/import",
                "importDirectory",
                "Reads a file of colleagues and departments: all of it or nothing",
                import,
            )
            .scope(Scope::DirectoryWrite),
        ),
    ]
}

async fn list(ask: Ask) -> Answer {
    let (directory, size) = (ask.app.register.directory(), ask.page_size());
    let rest = directory.after(ask.asked("after"));
    let page = rest.get(..size).unwrap_or(rest);
    let next = page.last().map(|entry| entry.id.clone()).filter(|_| rest.len() > size);
    Ok(page_reply(page, next))
}

async fn read(ask: Ask) -> Answer {
    let found = ask.app.register.directory().get(ask.segment("entry")).cloned();
    let entry = found.ok_or_else(|| Failure::not_found("entry of the directory"))?;
    let version = entry.version;
    let hits = seen(&ask, vec![entry]).await?;
    let hit = hits.into_iter().next().ok_or_else(|| Failure::not_found("entry of the directory"))?;
    Ok(with_version(json_reply(StatusCode::OK, &hit), version))
}

async fn put(ask: Ask) -> Answer {
    let body: DirectoryEntryRequest = ask.body()?;
    let entry = DirectoryEntryView {
        id: ask.segment("entry").to_owned(),
        kind: body.kind,
        name: body.name,
        number: body.number,
        department: body.department,
        function: body.function,
        agent: body.agent,
        email: body.email,
        queue: body.queue,
        version: 0,
    };
    let (version, _) = ask.app.register.put_entry(entry.clone(), ask.if_version()).await?;
    Ok(with_version(json_reply(StatusCode::OK, &DirectoryEntryView { version, ..entry }), version))
}

async fn delete(ask: Ask) -> Answer {
    if !ask.app.register.delete_entry(ask.segment("entry"), ask.if_version()).await? {
        return Err(Failure::not_found("entry of the directory"));
    }
    Ok(StatusCode::NO_CONTENT.into_response())
}

async fn search(ask: Ask) -> Answer {
    let body: DirectorySearchRequest = ask.body()?;
    let limit = body.limit.map_or(HITS, |limit| limit as usize);
    let found = ask.app.register.search(body.text, body.kind, limit).await?;
    Ok(all_reply(&seen(&ask, found).await?))
}

async fn import(mut ask: Ask) -> Answer {
    let (upload, options) = register::asked(&mut ask)?;
    let imported = ask.app.register.import_entries(upload.file, options).await?;
    register::report(&ask, "directory", imported)
}

/// Entries as they are there at this moment, as JSON: the state lends what it is made from.
async fn seen(ask: &Ask, entries: Vec<DirectoryEntryView>) -> Result<Vec<serde_json::Value>, Failure> {
    let plan = ask.app.register.plan();
    let look = move |state: &State| {
        let view = |entry: DirectoryEntryView| {
            let extension = extension_of(&plan, &entry.number);
            // Cannot fail: a hit has no keys that are not text.
            serde_json::to_value(DirectoryHitView::of(state, entry, &extension)).unwrap_or_default()
        };
        entries.into_iter().map(view).collect()
    };
    Ok(ask.app.engine.read(look).await?)
}

/// A number as telephone systems name the device that has it.
fn extension_of(plan: &NumberPlan, number: &str) -> DeviceId {
    match plan.normalise(number).extension {
        Some(extension) => DeviceId::from(extension.as_str()),
        None => DeviceId::from(dial_string(number).as_str()),
    }
}
