//! What proves that a listing is whole.
//!
//! A listing ends where the system says so, in the shape of its contract; any other answer is an error, never the end. That
//! alone proves little: a list may be cut silently, a page may lack rows. So the page at the other end of the list is read
//! as a witness ([`Seen::compare`]): it must show what was seen there, and nothing that was not. What is seen once is
//! expected to be seen by every later read: nobody has to know how old a row must be until it shows.

use std::collections::HashMap;
use std::fmt;

/// How a listing ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListingEnd {
    /// Why it is not proven that everything in the window was seen; `None`: it is. What a partial listing shows is there;
    /// what it does not show may be there all the same.
    pub gap: Option<Gap>,
    /// How many pages it took.
    pub pages: u32,
}

impl ListingEnd {
    /// Whether everything in the window was seen.
    pub fn is_whole(&self) -> bool {
        self.gap.is_none()
    }
}

/// Why a listing is not proven to be whole; its text fits behind "because" and a colon.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Gap {
    /// The system counts other rows than it shows.
    Count {
        /// How many came, each once.
        shown: u64,
        /// How many there are by the system's last word.
        counted: u64,
    },
    /// The system counted fewer rows than a moment before: what moved up was not seen.
    Fell,
    /// A page that others follow lacks rows.
    Short,
    /// Pages show what was shown before, and nothing else.
    Circle,
    /// A page shows rows that belong to an earlier one.
    Disorder,
    /// The page at the other end of the list contradicts it.
    OtherEnd,
    /// What the system listed or counted a moment ago is missing now.
    Vanished,
    /// The list shows no ticket at all, of any time.
    Nothing,
    /// The list reaches back to where the system has erased the texts, and with them the references.
    Erased {
        /// So many days the system keeps texts.
        days: u64,
    },
}

impl fmt::Display for Gap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Count { shown, counted } => {
                write!(f, "the system counts {counted} tickets but lists {shown}")
            }
            Self::Fell => f.write_str("the system's count fell while its pages were read"),
            Self::Nothing => f.write_str("the system lists no ticket at all"),
            Self::Short => f.write_str("the system leaves tickets out in the middle of the list"),
            Self::Circle => f.write_str("the system lists the same tickets again and again"),
            Self::Disorder => f.write_str("the system does not keep the order that was asked for"),
            Self::Vanished => f.write_str("the system does not list again what it listed before"),
            Self::Erased { days } => write!(
                f,
                "the system erases texts after {days} days, and with them the references: nothing older can be found"
            ),
            Self::OtherEnd => f.write_str("read from its other end, the list shows other tickets"),
        }
    }
}

/// How often a window is listed until the listing is whole: most faults strike by chance.
pub(crate) const TRIES: u32 = 3;

/// What the witness says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It shows the same.
    Same,
    /// It shows the same, and rows besides that belong behind all that was seen.
    Further,
    /// It lacks what was seen, or shows what was not.
    Other,
}

/// What the count of a last page says that may be of the page or of the whole list: `own` rows are on the page, `raw` with
/// those that it shows twice, `listed` in the list.
pub(crate) fn uncounted(count: Option<u64>, own: u64, raw: u64, listed: u64) -> Option<Gap> {
    let counted = count?;
    let fits = [own, raw, listed].contains(&counted);
    (!fits).then_some(Gap::Count {
        shown: own,
        counted,
    })
}

/// The rows that a listing has shown, each once, with the time by which it is ordered: `T` grows along the list, so that one
/// of the newest first counts by [`std::cmp::Reverse`].
#[derive(Debug)]
pub(crate) struct Seen<T> {
    rows: HashMap<String, Option<T>>,
    last: Option<T>,
}

impl<T> Default for Seen<T> {
    fn default() -> Self {
        Self {
            rows: HashMap::new(),
            last: None,
        }
    }
}

impl<T: Ord + Copy> Seen<T> {
    /// How many.
    pub(crate) fn len(&self) -> u64 {
        self.rows.len() as u64
    }

    pub(crate) fn contains(&self, id: &str) -> bool {
        self.rows.contains_key(id)
    }

    /// The time that stands first in the list; `None` where no row has one.
    pub(crate) fn first(&self) -> Option<T> {
        self.rows.values().filter_map(|at| *at).min()
    }

    /// Takes the rows of a page.
    pub(crate) fn take(&mut self, page: &[(String, Option<T>)]) -> Taken {
        let before = self.last;
        let mut taken = Taken {
            fresh: 0,
            goes_on: true,
        };
        for (id, at) in page {
            if self.rows.contains_key(id) {
                continue;
            }
            self.rows.insert(id.clone(), *at);
            taken.fresh += 1;
            taken.goes_on &= at.is_none_or(|at| before.is_none_or(|before| at >= before));
            self.last = self.last.max(*at);
        }
        taken
    }

    /// Compares the page at the other end with what was seen; `is_all`: by its own word it is the only one. Rows of one time
    /// may fall on either side of its edge.
    pub(crate) fn compare(&self, page: &[(String, Option<T>)], is_all: bool) -> Verdict {
        let shown: HashMap<&str, Option<T>> =
            page.iter().map(|(id, at)| (id.as_str(), *at)).collect();
        let edge = page.iter().filter_map(|(_, at)| *at).min();
        let must_show = |at: Option<T>| is_all || edge.is_some() && at > edge;
        let lacks = self
            .rows
            .iter()
            .any(|(id, at)| must_show(*at) && !shown.contains_key(id.as_str()));
        let overlaps =
            self.rows.is_empty() || page.iter().any(|(id, _)| self.rows.contains_key(id));
        // An empty page that others follow says nothing of where the list ends.
        let is_silent = page.is_empty() && !is_all;
        if lacks || !overlaps || is_silent {
            return Verdict::Other;
        }
        let mut unseen = shown
            .iter()
            .filter(|(id, _)| !self.rows.contains_key(**id))
            .peekable();
        if unseen.peek().is_none() {
            return Verdict::Same;
        }
        // One that shows late belongs before others that were seen: the next try finds it in its place.
        let is_further = |at: Option<T>| self.last.is_none() || at >= self.last;
        match unseen.all(|(_, at)| is_further(*at)) {
            true => Verdict::Further,
            false => Verdict::Other,
        }
    }
}

/// What taking a page came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Taken {
    /// Rows that were not seen before.
    pub(crate) fresh: u64,
    /// Whether none of them belongs before the rows of earlier pages.
    pub(crate) goes_on: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(times: impl IntoIterator<Item = u32>) -> Vec<(String, Option<u32>)> {
        times
            .into_iter()
            .map(|at| (format!("t{at}"), Some(at)))
            .collect()
    }

    fn seen(times: impl IntoIterator<Item = u32>) -> Seen<u32> {
        let mut seen = Seen::default();
        seen.take(&rows(times));
        seen
    }

    #[test]
    fn the_other_end_agrees_or_contradicts() {
        let newest = |page: Vec<u32>, is_all| seen(0..10).compare(&rows(page), is_all);
        assert_eq!(newest(vec![9, 8, 7], false), Verdict::Same);
        assert_eq!(newest(vec![11, 10, 9, 8], false), Verdict::Further);
        assert_eq!(newest(vec![9, 7, 6], false), Verdict::Other, "8 was seen");
        assert_eq!(
            newest(vec![14, 13, 12], false),
            Verdict::Other,
            "no overlap"
        );
        assert_eq!(
            newest(vec![9, 8, 7], true),
            Verdict::Other,
            "there were ten"
        );
        assert_eq!(newest((0..10).collect(), true), Verdict::Same);
        assert_eq!(newest(vec![], true), Verdict::Other);
        assert_eq!(seen([]).compare(&[], true), Verdict::Same);
        assert_eq!(seen([]).compare(&[], false), Verdict::Other);
        let late = seen((0..10).filter(|at| *at != 4));
        assert_eq!(
            late.compare(&rows(0..10), true),
            Verdict::Other,
            "4 was left out"
        );
    }

    #[test]
    fn rows_of_one_time_may_fall_on_either_side_of_the_edge() {
        let mut seen = Seen::default();
        let same: Vec<_> = ["a", "b", "c"].map(|id| (id.to_owned(), Some(5))).into();
        seen.take(&same);
        seen.take(&rows([6, 7]));
        let mut page = rows([7, 6]);
        page.push(same[1].clone());
        assert_eq!(seen.compare(&page, false), Verdict::Same);
    }

    #[test]
    fn a_page_that_goes_back_is_noticed() {
        let mut seen = seen([1, 5, 3]);
        let taken = |fresh, goes_on| Taken { fresh, goes_on };
        assert_eq!(seen.take(&rows([5, 6])), taken(1, true));
        assert_eq!(seen.take(&rows([4, 7])), taken(2, false));
    }
}
