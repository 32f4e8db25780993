//! Fields that took something else than their cells say, summed up: by field and by what was taken, with the words that
//! no `map`, no table and no name has. Memory stays flat in the rows.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::words;
use crate::event::{Fallback, UnfitBy};
use crate::unicode::shown;

/// So many words of a field are told apart; the rest is counted.
const MOST_WORDS: usize = 1_000;
/// So many are named in a line.
const NAMED: usize = 8;

/// The sum.
#[derive(Debug, Clone, Default)]
pub struct Fallbacks(BTreeMap<Key, Counted>);

/// What is counted together.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Key {
    field: String,
    did: Did,
}

/// What a field did.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Did {
    /// It took its `default` or `missing`.
    Fell(String),
    /// It took what the step says that did not have the word; `None`: it was left out.
    Else(UnfitBy, Option<String>),
    /// It kept words that the step does not have.
    Kept(UnfitBy),
}

#[derive(Debug, Clone, Default)]
struct Counted {
    rows: u64,
    words: BTreeMap<String, u64>,
    /// Rows of words past those that are told apart.
    further: u64,
}

impl Fallbacks {
    /// Adds those of one row.
    pub(crate) fn add(&mut self, of_row: &[Fallback]) {
        let mut seen: Vec<Key> = Vec::new();
        for fallback in of_row {
            let did = match (&fallback.word, &fallback.took) {
                (Some(word), Some(took)) if word.text == *took => Did::Kept(word.by),
                (Some(word), took) => Did::Else(word.by, took.clone()),
                (None, took) => Did::Fell(took.clone().unwrap_or_default()),
            };
            let key = Key {
                field: fallback.field.clone(),
                did,
            };
            let counted = self.0.entry(key.clone()).or_default();
            if !seen.contains(&key) {
                counted.rows += 1;
                seen.push(key);
            }
            if let Some(word) = &fallback.word {
                let is_full = counted.words.len() >= MOST_WORDS;
                match counted.words.get_mut(&word.text) {
                    Some(rows) => *rows += 1,
                    None if is_full => counted.further += 1,
                    None => _ = counted.words.insert(word.text.clone(), 1),
                }
            }
        }
    }

    /// The lines for people, without label and indent.
    pub(crate) fn lines(&self) -> impl Iterator<Item = String> {
        self.0.iter().map(|(key, counted)| {
            let rows = words::plural(counted.rows, "row", "rows");
            let (by, did) = match &key.did {
                Did::Fell(took) => return format!("{}: {rows} took {took}", key.field),
                Did::Else(by, Some(took)) => (by, format!("{rows} took {took}")),
                // The row itself is sent.
                Did::Else(by, None) => (by, format!("not set in {rows}")),
                Did::Kept(by) => (by, format!("kept as it is in {rows}")),
            };
            let why = match by {
                UnfitBy::Map => "`map` does not have",
                UnfitBy::Lookup => "the table of `lookup` does not have",
                UnfitBy::Names => "nothing is called",
                UnfitBy::Ambiguous => "several are called",
                UnfitBy::Within => "`within` names an empty field for",
            };
            format!("{}: {did}, {why} {}", key.field, counted.named())
        })
    }

    /// The same for programs.
    pub(crate) fn to_json(&self) -> Vec<Value> {
        let all = self.0.iter().map(|(key, counted)| {
            let took = match &key.did {
                Did::Fell(took) => Some(took),
                Did::Else(_, took) => took.as_ref(),
                Did::Kept(_) => None,
            };
            let mut one = json!({"field": key.field, "took": took, "rows": counted.rows});
            if let Did::Else(by, _) | Did::Kept(by) = key.did {
                one["kept"] = json!(key.did == Did::Kept(by));
                one["because"] = json!(by.word());
                one["words"] = json!(counted.words);
            }
            one
        });
        all.collect()
    }
}

impl Counted {
    /// The words, the most frequent first.
    fn named(&self) -> String {
        let mut words: Vec<(&String, &u64)> = self.words.iter().collect();
        words.sort_by(|a, b| b.1.cmp(a.1).then_with(|| a.0.cmp(b.0)));
        let named: Vec<String> = words
            .iter()
            .take(NAMED)
            .map(|(word, rows)| format!("`{}` ({})", shown((*word).clone()), words::count(**rows)))
            .collect();
        let more = words.len() > NAMED || self.further > 0;
        format!("{}{}", named.join(", "), if more { ", …" } else { "" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::Unfit;

    fn fallback(field: &str, took: Option<&str>, word: Option<&str>) -> Fallback {
        Fallback {
            field: field.to_owned(),
            took: took.map(str::to_owned),
            word: word.map(|word| unfit(UnfitBy::Map, word)),
        }
    }

    fn unfit(by: UnfitBy, word: &str) -> Unfit {
        Unfit {
            text: word.to_owned(),
            by,
        }
    }

    #[test]
    fn words_that_no_map_has_are_named_with_their_rows() {
        let mut sum = Fallbacks::default();
        for word in ["Released", "Verified", "Released"] {
            sum.add(&[fallback("status", None, Some(word))]);
        }
        sum.add(&[
            fallback("Tags", Some("bug"), Some("bug")),
            fallback("Tags", Some("how-to"), Some("how-to")),
            fallback("ForId", Some("helpdesk"), None),
        ]);
        sum.add(&[fallback("Priority", Some("Medium"), Some("Purple\u{200b}"))]);
        let lines: Vec<String> = sum.lines().collect();
        assert_eq!(
            lines,
            [
                "ForId: 1 row took helpdesk",
                "Priority: 1 row took Medium, `map` does not have `Purple\\u{200b}` (1)",
                "Tags: kept as it is in 1 row, `map` does not have `bug` (1), `how-to` (1)",
                "status: not set in 3 rows, `map` does not have `Released` (2), `Verified` (1)",
            ]
        );
        assert_eq!(
            sum.to_json()[3],
            json!({"field": "status", "took": null, "rows": 3, "kept": false, "because": "map", "words": {"Released": 2, "Verified": 1}})
        );
    }

    /// Whatever step did not have the word: it is named with why.
    #[test]
    fn words_are_named_with_what_did_not_have_them() {
        let mut sum = Fallbacks::default();
        for (by, took) in [
            (UnfitBy::Lookup, Some("nobody")),
            (UnfitBy::Names, None),
            (UnfitBy::Ambiguous, None),
            (UnfitBy::Within, None),
        ] {
            sum.add(&[Fallback {
                field: "Room".to_owned(),
                took: took.map(str::to_owned),
                word: Some(unfit(by, "101")),
            }]);
        }
        let lines: Vec<String> = sum.lines().collect();
        assert_eq!(
            lines,
            [
                "Room: 1 row took nobody, the table of `lookup` does not have `101` (1)",
                "Room: not set in 1 row, nothing is called `101` (1)",
                "Room: not set in 1 row, several are called `101` (1)",
                "Room: not set in 1 row, `within` names an empty field for `101` (1)",
            ]
        );
        assert_eq!(sum.to_json()[1]["because"], "missing");
    }

    #[test]
    fn a_column_of_nothing_but_other_words_is_counted_and_not_held() {
        let mut sum = Fallbacks::default();
        for number in 0..5_000 {
            sum.add(&[fallback("status", None, Some(&number.to_string()))]);
        }
        assert_eq!(
            sum.0.values().next().map(|one| (one.rows, one.words.len())),
            Some((5_000, MOST_WORDS))
        );
        let line = sum.lines().next().unwrap();
        assert!(line.ends_with(", …") && line.len() < 200, "{line}");
    }
}
