//! The nearest names: what a person probably meant.
//!
//! Used for entries of the directory, for the keys and fields of a mapping, and for columns. Small lists are
//! compared whole; [`Suggester`] keeps long ones behind an index of letter triples, so that a column of
//! thousands of different typing mistakes costs microseconds a value, not milliseconds.

use std::cmp::Ordering;
use std::collections::HashMap;

use unicase::UniCase;

use super::initials::{Words, words_of};
use crate::unicode::plain;

/// At most so many names are suggested.
pub(super) const MOST: usize = 3;

/// Below this likeness (0 to 1) a name is not near.
const NEAR: f64 = 0.78;

/// Up to so many names a list is compared whole.
const SMALL: usize = 400;

/// So many candidates of a long list are compared letter by letter.
const CANDIDATES: usize = 64;

/// Longer texts are compared by their beginning: nobody mistypes a whole paragraph for a name.
const LONGEST: usize = 120;

/// Unicode case folding, without outer space, inner space collapsed, composed and without what is invisible: how names
/// are compared.
pub fn fold(text: &str) -> String {
    let text = text.trim();
    if !text.is_ascii() {
        let folded = UniCase::unicode(&*plain(text)).to_folded_case();
        // Folding takes some letters apart.
        return collapse(&plain(&folded));
    }
    let mut folded = String::with_capacity(text.len());
    for word in text.split_ascii_whitespace() {
        if !folded.is_empty() {
            folded.push(' ');
        }
        let start = folded.len();
        folded.push_str(word);
        folded[start..].make_ascii_lowercase();
    }
    folded
}

/// With one space between words.
fn collapse(text: &str) -> String {
    let mut collapsed = String::with_capacity(text.len());
    for word in text.split_whitespace() {
        if !collapsed.is_empty() {
            collapsed.push(' ');
        }
        collapsed.push_str(word);
    }
    collapsed
}

/// The names of a short list that are nearest to a text, best first, at most three, none when none is near.
pub fn nearest<'a>(text: &str, names: impl IntoIterator<Item = &'a str>) -> Vec<String> {
    let wanted = Shape::of(text);
    best(
        names
            .into_iter()
            .map(|name| (wanted.likeness(&Shape::of(name)), name)),
    )
}

/// `did you mean …?` for the nearest names; `None` when none is near.
pub fn did_you_mean(names: &[String]) -> Option<String> {
    let quoted: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    let (last, others) = quoted.split_last()?;
    Some(if others.is_empty() {
        format!("did you mean {last}?")
    } else {
        format!("did you mean {} or {last}?", others.join(", "))
    })
}

/// The best of scored names, those that are no match left out, doubles too.
fn best<'a>(scored: impl Iterator<Item = (f64, &'a str)>) -> Vec<String> {
    let mut near: Vec<(f64, &str)> = scored.filter(|(score, _)| *score >= NEAR).collect();
    near.sort_by(|a, b| {
        b.0.partial_cmp(&a.0)
            .unwrap_or(Ordering::Equal)
            .then_with(|| a.1.cmp(b.1))
    });
    let mut seen: Vec<&str> = Vec::new();
    near.retain(|(_, name)| {
        let is_new = !seen.contains(name);
        seen.push(name);
        is_new
    });
    // A name far behind the best one only confuses.
    let floor = near.first().map_or(0.0, |(score, _)| score - 0.12);
    near.into_iter()
        .filter(|(score, _)| *score >= floor)
        .take(MOST)
        .map(|(_, name)| name.to_owned())
        .collect()
}

/// A text prepared for comparing.
#[derive(Debug, Clone)]
struct Shape {
    folded: String,
    /// The words in alphabetical order: `Doe, Jane` is near to `Jane Doe`.
    sorted: Option<String>,
}

impl Shape {
    fn of(text: &str) -> Self {
        let folded: String = fold(text).chars().take(LONGEST).collect();
        let mut words: Vec<&str> = folded
            .split(|c: char| c.is_whitespace() || c == ',')
            .filter(|word| !word.is_empty())
            .collect();
        let sorted = (words.len() > 1).then(|| {
            words.sort_unstable();
            words.join(" ")
        });
        Self { folded, sorted }
    }

    /// From 0 (nothing in common) to 1 (the same but for case and space).
    fn likeness(&self, other: &Self) -> f64 {
        if self.folded.is_empty() || other.folded.is_empty() {
            return 0.0;
        }
        let straight = likeness(&self.folded, &other.folded);
        match (&self.sorted, &other.sorted) {
            (Some(ours), Some(theirs)) => straight.max(likeness(ours, theirs) - 0.02),
            _ => straight,
        }
    }
}

fn likeness(a: &str, b: &str) -> f64 {
    // Jaro-Winkler favours a common beginning (`Linclon HS` and `Lincoln High School`), the edit distance
    // finds the slip in a short word (`LSH` for `LHS`), which is worth more than its plain share.
    let jaro = strsim::jaro_winkler(a, b);
    let edits = strsim::normalized_damerau_levenshtein(a, b);
    let slip = if edits >= 0.6 { 0.5 + edits / 2.0 } else { 0.0 };
    jaro.max(slip)
}

/// A long list of names, prepared for finding the nearest.
#[derive(Debug)]
pub struct Suggester {
    names: Vec<(Shape, String)>,
    /// Which names hold a letter triple; empty for a short list.
    triples: HashMap<[char; 3], Vec<u32>>,
    /// Which names hold a word, or begin their words with these letters.
    words: Words,
}

impl Suggester {
    /// Prepares the names.
    pub fn new(names: impl IntoIterator<Item = String>) -> Self {
        let names: Vec<(Shape, String)> = names
            .into_iter()
            .map(|name| (Shape::of(&name), name))
            .collect();
        let mut triples: HashMap<[char; 3], Vec<u32>> = HashMap::new();
        if names.len() > SMALL {
            for (index, (shape, _)) in names.iter().enumerate() {
                let index = u32::try_from(index).unwrap_or(u32::MAX);
                for triple in triples_of(&shape.folded) {
                    let list = triples.entry(triple).or_default();
                    if list.last() != Some(&index) {
                        list.push(index);
                    }
                }
            }
        }
        let words = Words::new(names.iter().map(|(shape, _)| shape.folded.as_str()));
        Self {
            names,
            triples,
            words,
        }
    }

    /// The nearest names, best first, at most three.
    pub fn nearest(&self, text: &str) -> Vec<String> {
        let wanted = Shape::of(text);
        let score = |(shape, name): &'_ (Shape, String)| (wanted.likeness(shape), name.clone());
        let scored: Vec<(f64, String)> = if self.triples.is_empty() {
            self.names.iter().map(score).collect()
        } else {
            self.candidates(&wanted.folded)
                .into_iter()
                .filter_map(|index| self.names.get(index as usize))
                .map(score)
                .collect()
        };
        // Abbreviations and nicknames have few letters in common with the name that they stand for.
        let by_words = self.words.nearest(&words_of(&wanted.folded)).into_iter();
        let by_words =
            by_words.filter_map(|(score, at)| Some((score, self.names.get(at)?.1.as_str())));
        let scored = scored.iter().map(|(score, name)| (*score, name.as_str()));
        best(scored.chain(by_words))
    }

    /// The names that share the most letter triples.
    fn candidates(&self, folded: &str) -> Vec<u32> {
        let mut lists: Vec<&Vec<u32>> = triples_of(folded)
            .filter_map(|triple| self.triples.get(&triple))
            .collect();
        lists.sort_by_key(|list| list.len());
        let mut shared: HashMap<u32, u32> = HashMap::new();
        let mut seen = 0;
        for list in lists {
            // Triples that stand in nearly every name (`@district.example`) tell nothing once rarer ones spoke.
            if seen > 0 && seen + list.len() > 20_000 {
                break;
            }
            seen += list.len();
            for index in list {
                *shared.entry(*index).or_insert(0) += 1;
            }
        }
        let mut ranked: Vec<(u32, u32)> = shared.into_iter().collect();
        ranked.sort_unstable_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(&b.0)));
        ranked.truncate(CANDIDATES);
        ranked.into_iter().map(|(index, _)| index).collect()
    }
}

/// The letter triples of a text with a space before and after it.
fn triples_of(folded: &str) -> impl Iterator<Item = [char; 3]> + '_ {
    let padded = || std::iter::once(' ').chain(folded.chars()).chain([' ']);
    padded()
        .zip(padded().skip(1))
        .zip(padded().skip(2))
        .map(|((a, b), c)| [a, b, c])
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_slip_and_an_abbreviation_are_near() {
        let names = [
            "Lincoln High School",
            "District Office",
            "Jefferson Middle School",
        ];
        assert_eq!(nearest("Linclon HS", names), ["Lincoln High School"]);
        assert_eq!(nearest("LSH", ["LHS", "DO"]), ["LHS"]);
        assert_eq!(
            nearest("resolv", ["resolve", "replace", "required"])[0],
            "resolve"
        );
        assert_eq!(
            nearest("Doe, Jane", ["Jane Doe", "Max Miller"]),
            ["Jane Doe"]
        );
        assert!(nearest("Gymnasium 7", names).is_empty());
        assert!(nearest("", names).is_empty());
    }

    #[test]
    fn a_long_list_finds_what_a_short_one_does() {
        let names: Vec<String> = (0..5_000)
            .map(|n| format!("person{n:04}@district.example"))
            .chain(["Lincoln High School".to_owned()])
            .collect();
        let long = Suggester::new(names);
        assert_eq!(long.nearest("Linclon High School"), ["Lincoln High School"]);
        assert_eq!(
            long.nearest("persn0042@district.example")[0],
            "person0042@district.example"
        );
    }

    #[test]
    fn suggestions_are_worded() {
        let names = |names: &[&str]| names.iter().map(|n| (*n).to_owned()).collect::<Vec<_>>();
        assert_eq!(did_you_mean(&[]), None);
        assert_eq!(
            did_you_mean(&names(&["A"])).as_deref(),
            Some("did you mean `A`?")
        );
        assert_eq!(
            did_you_mean(&names(&["A", "B", "C"])).as_deref(),
            Some("did you mean `A`, `B` or `C`?")
        );
    }

    proptest! {
        #[test]
        fn folding_twice_is_folding_once(text in ".*") {
            let once = fold(&text);
            prop_assert_eq!(fold(&once), once);
        }

        #[test]
        fn never_more_than_three(text in ".*", names in proptest::collection::vec(".{0,12}", 0..20)) {
            prop_assert!(nearest(&text, names.iter().map(String::as_str)).len() <= 3);
            let long = Suggester::new(names);
            prop_assert!(long.nearest(&text).len() <= 3);
        }
    }
}
