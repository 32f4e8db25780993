//! The text steps: trimming, case, replacing, extracting, HTML, cutting to length.

use std::borrow::Cow;

use unicode_segmentation::UnicodeSegmentation;

use super::shape::{Case, Html, TextRule};
use crate::{html, markup};

/// Stands where a text was cut.
const CUT: char = '…';

impl TextRule {
    /// The text steps in their order; the result may be empty. `None`: `extract` found nothing.
    pub(super) fn apply<'a>(&self, text: Cow<'a, str>) -> Option<Cow<'a, str>> {
        let text = match self.repair {
            true => repaired(text),
            false => text,
        };
        let mut text = match self.html {
            Some(Html::Strip) if self.opens_lines => Cow::Owned(html::to_lines(&text)),
            Some(Html::Strip) => Cow::Owned(html::to_text(&text)),
            Some(Html::FromEscaped) => Cow::Owned(markup::from_escaped(&text, self.opens_lines)),
            Some(Html::FromWiki) => Cow::Owned(markup::from_wiki(&text)),
            _ => text,
        };
        if self.trim {
            text = trim(text);
        }
        if self.collapse {
            text = Cow::Owned(text.split_whitespace().collect::<Vec<_>>().join(" "));
        }
        text = match self.case {
            Some(Case::Upper) => Cow::Owned(text.to_uppercase()),
            Some(Case::Lower) => Cow::Owned(text.to_lowercase()),
            None => text,
        };
        for (regex, with) in &self.replace {
            if let Cow::Owned(replaced) = regex.replace_all(&text, with.as_str()) {
                text = Cow::Owned(replaced);
            }
        }
        if let Some(regex) = &self.extract {
            let found = regex.captures(&text)?.get(1)?.as_str().to_owned();
            text = Cow::Owned(found);
        }
        if self.trims_last {
            text = trim(text);
        }
        if self.html == Some(Html::FromText) {
            text = Cow::Owned(html::from_text(&text));
        }
        Some(text)
    }
}

/// A text whose lines end in one way, whatever program wrote them. Borrowed where they do already.
pub(super) fn plain_lines(text: Cow<'_, str>) -> Cow<'_, str> {
    match text.contains('\r') {
        true => Cow::Owned(text.replace("\r\n", "\n").replace('\r', "\n")),
        false => text,
    }
}

/// The same of every text in a JSON value.
pub(super) fn plain_json(value: &mut serde_json::Value) {
    use serde_json::Value;
    match value {
        Value::String(text) if text.contains('\r') => {
            *text = plain_lines(Cow::Borrowed(text.as_str())).into_owned();
        }
        Value::Array(items) => items.iter_mut().for_each(plain_json),
        Value::Object(members) => members.values_mut().for_each(plain_json),
        _ => {}
    }
}

/// Without outer space; borrowed where it was.
pub(super) fn trim(text: Cow<'_, str>) -> Cow<'_, str> {
    match text {
        Cow::Borrowed(text) => Cow::Borrowed(text.trim()),
        Cow::Owned(text) => {
            let trimmed = text.trim();
            if trimmed.len() == text.len() {
                Cow::Owned(text)
            } else {
                Cow::Owned(trimmed.to_owned())
            }
        }
    }
}

/// A text that was UTF-8 and was read as Windows-1252, as it was meant (`cafÃ©` → `café`). A text that holds
/// other signs too is fixed where a sequence begins with `Â`, `Ã` or `â`, as such sequences do in the languages of
/// Western Europe; what is no such sequence stays.
fn repaired(text: Cow<'_, str>) -> Cow<'_, str> {
    if text.is_ascii() {
        return text;
    }
    let (bytes, _, lossy) = encoding_rs::WINDOWS_1252.encode(&text);
    if !lossy && let Ok(whole) = std::str::from_utf8(&bytes) {
        return Cow::Owned(whole.to_owned());
    }
    let mut fixed = String::with_capacity(text.len());
    let mut rest: &str = &text;
    while let Some(first) = rest.chars().next() {
        let length = match first {
            'Â' | 'Ã' => 2,
            'â' => 3,
            _ => 1,
        };
        let end = rest
            .char_indices()
            .nth(length)
            .map_or(rest.len(), |(at, _)| at);
        let (part, after) = rest.split_at(end);
        let (bytes, _, lossy) = encoding_rs::WINDOWS_1252.encode(part);
        match std::str::from_utf8(&bytes) {
            Ok(meant) if length > 1 && !lossy => {
                fixed.push_str(meant);
                rest = after;
            }
            _ => {
                fixed.push(first);
                rest = &rest[first.len_utf8()..];
            }
        }
    }
    Cow::Owned(fixed)
}

/// At most `graphemes` characters as people see them and at most `scalars` as the system counts them, the
/// sign of the cut included.
pub(super) fn truncate(
    text: &str,
    graphemes: Option<usize>,
    scalars: Option<usize>,
    markup: Markup,
) -> String {
    let graphemes = graphemes.unwrap_or(usize::MAX);
    let scalars = scalars.unwrap_or(usize::MAX);
    if fits(text, graphemes, scalars) {
        return text.to_owned();
    }
    if graphemes == 0 || scalars == 0 {
        return String::new();
    }
    let mut end = 0;
    while let Some(piece) = piece(&text[end..], markup) {
        if !fits(&text[..end + piece.len()], graphemes - 1, scalars - 1) {
            break;
        }
        end += piece.len();
    }
    let mut cut = text[..end].trim_end().to_owned();
    cut.push(CUT);
    cut
}

/// What of a text may be markup, which is not cut in two.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Markup {
    /// Nothing.
    None,
    /// What looks like a tag or an entity: cells hold HTML that no step says anything about.
    Whole,
}

/// What a text begins with and may not be cut in two: a character as people see it, a tag or an entity.
fn piece(text: &str, markup: Markup) -> Option<&str> {
    let character = text.graphemes(true).next()?;
    // What follows a `<` says whether it begins a tag: `1 < 2` does not.
    let begins_tag = || {
        let next = text.as_bytes().get(1).copied().unwrap_or_default();
        next.is_ascii_alphabetic() || matches!(next, b'/' | b'!')
    };
    let markup = match character {
        _ if markup == Markup::None => None,
        "<" if begins_tag() => tag_end(text),
        "&" => html::entity_end(text),
        _ => None,
    };
    Some(markup.map_or(character, |end| &text[..=end]))
}

/// The `>` of the tag or comment that a text begins with: one inside of quotes does not end it.
fn tag_end(text: &str) -> Option<usize> {
    if text.starts_with("<!--") {
        return text.find("-->").map(|at| at + 2);
    }
    let mut quote = None;
    let mut before = '<';
    for (at, sign) in text.char_indices() {
        match (quote, sign) {
            (Some(open), _) if open == sign => quote = None,
            (Some(_), _) => {}
            (None, '>') => return Some(at),
            // Only the value of an attribute stands in quotes: an apostrophe of a text does not.
            (None, '"' | '\'') if before == '=' => quote = Some(sign),
            (None, _) => {}
        }
        before = sign;
    }
    text.find('>')
}

/// Whether a text keeps both limits.
pub(super) fn fits(text: &str, graphemes: usize, scalars: usize) -> bool {
    // Bytes are never fewer than either count: most texts are settled by their length.
    (text.len() <= scalars || text.chars().count() <= scalars)
        && (text.len() <= graphemes || text.graphemes(true).count() <= graphemes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use regex::Regex;

    fn rule() -> TextRule {
        TextRule {
            repair: false,
            trim: true,
            collapse: false,
            case: None,
            replace: Vec::new(),
            extract: None,
            html: None,
            trims_last: true,
            opens_lines: true,
        }
    }

    fn apply(rule: &TextRule, text: &str) -> Option<String> {
        rule.apply(Cow::Borrowed(text)).map(Cow::into_owned)
    }

    #[test]
    fn the_steps_follow_their_order() {
        let rule = TextRule {
            collapse: true,
            case: Some(Case::Upper),
            replace: vec![(Regex::new("ROOM ").unwrap(), "R-".to_owned())],
            extract: Some(Regex::new(r"(R-\d+)").unwrap()),
            ..rule()
        };
        assert_eq!(apply(&rule, "  in   room  12 b").as_deref(), Some("R-12"));
        assert_eq!(apply(&rule, "in the hall"), None);
    }

    #[test]
    fn html_becomes_text_and_text_becomes_html() {
        let strip = TextRule {
            html: Some(Html::Strip),
            ..rule()
        };
        assert_eq!(
            apply(
                &strip,
                "<p>Screen &amp; cable<br>broken</p><script>x()</script><p>1 < 2</p>"
            )
            .as_deref(),
            Some("Screen & cable\nbroken\n1 < 2")
        );
        assert_eq!(
            apply(&strip, "&lt;b&gt; &#233; &unknown; &").as_deref(),
            Some("<b> é &unknown; &")
        );
        assert_eq!(
            apply(
                &strip,
                "&Ccaron;apek &frac12; &#150; &#x1F600; &CounterClockwiseContourIntegral; x&copy=1&nbsp;y"
            )
            .as_deref(),
            Some("Čapek ½ – 😀 ∳ x&copy=1 y")
        );
        let from = TextRule {
            html: Some(Html::FromText),
            ..rule()
        };
        assert_eq!(apply(&from, "a < b\r\nc").as_deref(), Some("a &lt; b<br>c"));
    }

    #[test]
    fn a_text_that_was_read_wrongly_is_mended_and_no_other() {
        let repair = TextRule {
            repair: true,
            ..rule()
        };
        let fix = |text| apply(&repair, text).unwrap();
        assert_eq!(fix("cafÃ© â€œopenâ€\u{9d} Ð¿"), "café “open” п");
        assert_eq!(fix("“cafÃ©” isnâ€™t"), "“café” isn’t");
        assert_eq!(
            fix("café, CAFÉ», naïve, 日本語"),
            "café, CAFÉ», naïve, 日本語"
        );
        assert_eq!(fix("Ã"), "Ã");
    }

    #[test]
    fn a_cut_is_marked_and_splits_no_character() {
        assert_eq!(truncate("hello", Some(5), None, Markup::None), "hello");
        assert_eq!(
            truncate("hello world", Some(8), None, Markup::None),
            "hello w…"
        );
        assert_eq!(
            truncate("hello world", Some(7), None, Markup::None),
            "hello…"
        );
        let family = "👨‍👩‍👧‍👦 family";
        assert_eq!(truncate(family, Some(2), None, Markup::None), "👨‍👩‍👧‍👦…");
        assert_eq!(truncate(family, None, Some(4), Markup::None), "…");
    }

    #[test]
    fn html_is_cut_between_tags_and_entities() {
        let cut = |text, most| truncate(text, Some(most), None, Markup::Whole);
        assert_eq!(cut("ab<br>cd", 5), "ab…");
        assert_eq!(cut("ab<br>cd", 7), "ab<br>…");
        assert_eq!(cut("a &lt; b", 5), "a…");
        assert_eq!(cut("a &lt; b", 7), "a &lt;…");
        // What only looks like it is text.
        assert_eq!(cut("1 < 2 & 3 is so", 8), "1 < 2 &…");
        assert_eq!(cut("1 < 2 <b>x</b>", 8), "1 < 2…");
        assert_eq!(truncate("ab<br>cd", Some(5), None, Markup::None), "ab<b…");
    }

    proptest! {
        #[test]
        fn html_that_is_cut_shows_the_beginning_of_the_text(text in "[ab<>&\"\n]{0,30}", most in 1_usize..60) {
            let html = html::from_text(&text);
            let cut = truncate(&html, Some(most), None, Markup::Whole);
            prop_assert!(fits(&cut, most, usize::MAX));
            let shown = html::to_text(cut.trim_end_matches(CUT));
            prop_assert!(text.starts_with(&shown), "{html:?} {cut:?} {shown:?}");
        }

        #[test]
        fn a_cut_keeps_its_limits(text in ".*", graphemes in 0_usize..20, scalars in 0_usize..20) {
            let cut = truncate(&text, Some(graphemes), Some(scalars), Markup::None);
            prop_assert!(fits(&cut, graphemes, scalars));
        }

        #[test]
        fn a_cut_ends_between_characters_as_people_see_them(
            parts in prop::collection::vec(prop::sample::select(vec!["a", "é", "e\u{301}", "👨‍👩‍👧‍👦", "🇨🇭", "\r\n", " ", "क्षि", "ö"]), 0..20),
            graphemes in 1_usize..20,
        ) {
            let text = parts.concat();
            let cut = truncate(&text, Some(graphemes), None, Markup::None);
            if let Some(kept) = cut.strip_suffix(CUT) {
                let boundaries: Vec<usize> = text.grapheme_indices(true).map(|(at, _)| at).collect();
                prop_assert!(text.starts_with(kept));
                // Space at the cut is taken off, and never a part of a character.
                let end = text.len() - text[kept.len()..].trim_start().len();
                prop_assert!(boundaries.contains(&kept.len()) || boundaries.contains(&end));
            } else {
                prop_assert_eq!(cut, text);
            }
        }

        #[test]
        fn mending_changes_no_text_that_was_read_rightly(text in "[ -~]{0,40}") {
            let repair = TextRule { repair: true, ..rule() };
            prop_assert_eq!(repair.apply(Cow::Borrowed(&text)), rule().apply(Cow::Borrowed(&text)));
        }

        #[test]
        fn mending_finds_what_was_meant(text in "[a-z éèüößñ“”’–—…€]{0,30}") {
            // As a program writes it that takes each byte of UTF-8 for a letter.
            let (spoiled, _) = encoding_rs::WINDOWS_1252.decode_without_bom_handling(text.as_bytes());
            let repair = TextRule { repair: true, trim: false, trims_last: false, ..rule() };
            let fixed = repair.apply(Cow::Borrowed(&spoiled)).unwrap();
            prop_assert_eq!(fixed.as_ref(), text.as_str());
        }

        #[test]
        fn no_text_makes_a_step_panic(text in ".*", html in "[<>&;/a-z#!\\-\u{e4}]{0,40}") {
            for html_rule in [Html::Strip, Html::Keep, Html::FromText] {
                let rule = TextRule { collapse: true, html: Some(html_rule), ..rule() };
                rule.apply(Cow::Borrowed(&text));
                rule.apply(Cow::Borrowed(&html));
            }
        }
    }
}
