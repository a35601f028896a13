//! The agent's own work: ready or not, contact sessions, keep or ignore, the directory.

use super::phone::{Softphone, SoftphoneError};
use reqwest::Method;
use schakel_contract::reply::CommandReply;
use schakel_contract::requests::{
    AgentName, AvailabilityRequest, Destination, DialString, DirectorySearchRequest, EntryId,
    SessionDecisionRequest, SessionRequest,
};
use schakel_contract::views::{AgentView, DirectoryHitView, SessionDecision, SessionState, SessionView};
use serde::Deserialize;
use uuid::Uuid;

/// So many hits are shown: what does not fit on a keypad is found by another letter.
const HITS_MAX: u32 = 9;

/// What the API gives of a small collection.
#[derive(Deserialize)]
struct Items<T> {
    items: Vec<T>,
}

/// A reply, or why not.
type Done = Result<CommandReply<'static>, SoftphoneError>;

impl Softphone {
    /// The agent as he is known now.
    pub fn agent(&self) -> Option<AgentView<'static>> {
        self.look(|ledger| ledger.picture().agent(&self.seat().agent).cloned())
    }

    /// The contact session that is open.
    pub fn session(&self) -> Option<SessionView<'static>> {
        self.look(|ledger| {
            let picture = ledger.picture();
            let open = picture.agent(&self.seat().agent)?.session?;
            picture.session(open).cloned()
        })
    }

    /// The agent wants calls, or not, for this reason.
    ///
    /// # Errors
    /// As [`Softphone::obey`].
    pub async fn set_ready(&self, ready: bool, reason: Option<&str>) -> Done {
        let request = AvailabilityRequest { ready, reason: reason.map(str::to_owned) };
        self.command(Method::PUT, &["agents", &self.seat().agent, "availability"], Some(&request)).await
    }

    /// Opens a contact session, about the customer who is or was here last.
    ///
    /// # Errors
    /// As [`Softphone::obey`].
    pub async fn open_session(&self, reference: Option<&str>) -> Done {
        let contact = self.look(|ledger| {
            let picture = ledger.picture();
            picture.calls_at(&self.seat().device).last().map(|(call, _)| call.contact)
        });
        let agent = AgentName(self.seat().agent.clone());
        let request = SessionRequest { agent, contact, reference: reference.map(str::to_owned) };
        self.command(Method::POST, &["sessions"], Some(&request)).await
    }

    /// Keeps the open session for later.
    ///
    /// # Errors
    /// As [`Softphone::obey`].
    pub async fn park(&self) -> Done {
        self.change_session(self.open_one().await?, "park").await
    }

    /// Goes on with the session that was parked last.
    ///
    /// # Errors
    /// As [`Softphone::obey`].
    pub async fn resume(&self) -> Done {
        let parked = self.look(|ledger| {
            let mut all = ledger.picture().sessions_of(&self.seat().agent);
            all.rfind(|session| session.state == SessionState::Parked).map(|session| session.id)
        });
        self.change_session(parked.ok_or(SoftphoneError::Nothing("no session is parked"))?, "resume").await
    }

    /// Ends the open session: the agent is free.
    ///
    /// # Errors
    /// As [`Softphone::obey`].
    pub async fn close(&self) -> Done {
        self.change_session(self.open_one().await?, "close").await
    }

    /// Keeps or ignores the open session, now that a call has arrived.
    ///
    /// # Errors
    /// As [`Softphone::obey`].
    pub async fn decide(&self, decision: SessionDecision) -> Done {
        let asked = self.look(|ledger| {
            let picture = ledger.picture();
            let all = || picture.sessions_of(&self.seat().agent).rev();
            let undecided = all().find_map(asked_about);
            // A second decision gets the API's own answer: the first one counts.
            undecided.or_else(|| all().find_map(|one| Some((one.id, one.decisions.last()?.call))))
        });
        let (session, call) =
            asked.ok_or(SoftphoneError::Nothing("no call has arrived while a session was open"))?;
        let request = SessionDecisionRequest { call, decision };
        self.command(Method::POST, &["sessions", &session.to_string(), "decisions"], Some(&request)).await
    }

    /// Searches colleagues and departments by parts of a name; the hits can be dialled as `1)`, `2)` …
    ///
    /// # Errors
    /// When the API is not there or refuses.
    pub async fn search(&self, text: &str) -> Result<Vec<DirectoryHitView<'static>>, SoftphoneError> {
        let request = DirectorySearchRequest { text: text.to_owned(), kind: None, limit: Some(HITS_MAX) };
        let found: Items<DirectoryHitView<'static>> =
            self.api().send(Method::POST, &["directory", "search"], &request).await?;
        self.keep_hits(found.items.clone());
        Ok(found.items)
    }

    /// A number; with an @ before it a colleague; `1)` a hit of the last search; `entry:ID` an entry of the directory.
    pub(super) fn destination(&self, text: &str) -> Result<Destination, SoftphoneError> {
        if let Some(agent) = text.strip_prefix('@') {
            return Ok(Destination::Agent(AgentName(agent.to_owned())));
        }
        if let Some(entry) = text.strip_prefix("entry:") {
            return Ok(Destination::Entry(EntryId(entry.to_owned())));
        }
        let Some(place) = text.strip_suffix(')') else {
            return Ok(Destination::Number(DialString(text.to_owned())));
        };
        let hits = self.hits();
        let place = place.parse::<usize>().ok().and_then(|place| place.checked_sub(1));
        let hit = place.and_then(|place| hits.get(place));
        let hit = hit.ok_or(SoftphoneError::Nothing("the last search has no such hit"))?;
        Ok(Destination::Entry(EntryId(hit.entry.id.clone())))
    }

    async fn change_session(&self, session: Uuid, change: &str) -> Done {
        self.command(Method::POST, &["sessions", &session.to_string(), change], None::<&()>).await
    }

    async fn open_one(&self) -> Result<Uuid, SoftphoneError> {
        let open = self.refresh().await?.agent.session;
        open.ok_or(SoftphoneError::Nothing("no session is open"))
    }
}

/// The call that a session must be decided about, with the session.
pub(super) fn asked_about(session: &SessionView<'_>) -> Option<(Uuid, Uuid)> {
    let open = Some(session).filter(|session| session.state == SessionState::Open)?;
    let asked = open.decisions.iter().rfind(|asked| asked.decision.is_none())?;
    Some((open.id, asked.call))
}
