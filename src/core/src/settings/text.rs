//! The texts that visitors are shown. The six of the documents (C07 to C12) are there word for word; each can be changed
//! per organisation and language (C13).

use serde::{Deserialize, Serialize};

macro_rules! texts {
    ($($(#[$doc:meta])* $name:ident = $key:literal, $dutch:literal, $english:literal;)*) => {
        /// A text that visitors are shown.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum TextId {
            $($(#[$doc])* $name,)*
        }

        impl TextId {
            /// All of them.
            pub const ALL: &'static [TextId] = &[$(TextId::$name,)*];

            /// Its key in the configuration and the API.
            pub const fn as_str(self) -> &'static str {
                match self { $(TextId::$name => $key,)* }
            }

            /// The Dutch words.
            pub const fn dutch(self) -> &'static str {
                match self { $(TextId::$name => $dutch,)* }
            }

            /// The English words.
            pub const fn english(self) -> &'static str {
                match self { $(TextId::$name => $english,)* }
            }
        }
    };
}

texts! {
    /// C07: an agent is free.
    Available = "available",
        "We zijn beschikbaar! Kunnen we u ergens mee helpen?",
        "We are available! Can we help you with anything?";
    /// C08: agents are in the channel, but all are busy.
    Busy = "busy",
        "Op dit moment zijn alle medewerkers in gesprek, we helpen u graag, nog een ogenblik geduld alstublieft.",
        "All our colleagues are in conversation at the moment. We are happy to help you; one moment please.";
    /// C09: an agent is there, but does not react to the offer.
    Unresponsive = "unresponsive",
        "Het lijkt iets langer te duren om een collega te vinden, nog een moment graag.",
        "It seems to take a little longer to find a colleague; one more moment please.";
    /// C10: nobody is in the channel.
    Closed = "closed",
        "Het Chatkanaal is momenteel niet beschikbaar, maar u kunt een offline bericht achterlaten. Wij nemen dan contact met u op.",
        "The chat channel is not available at the moment, but you can leave a message. We will then contact you.";
    /// C11: the agent has ended the chat.
    EndedByAgent = "ended-by-agent",
        "De chat is beëindigd. Bedankt voor uw vraag, en een fijne dag!",
        "The chat has ended. Thank you for your question, and have a nice day!";
    /// C12: after an offline message.
    OfflineReceived = "offline-received",
        "Bedankt voor uw bericht. Wij nemen zo spoedig mogelijk contact met u op.",
        "Thank you for your message. We will contact you as soon as possible.";
    /// As C10, where no offline message can be left either.
    ClosedWithoutForm = "closed-without-form",
        "Het Chatkanaal is momenteel niet beschikbaar.",
        "The chat channel is not available at the moment.";
    /// When the chat is opened (O03).
    Welcome = "welcome",
        "Welkom bij onze chat.",
        "Welcome to our chat.";
    /// Agents can read along while the visitor types (O11).
    PreviewNotice = "preview-notice",
        "Wat u typt is al zichtbaar voor onze medewerkers voordat u het verstuurt.",
        "Our colleagues can see what you type before you send it.";
    /// An agent joined; `{name}` is his nickname (O08).
    AgentJoined = "agent-joined",
        "{name} neemt deel aan de chat.",
        "{name} has joined the chat.";
    /// An agent left (O21).
    AgentLeft = "agent-left",
        "{name} heeft de chat verlaten.",
        "{name} has left the chat.";
    /// The agent was lost; the visitor waits for another.
    Requeued = "requeued",
        "De verbinding met onze medewerker is verbroken. Wij zoeken een collega voor u.",
        "The connection with our colleague was lost. We are looking for another colleague.";
    /// The visitor ended the chat (O16).
    EndedByVisitor = "ended-by-visitor",
        "U heeft de chat beëindigd.",
        "You have ended the chat.";
    /// It ends soon, for silence.
    InactivityWarning = "inactivity-warning",
        "U heeft een tijdje niets geschreven. De chat wordt over enkele minuten beëindigd.",
        "You have not written for a while. The chat will end in a few minutes.";
    /// It ended for silence.
    InactivityEnd = "inactivity-end",
        "De chat is beëindigd omdat er een tijd niets is geschreven.",
        "The chat has ended because nothing was written for some time.";
    /// Something is wrong with the connection; what was said is kept.
    ConnectionProblem = "connection-problem",
        "Er is een storing in de verbinding. Uw berichten zijn bewaard.",
        "There is a problem with the connection. Your messages are safe.";
    /// What the visitor sent was refused: too much, too fast, too large, or of a kind that is not taken.
    Refused = "refused",
        "Uw bericht kon niet worden aangenomen.",
        "Your message could not be accepted.";
}

impl TextId {
    /// The documents' words in a language; none where there are none.
    pub fn words(self, language: &str) -> Option<&'static str> {
        match language {
            "nl" => Some(self.dutch()),
            "en" => Some(self.english()),
            _ => None,
        }
    }

    /// The text of a key.
    pub fn from_key(key: &str) -> Option<TextId> {
        Self::ALL.iter().copied().find(|text| text.as_str() == key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn c07_to_c12_are_the_documents_words() {
        assert_eq!(TextId::Available.dutch(), "We zijn beschikbaar! Kunnen we u ergens mee helpen?");
        for text in TextId::ALL {
            assert_eq!(TextId::from_key(text.as_str()), Some(*text));
            assert_ne!(text.dutch(), text.english(), "{text:?}");
        }
    }
}
