//! ECMA-354 application sessions (June 2004), which some PBXs want around CSTA.

use std::borrow::Cow;

use crate::error::DecodeError;
use crate::pull::{Pull, Tag};
use crate::value::{Content, Field, Value, content};
use crate::write::Writer;

/// A login inside `applicationSpecificInfo`, as Avaya, Eltex and Vodia have it.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct SessionLogin<'a> {
    /// The vendor's namespace for it; nothing is declared if empty.
    pub namespace: Cow<'a, str>,
    /// User.
    pub user: Cow<'a, str>,
    /// Password.
    pub password: Cow<'a, str>,
    /// Seconds that the switch keeps the session after the link is lost.
    pub cleanup_delay: Option<u32>,
    /// The session to take up again after the link was lost.
    pub session: Option<Cow<'a, str>>,
}

impl<'a> SessionLogin<'a> {
    fn read(pull: &mut Pull<'a>, tag: &Tag<'a>) -> Result<Option<Self>, DecodeError> {
        let mut found = None;
        while let Some(info) = pull.child(tag)? {
            if info.name != "SessionLoginInfo" {
                pull.skip(&info)?;
                continue;
            }
            let namespace = info.namespace(info.prefix).unwrap_or_default();
            let mut login = Self { namespace, ..Self::default() };
            while let Some(child) = pull.child(&info)? {
                match child.name {
                    "userName" => login.user.absorb(pull, &child)?,
                    "password" => login.password.absorb(pull, &child)?,
                    "sessionCleanupDelay" => login.cleanup_delay.absorb(pull, &child)?,
                    "sessionID" => login.session.absorb(pull, &child)?,
                    _ => pull.skip(&child)?,
                }
            }
            found = Some(login);
        }
        Ok(found)
    }

    fn write(&self, w: &mut Writer<'_>) {
        if self.namespace.is_empty() {
            w.open("SessionLoginInfo");
        } else {
            w.open_with("SessionLoginInfo", "xmlns", &self.namespace);
        }
        self.user.put("userName", w);
        self.password.put("password", w);
        self.cleanup_delay.put("sessionCleanupDelay", w);
        self.session.put("sessionID", w);
        w.close("SessionLoginInfo");
    }
}

/// Asks for a session.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct StartApplicationSession<'a> {
    /// `applicationID`: who we are.
    pub application: Cow<'a, str>,
    /// A login, where the PBX wants one.
    pub login: Option<SessionLogin<'a>>,
    /// `protocolVersion`: namespaces we can speak, best first.
    pub versions: Vec<Cow<'a, str>>,
    /// Seconds that the session shall last without a reset.
    pub duration: Option<u32>,
}

impl<'a> Content<'a> for StartApplicationSession<'a> {
    fn child(&mut self, pull: &mut Pull<'a>, tag: &Tag<'a>) -> Result<bool, DecodeError> {
        match tag.name {
            "applicationInfo" => {
                while let Some(child) = pull.child(tag)? {
                    match child.name {
                        "applicationID" => self.application.absorb(pull, &child)?,
                        "applicationSpecificInfo" => self.login = SessionLogin::read(pull, &child)?,
                        _ => pull.skip(&child)?,
                    }
                }
            }
            "requestedProtocolVersions" => {
                while let Some(child) = pull.child(tag)? {
                    if child.name == "protocolVersion" {
                        self.versions.push(pull.text(&child)?);
                    } else {
                        pull.skip(&child)?;
                    }
                }
            }
            "requestedSessionDuration" => self.duration.absorb(pull, tag)?,
            _ => return Ok(false),
        }
        Ok(true)
    }

    fn write_children(&self, w: &mut Writer<'_>) {
        w.element("applicationInfo", |w| {
            self.application.put("applicationID", w);
            if let Some(login) = &self.login {
                w.element("applicationSpecificInfo", |w| login.write(w));
            }
        });
        w.element("requestedProtocolVersions", |w| {
            self.versions.iter().for_each(|version| w.text("protocolVersion", version));
        });
        self.duration.put("requestedSessionDuration", w);
    }
}

content! {
    /// The session has begun.
    StartApplicationSessionPosResponse['a] {
        /// Its id; `0` is legal.
        session: Cow<'a, str> = "sessionID";
        /// The version that is spoken.
        version: Cow<'a, str> = "actualProtocolVersion";
        /// Seconds that the session lasts without a reset; none: for ever.
        duration: Option<u32> = "actualSessionDuration";
    }
}

/// Why a session service was refused, or why a session ended: one word.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SessionReason<'a> {
    /// Whether the word is one of the standard's.
    pub defined: bool,
    /// The word, as `invalidApplicationInfo` or `sessionTimerExpired`.
    pub word: Cow<'a, str>,
}

impl<'a> SessionReason<'a> {
    /// A word of the standard.
    pub fn defined(word: impl Into<Cow<'a, str>>) -> Self {
        Self { defined: true, word: word.into() }
    }

    /// A word of our own.
    pub fn own(word: impl Into<Cow<'a, str>>) -> Self {
        Self { defined: false, word: word.into() }
    }
}

impl<'a> Value<'a> for SessionReason<'a> {
    fn read(pull: &mut Pull<'a>, tag: &Tag<'a>) -> Result<Self, DecodeError> {
        let (child, word) = pull.choice(tag, |name| name.ends_with("Error") || name.ends_with("Reason"))?;
        Ok(Self { defined: child.is_some_and(|child| child.name.starts_with("defined")), word })
    }
    fn write(&self, name: &str, writer: &mut Writer<'_>) {
        let choice = match (name, self.defined) {
            ("errorCode", true) => "definedError",
            ("errorCode", false) => "applError",
            ("sessionEndReason", true) => "definedEndReason",
            ("sessionEndReason", false) => "appEndReason",
            (_, true) => "definedTermReason",
            (_, false) => "serverTermReason",
        };
        writer.element(name, |w| w.text(choice, &self.word));
    }
}

content! {
    /// A refusal of a session service.
    SessionRefusal['a] {
        /// Why.
        error: SessionReason<'a> = "errorCode";
    }
}

content! {
    /// Keeps the session alive.
    ResetApplicationSessionTimer['a] {
        /// The session.
        session: Cow<'a, str> = "sessionID";
        /// Seconds that it shall last from now.
        duration: Option<u32> = "requestedSessionDuration";
    }
}

content! {
    /// The session lives on.
    ResetApplicationSessionTimerPosResponse[] {
        /// Seconds that it lasts from now.
        duration: Option<u32> = "actualSessionDuration";
    }
}

content! {
    /// Ends the session.
    StopApplicationSession['a] {
        /// The session.
        session: Cow<'a, str> = "sessionID";
        /// Why.
        reason: SessionReason<'a> = "sessionEndReason";
    }
}

content! {
    /// The session has ended.
    StopApplicationSessionPosResponse[] {}
}

content! {
    /// The switch has ended the session; not answered.
    ApplicationSessionTerminated['a] {
        /// The session.
        session: Cow<'a, str> = "sessionID";
        /// Why.
        reason: SessionReason<'a> = "sessionTermReason";
    }
}

macro_rules! session_messages {
    ($( $(#[$meta:meta])* $name:ident($ty:ident $(<$life:lifetime>)?) = $root:literal ),* $(,)?) => {
        /// A message of ECMA-354.
        #[derive(Debug, Clone, PartialEq)]
        pub enum Session<'a> { $( $(#[$meta])* $name($ty $(<$life>)?) ),* }

        impl<'a> Session<'a> {
            /// The root element.
            pub fn root(&self) -> &'static str {
                match self { $(Self::$name(_) => $root),* }
            }

            pub(crate) fn read(pull: &mut Pull<'a>, root: &Tag<'a>) -> Result<Option<Self>, DecodeError> {
                Ok(Some(match root.name {
                    $($root => Self::$name(Content::read_children(pull, root)?),)*
                    _ => return Ok(None),
                }))
            }

            pub(crate) fn write_children(&self, w: &mut Writer<'_>) {
                match self { $(Self::$name(message) => Content::write_children(message, w)),* }
            }
        }
    };
}

session_messages! {
    /// Asks for a session.
    Start(StartApplicationSession<'a>) = "StartApplicationSession",
    /// It has begun.
    Started(StartApplicationSessionPosResponse<'a>) = "StartApplicationSessionPosResponse",
    /// It was refused.
    StartRefused(SessionRefusal<'a>) = "StartApplicationSessionNegResponse",
    /// Keeps it alive.
    Reset(ResetApplicationSessionTimer<'a>) = "ResetApplicationSessionTimer",
    /// It lives on.
    ResetDone(ResetApplicationSessionTimerPosResponse) = "ResetApplicationSessionTimerPosResponse",
    /// It does not.
    ResetRefused(SessionRefusal<'a>) = "ResetApplicationSessionTimerNegResponse",
    /// Ends it.
    Stop(StopApplicationSession<'a>) = "StopApplicationSession",
    /// It has ended.
    Stopped(StopApplicationSessionPosResponse) = "StopApplicationSessionPosResponse",
    /// It could not be ended.
    StopRefused(SessionRefusal<'a>) = "StopApplicationSessionNegResponse",
    /// The switch has ended it.
    Terminated(ApplicationSessionTerminated<'a>) = "ApplicationSessionTerminated",
}
