//! What the stand-in answers when a telephone system asks where a call shall go (T01): by rules, in the webhook's own
//! response. No rule that fits is a JKC that says nothing; a wait is a slow one; a number that nobody has a wrong one.

use schakel_contract::event::Event;
use schakel_contract::requests::{
    AgentName, Destination, DialString, EntryId, RouteAnswer, RouteDecisionRequest, True,
};
use std::str::FromStr;
use std::time::Duration;

/// How questions are answered: by the first rule that fits, after so long.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Routing {
    /// The rules, those that are tried first first.
    pub rules: Vec<Rule>,
    /// How long JKC thinks.
    pub after: Duration,
}

/// Where calls go, of one customer or of everybody.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    /// JKC's reference of the customer who must have been recognised, alone or among others; none for every call.
    pub customer: Option<String>,
    /// Where to.
    pub to: RouteDecisionRequest,
}

/// A rule that was not understood.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "\"{0}\" is no rule such as 2002, @jan, entry:burgerzaken, default, or K-10042=2002 for one customer"
)]
pub struct NotARule(String);

impl Routing {
    /// The answer to a question; none when no rule fits, or when it is no question any more: what is told late has no
    /// time limit, and is taken in at once.
    pub fn answer(&self, event: &Event) -> Option<RouteAnswer> {
        if event.data.change != "route.requested" || event.expirytime.is_none() {
            return None;
        }
        let rule = self.rules.iter().find(|rule| rule.fits(event))?;
        Some(RouteAnswer { decision: Some(rule.to.clone()) })
    }
}

impl Rule {
    fn fits(&self, event: &Event) -> bool {
        let Some(customer) = self.customer.as_deref() else { return true };
        let recognition = event.data.contact.as_ref().and_then(|contact| contact.recognition.as_ref());
        recognition.is_some_and(|found| found.matches.iter().any(|each| each.reference == customer))
    }
}

impl FromStr for Rule {
    type Err = NotARule;

    fn from_str(text: &str) -> Result<Self, NotARule> {
        let (customer, to) = match text.split_once('=') {
            Some((customer, to)) => (Some(customer.trim().to_owned()), to.trim()),
            None => (None, text.trim()),
        };
        let wrong = to.is_empty()
            || to.chars().any(char::is_whitespace)
            || customer.as_deref().is_some_and(str::is_empty);
        if wrong {
            return Err(NotARule(text.to_owned()));
        }
        let to = match (to, to.strip_prefix('@'), to.strip_prefix("entry:")) {
            ("default", ..) => RouteDecisionRequest::Default(True),
            (_, Some(agent), _) => {
                RouteDecisionRequest::Destination(Destination::Agent(AgentName(agent.into())))
            }
            (_, _, Some(entry)) => {
                RouteDecisionRequest::Destination(Destination::Entry(EntryId(entry.into())))
            }
            (number, ..) => RouteDecisionRequest::Destination(Destination::Number(DialString(number.into()))),
        };
        Ok(Self { customer, to })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::screen::tests::ringing;
    use schakel_contract::views::{
        MatchKind, MatchRole, MatchView, NumberKind, NumberView, RecognitionStatus, RecognitionView,
    };

    fn asked(customer: Option<&'static str>) -> Event {
        let mut event = ringing();
        event.data.change = "route.requested".into();
        event.expirytime = Some(event.time);
        let of = |reference: &'static str| MatchView {
            kind: MatchKind::Person,
            reference: reference.into(),
            name: "J. de Vries".into(),
            role: MatchRole::Customer,
            of: None,
        };
        if let Some(contact) = &mut event.data.contact {
            contact.recognition = Some(RecognitionView {
                status: RecognitionStatus::One,
                number: NumberView { raw: None, e164: None, extension: None, kind: NumberKind::Mobile },
                matches: customer.into_iter().map(of).collect(),
                more: false,
            });
        }
        event
    }

    fn answered(rules: &[&str], event: &Event) -> Option<String> {
        let rules = rules.iter().map(|rule| rule.parse().unwrap()).collect();
        let answer = Routing { rules, after: Duration::ZERO }.answer(event)?;
        Some(serde_json::to_string(&answer).unwrap())
    }

    #[test]
    fn t01_a_question_is_answered_by_the_first_rule_that_fits() {
        let rules = ["K-1=entry:burgerzaken", "K-2=@anna", "2002"];
        let of = |customer| answered(&rules, &asked(customer)).unwrap();
        assert_eq!(of(Some("K-1")), r#"{"decision":{"destination":{"entry":"burgerzaken"}}}"#);
        assert_eq!(of(Some("K-2")), r#"{"decision":{"destination":{"agent":"anna"}}}"#);
        assert_eq!(of(None), r#"{"decision":{"destination":{"number":"2002"}}}"#);
        assert_eq!(answered(&["default"], &asked(None)).unwrap(), r#"{"decision":{"default":true}}"#);
    }

    #[test]
    fn t01_without_a_rule_that_fits_nothing_is_said_and_other_notifications_ask_nothing() {
        assert_eq!(answered(&[], &asked(None)), None);
        assert_eq!(answered(&["K-1=2002"], &asked(Some("K-2"))), None);
        assert_eq!(answered(&["2002"], &ringing()), None);
    }

    #[test]
    fn a_rule_that_is_none_is_told_with_examples() {
        for text in ["", "=", "K-1=", "=2002", "20 02"] {
            let error = text.parse::<Rule>().unwrap_err().to_string();
            assert!(error.contains("entry:burgerzaken"), "{text}: {error}");
        }
    }
}
