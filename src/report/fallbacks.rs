//! Fields that took something else than their cells say, summed up: by field and by what was taken, with the words that
//! no `map` has. Memory stays flat in the rows.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::words;
use crate::event::Fallback;
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
    /// It took the `else` of its `map`; `None`: it was left out.
    Else(Option<String>),
    /// It kept words that its `map` does not have.
    Kept,
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
                (Some(word), Some(took)) if word == took => Did::Kept,
                (Some(_), took) => Did::Else(took.clone()),
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
                match counted.words.get_mut(word) {
                    Some(rows) => *rows += 1,
                    None if is_full => counted.further += 1,
                    None => _ = counted.words.insert(word.clone(), 1),
                }
            }
        }
    }

    /// The lines for people, without label and indent.
    pub(crate) fn lines(&self) -> impl Iterator<Item = String> {
        self.0.iter().map(|(key, counted)| {
            let rows = words::plural(counted.rows, "row", "rows");
            let did = match &key.did {
                Did::Fell(took) => return format!("{}: {rows} took {took}", key.field),
                Did::Else(Some(took)) => format!("took {took}"),
                Did::Else(None) => "left out".to_owned(),
                Did::Kept => "kept as they are".to_owned(),
            };
            format!(
                "{}: {rows} {did}, `map` does not have {}",
                key.field,
                counted.named()
            )
        })
    }

    /// The same for programs.
    pub(crate) fn to_json(&self) -> Vec<Value> {
        let all = self.0.iter().map(|(key, counted)| {
            let took = match &key.did {
                Did::Fell(took) => Some(took),
                Did::Else(took) => took.as_ref(),
                Did::Kept => None,
            };
            let mut one = json!({"field": key.field, "took": took, "rows": counted.rows});
            if !counted.words.is_empty() {
                one["kept"] = json!(key.did == Did::Kept);
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

    fn fallback(field: &str, took: Option<&str>, word: Option<&str>) -> Fallback {
        Fallback {
            field: field.to_owned(),
            took: took.map(str::to_owned),
            word: word.map(str::to_owned),
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
                "Tags: 1 row kept as they are, `map` does not have `bug` (1), `how-to` (1)",
                "status: 3 rows left out, `map` does not have `Released` (2), `Verified` (1)",
            ]
        );
        assert_eq!(
            sum.to_json()[3],
            json!({"field": "status", "took": null, "rows": 3, "kept": false, "words": {"Released": 2, "Verified": 1}})
        );
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
