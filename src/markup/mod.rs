//! What help desks write into plain columns: HTML that was escaped once or twice, GLPI's marks for line breaks, BBCode and
//! Jira's wiki markup. Each becomes the text that a person reads.

mod wiki;

use std::borrow::Cow;

use crate::html;

pub(crate) use wiki::{from_wiki, is_wiki};

/// How often a text may have been escaped.
const DEEPEST: usize = 3;
/// GLPI's marks for a line break and a rule, and what parts entries and their numbers.
const BREAKS: [&str; 3] = ["#LBBR#", "#LBHR#", "$$$$"];
const NUMBER: &str = "$$##$$";

/// Whether a text holds an escaped element (`&lt;p&gt;`), or one of GLPI's marks.
pub(crate) fn is_escaped(text: &str) -> bool {
    holds_marks(text) || has_escaped_element(text)
}

fn holds_marks(text: &str) -> bool {
    BREAKS.iter().take(2).any(|mark| text.contains(mark)) || text.contains(NUMBER)
}

fn has_escaped_element(text: &str) -> bool {
    // `&amp;lt;p&amp;gt;` is escaped twice.
    let mut rest = text;
    while let Some(at) = rest.find("lt;") {
        let mut before = &rest[..at];
        while let Some(shorter) = before.strip_suffix("amp;") {
            before = shorter;
        }
        let is_sign = before.ends_with('&');
        let inner = rest[at + 3..].trim_start_matches('/');
        let name = inner.bytes().take_while(u8::is_ascii_alphanumeric).count();
        let is_named = inner
            .as_bytes()
            .first()
            .is_some_and(u8::is_ascii_alphabetic);
        if is_sign && is_named && name > 0 && name < 12 && inner[name..].contains("gt;") {
            return true;
        }
        rest = &rest[at + 3..];
    }
    false
}

/// Plain text from HTML that was escaped, and from GLPI's marks; also from HTML as it is. A paragraph ends in a blank
/// line; with `opens_lines` an opening tag of a block ends the line before it too.
pub(crate) fn from_escaped(text: &str, opens_lines: bool) -> String {
    let mut text = Cow::Borrowed(text);
    if opens_lines && text.contains("#60;") {
        // GLPI writes its signs by their numbers.
        let named = text
            .replace("&#60;", "&lt;")
            .replace("&amp;#60;", "&amp;lt;");
        text = Cow::Owned(
            named
                .replace("&#62;", "&gt;")
                .replace("&amp;#62;", "&amp;gt;"),
        );
    }
    if holds_marks(&text) {
        text = Cow::Owned(without_marks(&text));
    }
    for _ in 0..DEEPEST {
        if !has_escaped_element(&text) {
            break;
        }
        text = Cow::Owned(html::decoded(&text, opens_lines));
    }
    let spaced = text.replace("</p>", "</p><br>").replace("</P>", "</P><br>");
    let plain = match opens_lines {
        true => html::to_lines(&spaced),
        false => html::to_text(&spaced),
    };
    squeezed(&plain)
}

fn without_marks(text: &str) -> String {
    let mut parts = text.split(NUMBER);
    let mut plain = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        // The number of the entry follows.
        plain.push_str(part.trim_start_matches(|sign: char| sign.is_ascii_digit()));
    }
    BREAKS
        .iter()
        .fold(plain, |plain, mark| plain.replace(mark, "\n"))
}

/// At most one blank line between lines, none at the ends, no space before a line break.
fn squeezed(text: &str) -> String {
    let mut squeezed = String::with_capacity(text.len());
    let mut blank = 0;
    for line in text.lines().map(str::trim_end) {
        if line.is_empty() {
            blank += 1;
            continue;
        }
        if !squeezed.is_empty() {
            squeezed.push_str(if blank > 0 { "\n\n" } else { "\n" });
        }
        squeezed.push_str(line);
        blank = 0;
    }
    squeezed
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const GLPI: &str = "&lt;p&gt;Bonjour,&lt;/p&gt;&lt;p&gt;le bureau 1 &amp;amp; le 2&amp;#39;e &eacute;tage&lt;/p&gt;";

    #[test]
    fn escaped_html_becomes_what_a_person_reads() {
        let read = "Bonjour,\n\nle bureau 1 & le 2'e étage";
        assert_eq!(from_escaped(GLPI, false), read);
        let twice = GLPI.replace('&', "&amp;");
        assert!(is_escaped(&twice));
        assert_eq!(from_escaped(&twice, false), read);
        assert_eq!(
            from_escaped("<p>Bonjour,</p>\n<p>x</p>", false),
            "Bonjour,\n\nx"
        );
        assert_eq!(
            from_escaped("plain\n\n\n\n text & more ", false),
            "plain\n\n text & more"
        );
    }

    #[test]
    fn marks_of_glpi_are_line_breaks() {
        let text = "#LBBR#Bonjour1#LBBR#ligne 2#LBHR#fin$$##$$12";
        assert!(is_escaped(text));
        assert_eq!(from_escaped(text, false), "Bonjour1\nligne 2\nfin");
        let numbered = "&#60;p&#62;a&#60;/p&#62;&#60;p&#62;b &#38; c&#60;/p&#62;";
        assert_eq!(from_escaped(numbered, true), "a\n\nb & c");
        assert_eq!(from_escaped("x&lt;p&gt;one&lt;/p&gt;", true), "x\none");
        assert_eq!(from_escaped("a$$##$$7$$$$b$$##$$8", false), "a\nb");
    }

    #[test]
    fn what_only_looks_escaped_is_not() {
        for text in [
            "a &lt; b",
            "salt;p",
            "x &lt;3 you",
            "5 &gt; 4 &amp; 3",
            "Bjork #LB",
            "<p>x</p>",
        ] {
            assert!(!is_escaped(text), "{text}");
        }
    }

    proptest! {
        /// However often a page was escaped, its words come out.
        #[test]
        fn any_number_of_escapes_comes_off(
            words in prop::collection::vec("[a-zéß&'\"]{1,6}", 1..5),
            times in 1_usize..4,
        ) {
            let escape = |text: &str| text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
            let page: String = words.iter().map(|word| format!("<p>{}</p>", escape(word))).collect();
            let escaped = (0..times).fold(page, |page, _| escape(&page));
            prop_assert!(is_escaped(&escaped));
            prop_assert_eq!(from_escaped(&escaped, false), words.join("\n\n"));
        }
    }
}
