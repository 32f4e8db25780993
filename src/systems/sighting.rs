//! Whether what was sent is there, told by what reads back (design, Delivery): what both systems share.
//!
//! A text that is said twice looks the same twice. So one equal text counts as ours only when it is the only one since
//! ours was sent; several, or one from just before, settle nothing: the row may have said the same before, and a
//! person has to look. A text that merely resembles ours may be ours as the system rewrote it, and settles nothing
//! either.
//!
//! That there is none counts only where one of the same kind that the ledger holds was listed back, and where nothing is
//! left that our account may have made since and that nobody knows of: a text may be rewritten until nothing of it is
//! left. Where one that the ledger holds is missing, and nothing is left that may be it, the system hides some by chance,
//! and nothing is absent.

use std::collections::HashSet;

use jiff::{SignedDuration, Timestamp};

use super::times::ROUNDING;
use super::{KIND, Listed, Print, Resumed, SLACK, SentAt, Sighting, Times, text_print};
use crate::html;

/// How long after it was sent something may be made.
const LATE: SignedDuration = SignedDuration::from_mins(5);

/// From when on something that was made may be what was sent, and from when on it is, if it says the same.
#[derive(Debug, Clone, Copy)]
pub(super) struct Since {
    may: Timestamp,
    /// `None`: no time tells.
    is: Option<Timestamp>,
}

impl Since {
    /// By what is known of the clocks. Where things were made before either says that they were sent, no time tells anything.
    pub(super) fn of(sent: SentAt, times: &Times) -> Self {
        if sent.ever {
            return Self {
                may: Timestamp::MIN,
                is: Some(Timestamp::MIN),
            };
        }
        if times.are_ahead() {
            return Self {
                may: Timestamp::MIN,
                is: None,
            };
        }
        let sent = times.narrowed(sent);
        let before = |at: Timestamp, by| at.checked_sub(by).unwrap_or(Timestamp::MIN);
        Self {
            may: before(sent.earliest(), SLACK),
            is: Some(before(sent.latest(), ROUNDING)),
        }
    }
}

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

/// What those say about something that was sent then; `what` names one of them. The caller has read everything.
pub(super) fn judge(what: &str, likes: &[Like], since: Since) -> Sighting {
    let may_be_ours = |like: &&Like| {
        like.at.is_none_or(|at| at >= since.may) || like.or.is_some_and(|at| at >= since.may)
    };
    let recent: Vec<&Like> = likes.iter().filter(may_be_ours).collect();
    let unclear = |why: String| Sighting::Unclear(why);
    match recent.as_slice() {
        [] => Sighting::Absent,
        [one] if !one.is_equal => unclear(format!(
            "there is {what} that resembles it and is not the same"
        )),
        [one] => match one.at {
            Some(at) if since.is.is_some_and(|is| at >= is) => Sighting::Done,
            Some(_) if since.is.is_none() => unclear(format!(
                "there is {what} like it, and the times that the system shows are not those at which things were sent"
            )),
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
    /// When it was sent.
    pub(crate) since: SentAt,
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
    /// Whether one is not listed back that must be visible by now, and nothing that was listed may be it.
    hides: bool,
    /// Whether one is not listed back, however young it is.
    lacks: bool,
    /// Who our account is.
    authors: HashSet<String>,
    /// Which clock tells when things were made.
    times: Times,
}

impl Shows {
    /// Takes up what a ticket shows of those that are done on it.
    pub(crate) fn learn(&mut self, items: &[Item], done: &[Print], sought: &Sought<'_>) {
        for item in items.iter().filter(|item| item.is_another) {
            self.ids = true;
            self.kind |= item.may_be_of(sought.kind);
            self.authors.extend(item.author.clone());
        }
        let mut missing = 0;
        for print in done {
            let mut shown = items.iter().filter(|item| item.is_text(&print.text));
            match shown.next() {
                Some(item) => {
                    let all = std::iter::once(item).chain(shown);
                    let made = all.flat_map(|item| [item.at, item.or].into_iter().flatten());
                    self.dated(print, &made.collect::<Vec<_>>());
                    self.texts = true;
                    let is_kind = sought.kind.and_then(|kind| print.is(KIND, kind));
                    self.kind |= is_kind != Some(false) && item.may_be_of(sought.kind);
                    self.authors.extend(item.author.clone());
                }
                None if must_show(print, sought.since) => {
                    self.is_altered = true;
                    missing += 1;
                    self.lacks = true;
                }
                None => self.lacks = true,
            }
        }
        let unknown = |item: &&Item| !done.iter().any(|print| item.is_text(&print.text));
        self.hides |= missing > items.iter().filter(unknown).count();
    }

    /// Takes up when something was made that the ledger holds as done.
    pub(crate) fn dated(&mut self, done: &Print, made: &[Timestamp]) {
        let Some(until) = done.until.filter(|_| !made.is_empty()) else {
            return;
        };
        let sent = SentAt::of(until, Some(done));
        self.times.observe(sent, SignedDuration::ZERO, LATE, made);
    }

    /// From when on something may be what was sent.
    pub(super) fn since(&self, sent: SentAt) -> Since {
        Since::of(sent, &self.times)
    }
}

/// Whether something that is done was sent before what is looked for, by one of the clocks: it must be visible by now.
fn must_show(done: &Print, sought: SentAt) -> bool {
    let Some(until) = done.until else {
        return false;
    };
    let done = SentAt::of(until, Some(done));
    done.latest() < sought.latest() || done.earliest() < sought.earliest()
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
    let since = shows.since(sought.since);
    match judge(sought.what, &likes, since) {
        Sighting::Absent => {}
        // The same words were said before, by a step that is done: which of the two is shown, nothing tells.
        Sighting::Done if is_twin => {
            let why = format!(
                "there is {} like it, and one that says the same was done before",
                sought.what
            );
            return (Sighting::Unclear(why), false);
        }
        Sighting::Unclear(why) => {
            // A further witness may show which of two clocks is right.
            let is_open = shows.times.narrowed(sought.since).ours.is_some();
            return (Sighting::Unclear(why), is_open);
        }
        told => return (told, false),
    }
    let unexplained = open.iter().any(|item| {
        let is_since =
            item.at.is_none_or(|at| at >= since.may) || item.or.is_some_and(|at| at >= since.may);
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
    if !shows.kind && !shows.hides {
        let why = format!(
            "it is not shown, and no other {} like it was listed back either, so that proves nothing",
            sought.what.trim_start_matches("a ")
        );
        return match shows.lacks {
            true => unclear(why),
            false => (Sighting::Unseen(why), true),
        };
    }
    if shows.hides {
        let why = format!(
            "it is not shown, and {} that was done and must be visible is not either",
            sought.what
        );
        return (Sighting::Hidden(why), false);
    }
    // Each further witness may show that something is hidden.
    (Sighting::Absent, true)
}

/// A ticket that was updated no later than this after it was made was changed by nobody.
const UNTOUCHED: SignedDuration = SignedDuration::from_secs(1);

/// A request of ours is obeyed no later than this after its intent was written, as a rule: it leaves within ten seconds.
pub(crate) const OBEYED: SignedDuration = SignedDuration::from_secs(15);

/// What a ticket shows of what a step sets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shown {
    /// What is set.
    AsSet,
    /// That nothing is set there, or nothing that the step would replace.
    Unset,
    /// Something else.
    Otherwise,
    /// It does not tell.
    Untold,
}

/// What a ticket says about a step that was to set something of it. What it does not show was not set on a ticket that
/// nobody has changed since it was made; else somebody may have set something else there. Of a ticket whose making goes on
/// all that we sent is known: a change no later than our last request counts as ours; what the ticket shows otherwise after that
/// is somebody else's.
pub(crate) fn set(shown: Shown, listed: &Listed, resumed: Option<Resumed>) -> Sighting {
    let times = listed.created_at.zip(listed.updated_at);
    let is_untouched = times.is_some_and(|(created, updated)| {
        let wrote_at = resumed.and_then(|resumed| resumed.wrote_at);
        let is_ours = wrote_at.is_some_and(|at| updated.duration_since(at) <= OBEYED);
        updated.duration_since(created) <= UNTOUCHED || is_ours
    });
    let unclear = |why: &str| {
        Sighting::Unclear(format!(
            "{why}, and it was changed since it was made: somebody may have set that"
        ))
    };
    match (shown, resumed) {
        (Shown::AsSet, _) => Sighting::Done,
        _ if is_untouched => Sighting::Absent,
        (Shown::Unset | Shown::Untold, Some(_)) => Sighting::Absent,
        // Where the system does not show when a ticket was changed, nothing tells.
        (Shown::Otherwise, Some(_)) if times.is_none() => Sighting::Absent,
        (Shown::Unset | Shown::Otherwise, _) => unclear("the ticket shows something else"),
        (Shown::Untold, None) => unclear("the ticket does not show what is set"),
    }
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

    fn judge(what: &str, likes: &[Like], sent: Timestamp) -> Sighting {
        super::judge(what, likes, Since::of(sent.into(), &Times::default()))
    }

    fn like(seconds: i64) -> Like {
        Like {
            at: Some(since() + SignedDuration::from_secs(seconds)),
            or: None,
            is_equal: true,
        }
    }

    /// Seconds after the ticket was made: of its last change, and of our last write to it.
    #[test]
    fn what_others_have_set_on_a_ticket_stays() {
        let after = |seconds: i64| since() + SignedDuration::from_secs(seconds);
        let listed = |updated: Option<i64>| Listed {
            created_at: Some(since()),
            updated_at: updated.map(after),
            ..Listed::default()
        };
        let resumed = |wrote: Option<i64>| Resumed {
            wrote_at: wrote.map(after),
        };
        let learned = |shown, updated| match set(shown, &listed(updated), None) {
            Sighting::Done => "done",
            Sighting::Absent => "sent",
            _ => "in doubt",
        };
        let goes_on =
            |shown, updated, wrote| match set(shown, &listed(updated), Some(resumed(wrote))) {
                Sighting::Done => "done",
                Sighting::Absent => "sent",
                _ => "in doubt",
            };
        for (shown, of_learned, of_resumed) in [
            (Shown::AsSet, "done", "done"),
            (Shown::Unset, "in doubt", "sent"),
            (Shown::Otherwise, "in doubt", "in doubt"),
            (Shown::Untold, "in doubt", "sent"),
        ] {
            assert_eq!(learned(shown, Some(60)), of_learned, "{shown:?}");
            assert_eq!(goes_on(shown, Some(60), None), of_resumed, "{shown:?}");
            assert_eq!(goes_on(shown, Some(60), Some(2)), of_resumed, "{shown:?}");
        }
        // Nobody has changed it, or we did.
        assert_eq!(learned(Shown::Otherwise, Some(1)), "sent");
        assert_eq!(learned(Shown::Otherwise, Some(2)), "in doubt");
        assert_eq!(learned(Shown::Untold, Some(0)), "sent");
        assert_eq!(goes_on(Shown::Otherwise, Some(1), None), "sent");
        assert_eq!(goes_on(Shown::Otherwise, Some(60), Some(58)), "sent");
        // Nothing tells when.
        assert_eq!(learned(Shown::Otherwise, None), "in doubt");
        assert_eq!(goes_on(Shown::Otherwise, None, None), "sent");
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
            since: since().into(),
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
            Sighting::Unseen(_) => "unseen",
            Sighting::Hidden(_) => "hidden",
        }
    }

    #[test]
    fn none_is_proven_by_another_of_its_kind_alone() {
        let text = "We replaced the screen today";
        let old = item("Done on Monday", -9_000);
        let done = [print("Done on Monday", "public")];
        assert_eq!(sight_with(text, &[], &[]), "unseen");
        assert_eq!(sight_with(text, std::slice::from_ref(&old), &[]), "unseen");
        assert_eq!(
            sight_with(text, std::slice::from_ref(&old), &done),
            "absent"
        );
        let note = [print("Done on Monday", "internal")];
        assert_eq!(sight_with(text, &[old], &note), "unseen");
    }

    #[test]
    fn where_one_that_must_be_visible_is_missing_none_is_absent() {
        let text = "We replaced the screen today";
        let at = |text: &str, hours: i64| Print {
            until: Some(since() - SignedDuration::from_hours(hours)),
            ..print(text, "public")
        };
        let old = item("Done on Monday", -9_000);
        let done = [at("Done on Monday", 3), at("Done on Tuesday", 2)];
        let shown = std::slice::from_ref(&old);
        assert_eq!(sight_with(text, shown, &done), "hidden");
        // One that somebody has changed is there.
        let changed = [old.clone(), item("It was Wednesday", -8_000)];
        assert_eq!(sight_with(text, &changed, &done), "absent");
        // What was done just before need not be visible yet.
        let young = [at("Done on Monday", 3), at("Done on Tuesday", -1)];
        assert_eq!(sight_with(text, shown, &young), "absent");
    }

    /// The `Date` header was 26 minutes ahead when it was sent: what the ticket shows was made before it, by the header.
    #[test]
    fn a_header_that_is_wrong_makes_no_comment_absent() {
        let text = "We replaced the screen today";
        let ahead = SignedDuration::from_mins(26);
        let sent_at = |seconds: i64| SentAt {
            ours: like(seconds).at,
            ..SentAt::from(since() + SignedDuration::from_secs(seconds) + ahead)
        };
        let sought = Sought {
            since: sent_at(0),
            ..sought(text)
        };
        let sight_with = |items: &[Item], done: &[Print]| {
            let mut shows = Shows::default();
            shows.learn(items, done, &sought);
            sight(&sought, items, done, &shows).0
        };
        let done = |seconds: i64| Print {
            until: Some(sent_at(seconds).at),
            ours: sent_at(seconds).ours,
            ..print("Done on Monday", "public")
        };
        let old = item("Done on Monday", -600);
        // Another one that we made shows which clock is right.
        let ours = [old.clone(), item(text, 1)];
        assert_eq!(sight_with(&ours, &[done(-600)]), Sighting::Done);
        let witness = std::slice::from_ref(&old);
        assert_eq!(sight_with(witness, &[done(-600)]), Sighting::Absent);
        // Without one, either may be right.
        let unclear = sight_with(&[old.clone(), item(text, 1)], &[]);
        assert!(matches!(unclear, Sighting::Unclear(_)), "{unclear:?}");
        let rewritten = sight_with(&[old.clone(), item("", 1)], &[]);
        assert!(matches!(rewritten, Sighting::Unclear(_)), "{rewritten:?}");
        // Where neither is, no time tells anything.
        let wrong = sight_with(&[old, item(text, -9_000)], &[done(0)]);
        assert!(matches!(wrong, Sighting::Unclear(_)), "{wrong:?}");
    }

    #[test]
    fn of_a_step_that_nobody_knows_all_that_is_there_counts() {
        let sought = Sought {
            since: SentAt::ever(since()),
            ..sought("We replaced the screen today")
        };
        let items = [item("We replaced the screen today", -9_000)];
        let told = sight(&sought, &items, &[], &Shows::default()).0;
        assert_eq!(told, Sighting::Done);
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
