//! What stands on the switch, and in which of the lawful ways it behaves.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::ids::CallIdStyle;
use super::model::Number;
use crate::duration::Span;

/// A whole switch.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct SwitchConfig {
    /// The telephones.
    pub extensions: Vec<ExtensionConfig>,
    /// The queues.
    pub queues: Vec<QueueConfig>,
    /// The numbers at which an application is asked where a call shall go.
    pub routing_points: Vec<RoutingPointConfig>,
    /// Outside numbers that behave in a way of their own.
    pub outside: Vec<OutsideConfig>,
    /// How the switch behaves.
    pub behaviour: Behaviour,
}

/// One telephone.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct ExtensionConfig {
    /// Its number.
    pub number: Number,
    /// Who sits there.
    #[serde(default)]
    pub name: Option<Arc<str>>,
    /// A second call may ring while one is going on.
    #[serde(default)]
    pub call_waiting: bool,
    /// The pickup group it belongs to.
    #[serde(default)]
    pub pickup_group: Option<Arc<str>>,
    /// The agent who is logged on from the start.
    #[serde(default)]
    pub agent: Option<Arc<str>>,
    /// It answers by itself after so long.
    #[serde(default)]
    pub answers_after: Option<Span>,
}

impl ExtensionConfig {
    /// A plain telephone.
    pub fn new(number: impl Into<Number>) -> Self {
        Self {
            number: number.into(),
            name: None,
            call_waiting: false,
            pickup_group: None,
            agent: None,
            answers_after: None,
        }
    }

    /// The same with a name.
    #[must_use]
    pub fn named(mut self, name: &str) -> Self {
        self.name = Some(Arc::from(name));
        self
    }
}

/// How a queue gives out its calls.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Distribution {
    /// To the members in turn.
    #[default]
    InTurn,
    /// To every free member at once.
    RingAll,
    /// To the member who has been without a call for longest.
    LongestIdle,
}

/// What becomes of an agent who lets a call of the queue ring.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Unanswered {
    /// Nothing: the call may come to the same agent again.
    #[default]
    StayReady,
    /// The agent is not ready from then on.
    NotReady,
}

/// One queue.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct QueueConfig {
    /// Its number (the pilot).
    pub number: Number,
    /// Its name.
    #[serde(default)]
    pub name: Option<Arc<str>>,
    /// The extensions that take its calls.
    pub members: Vec<Number>,
    /// To whom a call goes.
    #[serde(default)]
    pub distribution: Distribution,
    /// Only agents get calls: whoever is logged on at a member's telephone, and whoever is logged on to this queue.
    #[serde(default)]
    pub agents_only: bool,
    /// After-call work of an agent; `0s` for none. Absent here: until the agent says ready. In a scenario file that is
    /// written `wrap_up = "until-ready"`, and nothing means none.
    #[serde(default = "no_wrap_up", with = "wrap_up")]
    pub wrap_up: Option<Span>,
    /// What becomes of an agent who lets a call ring.
    #[serde(default)]
    pub unanswered: Unanswered,
    /// After so long a waiting call goes to `overflow_to`.
    #[serde(default)]
    pub overflow_after: Option<Span>,
    /// Where calls go that wait too long.
    #[serde(default)]
    pub overflow_to: Option<Number>,
}

/// `wrap_up` in files: a duration, or `until-ready`.
mod wrap_up {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    use crate::duration::Span;

    const UNTIL_READY: &str = "until-ready";

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Span>, D::Error> {
        let text = String::deserialize(deserializer)?;
        if text == UNTIL_READY { Ok(None) } else { text.parse().map(Some).map_err(serde::de::Error::custom) }
    }

    pub(super) fn serialize<S: Serializer>(span: &Option<Span>, serializer: S) -> Result<S::Ok, S::Error> {
        match span {
            Some(span) => span.serialize(serializer),
            None => UNTIL_READY.serialize(serializer),
        }
    }
}

#[allow(clippy::unnecessary_wraps, reason = "serde wants the type of the field")]
fn no_wrap_up() -> Option<Span> {
    Some(Span::seconds(0))
}

impl QueueConfig {
    /// A queue that gives its calls to `members` in turn.
    pub fn new<N: Into<Number>>(number: impl Into<Number>, members: impl IntoIterator<Item = N>) -> Self {
        Self {
            number: number.into(),
            name: None,
            members: members.into_iter().map(Into::into).collect(),
            distribution: Distribution::InTurn,
            agents_only: false,
            wrap_up: no_wrap_up(),
            unanswered: Unanswered::StayReady,
            overflow_after: None,
            overflow_to: None,
        }
    }
}

/// How a routing point tells of a call while the application is asked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum PointEvents {
    /// `Delivered` with the cause `enteringDistribution`, and `Diverted` when the call goes on.
    #[default]
    Delivered,
    /// `Offered`, and `Diverted` when the call goes on.
    Offered,
    /// Not at all; the point cannot be monitored.
    Nothing,
}

/// What becomes of a call that the application rejects.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Rejected {
    /// It goes to the default destination.
    #[default]
    Default,
    /// It goes back to where it came from, which for this switch is its end.
    GivenBack,
}

/// A number at which an application is asked where a call shall go (a routeing device of ECMA-269 clause 20).
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct RoutingPointConfig {
    /// Its number.
    pub number: Number,
    /// Its name.
    #[serde(default)]
    pub name: Option<Arc<str>>,
    /// Where calls go when nobody is asked, or nobody answers well and in time.
    pub default_to: Number,
    /// The application has so long to answer.
    #[serde(default = "three_seconds")]
    pub reply_timeout: Span,
    /// How often the application is asked again for one call when the destination cannot take it.
    #[serde(default = "once")]
    pub reroutes: u32,
    /// What monitors hear meanwhile.
    #[serde(default)]
    pub events: PointEvents,
    /// What `RouteReject` does.
    #[serde(default)]
    pub rejected: Rejected,
}

const fn three_seconds() -> Span {
    Span::seconds(3)
}

const fn once() -> u32 {
    1
}

impl RoutingPointConfig {
    /// A routing point that sends its calls to `default_to` if it is told nothing else.
    pub fn new(number: impl Into<Number>, default_to: impl Into<Number>) -> Self {
        Self {
            number: number.into(),
            name: None,
            default_to: default_to.into(),
            reply_timeout: three_seconds(),
            reroutes: once(),
            events: PointEvents::default(),
            rejected: Rejected::default(),
        }
    }
}

/// How an outside number behaves when it is called.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct OutsideConfig {
    /// The number.
    pub number: Number,
    /// Whose it is.
    #[serde(default)]
    pub name: Option<Arc<str>>,
    /// It answers after so long; absent: not by itself.
    #[serde(default)]
    pub answers_after: Option<Span>,
    /// It is always busy.
    #[serde(default)]
    pub busy: bool,
}

/// Which id the call gets that a transfer or conference leaves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum MergedCallId {
    /// That of the held call.
    #[default]
    Primary,
    /// That of the consultation call.
    Secondary,
    /// A new one.
    New,
}

/// What is told of the other parties when a call ends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ClearStyle {
    /// Each device hears of every party that leaves while it is still there itself.
    #[default]
    EveryParty,
    /// At the end of a call each device hears only of itself.
    OwnOnly,
}

/// What a switch knows of agents.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum AgentSupport {
    /// Agents log on and off and have states, and monitors hear of it.
    #[default]
    Reported,
    /// The same, but nobody is told: who wants to know must ask.
    Polled,
    /// There are no agents.
    None,
}

/// The choices that real switches make differently.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
#[allow(clippy::struct_excessive_bools, reason = "each is one independent quirk of real switches")]
pub struct Behaviour {
    /// How call ids look and when they come again.
    pub call_ids: CallIdStyle,
    /// The id after a transfer or conference.
    pub merged_call_id: MergedCallId,
    /// Who hears what at the end of a call.
    pub clearing: ClearStyle,
    /// `ServiceInitiated` before `Originated`.
    pub service_initiated: bool,
    /// `Offered` before `Delivered`.
    pub offered: bool,
    /// `NetworkReached` on calls to the outside.
    pub network_reached: bool,
    /// `Held` when a consultation begins.
    pub held_on_consultation: bool,
    /// The cause of the events of a consultation is `newCall`, not `consultation`.
    pub consultation_is_new_call: bool,
    /// After a transfer, `ConnectionCleared` as well for both connections of the device that transferred.
    pub cleared_after_transfer: bool,
    /// On taking back, `Retrieved` names the consultation call instead of the held one.
    pub reconnect_names_consultation: bool,
    /// A warm transfer is possible while the colleague's telephone still rings.
    pub transfer_while_ringing: bool,
    /// What it knows of agents.
    pub agents: AgentSupport,
    /// An agent who logs on elsewhere is logged off where he was; otherwise that is refused.
    pub agents_move: bool,
    /// Numbers of at least so many digits that are no device of the switch lead outside.
    pub outside_digits: usize,
    /// A forwarded, transferred or distributed call rings so long before it goes on.
    pub no_answer_after: Span,
    /// Any call rings at most so long.
    pub ring_limit: Span,
    /// Busy tone and the like last so long.
    pub tone: Span,
    /// A prompted device waits so long to be picked up.
    pub prompt: Span,
    /// Outside numbers that are not described answer after so long; absent: not by themselves.
    pub outside_answers_after: Option<Span>,
    /// At most so many parties in a conference.
    pub conference_parties: usize,
    /// At most so many calls at once.
    pub max_calls: usize,
}

impl Default for Behaviour {
    fn default() -> Self {
        Self {
            call_ids: CallIdStyle::default(),
            merged_call_id: MergedCallId::default(),
            clearing: ClearStyle::default(),
            service_initiated: true,
            offered: false,
            network_reached: true,
            held_on_consultation: true,
            consultation_is_new_call: false,
            cleared_after_transfer: false,
            reconnect_names_consultation: false,
            transfer_while_ringing: true,
            agents: AgentSupport::Reported,
            agents_move: false,
            outside_digits: 6,
            no_answer_after: Span::seconds(20),
            ring_limit: Span::seconds(180),
            tone: Span::seconds(10),
            prompt: Span::seconds(20),
            outside_answers_after: None,
            conference_parties: 6,
            max_calls: 20_000,
        }
    }
}
