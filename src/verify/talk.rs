//! A conversation beside the one that was sent: which comment is which, and which are missing, changed, out of order, or
//! there once more.
//!
//! The longest part that stands in the same order on both sides is found first. What is left is told apart: the same
//! text elsewhere has moved; a text between the same neighbours has changed; the rest is missing, or nobody sent it.
//! Whether comments that were made at one moment are shown in order, only other tickets of the system can tell.

use std::collections::HashMap;

use jiff::Timestamp;

use super::text::Readings;

/// The most cells of the table by which the common order is found; beyond that the comments are taken one by one.
const MOST_CELLS: usize = 4_000_000;

/// A comment on one of the sides.
#[derive(Debug, Clone, Default)]
pub(super) struct Said {
    pub(super) text: Readings,
    /// Whether the requester sees it, where that is known.
    pub(super) public: Option<bool>,
    /// Who said it, in whatever form the side has: ids, addresses, names.
    pub(super) author: Vec<String>,
    /// When.
    pub(super) at: Option<Timestamp>,
}

/// Which comment is which, by their places from 0: those that were sent first, then those that are shown.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Alignment {
    /// The same text in the same order.
    pub(super) pairs: Vec<(usize, usize)>,
    /// The same text out of order.
    pub(super) moved: Vec<(usize, usize)>,
    /// Another text in the same place.
    pub(super) changed: Vec<(usize, usize)>,
    /// Sent and not shown.
    pub(super) missing: Vec<usize>,
    /// Shown and not sent, with the one that it repeats.
    pub(super) extra: Vec<(usize, Option<usize>)>,
}

/// Aligns what is shown with what was sent. `is_whole`: nobody else has said anything, so that a text in the place of
/// another is that one, changed.
pub(super) fn align(sent: &[Said], shown: &[Said], is_whole: bool) -> Alignment {
    align_in(sent, shown, is_whole, (0..shown.len()).collect())
}

/// Whether only the order of comments of one moment keeps the two apart in order.
pub(super) fn is_of_one_moment(sent: &[Said], shown: &[Said], is_whole: bool) -> bool {
    let settled = align_in(sent, shown, is_whole, settled_order(sent, shown));
    settled.moved.is_empty()
}

/// Whether comments of one moment are shown in the order in which they were sent.
pub(super) fn has_one_moment_in_order(found: &Alignment, shown: &[Said]) -> bool {
    let moment = |pair: &(usize, usize)| shown[pair.1].at;
    let mut next = found.pairs.windows(2);
    next.any(|two| moment(&two[0]).is_some() && moment(&two[0]) == moment(&two[1]))
}

fn align_in(sent: &[Said], shown: &[Said], is_whole: bool, shown_order: Vec<usize>) -> Alignment {
    let same = Same::of(sent, shown);
    let in_order: Vec<(usize, usize)> = match sent.len().saturating_mul(shown.len()) <= MOST_CELLS {
        true => longest(sent.len(), &shown_order, &same),
        false => one_by_one(sent.len(), &shown_order, &same),
    };
    let place = |of: usize| shown_order.iter().position(|at| *at == of);
    let mut alignment = Alignment {
        pairs: in_order,
        ..Alignment::default()
    };
    let mut open_sent: Vec<usize> = (0..sent.len())
        .filter(|at| !alignment.pairs.iter().any(|(one, _)| one == at))
        .collect();
    let mut open_shown: Vec<usize> = (shown_order.iter().copied())
        .filter(|at| !alignment.pairs.iter().any(|(_, one)| one == at))
        .collect();
    // The same text elsewhere.
    open_sent.retain(|one| {
        let found = open_shown.iter().position(|other| same.is(*one, *other));
        let Some(found) = found else { return true };
        alignment.moved.push((*one, open_shown.remove(found)));
        false
    });
    // Another text between the same neighbours, or one that has most of the words.
    let gap_of_sent = |one: usize| alignment.pairs.iter().filter(|(at, _)| *at < one).count();
    let gap_of_shown = |other: usize| {
        let at = place(other);
        let pairs = alignment.pairs.iter();
        pairs.filter(|(_, shown)| place(*shown) < at).count()
    };
    let mut changed = Vec::new();
    open_sent.retain(|one| {
        let gap = gap_of_sent(*one);
        let is_in_gap = |other: &usize| gap_of_shown(*other) == gap;
        let alike = |other: &usize| likeness(&sent[*one].text, &shown[*other].text);
        let candidates = open_shown.iter().enumerate();
        let candidates = candidates.filter(|(_, other)| !is_whole || is_in_gap(other));
        let best = candidates.max_by(|(_, a), (_, b)| alike(a).total_cmp(&alike(b)));
        let Some((at, other)) = best else { return true };
        let is_alone = is_whole && open_shown.iter().filter(|it| is_in_gap(it)).count() == 1;
        if alike(other) <= HALF && !is_alone {
            return true;
        }
        changed.push((*one, *other));
        open_shown.remove(at);
        false
    });
    alignment.changed = changed;
    alignment.missing = open_sent;
    alignment.extra = open_shown
        .into_iter()
        .map(|other| (other, (0..sent.len()).find(|one| same.is(*one, other))))
        .collect();
    alignment
}

/// From this part of common words on, two texts may be one that was changed.
const HALF: f64 = 0.5;

/// The part of the words that two texts have in common.
fn likeness(one: &Readings, other: &Readings) -> f64 {
    let words = |text: &Readings| {
        let mut words: Vec<String> = (text.read().split_whitespace())
            .map(str::to_lowercase)
            .collect();
        words.sort_unstable();
        words.dedup();
        words
    };
    let (one, other) = (words(one), words(other));
    let common = one
        .iter()
        .filter(|word| other.binary_search(word).is_ok())
        .count();
    common as f64 / one.len().max(other.len()).max(1) as f64
}

/// Which comments have a text in common.
struct Same {
    sent: Vec<Vec<u32>>,
    shown: Vec<Vec<u32>>,
}

impl Same {
    fn of(sent: &[Said], shown: &[Said]) -> Self {
        let mut known: HashMap<String, u32> = HashMap::new();
        let mut number = |said: &Said| -> Vec<u32> {
            said.text
                .iter()
                .map(|text| {
                    let next = u32::try_from(known.len()).unwrap_or(u32::MAX);
                    *known.entry(text.to_owned()).or_insert(next)
                })
                .collect()
        };
        Self {
            sent: sent.iter().map(&mut number).collect(),
            shown: shown.iter().map(&mut number).collect(),
        }
    }

    fn is(&self, sent: usize, shown: usize) -> bool {
        let shown = &self.shown[shown];
        self.sent[sent].iter().any(|text| shown.contains(text))
    }
}

/// The order in which comments are shown. Those of one moment are put as they were sent: nothing tells their order.
fn settled_order(sent: &[Said], shown: &[Said]) -> Vec<usize> {
    let place = |at: &usize| {
        let found = sent.iter().position(|one| one.text.is(&shown[*at].text));
        found.unwrap_or(usize::MAX)
    };
    let mut order: Vec<usize> = (0..shown.len()).collect();
    let is_one_moment =
        |one: &usize, other: &usize| shown[*one].at.is_some() && shown[*one].at == shown[*other].at;
    for some in order.chunk_by_mut(is_one_moment) {
        if some.len() > 1 {
            some.sort_by_key(place);
        }
    }
    order
}

/// The longest part that both sides have in the same order.
fn longest(sent: usize, shown: &[usize], same: &Same) -> Vec<(usize, usize)> {
    let width = shown.len() + 1;
    let mut lengths = vec![0_u32; (sent + 1) * width];
    for one in (0..sent).rev() {
        for (at, other) in shown.iter().enumerate().rev() {
            lengths[one * width + at] = match same.is(one, *other) {
                true => lengths[(one + 1) * width + at + 1] + 1,
                false => lengths[(one + 1) * width + at].max(lengths[one * width + at + 1]),
            };
        }
    }
    let (mut one, mut at) = (0, 0);
    let mut pairs = Vec::new();
    while one < sent && at < shown.len() {
        if same.is(one, shown[at]) {
            pairs.push((one, shown[at]));
            (one, at) = (one + 1, at + 1);
        } else if lengths[(one + 1) * width + at] >= lengths[one * width + at + 1] {
            one += 1;
        } else {
            at += 1;
        }
    }
    pairs
}

/// The same for very long conversations: each comment with the next one like it.
fn one_by_one(sent: usize, shown: &[usize], same: &Same) -> Vec<(usize, usize)> {
    const AHEAD: usize = 200;
    let mut pairs = Vec::new();
    let mut from = 0;
    for one in 0..sent {
        let mut ahead = shown.iter().enumerate().skip(from).take(AHEAD);
        let found = ahead.find(|(_, other)| same.is(one, **other));
        if let Some((at, other)) = found {
            pairs.push((one, *other));
            from = at + 1;
        }
    }
    pairs
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn sent(texts: &[&str]) -> Vec<Said> {
        let said = |text: &&str| Said {
            text: Readings::sent(text),
            ..Said::default()
        };
        texts.iter().map(said).collect()
    }

    fn shown(texts: &[&str]) -> Vec<Said> {
        let said = |(second, text): (i64, &&str)| Said {
            text: Readings::shown(text),
            at: Timestamp::from_second(second).ok(),
            ..Said::default()
        };
        (0..).zip(texts).map(said).collect()
    }

    fn align(one: &[&str], other: &[&str]) -> Alignment {
        super::align(&sent(one), &shown(other), true)
    }

    const TALK: [&str; 4] = [
        "The beamer flickers",
        "Since when, please?",
        "Since Monday morning",
        "A new lamp is in",
    ];

    #[test]
    fn the_same_is_the_same() {
        let found = align(&TALK, &TALK);
        assert_eq!(found.pairs, [(0, 0), (1, 1), (2, 2), (3, 3)]);
        let rest = Alignment {
            pairs: found.pairs.clone(),
            ..Alignment::default()
        };
        assert_eq!(found, rest);
    }

    #[test]
    fn each_fault_is_told_by_its_name() {
        let [a, b, c, d] = TALK;
        assert_eq!(align(&TALK, &[a, c, d]).missing, [1]);
        let swapped = align(&TALK, &[a, c, b, d]);
        assert_eq!(swapped.moved.len(), 1, "{swapped:?}");
        assert!(swapped.missing.is_empty() && swapped.extra.is_empty());
        let changed = align(&TALK, &[a, "Since when, plaase?", c, d]);
        assert_eq!(changed.changed, [(1, 1)]);
        let twice = align(&TALK, &[a, b, b, c, d]);
        assert_eq!(twice.extra, [(2, Some(1))]);
        let more = align(&TALK, &[a, b, c, "Who ordered that?", d]);
        assert_eq!(more.extra, [(3, None)]);
        // One word in the place of one word.
        assert_eq!(align(&["ok", "done"], &["ok", "dane"]).changed, [(1, 1)]);
    }

    #[test]
    fn where_others_talk_too_only_what_is_like_it_has_changed() {
        let others = ["Good morning", "Since when, plaase?", "Bye"];
        let found = super::align(&sent(&["Since when, please?"]), &shown(&others), false);
        assert_eq!(found.changed, [(0, 1)]);
        let found = super::align(&sent(&["Ordered a lamp"]), &shown(&others), false);
        assert_eq!((found.missing.len(), found.extra.len()), (1, 3));
    }

    #[test]
    fn comments_of_one_moment_may_stand_in_any_order() {
        let mut at_once = shown(&[TALK[1], TALK[0]]);
        for said in &mut at_once {
            said.at = Timestamp::from_second(7).ok();
        }
        let sent = sent(&TALK[..2]);
        let found = super::align(&sent, &at_once, true);
        assert_eq!(found.moved.len(), 1, "{found:?}");
        assert!(is_of_one_moment(&sent, &at_once, true));
        assert!(!has_one_moment_in_order(&found, &at_once));
        at_once.reverse();
        let found = super::align(&sent, &at_once, true);
        assert!(found.moved.is_empty() && has_one_moment_in_order(&found, &at_once));
        // At two moments the order is known.
        assert!(!is_of_one_moment(&sent, &shown(&[TALK[1], TALK[0]]), true));
    }

    #[test]
    fn a_very_long_conversation_is_aligned_too() {
        let texts: Vec<String> = (0..2_500)
            .map(|at| format!("Comment number {at}"))
            .collect();
        let all: Vec<&str> = texts.iter().map(String::as_str).collect();
        let without: Vec<&str> = all.iter().copied().filter(|it| *it != all[37]).collect();
        assert_eq!(align(&all, &without).missing, [37]);
    }

    proptest! {
        /// Every comment of both sides is told of exactly once.
        #[test]
        fn nothing_is_passed_over(
            one in prop::collection::vec("[abc]{1,2}( [abc])?", 0..7),
            other in prop::collection::vec("[abc]{1,2}( [abc])?", 0..7),
            is_whole: bool,
        ) {
            let (one, other): (Vec<&str>, Vec<&str>) =
                (one.iter().map(String::as_str).collect(), other.iter().map(String::as_str).collect());
            let found = super::align(&sent(&one), &shown(&other), is_whole);
            let both = found.pairs.iter().chain(&found.moved).chain(&found.changed);
            let mut told_sent: Vec<usize> = both.clone().map(|(at, _)| *at).chain(found.missing.clone()).collect();
            let mut told_shown: Vec<usize> =
                both.map(|(_, at)| *at).chain(found.extra.iter().map(|(at, _)| *at)).collect();
            told_sent.sort_unstable();
            told_shown.sort_unstable();
            prop_assert_eq!(told_sent, (0..one.len()).collect::<Vec<_>>());
            prop_assert_eq!(told_shown, (0..other.len()).collect::<Vec<_>>());
            if one == other {
                prop_assert_eq!(found.pairs.len(), one.len());
            } else {
                prop_assert!(found.pairs.len() < one.len().max(other.len()));
            }
        }
    }
}
