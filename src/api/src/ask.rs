//! A request after it was checked: who asks, and for what.

use crate::problem::Failure;
use crate::state::ApiState;
use crate::tokens::Access;
use crate::upload::Upload;
use bytes::Bytes;
use http::{HeaderMap, Method};
use schakel_contract::problem::{InputError, InputPlace, ProblemKind};
use schakel_contract::views::Scope;
use schakel_core::command::Actor;
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use uuid::Uuid;

/// A request that its route's schemas found nothing wrong with.
pub(crate) struct Ask {
    pub app: ApiState,
    pub access: Access,
    pub method: Method,
    /// The path as it was asked for, undecoded.
    pub uri: String,
    pub path: BTreeMap<String, String>,
    pub query: BTreeMap<String, String>,
    pub headers: HeaderMap,
    pub body: Value,
    /// The address that it came from.
    pub from: Option<Arc<str>>,
    /// The body as it came, for the fingerprint of an idempotency key.
    pub raw: Bytes,
    /// The file that came, of an import.
    pub upload: Option<Upload>,
}

impl Ask {
    /// A parameter of the path.
    pub(crate) fn segment(&self, name: &str) -> &str {
        self.path.get(name).map_or("", String::as_str)
    }

    /// An id in the path.
    pub(crate) fn id(&self, name: &str) -> Result<u128, Failure> {
        let wrong =
            || InputError::parameter(InputPlace::Path, name, "format", format!("{name} is not a UUID"));
        let id = Uuid::try_parse(self.segment(name)).map_err(|_| Failure::invalid(vec![wrong()]))?;
        Ok(id.as_u128())
    }

    /// A parameter of the query.
    pub(crate) fn asked(&self, name: &str) -> Option<&str> {
        self.query.get(name).map(String::as_str)
    }

    /// How long the caller of a command waits for its outcome.
    pub(crate) fn wait(&self) -> Duration {
        let asked = self.asked("wait").and_then(|text| text.parse().ok()).map(Duration::from_secs);
        asked.unwrap_or(self.app.settings.command_wait)
    }

    /// A number in the query.
    pub(crate) fn number(&self, name: &str, default: usize) -> usize {
        self.asked(name).and_then(|text| text.parse().ok()).unwrap_or(default)
    }

    /// The size of a page.
    pub(crate) fn page_size(&self) -> usize {
        const DEFAULT: usize = 100;
        self.number("pageSize", DEFAULT)
    }

    /// A header.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// The version in `If-Match`.
    pub(crate) fn if_version(&self) -> Option<u64> {
        self.header("if-match").and_then(|tag| tag.trim_matches('"').parse().ok())
    }

    /// A cursor of the stream in the query or a header.
    pub(crate) fn cursor(
        &self,
        text: Option<&str>,
        place: InputPlace,
        name: &str,
    ) -> Result<Option<u64>, Failure> {
        let wrong = |_| {
            let detail = "a cursor is a whole number below 2^63, such as 00000000000000000042";
            Failure::invalid(vec![InputError::parameter(place, name, "format", detail)])
        };
        // The journal counts in signed 64-bit numbers.
        text.map(|text| text.parse::<i64>().map(i64::unsigned_abs)).transpose().map_err(wrong)
    }

    /// The body as a type of the contract.
    pub(crate) fn body<T: DeserializeOwned>(&self) -> Result<T, Failure> {
        // Its schema found nothing; what serde still does not take is told in serde's words.
        serde_json::from_value(self.body.clone())
            .map_err(|error| Failure::invalid(vec![InputError::body("", "invalid", error.to_string())]))
    }

    /// Who asks, for the journal.
    pub(crate) fn actor(&self) -> Actor {
        Actor {
            token: self.access.token.id.as_str().into(),
            name: Some(self.access.token.name.as_str().into()),
            from: self.from.as_deref().map(Into::into),
            agent: self.access.token.agent.as_deref().map(Into::into),
        }
    }

    /// A token of one agent may act for that agent alone.
    pub(crate) fn acts_for(&self, agent: &str) -> Result<(), Failure> {
        match &self.access.token.agent {
            Some(own) if own != agent => Err(Failure::new(
                ProblemKind::Forbidden,
                format!("this token is bound to agent {own} and may not act for {agent}"),
            )),
            _ => Ok(()),
        }
    }
}

/// The scope that is missing, in words.
pub(crate) fn lacks(scope: Scope) -> Failure {
    Failure::new(
        ProblemKind::Forbidden,
        format!("this token has not the scope {}; ask for one that has", scope.as_str()),
    )
}
