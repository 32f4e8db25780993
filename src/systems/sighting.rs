//! Whether what was sent is there, told by what reads back (design, Delivery): what both systems share.
//!
//! A text that is said twice looks the same twice. So one equal text counts as ours only when it is the only one since
//! ours was sent; several, or one from just before, settle nothing: the row may have said the same before, and a
//! person has to look. A text that merely resembles ours may be ours as the system rewrote it, and settles nothing
//! either.

use std::collections::HashSet;

use jiff::{SignedDuration, Timestamp};

use super::Sighting;
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

/// What those say about something that was sent at `since`; `what` names one of them. That there is none counts as
/// proof: the caller has read everything.
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

/// How a text that was found relates to one that was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
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
}
