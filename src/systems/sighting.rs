//! Whether what was sent is there, told by what reads back (design, Delivery): what both systems share.
//!
//! A text that is said twice looks the same twice. So one equal text counts as ours only when it is the only one since
//! ours was sent; several, or one from just before, settle nothing: the row may have said the same before, and a
//! person has to look. A text that merely resembles ours may be ours as the system rewrote it, and settles nothing
//! either.
//!
//! That there is none counts only where one of the same kind that the ledger holds was listed back, and where nothing is
//! left that our account may have made since and that nobody knows of: a text may be rewritten until nothing of it is
//! left.

use std::collections::HashSet;

use jiff::{SignedDuration, Timestamp};

use super::{KIND, Print, Sighting, text_print};
use crate::html;

/// How far the system's clock and what we know of it may be apart.
const SLACK: SignedDuration = SignedDuration::from_mins(1);

/// How much of that the `Date` header loses by its whole seconds.
const ROUNDING: SignedDuration = SignedDuration::from_secs(2);

/// When something equal, or nearly so, was made.
#[derive(Debug, Clone, Copy)]
pub(super) struct Like {
    /// The time that is told; `None`: none is.
    pub(super) at: Option<Timestamp>,
    /// What that time may mean as well: one without an offset may be the site's or UTC.
    pub(super) or: Option<Timestamp>,
    /// Whether it is what was sent, and not only resembles it.
    pub(super) is_equal: bool,
}

/// What those say about something that was sent at `since`; `what` names one of them. The caller has read everything.
pub(super) fn judge(what: &str, likes: &[Like], since: Timestamp) -> Sighting {
    let from = since - SLACK;
    let may_be_ours =
        |like: &&Like| like.at.is_none_or(|at| at >= from) || like.or.is_some_and(|at| at >= from);
    let recent: Vec<&Like> = likes.iter().filter(may_be_ours).collect();
    let unclear = |why: String| Sighting::Unclear(why);
    match recent.as_slice() {
        [] => Sighting::Absent,
        [one] if !one.is_equal => unclear(format!(
            "there is {what} that resembles it and is not the same"
        )),
        [one] => match one.at {
            Some(at) if at >= since - ROUNDING => Sighting::Done,
            Some(_) => unclear(format!("there is {what} like it, made before it was sent")),
            None => unclear(format!(
                "there is {what} like it, and no time tells when it was made"
            )),
        },
        several => unclear(format!(
            "there are {} of {what} like it, made since it was sent",
            several.len()
        )),
    }
}

/// One thing of the kind that a ticket shows.
#[derive(Debug, Clone, Default)]
pub(crate) struct Item {
    /// When it was made.
    pub(crate) at: Option<Timestamp>,
    /// What that time may mean as well.
    pub(crate) or: Option<Timestamp>,
    /// Its text in the readings that are possible; none where it shows no text.
    pub(crate) texts: Vec<String>,
    /// Who made it, where that is shown.
    pub(crate) author: Option<String>,
    /// Who may see it ([`KIND`]), where that is shown.
    pub(crate) kind: Option<&'static str>,
    /// Whether its id says that it is another one that we made.
    pub(crate) is_another: bool,
}

impl Item {
    fn is_text(&self, print: &str) -> bool {
        !print.is_empty() && self.texts.iter().any(|text| text_print(text) == print)
    }

    fn may_be_of(&self, kind: Option<&str>) -> bool {
        self.kind
            .is_none_or(|own| kind.is_none_or(|kind| own == kind))
    }
}

/// What is looked for.
#[derive(Debug, Clone)]
pub(crate) struct Sought<'a> {
    /// The name of one of its kind, with an article.
    pub(crate) what: &'a str,
    /// What was sent.
    pub(crate) text: String,
    /// Who may see it.
    pub(crate) kind: Option<&'a str>,
    /// In whose name it was sent, where that is not the token's.
    pub(crate) author: Option<String>,
    /// The texts of the row's other calls of its kind.
    pub(crate) others: Vec<String>,
    /// When it was sent, on the system's clock.
    pub(crate) since: Timestamp,
}

/// What things show that the ledger holds as done: witnesses.
#[derive(Debug, Default)]
pub(crate) struct Shows {
    /// Whether one of the kind that is looked for was listed back.
    pub(super) kind: bool,
    /// Whether a text came back as it was sent.
    pub(super) texts: bool,
    /// Whether one did not that must be visible by now.
    is_altered: bool,
    /// Whether the ids that we choose come back.
    pub(super) ids: bool,
    /// Who our account is.
    authors: HashSet<String>,
}

impl Shows {
    /// Takes up what a ticket shows of those that are done on it.
    pub(crate) fn learn(&mut self, items: &[Item], done: &[Print], sought: &Sought<'_>) {
        for item in items.iter().filter(|item| item.is_another) {
            self.ids = true;
            self.kind |= item.may_be_of(sought.kind);
            self.authors.extend(item.author.clone());
        }
        for print in done {
            match items.iter().find(|item| item.is_text(&print.text)) {
                Some(item) => {
                    self.texts = true;
                    let is_kind = sought.kind.and_then(|kind| print.is(KIND, kind));
                    self.kind |= is_kind != Some(false) && item.may_be_of(sought.kind);
                    self.authors.extend(item.author.clone());
                }
                None => self.is_altered |= print.until.is_some_and(|until| until < sought.since),
            }
        }
    }
}

/// What a ticket says about something that was sent to it, and whether a further witness may say more.
pub(crate) fn sight(
    sought: &Sought<'_>,
    items: &[Item],
    done: &[Print],
    shows: &Shows,
) -> (Sighting, bool) {
    let is_others = |text: &String| {
        let equal = |other: &String| likeness(other, text) == Likeness::Equal;
        sought.others.iter().any(equal)
    };
    let open: Vec<&Item> = (items.iter())
        .filter(|item| !item.is_another && !item.texts.iter().any(is_others))
        .collect();
    let like = |item: &&Item| {
        let degrees = item.texts.iter().map(|text| likeness(&sought.text, text));
        let best = degrees.min_by_key(|degree| *degree as u8)?;
        (best != Likeness::None).then_some(Like {
            at: item.at,
            or: item.or,
            is_equal: best == Likeness::Equal,
        })
    };
    let likes: Vec<Like> = open.iter().filter_map(like).collect();
    let held = text_print(&sought.text);
    let is_twin = !held.is_empty() && done.iter().any(|print| print.text == held);
    match judge(sought.what, &likes, sought.since) {
        Sighting::Absent => {}
        // The same words were said before, by a step that is done: which of the two is shown, nothing tells.
        Sighting::Done if is_twin => {
            let why = format!(
                "there is {} like it, and one that says the same was done before",
                sought.what
            );
            return (Sighting::Unclear(why), false);
        }
        told => return (told, false),
    }
    let from = sought.since - SLACK;
    let unexplained = open.iter().any(|item| {
        let is_since = item.at.is_none_or(|at| at >= from) || item.or.is_some_and(|at| at >= from);
        is_since
            && item.may_be_of(sought.kind)
            && !done.iter().any(|print| item.is_text(&print.text))
            && may_be(sought, item, shows)
    });
    let unclear = |why: String| (Sighting::Unclear(why), true);
    if unexplained && !shows.ids {
        return unclear(format!(
            "there is {} since it was sent that nobody knows of, and its text may be rewritten or hidden",
            sought.what
        ));
    }
    if !shows.kind {
        return unclear(format!(
            "it is not shown, and no other {} like it was listed back either, so that proves nothing",
            sought.what.trim_start_matches("a ")
        ));
    }
    (Sighting::Absent, false)
}

/// Whether something that was made since, and is like nothing that we know, may be what was sent, rewritten.
fn may_be(sought: &Sought<'_>, item: &Item, shows: &Shows) -> bool {
    let ours = match &sought.author {
        Some(author) => author == item.author.as_ref().unwrap_or(author),
        None => match (&item.author, shows.authors.is_empty()) {
            (Some(author), false) => shows.authors.contains(author),
            _ => true,
        },
    };
    let is_known = item.author.is_some() && (sought.author.is_some() || !shows.authors.is_empty());
    let is_shown = item.texts.iter().any(|text| !text_print(text).is_empty());
    // Somebody else's words are not ours where words come back as they were sent. Of few words that a system likes to
    // rewrite nothing may be left.
    let is_other = !is_known && is_shown && shows.texts && !shows.is_altered;
    ours && !(is_other && keeps_words(&sought.text))
}

/// Whether a system that writes emoji, mentions and links otherwise leaves most words of a text.
fn keeps_words(text: &str) -> bool {
    const MANY: usize = 4;
    let plain = html::to_text(text);
    let is_plain =
        |c: char| c.is_ascii() && !matches!(c, '@' | '<' | '>' | '&' | ':' | '#' | '*' | '_' | '`');
    plain.split_whitespace().count() >= MANY || plain.chars().all(is_plain)
}

/// How a text that was found relates to one that was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Likeness {
    /// The same words.
    Equal,
    /// Most of the words.
    Similar,
    /// Another text.
    None,
}

/// Compares two texts by their words, whatever tags and white space stand between them.
pub(super) fn likeness(sent: &str, found: &str) -> Likeness {
    let (sent, found) = (html::to_text(sent), html::to_text(found));
    if sent.split_whitespace().eq(found.split_whitespace()) {
        return Likeness::Equal;
    }
    let words = |text: &str| -> HashSet<String> {
        let plain = |word: &str| {
            word.trim_matches(|c: char| !c.is_alphanumeric())
                .to_lowercase()
        };
        let words = text.split_whitespace().map(plain);
        words.filter(|word| !word.is_empty()).collect()
    };
    let (sent, found) = (words(&sent), words(&found));
    let common = sent.intersection(&found).count();
    match 2 * common > sent.len().max(found.len()) {
        true => Likeness::Similar,
        false => Likeness::None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn since() -> Timestamp {
        "2024-06-21T13:00:00Z".parse().unwrap()
    }

    fn like(seconds: i64) -> Like {
        Like {
            at: Some(since() + SignedDuration::from_secs(seconds)),
            or: None,
            is_equal: true,
        }
    }

    #[test]
    fn one_since_it_was_sent_is_ours() {
        assert_eq!(judge("a comment", &[like(1)], since()), Sighting::Done);
        assert_eq!(judge("a comment", &[like(-1)], since()), Sighting::Done);
        let old = [like(-3600), like(3)];
        assert_eq!(judge("a comment", &old, since()), Sighting::Done);
    }

    #[test]
    fn none_since_it_was_sent_is_none() {
        assert_eq!(judge("a comment", &[], since()), Sighting::Absent);
        assert_eq!(judge("a comment", &[like(-61)], since()), Sighting::Absent);
    }

    #[test]
    fn what_may_be_anothers_settles_nothing() {
        let timeless = Like {
            at: None,
            ..like(0)
        };
        let other_zone = Like {
            or: like(2).at,
            ..like(-5 * 3600)
        };
        let similar = Like {
            is_equal: false,
            ..like(1)
        };
        for likes in [
            &[like(-30)][..],
            &[like(1), like(2)],
            &[timeless],
            &[other_zone],
            &[similar],
            &[like(1), similar],
        ] {
            let judged = judge("a comment", likes, since());
            assert!(matches!(judged, Sighting::Unclear(_)), "{likes:?}");
        }
    }

    #[test]
    fn texts_are_compared_by_their_words() {
        let sent = "Replaced the <b>screen</b>.<br>Works &amp; shines.";
        assert_eq!(
            likeness(sent, "Replaced the screen.\n Works & shines."),
            Likeness::Equal
        );
        assert_eq!(
            likeness(sent, "<p>Replaced the screen. Works and shines!</p>"),
            Likeness::Similar
        );
        assert_eq!(likeness(sent, "Ordered a new battery."), Likeness::None);
    }

    fn item(text: &str, seconds: i64) -> Item {
        Item {
            at: like(seconds).at,
            texts: Vec::from_iter((!text.is_empty()).then(|| text.to_owned())),
            kind: Some("public"),
            ..Item::default()
        }
    }

    fn sought(text: &str) -> Sought<'static> {
        Sought {
            what: "a comment",
            text: text.to_owned(),
            kind: Some("public"),
            author: None,
            others: vec!["The other one of the row".to_owned()],
            since: since(),
        }
    }

    fn print(text: &str, kind: &str) -> Print {
        Print::of(&crate::systems::Looks {
            traits: vec![(KIND, kind.to_owned())],
            text: text.to_owned(),
        })
    }

    fn sight_with(text: &str, items: &[Item], done: &[Print]) -> &'static str {
        let sought = sought(text);
        let mut shows = Shows::default();
        shows.learn(items, done, &sought);
        match sight(&sought, items, done, &shows).0 {
            Sighting::Done => "done",
            Sighting::Absent => "absent",
            Sighting::Unclear(_) => "unclear",
        }
    }

    #[test]
    fn none_is_proven_by_another_of_its_kind_alone() {
        let text = "We replaced the screen today";
        let old = item("Done on Monday", -9_000);
        let done = [print("Done on Monday", "public")];
        assert_eq!(sight_with(text, &[], &[]), "unclear");
        assert_eq!(sight_with(text, std::slice::from_ref(&old), &[]), "unclear");
        assert_eq!(
            sight_with(text, std::slice::from_ref(&old), &done),
            "absent"
        );
        let note = [print("Done on Monday", "internal")];
        assert_eq!(sight_with(text, &[old], &note), "unclear");
    }

    #[test]
    fn what_nobody_knows_of_may_be_ours_rewritten() {
        let old = item("Done on Monday", -9_000);
        let done = [print("Done on Monday", "public")];
        let with = |text: &str, item: Item| sight_with(text, &[old.clone(), item], &done);
        let text = "We replaced the screen today";
        // Nothing is left of its text, or too little of one that systems rewrite.
        assert_eq!(with(text, item("", 1)), "unclear");
        assert_eq!(with("👍", item(":+1:", 1)), "unclear");
        assert_eq!(with("@ann", item("<@U123>", 1)), "unclear");
        // Somebody else's words, the row's own others, and what was there before.
        assert_eq!(with(text, item("When will it be ready?", 1)), "absent");
        assert_eq!(with("👍", item("The other one of the row", 1)), "absent");
        assert_eq!(with("👍", item("", -90)), "absent");
        // Where words do not come back, no words say that it is another's.
        let altered = Print {
            until: Some(since() - SignedDuration::from_hours(2)),
            ..print("Was here", "public")
        };
        let items = [old.clone(), item("When will it be ready?", 1)];
        assert_eq!(
            sight_with(text, &items, &[done[0].clone(), altered]),
            "unclear"
        );
    }

    #[test]
    fn our_own_account_is_known_by_what_it_made() {
        let by = |author: &str, item: Item| Item {
            author: Some(author.to_owned()),
            ..item
        };
        let old = by("U1", item("Done on Monday", -9_000));
        let done = [print("Done on Monday", "public")];
        let with = |item: Item| sight_with("👍", &[old.clone(), item], &done);
        assert_eq!(with(by("U2", item(":+1:", 1))), "absent");
        assert_eq!(with(by("U1", item("Quite other words", 1))), "unclear");
        assert_eq!(with(item(":+1:", 1)), "unclear");
        // A held one of another row.
        let held = [done[0].clone(), print("Of another row", "public")];
        let items = [old.clone(), by("U1", item("Of another row", 1))];
        assert_eq!(sight_with("👍", &items, &held), "absent");
    }

    #[test]
    fn one_that_says_the_same_as_another_is_not_taken_for_it() {
        // The first of the two was done just before, and the second never came.
        let text = "Called, nobody there";
        let done = [print(text, "public")];
        assert_eq!(sight_with(text, &[item(text, 0)], &done), "unclear");
        assert_eq!(sight_with(text, &[item(text, 0)], &[]), "done");
    }

    #[test]
    fn an_id_that_we_chose_settles_it() {
        let ours = Item {
            is_another: true,
            ..item("Changed by somebody", -9_000)
        };
        assert_eq!(sight_with("👍", &[ours, item(":+1:", 1)], &[]), "absent");
    }
}
