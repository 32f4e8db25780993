use data_encoding::{BASE64, BASE64_MIME, BASE64URL_NOPAD};
use proptest::prelude::*;
use proptest::sample::select;

use super::*;

fn redactor(secret: &str) -> Redactor {
    Redactor::new(&SecretString::from(secret))
}

/// What systems make of a character: as it is, or an escape of JSON, an address or a page.
fn escaped(character: char, choice: u8) -> String {
    let code = u32::from(character);
    match choice {
        0 => format!("\\u{code:04X}"),
        1 => format!("\\u{code:04x}"),
        2 => format!("%{code:02X}"),
        3 => format!("%{code:02x}"),
        4 => format!("&#{code};"),
        5 => format!("&#x{code:X};"),
        6 => format!("&#x{code:x};"),
        7 if character == '/' => "\\/".to_owned(),
        7 if character == '+' => "&plus;".to_owned(),
        7 if character == '=' => "&equals;".to_owned(),
        7 if character == '_' => "&lowbar;".to_owned(),
        // Whoever escapes anything escapes the mark of the escape.
        _ if "\\%&".contains(character) => escaped(character, choice % 7),
        _ => character.to_string(),
    }
}

/// How a system hands a token back: the text, all escapes in it chosen at random.
pub(crate) fn form(secret: &str) -> impl Strategy<Value = String> + use<> {
    let secret = secret.to_owned();
    let wrapped = select(vec![0_u8, 1, 2, 3, 4, 5, 6]);
    let choices = prop::collection::vec(0_u8..16, secret.len());
    let again = prop::collection::vec(any::<bool>(), 2);
    (wrapped, choices, again).prop_map(move |(wrapped, choices, again)| {
        let escape = |text: &str| -> String {
            let characters = text.chars().zip(choices.iter().cycle());
            characters.map(|(c, choice)| escaped(c, *choice)).collect()
        };
        let inner = match wrapped {
            0 => BASE64.encode(secret.as_bytes()),
            1 => BASE64.encode(format!("user:{secret}").as_bytes()),
            2 => BASE64URL_NOPAD.encode(format!("Bearer {secret}, please").as_bytes()),
            3 => BASE64_MIME.encode(format!("authorization: {secret}{secret}").as_bytes()),
            4 => secret.replace('+', " "),
            _ => {
                return again.iter().fold(escape(&secret), |text, again| {
                    if *again { escape(&text) } else { text }
                });
            }
        };
        again.iter().fold(
            inner,
            |text, again| if *again { escape(&text) } else { text },
        )
    })
}

pub(crate) fn secret() -> impl Strategy<Value = String> {
    "[A-Za-z0-9+/=._~-]{12,60}"
}

/// Whether a text gives a secret away to somebody who undoes everything that can be undone.
pub(crate) fn gives_away(text: &[u8], secret: &str) -> bool {
    let code = BASE64.encode(secret.as_bytes());
    let mut level = text.to_vec();
    loop {
        let text = String::from_utf8_lossy(&level);
        if text.contains(secret) || text.contains(&code[..code.len() - 4]) {
            return true;
        }
        match decoded(&level) {
            Some(next) => level = next.text,
            None => return false,
        }
    }
}

proptest! {
    /// Whatever the token, its form and the text around: nothing is left of it, and nothing else is taken.
    #[test]
    fn no_form_of_a_secret_is_left(
        (secret, form) in secret().prop_flat_map(|secret| (Just(secret.clone()), form(&secret))),
        before in "[ -~]{0,40}",
        after in "[ -~]{0,40}",
    ) {
        // What is before or after may not be part of an escape or of a base64 text.
        let text = format!("{before} |{form}| {after}");
        let clean = redactor(&secret).text(&text).into_owned();
        prop_assert!(!clean.contains(&form), "{clean}");
        prop_assert!(!gives_away(clean.as_bytes(), &secret), "{clean}");
        prop_assert!(clean.starts_with(&before) && clean.ends_with(&after), "{clean}");
    }

    #[test]
    fn a_text_without_the_secret_stays(secret in secret(), text in "[ -~\\n]{0,200}") {
        prop_assume!(!text.contains(&secret));
        prop_assert!(matches!(redactor(&secret).text(&text), Cow::Borrowed(_)));
    }
}

#[test]
fn the_text_around_stays_and_a_json_text_stays_one() {
    let redactor = redactor("tok+en/0123456789==");
    for (text, clean) in [
        ("a tok+en/0123456789== b", "a … b"),
        (
            r#"{"m":"no tok\u002Ben\/0123456789==!"}"#,
            r#"{"m":"no …!"}"#,
        ),
        ("?t=tok%2ben%2F0123456789%3D%3D&x=1", "?t=…&x=1"),
        ("tok%252Ben%252F0123456789%253D%253D", "…"),
        (
            "<a>tok&plus;en&#47;0123456789&equals;&#x3d;</a>",
            "<a>…</a>",
        ),
        ("tok+en<wbr>/0123456789==", "…"),
        // Cut in two by a margin: quoted, in a frame, in a mail, in a command.
        ("> a tok+en\n> /0123456789== b", "> a … b"),
        ("  │ tok+en/01\n  │ 23456789==!", "  │ …!"),
        ("tok+en/0123=\r\n456789== b", "… b"),
        ("-t tok+en/0123\\\n  456789== b", "-t … b"),
        ("two: tok+en/0123456789==tok+en/0123456789==", "two: …"),
        ("tok+en/0123456789=", "tok+en/0123456789="),
        ("Basic dXNlcjp0b2srZW4vMDEyMzQ1Njc4OT09.", "Basic dXNlcj…."),
    ] {
        assert_eq!(redactor.text(text), clean, "{text}");
    }
}

#[test]
fn a_secret_that_looks_escaped_itself_is_found() {
    for secret in [r"ab%41cd\/0123", "100%25&amp;more", r"\u0041\u0042\u0043"] {
        let redactor = redactor(secret);
        let json = serde_json::to_string(secret).unwrap();
        let percent: String = secret.bytes().map(|byte| format!("%{byte:02X}")).collect();
        for text in [secret, &json, &percent] {
            assert!(redactor.text(text).contains('…'), "{secret}: {text}");
        }
    }
}

#[test]
fn a_short_word_is_no_secret_and_several_secrets_are_known() {
    assert_eq!(redactor("sandbox").text("a sandbox"), "a sandbox");
    let secrets = Secrets::default();
    let mut written = secrets.writer(Vec::new());
    secrets.add(&SecretString::from("first-0123456789"));
    secrets.add(&SecretString::from("second-0123456789\n"));
    let text = "first-0123456789, second%2D0123456789";
    assert_eq!(secrets.text(text), "…, …");
    std::io::Write::write_all(&mut written, text.as_bytes()).unwrap();
    assert_eq!(written.into_inner(), "…, …".as_bytes());
    assert!(!format!("{secrets:?} {:?}", secrets.redactor()).contains("0123"));
}
