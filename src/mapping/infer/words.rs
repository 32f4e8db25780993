//! Words: how headings are compared, which words stand for nothing, and what words for priorities and states mean.

use super::sample::Column;
use crate::record::fold;

/// Words that stand for nothing wherever they fill a cell.
const NULL: [&str; 12] = [
    "n/a",
    "#n/a",
    "null",
    "(null)",
    "nil",
    "nan",
    "-",
    "--",
    "---",
    "?",
    "(empty)",
    "undefined",
];
/// Words that do so where several columns hold them.
const MAYBE_NULL: [&str; 7] = [
    "na",
    "unknown",
    "none",
    "not set",
    "not specified",
    "not available",
    "tbd",
];
/// What a heading says of itself and not of its meaning.
const NOISE: [&str; 12] = [
    "ticket", "incident", "case", "request", "issue", "helpdesk", "support", "sys", "u",
    "customer", "the", "custom",
];

/// A heading as words: `customField_3`, `Ticket #` and `requester.email` become `custom field 3`, `ticket number` and
/// `requester email`.
pub(super) fn heading(text: &str) -> String {
    let mut words = String::with_capacity(text.len() + 4);
    let mut was_lower = false;
    for sign in text.trim().chars() {
        match sign {
            '#' => words.push_str(" number "),
            sign if sign.is_alphanumeric() || sign == '\'' => {
                if sign.is_uppercase() && was_lower {
                    words.push(' ');
                }
                words.extend(sign.to_lowercase());
            }
            _ => words.push(' '),
        }
        was_lower = sign.is_lowercase();
    }
    words.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// How well a heading fits the names that columns of a meaning bear, from 0 to 100, and the name that fits best.
pub(super) fn likeness<'n>(written: &str, called: &[&'n str]) -> Option<(f64, &'n str)> {
    let own = heading(written);
    if own.is_empty() {
        return None;
    }
    let bare = without_noise(&own);
    let words: Vec<&str> = own.split(' ').collect();
    let mut best: Option<(f64, &str)> = None;
    for (rank, name) in called.iter().enumerate() {
        let wanted = heading(name);
        let rank = (rank as f64).min(30.0) / 3.0;
        let score = if own == wanted {
            98.0 - rank
        } else if bare == wanted {
            84.0 - rank
        } else if words.len() <= 5 && holds(&words, &wanted) {
            64.0 - rank
        } else if own.len() > 5 && strsim::jaro_winkler(&own, &wanted) > 0.94 {
            62.0 - rank
        } else {
            continue;
        };
        if best.is_none_or(|(highest, _)| score > highest) {
            best = Some((score, name));
        }
    }
    best
}

fn without_noise(own: &str) -> String {
    let mut words: Vec<&str> = own.split(' ').collect();
    while words.len() > 1 && NOISE.contains(&words[0]) {
        words.remove(0);
    }
    if words.len() > 1 && matches!(words[words.len() - 1], "name" | "id") {
        words.pop();
    }
    words.join(" ")
}

/// Whether the words hold all of the name's, one behind the other.
fn holds(words: &[&str], name: &str) -> bool {
    let wanted: Vec<&str> = name.split(' ').collect();
    let says_something = wanted.len() > 1 || name.chars().count() > 4;
    says_something && words.windows(wanted.len()).any(|some| some == wanted)
}

/// The words of these columns that stand for nothing, with how many cells hold each.
pub(super) fn null_words(columns: &[Column]) -> Vec<(String, usize)> {
    let mut found: Vec<(String, usize, usize)> = Vec::new();
    for column in columns {
        let says_none = format!("no {}", fold(&column.name));
        for (value, count) in &column.values {
            let folded = fold(value);
            // A column of nothing else is not emptied: then the word is what it says.
            let sure = NULL.contains(&folded.as_str()) || folded == says_none;
            let columns = match (sure, MAYBE_NULL.contains(&folded.as_str())) {
                (true, _) => 2,
                (false, true) => 1,
                (false, false) => continue,
            };
            match found.iter_mut().find(|(word, ..)| fold(word) == folded) {
                Some((_, cells, in_columns)) => {
                    *cells += count;
                    *in_columns += columns;
                }
                None => found.push((value.clone(), *count, columns)),
            }
        }
    }
    found.retain(|(_, _, columns)| *columns > 1);
    found.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    found
        .into_iter()
        .map(|(word, cells, _)| (word, cells))
        .collect()
}

/// How much a word says it hurries: 2 (low) to 5 (critical).
pub(super) fn level(word: &str) -> Option<u8> {
    let folded = fold(word);
    // `Non-urgent` is not `urgent`: how much it hurries, a person must say.
    let mut words = folded.split(|c: char| !c.is_alphanumeric());
    if words.any(|word| {
        matches!(
            word,
            "non" | "not" | "no" | "nicht" | "kein" | "pas" | "não"
        )
    }) {
        return None;
    }
    // `1 - Critical`, `P2 - High`: the word counts, the number only where there is none.
    let bare = folded
        .rsplit_once([' ', '-', ':', '.'])
        .map_or(folded.as_str(), |(_, last)| last)
        .trim_matches(|c: char| !c.is_alphanumeric());
    let of = |text: &str| match text {
        "critical" | "urgent" | "highest" | "blocker" | "emergency" | "showstopper" | "p0"
        | "p1" | "s1" | "sev1" | "sev 1" | "kritisch" | "dringend" | "urgente" | "critique"
        | "crítica" | "critica" | "muito alta" => Some(5),
        "high" | "major" | "important" | "p2" | "s2" | "sev2" | "sev 2" | "hoch" | "haute"
        | "alta" => Some(4),
        "medium" | "normal" | "moderate" | "standard" | "average" | "default" | "p3" | "s3"
        | "sev3" | "mittel" | "moyenne" | "média" | "media" => Some(3),
        "low" | "minor" | "lowest" | "trivial" | "planning" | "p4" | "p5" | "s4" | "sev4"
        | "niedrig" | "basse" | "baixa" | "baja" => Some(2),
        _ => None,
    };
    of(&folded).or_else(|| of(bare)).or(match folded.as_str() {
        "1" => Some(5),
        "2" => Some(4),
        "3" => Some(3),
        "4" | "5" => Some(2),
        _ => None,
    })
}

/// How far a word says a ticket is, as the words to look for among a system's own, the best first. `Closed - duplicate` is
/// closed, and whatever begins with `Waiting` waits.
pub(super) fn state(word: &str) -> Option<&'static [&'static str]> {
    let first = |signs: [char; 4]| word.split(signs).next().filter(|first| *first != word);
    whole_state(word)
        .or_else(|| whole_state(first(['-', '(', ':', '/'])?))
        .or_else(|| match heading(word).split(' ').next()? {
            "waiting" | "awaiting" | "pending" => whole_state("waiting"),
            _ => None,
        })
}

fn whole_state(word: &str) -> Option<&'static [&'static str]> {
    const OPEN: &[&str] = &["open", "new", "submitted"];
    const WORK: &[&str] = &["in progress", "open"];
    const WAIT: &[&str] = &["pending", "waiting", "on hold", "waiting on requestor"];
    const HOLD: &[&str] = &["on hold", "pending", "waiting on requestor"];
    const SOLVED: &[&str] = &["solved", "resolved", "closed"];
    const CLOSED: &[&str] = &["closed", "solved", "resolved"];
    let folded = heading(word);
    Some(match folded.as_str() {
        "open"
        | "new"
        | "reopened"
        | "re opened"
        | "to do"
        | "todo"
        | "backlog"
        | "submitted"
        | "created"
        | "unassigned"
        | "not started"
        | "selected for development"
        | "received"
        | "logged"
        | "queued"
        | "triage"
        | "ready"
        | "offen"
        | "neu"
        | "nouveau"
        | "novo"
        | "abierto" => OPEN,
        "in progress"
        | "wip"
        | "ongoing"
        | "working"
        | "working on it"
        | "investigating"
        | "escalated"
        | "scheduled"
        | "waiting for support"
        | "work in progress"
        | "in review"
        | "active"
        | "assigned"
        | "processing"
        | "started"
        | "in development"
        | "being processed"
        | "in bearbeitung"
        | "en cours"
        | "em atendimento" => WORK,
        "pending"
        | "waiting"
        | "waiting for customer"
        | "waiting on customer"
        | "pending customer response"
        | "awaiting user info"
        | "awaiting problem"
        | "awaiting vendor"
        | "pendente"
        | "en attente" => WAIT,
        "on hold"
        | "hold"
        | "deferred"
        | "blocked"
        | "waiting on third party"
        | "awaiting evidence" => HOLD,
        "solved" | "resolved" | "done" | "fixed" | "completed" | "complete" | "released"
        | "verified" | "deployed" | "finished" | "fulfilled" | "repaired" | "erledigt"
        | "terminé" | "concluído" | "resuelto" | "gelöst" | "résolu" | "solucionado" => SOLVED,
        "closed" | "cancelled" | "canceled" | "rejected" | "won't do" | "won't fix" | "wontfix"
        | "declined" | "denied" | "abandoned" | "archived" | "invalid" | "closed complete"
        | "closed incomplete" | "closed skipped" | "auto closed" | "closed no response"
        | "no longer needed" | "spam" | "fermé" | "duplicate" | "geschlossen" | "clos"
        | "fechado" | "cerrado" => CLOSED,
        _ => return None,
    })
}

/// Whether a word says that a ticket is finished; `None`: nobody knows what it says.
pub(super) fn ends(word: &str) -> Option<bool> {
    let first = state(word)?.first()?;
    Some(matches!(*first, "solved" | "closed"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headings_are_words() {
        assert_eq!(heading("Ticket #"), "ticket number");
        assert_eq!(heading("requester.email"), "requester email");
        assert_eq!(heading("shortDescription"), "short description");
        assert_eq!(heading("sys_updated_at"), "sys updated at");
    }

    #[test]
    fn a_heading_is_like_the_names_of_its_meaning() {
        let title = &["title", "subject", "ticket name"];
        let like = |text| likeness(text, title).map(|(score, name)| (score as u32, name));
        assert_eq!(like("Subject"), Some((97, "subject")));
        assert_eq!(like("Ticket Subject"), Some((83, "subject")));
        assert_eq!(like("Consolidated Ticket Name"), Some((63, "ticket name")));
        assert_eq!(like("Opened"), None);
    }

    #[test]
    fn words_for_priorities_and_states_are_ranked() {
        assert_eq!(level("1 - Critical"), Some(5));
        assert_eq!(level("P2"), Some(4));
        assert_eq!(level("3 - Moderate"), Some(3));
        assert_eq!(level("Purple"), None);
        for word in [
            "Non-urgent",
            "Not urgent",
            "4 - not critical",
            "nicht dringend",
        ] {
            assert_eq!(level(word), None, "{word}");
        }
        assert_eq!(state("Waiting on Third Party").unwrap()[0], "on hold");
        assert_eq!(state("somewhere"), None);
        assert_eq!(ends("CLOSED - dup"), Some(true));
        assert_eq!(ends("Waiting on parts"), Some(false));
        assert_eq!(ends("Not closed"), None);
        assert_eq!(ends("Won't do"), Some(true));
    }
}
