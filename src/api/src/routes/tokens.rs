//! Access tokens: made, listed, revoked.

use super::all_reply;
use crate::ask::Ask;
use crate::audit::About;
use crate::problem::Failure;
use crate::reply::json_reply;
use crate::route::{Answer, Route, route};
use axum::response::IntoResponse as _;
use http::{Method, StatusCode};
use schakel_contract::problem::ProblemKind;
use schakel_contract::requests::TokenRequest;
use schakel_contract::views::{CreatedToken, TokenView};

pub(super) fn routes() -> Vec<Route> {
    vec![
        route(Method::GET, "/tokens", "listTokens", "The access tokens, without their secrets", list)
            .gives_all::<TokenView>(),
        route(Method::POST, "/tokens", "createToken", "Makes a token; its secret is shown this once", create)
            .body::<TokenRequest>()
            .gives::<CreatedToken>()
            .created()
            .fails(ProblemKind::Conflict),
        route(Method::DELETE, "/tokens/{token}", "revokeToken", "Takes a token away, at once", revoke),
    ]
}

async fn list(ask: Ask) -> Answer {
    Ok(all_reply(&ask.app.tokens.list()))
}

async fn create(ask: Ask) -> Answer {
    let request: TokenRequest = ask.body()?;
    let most = ask.app.settings.tokens_max;
    if ask.app.tokens.count() >= most {
        let detail = format!("there are {most} tokens, which is the limit; revoke one");
        return Err(Failure::new(ProblemKind::Conflict, detail));
    }
    let created = ask.app.tokens.create(request).await.map_err(|error| {
        tracing::error!(%error, "no token could be made");
        Failure::new(ProblemKind::Internal, "the token could not be made; the log of schakel says why")
    })?;
    tracing::info!(token = created.token.id, by = ask.access.token.id, "a token was made");
    let mut response = json_reply(StatusCode::CREATED, &created);
    response.extensions_mut().insert(About(format!("tokens/{}", created.token.id)));
    Ok(response)
}

async fn revoke(ask: Ask) -> Answer {
    if !ask.app.tokens.revoke(ask.segment("token")).await? {
        return Err(Failure::not_found("token"));
    }
    tracing::info!(token = ask.segment("token"), by = ask.access.token.id, "a token was revoked");
    Ok(StatusCode::NO_CONTENT.into_response())
}
