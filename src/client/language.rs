//! Dutch and English for what people read.

use clap::ValueEnum;
use schakel_contract::problem::RefusalCause;
use schakel_contract::views::{
    ActionName, AvailabilityState, ConnectionState, MatchKind, ReasonView, SessionCause, SessionState,
};

/// The language of a screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum Language {
    /// Dutch.
    #[default]
    Nl,
    /// English.
    En,
}

impl Language {
    /// The one of two texts that is in this language.
    pub fn pick<T>(self, nl: T, en: T) -> T {
        match self {
            Language::Nl => nl,
            Language::En => en,
        }
    }

    /// What stands on the button of an action.
    pub fn action(self, action: ActionName) -> &'static str {
        let (nl, en) = match action {
            ActionName::Answer => ("Opnemen", "Answer"),
            ActionName::Hold => ("In de wacht", "Hold"),
            ActionName::Retrieve => ("Uit de wacht", "Retrieve"),
            ActionName::HangUp => ("Ophangen", "Hang up"),
            ActionName::Dtmf => ("Tonen", "Tones"),
            ActionName::Deflect => ("Doorsturen", "Deflect"),
            ActionName::PickUp => ("Overnemen", "Pick up"),
            ActionName::Consult => ("Ruggespraak", "Consult"),
            ActionName::Conference => ("Samenvoegen", "Conference"),
            ActionName::Alternate => ("Wisselen", "Alternate"),
            ActionName::TransferWarm => ("Warm doorverbinden", "Transfer warm"),
            ActionName::TransferCold => ("Koud doorverbinden", "Transfer cold"),
            ActionName::CompleteTransfer => ("Nu doorverbinden", "Complete transfer"),
            ActionName::TakeBack => ("Terugpakken", "Take back"),
            ActionName::Dial => ("Bellen", "Dial"),
            ActionName::SetDoNotDisturb => ("Niet storen", "Do not disturb"),
            ActionName::SetForwarding => ("Doorschakelen", "Forward"),
            ActionName::SetAgentState => ("Beschikbaarheid in de centrale", "Agent state in the PBX"),
            ActionName::DecideRoute => ("Bestemming kiezen", "Choose a destination"),
        };
        self.pick(nl, en)
    }

    /// A connection's state in words.
    pub fn state(self, state: ConnectionState) -> &'static str {
        let (nl, en) = match state {
            ConnectionState::Null => ("weg", "gone"),
            ConnectionState::Initiated => ("kiest", "dialling"),
            ConnectionState::Alerting => ("gaat over", "ringing"),
            ConnectionState::Connected => ("in gesprek", "connected"),
            ConnectionState::Held => ("in de wacht", "on hold"),
            ConnectionState::Queued => ("in de wachtrij", "queued"),
            ConnectionState::Failed => ("niet gelukt", "failed"),
        };
        self.pick(nl, en)
    }

    /// What happened, for a notification's change such as `call.held`; a change that is not known is shown as it is.
    pub fn change(self, change: &str) -> &str {
        let (nl, en) = match change {
            "call.offered" => ("wordt aangeboden", "is offered"),
            "call.ringing" => ("gaat over", "rings"),
            "call.answered" => ("opgenomen", "answered"),
            "call.answered-elsewhere" => ("door een ander opgenomen", "answered elsewhere"),
            "call.held" => ("in de wacht gezet", "put on hold"),
            "call.retrieved" => ("uit de wacht gehaald", "retrieved"),
            "call.dialling" => ("kiest", "dials"),
            "call.alerting-remote" => ("gaat over bij de ander", "rings at the other side"),
            "call.queued" => ("in de wachtrij", "queued"),
            "call.diverted" => ("omgeleid", "diverted"),
            "call.conferenced" => ("samengevoegd", "joined in a conference"),
            "call.updated" => ("gegevens bijgewerkt", "updated"),
            "call.ended" => ("beëindigd", "ended"),
            "call.missed" => ("gemist", "missed"),
            "call.failed" => ("niet tot stand gekomen", "failed"),
            "call.stale" => {
                ("onzeker: geen verbinding met de centrale", "uncertain: no link to the telephone system")
            }
            "call.reconstructed" => ("teruggevonden", "found again"),
            "transfer.started" => ("doorverbinden begonnen", "transfer started"),
            "transfer.ringing" => ("telefoon van de collega gaat over", "the colleague's telephone rings"),
            "transfer.consulting" => ("overleg met de collega", "consulting the colleague"),
            "transfer.completed" => ("doorverbonden", "transferred"),
            "transfer.taken-back" => ("teruggepakt", "taken back"),
            "transfer.failed" => ("doorverbinden niet gelukt", "transfer failed"),
            "agent.registered" => ("medewerker aan- of afgemeld", "agent signed on or off"),
            "agent.availability-changed" => ("beschikbaarheid", "availability"),
            "agent.after-call-started" => ("nawerk begonnen", "after-call work began"),
            "agent.after-call-ended" => ("nawerk klaar", "after-call work ended"),
            "session.decision-asked" => ("bewaren of negeren?", "keep or ignore?"),
            "session.parked" => ("contactsessie geparkeerd", "contact session parked"),
            "session.resumed" => ("contactsessie hervat", "contact session resumed"),
            "session.closed" => ("contactsessie gesloten", "contact session closed"),
            "route.requested" => ("de centrale vraagt waarheen", "the telephone system asks where to"),
            "route.decided" => ("bestemming gekozen", "destination chosen"),
            "route.fell-back" => {
                ("JKC antwoordde niet op tijd: de terugvalkeuze", "JKC did not answer in time: the fallback")
            }
            "agent.chat-changed" => ("chatkanaal", "chat channel"),
            "chat.opened" => ("chat geopend", "chat opened"),
            "chat.queued" => ("wacht op een medewerker", "waits for an agent"),
            "chat.offered" => ("chat aangeboden", "chat offered"),
            "chat.accepted" => ("aangenomen", "accepted"),
            "chat.rejected" => ("afgewezen", "rejected"),
            "chat.expired" => ("aanbod niet beantwoord", "offer not answered"),
            "chat.revoked" => ("aanbod ingetrokken", "offer taken away"),
            "chat.active" => ("in gesprek", "talking"),
            "chat.message" => ("bericht", "message"),
            "chat.delivery" => ("bezorging", "delivery"),
            "chat.participant-joined" => ("medewerker erbij", "agent joined"),
            "chat.participant-left" => ("medewerker weg", "agent left"),
            "chat.invited" => ("collega uitgenodigd", "colleague invited"),
            "chat.transferred" => ("overgedragen", "handed over"),
            "chat.visitor-away" => ("bezoeker even weg", "visitor away"),
            "chat.visitor-returned" => ("bezoeker terug", "visitor is back"),
            "chat.updated" => ("gegevens van de chat bijgewerkt", "chat updated"),
            "chat.ended" => ("chat beëindigd", "chat ended"),
            "chat.archived" => ("chat gearchiveerd", "chat archived"),
            "chat.removed" => ("chat verwijderd", "chat removed"),
            "chat.rated" => ("bezoeker waardeert", "visitor rates"),
            "chat.observed" => ("meegekeken", "watched"),
            "chat.offline-received" => ("bericht achtergelaten", "message left"),
            "command.completed" => ("opdracht afgerond", "command completed"),
            "provider.up" => ("telefooncentrale verbonden", "telephone system connected"),
            "provider.down" => {
                ("verbinding met de telefooncentrale weg", "link to the telephone system lost")
            }
            "provider.resynced" => ("bijgewerkt na verbroken verbinding", "repaired after a lost link"),
            "stream.gap" => ("meldingen gemist", "notifications missed"),
            other => (other, other),
        };
        self.pick(nl, en)
    }

    /// What an agent is now, in words.
    pub fn availability(self, state: AvailabilityState) -> &'static str {
        let (nl, en) = match state {
            AvailabilityState::Offline => ("afgemeld", "signed off"),
            AvailabilityState::Unreachable => ("onbereikbaar", "unreachable"),
            AvailabilityState::OnCall => ("aan de telefoon", "on a call"),
            AvailabilityState::Chatting => ("aan het chatten", "chatting"),
            AvailabilityState::AfterCall => ("in nawerk", "in after-call work"),
            AvailabilityState::NotReady => ("niet gereed", "not ready"),
            AvailabilityState::InSession => ("bezig met een contact", "working on a contact"),
            AvailabilityState::Available => ("beschikbaar", "available"),
        };
        self.pick(nl, en)
    }

    /// A contact session's state in words.
    pub fn session(self, state: SessionState) -> &'static str {
        let (nl, en) = match state {
            SessionState::Open => ("open", "open"),
            SessionState::Parked => ("geparkeerd", "parked"),
            SessionState::Closed => ("gesloten", "closed"),
        };
        self.pick(nl, en)
    }

    /// Why a contact session is as it is.
    pub fn session_cause(self, cause: SessionCause) -> &'static str {
        let (nl, en) = match cause {
            SessionCause::Asked => ("gevraagd", "asked"),
            SessionCause::Decided => ("gekozen bij een gesprek", "decided for a call"),
            SessionCause::Vanished => ("de browser is verdwenen", "the browser vanished"),
            SessionCause::LoggedOff => ("afgemeld", "logged off"),
            SessionCause::Expired => ("te lang geparkeerd", "parked for too long"),
        };
        self.pick(nl, en)
    }

    /// Why something of an agent's own work is refused; none of what calls have reasons of their own for.
    pub fn of_work(self, cause: RefusalCause) -> Option<&'static str> {
        let (nl, en) = match cause {
            RefusalCause::SessionOpen => (
                "Er staat al een contactsessie open: parkeer of sluit die eerst.",
                "Another session is open: park or close it first.",
            ),
            RefusalCause::AlreadyDecided => {
                ("Dat is al anders besloten.", "It was decided otherwise before.")
            }
            RefusalCause::InvalidSessionState => {
                ("De contactsessie is al gesloten.", "The session is closed already.")
            }
            RefusalCause::UnknownSession => {
                ("Die contactsessie is er niet meer.", "That session is not there any more.")
            }
            RefusalCause::UnknownContact => {
                ("Dat contact is te lang geleden.", "That contact was too long ago.")
            }
            _ => return None,
        };
        Some(self.pick(nl, en))
    }

    /// What was recognised, in a word.
    pub fn match_kind(self, kind: MatchKind) -> &'static str {
        let (nl, en) = match kind {
            MatchKind::Person => ("persoon", "person"),
            MatchKind::Organisation => ("organisatie", "organisation"),
            MatchKind::Colleague => ("collega", "colleague"),
            MatchKind::Department => ("afdeling", "department"),
        };
        self.pick(nl, en)
    }

    /// A reason in this language.
    pub fn reason(self, reason: &ReasonView) -> &str {
        self.pick(&reason.nl, &reason.en)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use schakel_core::model::action::Action;
    use schakel_core::notification::Kind;

    #[test]
    fn t15_every_action_has_a_button_of_its_own_in_both_languages() {
        for language in [Language::Nl, Language::En] {
            let mut labels: Vec<_> =
                Action::ALL.iter().map(|action| language.action((*action).into())).collect();
            labels.sort_unstable();
            labels.dedup();
            assert_eq!(labels.len(), Action::ALL.len());
        }
    }

    #[test]
    fn every_notification_is_told_in_both_languages() {
        for kind in Kind::ALL {
            assert_ne!(Language::Nl.change(kind.as_str()), kind.as_str(), "Dutch words are missing");
            assert_ne!(Language::En.change(kind.as_str()), kind.as_str(), "English words are missing");
        }
        assert_eq!(Language::Nl.change("fax.offered"), "fax.offered");
    }
}
