//! What can be wrong with a document, and where.

use std::fmt;

/// A document that could not be read: what is wrong, at which byte, inside which element.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DecodeError {
    /// Byte offset into the document (after transcoding to UTF-8, if that was needed).
    pub offset: usize,
    /// The open elements at that place, as `DeliveredEvent/connection/callID`; empty before the root.
    pub path: String,
    /// What is wrong.
    pub problem: Problem,
    /// What a general XML reader says, asked where the markup itself was refused; see [`crate::decode`].
    pub second_opinion: Option<SecondOpinion>,
}

/// What a general XML reader (quick-xml) says of markup that was refused here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SecondOpinion {
    /// It refuses it too, in these words.
    Refused(String),
    /// It finds nothing wrong: the fault is ours.
    Accepted,
}

/// What is wrong with a document.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Problem {
    /// The bytes are not what the document says they are.
    #[error("the text is not valid {0}; a PBX that sends another encoding must declare it in the XML prolog")]
    NotInEncoding(&'static str),
    /// Only UTF-8, US-ASCII, ISO-8859-1 and Windows-1252 are read.
    #[error("the encoding {0:?} is not supported; use UTF-8 or ISO-8859-1")]
    UnsupportedEncoding(String),
    /// A document type declaration, which CSTA has no use for and entity bombs need.
    #[error("a DOCTYPE is not allowed")]
    Doctype,
    /// More open elements than [`crate::MAX_DEPTH`].
    #[error("elements are nested more than {0} deep")]
    TooDeep(usize),
    /// An entity that XML does not predefine.
    #[error("the entity &{0}; is not defined")]
    UnknownEntity(String),
    /// The document ends before its root element does.
    #[error("the document ends before </{0}>")]
    Truncated(String),
    /// There is no element at all.
    #[error("there is no element in the document")]
    Empty,
    /// Something follows the root element.
    #[error("something follows the end of the root element")]
    AfterEnd,
    /// An end tag that does not close the innermost open element.
    #[error("not well-formed XML: expected </{0}>")]
    WrongEndTag(String),
    /// The markup is not well formed.
    #[error("not well-formed XML: {0}")]
    Malformed(&'static str),
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (byte {}", self.problem, self.offset)?;
        if !self.path.is_empty() {
            write!(f, ", in {}", self.path)?;
        }
        match &self.second_opinion {
            None => f.write_str(")"),
            Some(SecondOpinion::Refused(words)) => write!(f, "; quick-xml says: {words})"),
            Some(SecondOpinion::Accepted) => f.write_str("; quick-xml reads it: please report this message)"),
        }
    }
}

impl std::error::Error for DecodeError {}
