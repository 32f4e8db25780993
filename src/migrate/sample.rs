//! A sample of tickets for a rehearsal: the extremes, one of every kind, the rest spread over time. The same source gives
//! the same sample.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use crate::systems::common::{CommonTicket, Named};

/// What is kept of a ticket to choose among all.
#[derive(Debug, Clone)]
struct Facts {
    id: String,
    created: Option<Timestamp>,
    /// How many characters its texts have.
    length: usize,
    comments: usize,
    /// How many bytes its files have.
    bytes: u64,
    files: usize,
    /// The kinds that it is of, by their numbers.
    kinds: Vec<u32>,
}

/// The tickets among which a sample is chosen.
#[derive(Debug, Default)]
pub struct Sample {
    facts: Vec<Facts>,
    /// The kinds and their numbers: every state, priority, category, place and team.
    kinds: BTreeMap<(u8, String), u32>,
}

impl Sample {
    /// Takes a ticket up.
    pub fn take(&mut self, ticket: &CommonTicket) {
        let named = [
            &ticket.state,
            &ticket.priority,
            &ticket.category,
            &ticket.place,
            &ticket.team,
        ];
        let mut kinds = Vec::new();
        for (nth, named) in (0_u8..).zip(named) {
            let Some(label) = named.as_ref().map(Named::label) else {
                continue;
            };
            let next = u32::try_from(self.kinds.len()).unwrap_or(u32::MAX);
            let number = self.kinds.entry((nth, label.to_owned())).or_insert(next);
            kinds.push(*number);
        }
        let texts = [&ticket.title, &ticket.description];
        let own = texts
            .iter()
            .filter_map(|text| text.as_ref().map(String::len));
        let said = ticket.comments.iter().map(|comment| comment.text.len());
        self.facts.push(Facts {
            id: ticket.id.clone(),
            created: ticket.created,
            length: own.chain(said).sum(),
            comments: ticket.comments.len(),
            bytes: ticket
                .attachments
                .iter()
                .filter_map(|file| file.bytes)
                .sum(),
            files: ticket.attachments.len(),
            kinds,
        });
    }

    /// The ids of so many tickets at most: the oldest, the newest, the longest, those with the most comments and the largest
    /// files; then whatever brings in most kinds that are not there yet; then others, spread over time.
    pub fn choose(mut self, most: usize) -> BTreeSet<String> {
        self.facts
            .sort_by(|a, b| (a.created, &a.id).cmp(&(b.created, &b.id)));
        let mut chosen: Vec<usize> = Vec::new();
        let add = |chosen: &mut Vec<usize>, at: Option<usize>| {
            if let Some(at) = at.filter(|at| chosen.len() < most && !chosen.contains(at)) {
                chosen.push(at);
            }
        };
        let facts = &self.facts;
        let greatest = |of: &dyn Fn(&Facts) -> u64| {
            let all = facts.iter().enumerate();
            // Of several the first: the oldest.
            let best = all.rev().max_by_key(|(_, one)| of(one))?;
            (of(best.1) > 0).then_some(best.0)
        };
        add(&mut chosen, (!facts.is_empty()).then_some(0));
        add(&mut chosen, facts.len().checked_sub(1));
        for of in [
            &(|one: &Facts| one.length as u64) as &dyn Fn(&Facts) -> u64,
            &|one| one.comments as u64,
            &|one| one.bytes,
            &|one| one.files as u64,
        ] {
            add(&mut chosen, greatest(of));
        }
        let mut missing: BTreeSet<u32> = self.kinds.values().copied().collect();
        for at in &chosen {
            missing.retain(|kind| !facts[*at].kinds.contains(kind));
        }
        while chosen.len() < most && !missing.is_empty() {
            let brings = |one: &Facts| one.kinds.iter().filter(|it| missing.contains(it)).count();
            let Some(at) = greatest(&|one| brings(one) as u64) else {
                break;
            };
            chosen.push(at);
            missing.retain(|kind| !facts[at].kinds.contains(kind));
        }
        let rest = most.saturating_sub(chosen.len());
        for nth in 0..rest {
            add(
                &mut chosen,
                Some((nth * facts.len()) / rest.max(1)).filter(|at| *at < facts.len()),
            );
        }
        // Some of these were there already.
        for at in 0..facts.len() {
            add(&mut chosen, Some(at));
        }
        chosen.into_iter().map(|at| facts[at].id.clone()).collect()
    }

    /// How many kinds there are: a smaller sample cannot have one of each.
    pub fn kinds(&self) -> usize {
        self.kinds.len()
    }

    /// How many tickets there are.
    pub fn len(&self) -> usize {
        self.facts.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.facts.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::systems::SystemName;
    use crate::systems::common::{Attachment, Comment};

    fn ticket(nth: usize) -> CommonTicket {
        let named = |name: String| {
            Some(Named {
                name: Some(name),
                ..Named::default()
            })
        };
        let comment = Comment {
            author: None,
            at: None,
            public: None,
            text: "x".to_owned(),
        };
        CommonTicket {
            created: Timestamp::from_second(1_700_000_000 + nth as i64).ok(),
            title: Some("t".repeat(if nth == 40 { 900 } else { 5 })),
            state: named(format!("state {}", nth % 3)),
            place: named(format!("place {}", nth % 7)),
            category: named(if nth == 61 { "rare" } else { "usual" }.to_owned()),
            comments: vec![comment; if nth == 50 { 9 } else { 1 }],
            attachments: (nth == 55)
                .then(|| Attachment {
                    id: None,
                    name: "a.png".to_owned(),
                    url: None,
                    bytes: Some(7),
                    at: None,
                })
                .into_iter()
                .collect(),
            ..CommonTicket::new(SystemName::IncidentIq, format!("{nth:03}"))
        }
    }

    fn sample(count: usize) -> Sample {
        let mut sample = Sample::default();
        (0..count).for_each(|nth| sample.take(&ticket(nth)));
        sample
    }

    #[test]
    fn a_sample_has_the_extremes_and_one_of_every_kind() {
        let chosen = sample(100).choose(20);
        assert_eq!(chosen.len(), 20);
        for id in ["000", "099", "040", "050", "055", "061"] {
            assert!(chosen.contains(id), "{id}: {chosen:?}");
        }
        let of = |id: &String| ticket(id.parse().unwrap());
        let places: BTreeSet<_> = (chosen.iter())
            .filter_map(|id| of(id).place?.name)
            .collect();
        assert_eq!(places.len(), 7, "{chosen:?}");
        // The same source gives the same sample.
        assert_eq!(chosen, sample(100).choose(20));
    }

    #[test]
    fn a_sample_is_no_larger_than_its_source_and_than_was_asked_for() {
        for (count, most) in [(0, 5), (3, 5), (5, 5), (100, 1), (100, 3), (100, 100)] {
            let chosen = sample(count).choose(most);
            assert_eq!(chosen.len(), most.min(count), "{count} {most}");
        }
    }
}
