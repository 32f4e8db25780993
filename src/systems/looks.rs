//! How something that is sent will look when a system lists it: what of it can be compared, and what the ledger keeps
//! of that.
//!
//! A system may rewrite what it is sent: shorten titles, write emoji as short codes, put a label before a text. So two
//! titles are compared in three degrees, and only one that cannot come of the other by such changes is another title.

use std::collections::BTreeMap;

use data_encoding::HEXLOWER;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use unicode_segmentation::UnicodeSegmentation;

use crate::html;

/// The trait that people call a ticket by.
pub const TITLE: &str = "title";

/// The trait of a comment that says who may see it: [`PUBLIC`] or [`INTERNAL`].
pub const KIND: &str = "kind";

/// What everybody sees who sees the ticket.
pub const PUBLIC: &str = "public";

/// What only agents see.
pub const INTERNAL: &str = "internal";

/// How many characters of a title are kept.
const TITLE_LENGTH: usize = 255;

/// How something that is sent will look when it is listed, as far as that can be compared.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Looks {
    /// Title, requester, priority, location…: (name, value); nothing that is empty.
    pub traits: Vec<(&'static str, String)>,
    /// The text: a ticket's description, a comment.
    pub text: String,
}

impl Looks {
    /// Whether there is nothing to compare.
    pub fn is_empty(&self) -> bool {
        self.traits.is_empty() && self.text.is_empty()
    }
}

/// What the ledger keeps of how a request will look: the words of the title, hashes of all else.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Print {
    /// By name.
    #[serde(rename = "t", default, skip_serializing_if = "BTreeMap::is_empty")]
    pub traits: BTreeMap<String, String>,
    /// The hash of the words of the text.
    #[serde(rename = "h", default, skip_serializing_if = "String::is_empty")]
    pub text: String,
    /// The length of the text in characters.
    #[serde(rename = "l")]
    pub length: usize,
    /// The latest time, on the system's clock, at which the intent can have been written; the ledger's own time of it is
    /// the earliest.
    #[serde(rename = "u", default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
    /// When the intent was written by our own clock, where that and the system's were apart.
    #[serde(rename = "o", default, skip_serializing_if = "Option::is_none")]
    pub ours: Option<Timestamp>,
}

impl Print {
    /// What is kept of it.
    pub fn of(looks: &Looks) -> Self {
        let kept = |(name, value): &(&'static str, String)| ((*name).to_owned(), kept(name, value));
        Self {
            traits: looks.traits.iter().map(kept).collect(),
            text: text_print(&looks.text),
            length: looks.text.chars().count(),
            until: None,
            ours: None,
        }
    }

    /// Whether a listed value is the one that was sent; `None` where nothing of that name was sent.
    pub fn is(&self, name: &str, value: &str) -> Option<bool> {
        Some(*self.traits.get(name)? == kept(name, value))
    }

    /// Whether the words of a listed text are those that were sent.
    pub fn is_text(&self, listed: &str) -> bool {
        let unlinked = html::unlinked(listed);
        [listed, &unlinked, &html::to_text(&unlinked)]
            .iter()
            .any(|text| text_print(text) == self.text)
    }

    /// How a listed title relates to the one that was sent; `None` where no title was sent.
    pub fn title(&self, listed: &str) -> Option<Relation> {
        self.title_of(&words(listed))
    }

    /// The same of a title as [`words`] gives it: where one is compared with many.
    pub fn title_of(&self, words: &str) -> Option<Relation> {
        self.traits.get(TITLE).map(|sent| relation(sent, words))
    }
}

/// How a listed title relates to one that was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Relation {
    /// The same words.
    Same,
    /// It may be the same title, rewritten.
    Akin,
    /// Another title.
    Other,
}

fn kept(name: &str, value: &str) -> String {
    match name {
        TITLE => words(value),
        _ => short_hash(value.trim().to_lowercase().as_bytes()),
    }
}

/// The hash of the words of a text, whatever tags and white space are between them; empty for a text of none.
pub fn text_print(text: &str) -> String {
    let text = html::to_text(text);
    let words: Vec<&str> = text.split_whitespace().collect();
    match words.is_empty() {
        true => String::new(),
        false => short_hash(words.join(" ").as_bytes()),
    }
}

fn short_hash(bytes: &[u8]) -> String {
    HEXLOWER.encode(&blake3::hash(bytes).as_bytes()[..8])
}

/// The words of a title in lower case, without signs.
pub fn words(title: &str) -> String {
    let plain = html::to_text(title);
    let mut words = String::new();
    for word in plain.unicode_words() {
        if !words.is_empty() {
            words.push(' ');
        }
        words.extend(word.chars().flat_map(char::to_lowercase));
    }
    let end = words.char_indices().nth(TITLE_LENGTH).map(|(at, _)| at);
    words.truncate(end.unwrap_or(words.len()));
    words
}

/// Both as [`words`] gives them.
fn relation(sent: &str, listed: &str) -> Relation {
    if sent == listed {
        return Relation::Same;
    }
    // A title of signs alone tells nothing.
    if sent.is_empty() || listed.is_empty() || sent.contains(listed) || listed.contains(sent) {
        return Relation::Akin;
    }
    let is_other_number = has_other_numbers(sent, listed);
    let [sent, listed] = [sent, listed].map(|title| {
        let mut words: Vec<&str> = title.split(' ').collect();
        words.sort_unstable();
        words.dedup();
        words
    });
    let common = sent.iter().filter(|word| listed.contains(word)).count();
    match !is_other_number && 3 * common >= 2 * sent.len().min(listed.len()) {
        true => Relation::Akin,
        false => Relation::Other,
    }
}

/// Whether the numbers of two titles contradict each other: one can come of the other by a label before it, a short code in
/// it, or its end cut off.
fn has_other_numbers(sent: &str, listed: &str) -> bool {
    let numbers = |title: &str| -> Vec<String> {
        let digits = |word: &str| word.chars().filter(char::is_ascii_digit).collect();
        let words = title.split(' ').map(digits);
        words.filter(|digits: &String| !digits.is_empty()).collect()
    };
    let (sent, found) = (numbers(sent), numbers(listed));
    let is_cut = listed.ends_with(|c: char| c.is_ascii_digit());
    // The numbers of one are among those of the other, in order; the last one may be cut.
    let is_among = |few: &[String], many: &[String], is_cut: bool| {
        let mut many = many.iter();
        few.iter().enumerate().all(|(at, one)| {
            let is_last = is_cut && at + 1 == few.len();
            many.any(|other| other == one || (is_last && other.starts_with(one.as_str())))
        })
    };
    // One before the title may be that of a label.
    let labels = (0..found.len().max(1)).map(|labels| found.get(labels..).unwrap_or_default());
    !is_among(&sent, &found, false) && !labels.into_iter().any(|rest| is_among(rest, &sent, is_cut))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn print(title: &str) -> Print {
        Print::of(&Looks {
            traits: vec![
                (TITLE, title.to_owned()),
                ("requester", "Ann@A.example ".to_owned()),
            ],
            text: String::new(),
        })
    }

    #[test]
    fn a_title_that_was_rewritten_is_akin_and_another_one_is_not() {
        let sent = "Screen of laptop 12 😀 broken, @ann!";
        for (listed, expected) in [
            ("screen of LAPTOP 12 broken ann", Relation::Same),
            (
                "[IT] Screen of laptop 12 :grinning: broken, <@U123>",
                Relation::Akin,
            ),
            ("Screen of lapt…", Relation::Akin),
            ("???", Relation::Akin),
            ("Screen of laptop 13 😀 broken, @ann!", Relation::Other),
            ("Screen of laptop 1 😀 broken, @ann!", Relation::Other),
            ("[7] Screen of laptop 12 broken, <@U1>", Relation::Akin),
            ("Screen of laptop 12 broken, says 7", Relation::Akin),
            ("Ticket #4711", Relation::Other),
            ("Projector is dark", Relation::Other),
        ] {
            assert_eq!(print(sent).title(listed), Some(expected), "{listed}");
        }
        assert_eq!(
            print("印刷できません").title("印刷でき"),
            Some(Relation::Akin)
        );
        assert_eq!(Print::default().title("x"), None);
    }

    #[test]
    fn other_traits_are_the_same_or_not() {
        let print = print("t");
        assert_eq!(print.is("requester", "ann@a.example"), Some(true));
        assert_eq!(print.is("requester", "bob@a.example"), Some(false));
        assert_eq!(print.is("location", "x"), None);
        assert!(!serde_json::to_string(&print).unwrap().contains("a.example"));
    }

    #[test]
    fn a_text_is_known_by_its_words() {
        assert_eq!(text_print("<p>a  &amp; b</p>"), text_print("a & b"));
        assert_ne!(text_print("a"), text_print("b"));
        assert_eq!(text_print(" \n"), "");
    }
}
