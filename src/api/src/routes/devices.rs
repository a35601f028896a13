//! Devices of ours: do-not-disturb and forwarding.

use super::{Slice, seen};
use crate::ask::Ask;
use crate::command;
use crate::problem::Failure;
use crate::route::{Answer, Route, route};
use http::Method;
use schakel_contract::requests::{DoNotDisturbRequest, ForwardingRequest};
use schakel_contract::views::{DeviceView, Scope};
use schakel_core::command::Command;
use schakel_core::model::ids::{DeviceId, ProviderId};
use schakel_core::state::State;
use serde_json::json;

pub(super) fn routes() -> Vec<Route> {
    let name = json!({ "type": "string", "minLength": 1, "maxLength": crate::router::NAME_MAX });
    const DEVICE: &str = "/providers/{provider}/devices/{device}";
    const DO_NOT_DISTURB: &str = "/providers/{provider}/devices/{device}/do-not-disturb";
    const FORWARDING: &str = "/providers/{provider}/devices/{device}/forwarding";
    vec![
        route(Method::GET, "/devices", "listDevices", "The extensions and queues that are watched", list)
            .scope(Scope::AgentsRead)
            .gives_page::<DeviceView<'static>>()
            .query("provider", "Only those of this telephone system.", name),
        route(Method::GET, DEVICE, "getDevice", "An extension or queue", read)
            .scope(Scope::AgentsRead)
            .gives::<DeviceView<'static>>(),
        route(
            Method::PUT,
            DO_NOT_DISTURB,
            "setDoNotDisturb",
            "Refuses calls at a device, or no longer",
            do_not_disturb,
        )
        .scope(Scope::AgentsWrite)
        .body::<DoNotDisturbRequest>()
        .command(),
        route(
            Method::PUT,
            FORWARDING,
            "setForwarding",
            "Forwards the calls of a device, or no longer",
            forwarding,
        )
        .scope(Scope::AgentsWrite)
        .body::<ForwardingRequest>()
        .command(),
    ]
}

async fn list(ask: Ask) -> Answer {
    let (mut slice, wanted) = (Slice::of(&ask), ask.asked("provider").map(ProviderId::from));
    let look = move |state: &State| {
        let of = |provider: &ProviderId| wanted.as_ref().is_none_or(|wanted| wanted == provider);
        for (provider, devices) in state.devices.iter().filter(|(provider, _)| of(provider)) {
            for (id, device) in devices {
                // Sorts as the pair does: `!` comes before everything that a provider's name may hold.
                let key = format!("{}!{}", provider.as_str(), id.as_str());
                if slice.wants(&key) {
                    slice.push(key, &DeviceView::of(provider, id, device));
                }
            }
        }
        slice
    };
    Ok(ask.app.engine.read(look).await?.reply())
}

async fn read(ask: Ask) -> Answer {
    let (provider, device) = place(&ask);
    let look = move |state: &State| {
        let found = state.device(&provider, &device)?;
        seen(&DeviceView::of(&provider, &device, found), 0)
    };
    let (body, _) = ask.app.engine.read(look).await?.ok_or_else(|| Failure::not_found("device"))?;
    Ok(crate::reply::body_reply(http::StatusCode::OK, body.into()))
}

async fn do_not_disturb(ask: Ask) -> Answer {
    let body: DoNotDisturbRequest = ask.body()?;
    let (provider, device) = own(&ask).await?;
    command::run(&ask, Command::SetDoNotDisturb { provider, device, on: body.on }).await
}

async fn forwarding(ask: Ask) -> Answer {
    let body: ForwardingRequest = ask.body()?;
    let (provider, device) = own(&ask).await?;
    let destination = match body.destination {
        Some(destination) => Some(command::number_of(&ask, destination).await?),
        None => None,
    };
    command::run(&ask, Command::SetForwarding { provider, device, destination }).await
}

fn place(ask: &Ask) -> (ProviderId, DeviceId) {
    (ask.segment("provider").into(), ask.segment("device").into())
}

/// The device of the path, if the caller may act there.
async fn own(ask: &Ask) -> Result<(ProviderId, DeviceId), Failure> {
    let place = place(ask);
    let there = place.clone();
    command::acts_at(ask, move |_| Some(there)).await?;
    Ok(place)
}
