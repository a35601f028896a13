//! Whose numbers are recognised (T10): switched on and off by JKC, for each number of a person or an organisation.

use super::register;
use crate::ask::Ask;
use crate::problem::Failure;
use crate::reply::{json_reply, with_version};
use crate::route::{Answer, Route, route};
use axum::response::IntoResponse as _;
use http::{Method, StatusCode};
use schakel_contract::problem::{InputError, ProblemKind};
use schakel_contract::requests::{CustomerRequest, NumberSearchRequest};
use schakel_contract::views::{CustomerNumberView, CustomerView, RecognitionView, Scope};
use schakel_register::NOT_RECOGNISABLE;

pub(super) fn routes() -> Vec<Route> {
    vec![
        route(
            Method::GET,
            "/recognition/customers/{reference}",
            "getRecognition",
            "A person or an organisation with its numbers, those that are switched off too",
            read,
        )
        .scope(Scope::RecognitionRead)
        .gives::<CustomerView>()
        .versioned(),
        route(
            Method::PUT,
            "/recognition/customers/{reference}",
            "putRecognition",
            "Switches the numbers of a person or an organisation on or off (T10)",
            put,
        )
        .scope(Scope::RecognitionWrite)
        .body::<CustomerRequest>()
        .gives::<CustomerView>()
        .versioned()
        .fails(ProblemKind::Conflict),
        route(
            Method::DELETE,
            "/recognition/customers/{reference}",
            "deleteRecognition",
            "Forgets a person or an organisation with its numbers",
            delete,
        )
        .scope(Scope::RecognitionWrite)
        .versioned(),
        route(
            Method::POST,
            "/recognition/search",
            "searchRecognition",
            "Whose number it is, as a notification would tell it",
            search,
        )
        .scope(Scope::RecognitionRead)
        .search()
        .body::<NumberSearchRequest>()
        .gives::<RecognitionView<'static>>(),
        register::import(
            route(
                Method::POST,
                "/recognition/import",
                "importRecognition",
                "Reads a file of numbers, a number a row: all of it or nothing",
                import,
            )
            .scope(Scope::RecognitionWrite),
        ),
    ]
}

async fn read(ask: Ask) -> Answer {
    let found = ask.app.register.customer(ask.segment("reference")).await?;
    let customer = found.ok_or_else(missing)?;
    Ok(with_version(json_reply(StatusCode::OK, &customer), customer.version))
}

async fn put(ask: Ask) -> Answer {
    let body: CustomerRequest = ask.body()?;
    let mut customer = CustomerView {
        reference: ask.segment("reference").to_owned(),
        kind: body.kind,
        name: body.name,
        numbers: Vec::with_capacity(body.numbers.len()),
        version: 0,
    };
    let (plan, mut errors) = (ask.app.register.plan(), Vec::new());
    for (at, given) in body.numbers.into_iter().enumerate() {
        let Some(number) = plan.normalise(&given.number).e164 else {
            let pointer = format!("/numbers/{at}/number");
            errors.push(InputError::body(pointer, "number", NOT_RECOGNISABLE));
            continue;
        };
        let representative_of = given.representative_of;
        // The same number twice is one number: what is said of it last counts.
        customer
            .numbers
            .retain(|known| known.number != number || known.representative_of != representative_of);
        customer.numbers.push(CustomerNumberView { number, enabled: given.enabled, representative_of });
    }
    if !errors.is_empty() {
        return Err(Failure::invalid(errors));
    }
    customer.numbers.sort_by(|one, other| {
        (one.number, &one.representative_of).cmp(&(other.number, &other.representative_of))
    });
    let (version, _) = ask.app.register.put_customer(customer.clone(), ask.if_version()).await?;
    Ok(with_version(json_reply(StatusCode::OK, &CustomerView { version, ..customer }), version))
}

async fn delete(ask: Ask) -> Answer {
    if !ask.app.register.delete_customer(ask.segment("reference"), ask.if_version()).await? {
        return Err(missing());
    }
    Ok(StatusCode::NO_CONTENT.into_response())
}

async fn search(ask: Ask) -> Answer {
    let body: NumberSearchRequest = ask.body()?;
    Ok(json_reply(StatusCode::OK, &ask.app.register.look_up(&body.number)))
}

async fn import(mut ask: Ask) -> Answer {
    let (upload, options) = register::asked(&mut ask)?;
    let imported = ask.app.register.import_customers(upload.file, options).await?;
    register::report(&ask, "recognition", imported)
}

fn missing() -> Failure {
    Failure::new(ProblemKind::NotFound, "no numbers are kept of this reference; PUT them here")
}
