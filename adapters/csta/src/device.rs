//! Device ids in all the shapes that products write them in, brought to one:
//! the plain number or extension, with the name and the call link that come along.

use std::borrow::Cow;

/// A device id, taken apart.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Named<'a> {
    /// The number or extension, as `2001`, `+31201234567`, `0`; empty if there is none.
    pub id: Cow<'a, str>,
    /// The name to show.
    pub name: Option<Cow<'a, str>>,
    /// OpenScape Voice's `uid`: the call id that this party was known under.
    pub uid: Option<&'a str>,
}

/// Takes a device id apart. What has no known shape is an id as it stands: ids
/// such as `0`, `-12` and `T1` are legal.
///
/// * `N<2001>Name;displayNumber=…;noa=nk;uid=…`: ECMA-269's switching function representation
///   `N<DN!SA&CA/EXT%AID>NM` with OpenScape's parameters;
/// * `tel:73124;phone-context=…`, `sip:2001@host:5060;tel=2001`, `"Name" <sip:2001@host>`, `2001@host`;
/// * `2001:CM1:10.0.0.1:0`: Avaya's extension, switch, address and instance.
pub fn normalise(raw: &str) -> Named<'_> {
    let raw = raw.trim();
    if let Some(inner) = raw.strip_prefix("N<").or_else(|| raw.strip_prefix("n<")) {
        return switching_function_form(inner);
    }
    if let Some((before, rest)) = raw.split_once('<')
        && let Some((uri, _)) = rest.split_once('>')
    {
        let name = before.trim().trim_matches('"').trim();
        return Named { name: as_name(name), ..address(uri.trim()) };
    }
    address(raw)
}

/// What follows `N<`.
fn switching_function_form(inner: &str) -> Named<'_> {
    let (number, rest) = inner.split_once('>').unwrap_or((inner, ""));
    // A directory number may be followed by subaddress, call appearance, extension and agent id.
    let number = number.split(['!', '&', '/', '%']).find(|part| !part.is_empty()).unwrap_or_default();
    let mut parts = rest.split(';');
    let name = parts.next().unwrap_or_default();
    let uid = parts.find_map(|part| part.strip_prefix("uid=")).filter(|uid| !uid.is_empty());
    Named { id: Cow::Borrowed(number.trim()), name: as_name(name), uid }
}

fn address(raw: &str) -> Named<'_> {
    let (scheme, rest) = match raw.split_once(':') {
        Some((scheme, rest)) if ["tel", "sip", "sips"].iter().any(|s| scheme.eq_ignore_ascii_case(s)) => {
            (scheme, rest)
        }
        _ => ("", raw),
    };
    // The parameters of a SIP address come after its host; those before it belong to the user.
    let host = rest.find('@').unwrap_or(0);
    let (main, parameters) = match rest.get(host..).and_then(|rest| rest.find(';')) {
        Some(at) => rest.split_at_checked(host + at).unwrap_or((rest, "")),
        None => (rest, ""),
    };
    if scheme.eq_ignore_ascii_case("tel") {
        return plain(without_separators(main));
    }
    if let Some((user, host)) = main.split_once('@')
        && !host.is_empty()
    {
        let number =
            parameters.split(';').find_map(|part| part.strip_prefix("tel=")).filter(|tel| !tel.is_empty());
        // RFC 3261: a user may be followed by a password, and by the parameters of a telephone number.
        let user = user.split([':', ';']).next().unwrap_or(user);
        return plain(number.map_or_else(|| unescaped(user), Cow::Borrowed));
    }
    if !scheme.is_empty() {
        return plain(unescaped(main));
    }
    let mut parts = raw.split(':');
    match (parts.next(), parts.next(), parts.next()) {
        (Some(extension), Some(_), Some(_)) if !extension.is_empty() && !is_hardware_address(raw) => {
            plain(Cow::Borrowed(extension))
        }
        _ => plain(Cow::Borrowed(raw)),
    }
}

/// Six pairs of hexadecimal digits between colons: an id as it stands.
fn is_hardware_address(raw: &str) -> bool {
    let pair = |part: &str| part.len() == 2 && part.bytes().all(|byte| byte.is_ascii_hexdigit());
    raw.split(':').count() == 6 && raw.split(':').all(pair)
}

/// RFC 3986: `%2B31…` is `+31…`. What is no text then is left as it stands.
fn unescaped(user: &str) -> Cow<'_, str> {
    if !user.contains('%') {
        return Cow::Borrowed(user);
    }
    let mut bytes = Vec::with_capacity(user.len());
    let mut rest = user.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let code = after.get(..2).filter(|_| *first == b'%').and_then(|code| std::str::from_utf8(code).ok());
        match code.and_then(|code| u8::from_str_radix(code, 16).ok()) {
            Some(byte) => {
                bytes.push(byte);
                rest = after.get(2..).unwrap_or_default();
            }
            None => {
                bytes.push(*first);
                rest = after;
            }
        }
    }
    String::from_utf8(bytes).map_or(Cow::Borrowed(user), Cow::Owned)
}

fn plain(id: Cow<'_, str>) -> Named<'_> {
    Named { id, ..Named::default() }
}

/// RFC 3966: visual separators are no part of a number.
fn without_separators(number: &str) -> Cow<'_, str> {
    let separator = |c: char| matches!(c, '-' | '.' | '(' | ')' | ' ');
    if number.contains(separator) {
        Cow::Owned(number.chars().filter(|c| !separator(*c)).collect())
    } else {
        Cow::Borrowed(number)
    }
}

/// A name has a letter in it; a number printed prettily has not.
fn as_name(text: &str) -> Option<Cow<'_, str>> {
    let text = text.trim();
    text.chars().any(char::is_alphabetic).then_some(Cow::Borrowed(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(raw: &str, id: &str, name: Option<&str>, uid: Option<&str>) {
        let named = normalise(raw);
        assert_eq!((&*named.id, named.name.as_deref(), named.uid), (id, name, uid), "{raw}");
    }

    #[test]
    fn p02_every_shape_of_a_device_id_comes_to_its_number() {
        check("302118840100", "302118840100", None, None);
        check("N<302118840100>;noa=nk", "302118840100", None, None);
        check("N<302118840101>;displayNumber=302118840101;noa=nk", "302118840101", None, None);
        check("N<+17867100001>Line00001;displayNumber=00001", "+17867100001", Some("Line00001"), None);
        check("N<+17867100000>;uid=FF0001", "+17867100000", None, Some("FF0001"));
        check(
            "N<+17867100000>+ 30(210)8216100;displayNumber=7867100000;uid=FF01",
            "+17867100000",
            None,
            Some("FF01"),
        );
        check("N<123!98>", "123", None, None);
        check("N<>Jansen", "", Some("Jansen"), None);
        check("N<2001", "2001", None, None);
        check("tel:73124;phone-context=dialstring;partition=BE_BRS_INT", "73124", None, None);
        check("tel:+31-20-123 45.67", "+31201234567", None, None);
        check("tel:", "", None, None);
        check("sip:1001@10.2.1.48:5060;tel=1001", "1001", None, None);
        check("sip:2000@10.2.1.48", "2000", None, None);
        check("SIPS:u@h:5061;tel=31201234567", "31201234567", None, None);
        check("sip:2000", "2000", None, None);
        check("\"José de Vries\" <sip:2000@10.2.1.48>", "2000", Some("José de Vries"), None);
        check("455455@ser.intern.example", "455455", None, None);
        check("2000:CM1:192.168.1.32:0", "2000", None, None);
        check("12:CM1::0", "12", None, None);
        check("4750::192.0.2.33:0", "4750", None, None);
        check("tel:4922429230000;device=0014F29CD919", "4922429230000", None, None);
        check("sip:%2B31201234567@pbx.example;user=phone", "+31201234567", None, None);
        check("sip:Jos%C3%A9@pbx.example", "José", None, None);
        check("sip:20%zz@pbx.example", "20%zz", None, None);
        check("sip:2001;phone-context=nl@pbx.example;tel=2002", "2002", None, None);
        check("sip:2001:secret@pbx.example", "2001", None, None);
        check("\"Jansen\" <tel:+31-20-1234567>", "+31201234567", Some("Jansen"), None);
        check("00:10:49:1A:2B:3C", "00:10:49:1A:2B:3C", None, None);
        check("0010491A2B3C", "0010491A2B3C", None, None);
        check("0", "0", None, None);
        check("-12", "-12", None, None);
        check(" 2001 ", "2001", None, None);
        check("", "", None, None);
        check("<>", "", None, None);
    }

    proptest::proptest! {
        #[test]
        fn nothing_in_an_id_panics(raw in "[N<>;:@!&/%a-z0-9=\"é ]{0,40}") {
            let _ = normalise(&raw);
        }
    }
}
