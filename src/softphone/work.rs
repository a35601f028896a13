//! The agent's own work: ready or not, contact sessions, keep or ignore, the directory.

use super::missing::Missing;
use super::phone::{Softphone, SoftphoneError};
use reqwest::Method;
use schakel_contract::reply::CommandReply;
use schakel_contract::requests::{
    AgentName, AvailabilityRequest, CustomerReference, Destination, DialString, DirectorySearchRequest,
    EntryId, SessionDecisionRequest, SessionRequest,
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

    /// Opens a contact session, about the customer who is or was here last; without a call, of the chat that is spoken in.
    ///
    /// # Errors
    /// As [`Softphone::obey`].
    pub async fn open_session(&self, reference: Option<&str>) -> Done {
        let contact = self.look(|ledger| {
            let picture = ledger.picture();
            picture.calls_at(&self.seat().device).last().map(|(call, _)| call.contact)
        });
        let of_chat = || {
            let chat = self.current()?;
            self.look(|ledger| ledger.picture().chat(chat).map(|chat| chat.contact))
        };
        let contact = contact.or_else(of_chat);
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
        self.change_session(parked.ok_or(SoftphoneError::Nothing(Missing::ParkedSession))?, "resume").await
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
        let (session, call) = asked.ok_or(SoftphoneError::Nothing(Missing::Question))?;
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

    /// To whom: a number; with an @ before it a colleague; `1)` a hit of the last search; `entry:ID` of the directory;
    /// `customer:REFERENCE` a customer by JKC's reference.
    pub(super) fn destination(&self, text: &str) -> Result<Destination, SoftphoneError> {
        destination(text, &self.hits()).map_err(SoftphoneError::Nothing)
    }

    async fn change_session(&self, session: Uuid, change: &str) -> Done {
        self.command(Method::POST, &["sessions", &session.to_string(), change], None::<&()>).await
    }

    async fn open_one(&self) -> Result<Uuid, SoftphoneError> {
        let open = self.refresh().await?.agent.session;
        open.ok_or(SoftphoneError::Nothing(Missing::OpenSession))
    }
}

/// The call that a session must be decided about, with the session.
pub(super) fn asked_about(session: &SessionView<'_>) -> Option<(Uuid, Uuid)> {
    let open = Some(session).filter(|session| session.state == SessionState::Open)?;
    let asked = open.decisions.iter().rfind(|asked| asked.decision.is_none())?;
    Some((open.id, asked.call))
}

fn destination(text: &str, hits: &[DirectoryHitView<'_>]) -> Result<Destination, Missing> {
    if let Some(agent) = text.strip_prefix('@') {
        return Ok(Destination::Agent(AgentName(agent.to_owned())));
    }
    if let Some(entry) = text.strip_prefix("entry:") {
        return Ok(Destination::Entry(EntryId(entry.to_owned())));
    }
    if let Some(customer) = text.strip_prefix("klant:").or_else(|| text.strip_prefix("customer:")) {
        return Ok(Destination::Customer(CustomerReference(customer.to_owned())));
    }
    let Some(place) = text.strip_suffix(')') else {
        return Ok(Destination::Number(DialString(text.to_owned())));
    };
    let place = place.parse::<usize>().ok().and_then(|place| place.checked_sub(1));
    let hit = place.and_then(|place| hits.get(place)).ok_or(Missing::Hit)?;
    Ok(Destination::Entry(EntryId(hit.entry.id.clone())))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::Language;
    use schakel_contract::Timestamp;
    use schakel_contract::views::{DecisionView, DirectoryEntryView, EntryKind, SessionCause};
    use std::borrow::Cow;

    fn hit(id: &str) -> DirectoryHitView<'static> {
        let entry = DirectoryEntryView {
            id: id.into(),
            kind: EntryKind::Department,
            name: "Burgerzaken".into(),
            number: "7000".into(),
            department: None,
            function: None,
            agent: None,
            email: None,
            queue: None,
            version: 1,
        };
        DirectoryHitView {
            entry: Cow::Owned(entry),
            agent: None,
            availability: None,
            device: None,
            queue: None,
        }
    }

    #[test]
    fn t13_a_destination_is_a_number_a_colleague_a_hit_or_an_entry() {
        let hits = [hit("a"), hit("b")];
        let to = |text: &str| destination(text, &hits);
        assert_eq!(to("0201234567"), Ok(Destination::Number(DialString("0201234567".into()))));
        assert_eq!(to("@bram"), Ok(Destination::Agent(AgentName("bram".into()))));
        assert_eq!(to("2)"), Ok(Destination::Entry(EntryId("b".into()))));
        assert_eq!(to("entry:burgerzaken"), Ok(Destination::Entry(EntryId("burgerzaken".into()))));
        let customer = Ok(Destination::Customer(CustomerReference("K-1".into())));
        assert_eq!((to("klant:K-1"), to("customer:K-1")), (customer.clone(), customer));
        for wrong in ["0)", "3)", ")", "x)"] {
            assert_eq!(to(wrong), Err(Missing::Hit), "{wrong}");
        }
        assert_eq!(destination("1)", &[]), Err(Missing::Hit), "before any search");
    }

    fn session(state: SessionState, decisions: &[(u128, Option<SessionDecision>)]) -> SessionView<'static> {
        let now = Timestamp::from_millis(0);
        let decision = |&(call, decision): &(u128, _)| DecisionView { call: Uuid::from_u128(call), decision };
        SessionView {
            id: Uuid::from_u128(9),
            agent: "anna".into(),
            contact: None,
            reference: None,
            state,
            cause: SessionCause::Asked,
            opened_at: now,
            since: now,
            lease: None,
            decisions: decisions.iter().map(decision).collect(),
            opened_by: Uuid::nil(),
            version: 1,
        }
    }

    #[test]
    fn t16_only_an_open_session_is_asked_about_and_only_the_newest_undecided_call() {
        let call =
            |decisions| asked_about(&session(SessionState::Open, decisions)).map(|(_, call)| call.as_u128());
        assert_eq!(call(&[(1, None), (2, None), (3, Some(SessionDecision::Keep))]), Some(2));
        assert_eq!(call(&[(3, Some(SessionDecision::Ignore))]), None);
        assert_eq!(call(&[]), None);
        assert_eq!(asked_about(&session(SessionState::Parked, &[(1, None)])), None);
    }

    #[test]
    fn what_is_missing_is_said_in_both_languages() {
        for missing in [
            Missing::Call,
            Missing::ColleaguesCall,
            Missing::Transfer,
            Missing::OpenSession,
            Missing::ParkedSession,
            Missing::Question,
            Missing::Hit,
        ] {
            assert_ne!(missing.text(Language::Nl), missing.text(Language::En));
        }
    }
}
