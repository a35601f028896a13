//! Where one document ends and the next begins, in text that holds several.

use crate::error::{DecodeError, Problem};
use crate::pull::Pull;

/// The documents in `text`, one after another, each with the byte where it begins.
///
/// A document that is not well formed reaches to the next XML prolog or to the
/// end, and is for [`crate::decode`] to complain about; so is text that stands
/// between documents, as in a log.
pub fn documents(text: &str) -> Vec<(usize, &str)> {
    let mut found: Vec<(usize, &str)> = Vec::new();
    let mut at = 0;
    while let Some(rest) = text.get(at..) {
        let trimmed = rest.trim_start_matches([' ', '\t', '\r', '\n', '\u{feff}']);
        at += rest.len() - trimmed.len();
        if trimmed.is_empty() {
            break;
        }
        let length = match length(trimmed) {
            _ if !trimmed.starts_with('<') => trimmed.find('<').unwrap_or(trimmed.len()),
            Ok(length) => length,
            // Comments after the last document.
            Err(error) if error.problem == Problem::Empty && !found.is_empty() => break,
            Err(_) => next_prolog(trimmed).unwrap_or(trimmed.len()),
        };
        found.push((at, trimmed.get(..length).unwrap_or(trimmed)));
        at += length;
    }
    found
}

/// The length of the document that `text` begins with.
fn length(text: &str) -> Result<usize, DecodeError> {
    let mut pull = Pull::new(text);
    let root = pull.root()?;
    pull.skip(&root)?;
    Ok(pull.position())
}

/// Where the next prolog stands, if it is not here.
fn next_prolog(text: &str) -> Option<usize> {
    text.match_indices("<?xml ").map(|(at, _)| at).find(|at| *at > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documents_are_told_apart_with_and_without_prologs_and_line_ends() {
        let text = "\r\n<?xml version='1.0'?><a>1</a>\r\n<b/><!-- of c --><c><![CDATA[<?xml ?>]]></c> <!-- done -->\n";
        let found = documents(text);
        let cut: Vec<_> = found.iter().map(|(_, document)| *document).collect();
        assert_eq!(
            cut,
            ["<?xml version='1.0'?><a>1</a>", "<b/>", "<!-- of c --><c><![CDATA[<?xml ?>]]></c>"]
        );
        for (at, document) in found {
            assert!(text.get(at..).is_some_and(|rest| rest.starts_with(document)));
        }
        assert!(documents(" \r\n").is_empty());
    }

    #[test]
    fn a_broken_document_and_text_in_between_do_not_hide_what_follows() {
        let text = "12:00:01 received <?xml version='1.0'?><a><b></a>\n<?xml version='1.0'?><c/>1011\n<?xml version='1.0'?><d/>";
        let cut: Vec<_> = documents(text).into_iter().map(|(_, document)| document).collect();
        assert_eq!(
            cut,
            [
                "12:00:01 received ",
                "<?xml version='1.0'?><a><b></a>\n",
                "<?xml version='1.0'?><c/>",
                "1011\n",
                "<?xml version='1.0'?><d/>"
            ]
        );
        let text = "INFO sip:a SIP/2.0\r\nContent-Length: 4\r\n\r\n<a/>";
        assert_eq!(documents(text).last(), Some(&(text.len() - 4, "<a/>")));
    }

    proptest::proptest! {
        #[test]
        fn nothing_is_lost_but_blanks(text in "(<a>|</a>|<b/>|<\\?xml \\?>|x|&| |\\n|<!-- -->|é){0,20}") {
            let kept: usize = documents(&text).iter().map(|(_, document)| document.len()).sum();
            proptest::prop_assert!(kept <= text.len());
            let mut last = 0;
            for (at, document) in documents(&text) {
                proptest::prop_assert!(at >= last && !document.is_empty());
                last = at + document.len();
            }
        }
    }
}
