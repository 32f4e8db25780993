//! What happened in a sequence, for a person who has to understand it.

use std::fmt::Write as _;

use serde_json::Value;

use super::books::Books;
use super::sequence::Sequence;
use super::verdict::Verdict;

impl Sequence {
    /// What happened, for a person who has to understand it.
    pub(super) fn story(&self, books: &Books, verdict: &Verdict) -> String {
        let setup = &self.setup;
        let mut story = format!(
            "seed {}: {:?}, marker {:?}, {} rows{}\nchaos {}\nsteps {:?}\n\n{}\n",
            setup.seed,
            setup.plan.speech,
            setup.plan.marker,
            setup.plan.rows.len(),
            if setup.breaks {
                ", an assumption is broken on purpose"
            } else {
                ""
            },
            setup.chaos.settings(false),
            setup.steps,
            setup.plan.mapping(),
        );
        for fault in &verdict.faults {
            let row = fault
                .item
                .map_or_else(String::new, |item| format!(" item {item}:"));
            writeln!(story, "{:?}:{row} {}", fault.wrong, fault.text).unwrap();
        }
        story.push('\n');
        for command in &self.commands {
            let code = match command.code {
                Some(code) => code.to_string(),
                None => "killed".to_owned(),
            };
            writeln!(
                story,
                "[{:.3} to {:.3}] {}  => {code}",
                command.started, command.ended, command.line
            )
            .unwrap();
            if command.line.starts_with('#') || command.line.starts_with("runs ids") {
                continue;
            }
            for line in command.stderr.lines().chain(command.stdout.lines()) {
                let cut: String = line.chars().take(700).collect();
                writeln!(story, "    {cut}").unwrap();
            }
        }
        let mut items: Vec<usize> = verdict
            .faults
            .iter()
            .filter_map(|fault| fault.item)
            .collect();
        items.sort_unstable();
        items.dedup();
        for item in items.into_iter().take(5) {
            self.story_of(item, books, &mut story);
        }
        story
    }

    /// A row: what was said of it, its tickets in the books, and the misbehaviours that struck them.
    pub(super) fn story_of(&self, item: usize, books: &Books, story: &mut String) {
        let row = &self.setup.plan.rows[item];
        writeln!(story, "\nitem {item}, key `{}`", row.key).unwrap();
        for command in &self.commands {
            for claim in command.claims.get(&row.key).into_iter().flatten() {
                writeln!(story, "  [{:.3}] said: {claim:?}", command.ended).unwrap();
            }
        }
        for made in books.tickets.iter().filter(|made| made.item == Some(item)) {
            let mut entry = made.entry.clone();
            for name in ["description_as_sent", "description_now"] {
                let text: String = entry[name]
                    .as_str()
                    .unwrap_or_default()
                    .chars()
                    .take(200)
                    .collect();
                entry[name] = text.into();
            }
            entry["request"]["body"] = Value::Null;
            writeln!(story, "  book: {entry}").unwrap();
            let strikes = books.chaos.iter().filter(|strike| {
                let tickets = strike["tickets"].as_array().into_iter().flatten();
                let mut tickets = tickets.filter_map(Value::as_str);
                strike["kind"] != "list" && tickets.any(|id| made.is(id))
            });
            for strike in strikes.take(20) {
                writeln!(story, "    struck: {strike}").unwrap();
            }
        }
    }
}
