//! Abbreviations and nicknames: names are compared word by word, by whole words, by their beginnings and by initials.
//! `Tubman` is `Harriet Tubman Elementary`, `KJ Middle` is `Katherine Johnson Middle School`, `D.O.` is `District Office`.

use std::collections::HashMap;

use super::suggest::MOST;

/// Names of more words are none that anybody abbreviates.
const MOST_WORDS: usize = 8;
/// So many letters stand for words at most.
const MOST_INITIALS: usize = 5;
/// A word that stands in more names of a long list tells nothing.
const TOO_COMMON: usize = 200;
/// Up to so many names each of them is looked at.
const SMALL: usize = 400;
/// The least and the most that such a likeness counts: less than a slip of the pen in the whole name.
const SCORES: (f64, f64) = (0.80, 0.93);

/// The words of a folded name; dots and apostrophes within a word count for nothing.
pub(super) fn words_of(folded: &str) -> Vec<String> {
    if folded.contains('@') {
        return Vec::new();
    }
    let is_between = |sign: char| {
        sign.is_whitespace() || matches!(sign, ',' | '-' | '/' | '(' | ')' | '›' | '&' | '_')
    };
    let words = folded.split(is_between).map(|word| {
        let letters = word.chars().filter(|sign| sign.is_alphanumeric());
        letters.collect::<String>()
    });
    words.filter(|word| !word.is_empty()).collect()
}

/// The words of many names.
#[derive(Debug, Default)]
pub(super) struct Words {
    names: Vec<Vec<String>>,
    /// Which names have a word, or words that begin with these letters one after the other.
    having: HashMap<String, Vec<u32>>,
}

impl Words {
    pub(super) fn new<'n>(folded: impl Iterator<Item = &'n str>) -> Self {
        let mut words = Self::default();
        for (at, name) in folded.enumerate() {
            let own = words_of(name);
            let at = u32::try_from(at).unwrap_or(u32::MAX);
            if own.len() <= MOST_WORDS {
                for start in 0..own.len() {
                    words.note(own[start].clone(), at);
                    for end in start + 2..=own.len().min(start + MOST_INITIALS) {
                        words.note(initials(&own[start..end]), at);
                    }
                }
            }
            words.names.push(own);
        }
        words
    }

    fn note(&mut self, word: String, at: u32) {
        let list = self.having.entry(word).or_default();
        if list.last() != Some(&at) {
            list.push(at);
        }
    }

    /// The names that these words stand for, with a score each; none where they stand for too many.
    pub(super) fn nearest(&self, wanted: &[String]) -> Vec<(f64, usize)> {
        if wanted.is_empty() || wanted.len() > MOST_WORDS {
            return Vec::new();
        }
        let mut scored: Vec<(f64, usize)> = (self.candidates(wanted).into_iter())
            .filter_map(|at| Some((score(wanted, self.names.get(at)?)?, at)))
            .collect();
        scored.sort_by(|one, other| other.0.total_cmp(&one.0));
        let Some((top, _)) = scored.first().copied() else {
            return Vec::new();
        };
        scored.retain(|(score, _)| *score >= top - 0.001);
        match scored.len() > MOST {
            true => Vec::new(),
            false => scored,
        }
    }

    fn candidates(&self, wanted: &[String]) -> Vec<usize> {
        if self.names.len() <= SMALL {
            return (0..self.names.len()).collect();
        }
        let lists = wanted.iter().filter_map(|word| self.having.get(word));
        let lists = lists.filter(|list| list.len() <= TOO_COMMON);
        let mut all: Vec<usize> = lists.flatten().map(|at| *at as usize).collect();
        all.sort_unstable();
        all.dedup();
        all
    }
}

fn initials(words: &[String]) -> String {
    words
        .iter()
        .filter_map(|word| word.chars().next())
        .collect()
}

/// How well these words stand for a name; `None` where one of them stands for nothing in it.
fn score(wanted: &[String], name: &[String]) -> Option<f64> {
    if name.is_empty() || name.len() > MOST_WORDS {
        return None;
    }
    let mut is_used = vec![false; name.len()];
    let mut quality = 0.0;
    for word in wanted {
        let (at, span, how_well) = place(word, name, &is_used)?;
        is_used[at..at + span].fill(true);
        quality += how_well;
    }
    let covered = is_used.iter().filter(|used| **used).count() as f64 / name.len() as f64;
    let share = 0.5 * quality / wanted.len() as f64 + 0.5 * covered;
    Some(SCORES.0 + (SCORES.1 - SCORES.0) * share)
}

/// Where a word stands in a name: from which word of it, over how many, and how well.
fn place(word: &str, name: &[String], is_used: &[bool]) -> Option<(usize, usize, f64)> {
    let free = |at: usize, span: usize| !is_used[at..at + span].iter().any(|used| *used);
    let whole = (0..name.len()).find(|at| free(*at, 1) && name[*at] == word);
    if let Some(at) = whole {
        return Some((at, 1, 1.0));
    }
    let count = word.chars().count();
    if (2..=MOST_INITIALS.min(name.len())).contains(&count) {
        let mut starts = 0..=name.len() - count;
        let stands_for = |at: &usize| free(*at, count) && initials(&name[*at..*at + count]) == word;
        if let Some(at) = starts.find(stands_for) {
            return Some((at, count, 0.95));
        }
    }
    let begins = |at: &usize| free(*at, 1) && count >= 3 && name[*at].starts_with(word);
    if let Some(at) = (0..name.len()).find(begins) {
        return Some((at, 1, 0.9));
    }
    let slips = |at: &usize| {
        free(*at, 1)
            && count >= 4
            && strsim::normalized_damerau_levenshtein(word, &name[*at]) >= 0.75
    };
    if let Some(at) = (0..name.len()).find(slips) {
        return Some((at, 1, 0.8));
    }
    let is_initial = |at: &usize| free(*at, 1) && count == 1 && name[*at].starts_with(word);
    (0..name.len()).find(is_initial).map(|at| (at, 1, 0.7))
}

#[cfg(test)]
mod tests {
    use super::super::suggest::Suggester;

    const SCHOOLS: [&str; 9] = [
        "Lincoln High School",
        "Jefferson Middle School",
        "Harriet Tubman Elementary",
        "Katherine Johnson Middle School",
        "District Office",
        "Roosevelt High School",
        "Rosa Parks Elementary",
        "Cesar Chavez Academy",
        "Transportation Center",
    ];

    fn nearest(text: &str) -> Vec<String> {
        Suggester::new(SCHOOLS.map(str::to_owned)).nearest(text)
    }

    #[test]
    fn abbreviations_and_nicknames_have_a_suggestion() {
        for (written, meant) in [
            ("Tubman", "Harriet Tubman Elementary"),
            ("tubman elem", "Harriet Tubman Elementary"),
            ("KJ Middle", "Katherine Johnson Middle School"),
            ("KJMS", "Katherine Johnson Middle School"),
            ("D.O.", "District Office"),
            ("LHS", "Lincoln High School"),
            ("Linclon HS", "Lincoln High School"),
            ("Chavez", "Cesar Chavez Academy"),
            ("R. Parks", "Rosa Parks Elementary"),
            ("Transportation", "Transportation Center"),
        ] {
            assert_eq!(
                nearest(written).first().map(String::as_str),
                Some(meant),
                "{written}"
            );
        }
    }

    #[test]
    fn what_stands_for_nothing_or_for_many_has_none() {
        let many = (1..9).map(|n| format!("Room {n}0{n} Annex"));
        let rooms = Suggester::new(many);
        assert!(rooms.nearest("Annex").is_empty());
        assert!(nearest("Gymnasium 7").is_empty());
        assert!(nearest("X.Y.").is_empty());
    }

    #[test]
    fn a_long_list_finds_initials_too() {
        let people = (0..5_000).map(|n| format!("Person Number{n:04}"));
        let all = people.chain(["Katherine Johnson".to_owned()]);
        let long = Suggester::new(all);
        assert_eq!(
            long.nearest("K. Johnson").first().map(String::as_str),
            Some("Katherine Johnson")
        );
    }
}
