//! Transfers: warm with take-back (T07), and cold (T08).

use super::calls::provider_of;
use super::{read_one, seen};
use crate::ask::Ask;
use crate::command;
use crate::problem::Failure;
use crate::route::{Answer, Route, route};
use http::Method;
use schakel_contract::requests::TransferRequest;
use schakel_contract::views::{Scope, TransferView};
use schakel_core::command::Command;
use schakel_core::model::ids::{CallId, DeviceId, TransferId};

pub(super) fn routes() -> Vec<Route> {
    vec![
        route(
            Method::POST,
            "/transfers",
            "startTransfer",
            "Hands a customer over, warm (T07) or cold (T08)",
            start,
        )
        .scope(Scope::CallsControl)
        .body::<TransferRequest>()
        .command()
        .versioned(),
        route(
            Method::GET,
            "/transfers/{transfer}",
            "getTransfer",
            "A transfer with what can be done to it",
            read,
        )
        .scope(Scope::CallsRead)
        .gives::<TransferView<'static>>()
        .versioned(),
        route(
            Method::POST,
            "/transfers/{transfer}/complete",
            "completeTransfer",
            "The colleague takes over now (T07)",
            complete,
        )
        .scope(Scope::CallsControl)
        .command()
        .versioned(),
        route(
            Method::POST,
            "/transfers/{transfer}/take-back",
            "takeBack",
            "The agent takes the customer back (T07)",
            take_back,
        )
        .scope(Scope::CallsControl)
        .command()
        .versioned(),
    ]
}

async fn read(ask: Ask) -> Answer {
    let id = TransferId(ask.id("transfer")?);
    read_one(&ask.app, "transfer", move |state| {
        let transfer = state.transfers.get(&id)?;
        seen(&TransferView::of(state, transfer), transfer.version)
    })
    .await
}

async fn start(ask: Ask) -> Answer {
    let body: TransferRequest = ask.body()?;
    let (call, device) = (CallId(body.call.as_u128()), DeviceId::from(body.device.as_str()));
    let at = device.clone();
    command::acts_at(&ask, move |state| Some((provider_of(state, call)?, at))).await?;
    let chosen = body.department.map(Into::into);
    let department = chosen.or_else(|| command::department_of(&ask.app, &body.to));
    let to = command::number_of(&ask, body.to).await?;
    command::run(&ask, Command::Transfer { call, device, to, kind: body.kind.into(), department }).await
}

async fn complete(ask: Ask) -> Answer {
    let transfer = own(&ask).await?;
    command::run(&ask, Command::CompleteTransfer { transfer }).await
}

async fn take_back(ask: Ask) -> Answer {
    let transfer = own(&ask).await?;
    command::run(&ask, Command::TakeBack { transfer }).await
}

/// The transfer of the path, if the caller may act at its device.
async fn own(ask: &Ask) -> Result<TransferId, Failure> {
    let id = TransferId(ask.id("transfer")?);
    command::acts_at(ask, move |state| {
        let transfer = state.transfers.get(&id)?;
        Some((provider_of(state, transfer.call)?, transfer.device.clone()))
    })
    .await?;
    Ok(id)
}
