//! BBCode and Jira's wiki markup.

use std::sync::LazyLock;

use regex::{Captures, Regex};

/// What is replaced, in order: headings, lists and rules at the beginnings of lines, then what stands within them.
static RULES: LazyLock<Vec<(Regex, &'static str)>> = LazyLock::new(|| {
    let rules: [(&str, &str); 22] = [
        // Jira: blocks and colours, whose marks vanish.
        (
            r"(?i)\{(?:code|noformat|quote|panel|color|anchor)(?::[^}\n]*)?\}",
            "",
        ),
        (r"(?m)^[ \t]*h[1-6]\.[ \t]+", ""),
        (r"(?m)^[ \t]*bq\.[ \t]+", ""),
        (r"(?m)^[ \t]*[*#-]+[ \t]+(\S)", "- $1"),
        (r"(?m)^[ \t]*-{4,}[ \t]*$", ""),
        (r"(?m)^[ \t]*\|\|?(.*?)\|?\|[ \t]*$", "$1"),
        (r"\|\|", " | "),
        // Links, people, pictures.
        (r"\[~(?:accountid:)?([^\]\n]+)\]", "@$1"),
        (
            r"\[([^|\]\n]+)\|((?:https?|mailto|ftp)[^|\]\s]*)(?:\|[^\]\n]*)?\]",
            "$1 ($2)",
        ),
        (r"\[((?:https?|mailto|ftp):[^|\]\s]+)\]", "$1"),
        (
            r"!([^\s!|]+\.(?i:png|jpe?g|gif|bmp|svg|webp|pdf|docx?|xlsx?|txt))(?:\|[^!\n]*)?!",
            "[$1]",
        ),
        // BBCode.
        (r"(?i)\[url=([^\]\s]+)\](.*?)\[/url\]", "$2 ($1)"),
        (r"(?i)\[(?:url|email)\](.*?)\[/(?:url|email)\]", "$1"),
        (r"(?i)\[img[^\]]*\](.*?)\[/img\]", "[$1]"),
        (r"(?i)\[(?:br|hr)\]", "\n"),
        (r"(?i)[ \t]*\[\*\][ \t]*", "\n- "),
        (
            r"(?i)\[/?(?:b|i|u|s|code|quote|list|color|size|font|center|left|right|table|tr|td|th|sub|sup)(?:=[^\]\n]*)?\]",
            "",
        ),
        // Jira: what is bold, slanted, underlined, struck, code.
        (
            r"(?m)(^|[\s(>])\*(\S(?:[^*\n]*?\S)?)\*($|[\s).,;:!?<])",
            "$1$2$3",
        ),
        (
            r"(?m)(^|[\s(>])_(\S(?:[^_\n]*?\S)?)_($|[\s).,;:!?<])",
            "$1$2$3",
        ),
        (
            r"(?m)(^|[\s(>])\+(\S(?:[^+\n]*?\S)?)\+($|[\s).,;:!?<])",
            "$1$2$3",
        ),
        (r"\{\{([^}\n]+)\}\}", "$1"),
        (r"(?m)\\\\[ \t]*$|\\\\[ \t]+", "\n"),
    ];
    rules
        .into_iter()
        .map(|(pattern, with)| (Regex::new(pattern).expect("each pattern is one"), with))
        .collect()
});

/// What only such a text has.
static SURE: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(
        r"(?im)\{(?:code|noformat|quote|panel|color)(?::[^}\n]*)?\}|^[ \t]*h[1-6]\.[ \t]+\S|\[[^|\]\n]+\|https?://[^\]\s]+\]|\[~[^\]\n]+\]|\[(b|i|u|quote|code|url|img|list)(?:=[^\]\n]*)?\].*?\[/(b|i|u|quote|code|url|img|list)\]",
    )
    .expect("the pattern is one")
});

/// Whether a text has markup that no other text has.
pub(crate) fn is_wiki(text: &str) -> bool {
    text.contains(['{', '[', 'h', 'H']) && SURE.is_match(text)
}

/// Plain text from BBCode and Jira's wiki markup.
pub(crate) fn from_wiki(text: &str) -> String {
    let mut plain = text.replace("\r\n", "\n");
    for (pattern, with) in RULES.iter() {
        // Twice where two stand side by side: the sign between them belongs to both.
        for _ in 0..2 {
            let replaced = pattern.replace_all(&plain, |found: &Captures<'_>| {
                let mut text = String::new();
                found.expand(with, &mut text);
                text
            });
            if let std::borrow::Cow::Owned(replaced) = replaced {
                plain = replaced;
            }
        }
    }
    super::squeezed(&plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wiki_markup_becomes_what_a_person_reads() {
        for (text, read) in [
            (
                "h2. Steps\n* open *the* app\n** click _here_",
                "Steps\n- open the app\n- click here",
            ),
            (
                "see [the page|https://a.example/x] and [~ann]",
                "see the page (https://a.example/x) and @ann",
            ),
            ("{code:java}\nx = a * b * c;\n{code}", "x = a * b * c;"),
            (
                "{color:#ff0000}red{color} !shot.png|thumbnail!",
                "red [shot.png]",
            ),
            ("||Name||Room||\n|Ann|12|", "Name | Room\nAnn|12"),
            ("*a* *b* {{cmd}}", "a b cmd"),
            ("first\\\\ second\n----\nthird", "first\nsecond\n\nthird"),
        ] {
            assert_eq!(from_wiki(text), read, "{text:?}");
        }
    }

    #[test]
    fn bbcode_becomes_what_a_person_reads() {
        let text = "[b]Printer[/b] is [color=red]down[/color][br]see [url=https://a.example]here[/url]\n[list][*]one[*]two[/list]";
        assert!(is_wiki(text));
        assert_eq!(
            from_wiki(text),
            "Printer is down\nsee here (https://a.example)\n\n- one\n- two"
        );
    }

    #[test]
    fn plain_texts_stay() {
        for text in [
            "2 * 3 * 4",
            "snake_case_name and other_name",
            "a [note] in brackets",
            "C:\\temp",
            "\\\\server\\share",
            "{braces}",
            "x - y",
        ] {
            assert!(!is_wiki(text), "{text}");
            assert_eq!(from_wiki(text), text);
        }
    }
}
