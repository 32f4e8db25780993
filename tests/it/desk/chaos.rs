//! Which misbehaviours of the desk a sequence meets.

use deskferry::sandbox::Dice;
use serde_json::{Map, Value, json};

/// What a misbehaviour is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Group {
    Text,
    Listing,
    Answer,
    Connection,
    Clock,
    Rate,
    /// Breaks what docs/delivery.md assumes.
    Broken,
}

/// One misbehaviour and how its setting is drawn.
#[derive(Clone, Copy)]
pub(super) struct Kind {
    /// Its name, unique here: one of the desk's names, with a word where there are several of it.
    pub(super) label: &'static str,
    pub(super) group: Group,
    /// Whether it can hide the references of tickets from every listing: with a ledger that has lost them, nobody can
    /// know whose they are.
    pub(super) hides: bool,
    draw: fn(&mut Dice) -> String,
}

const fn kind(label: &'static str, group: Group, draw: fn(&mut Dice) -> String) -> Kind {
    Kind {
        label,
        group,
        hides: false,
        draw,
    }
}

const fn hides(mut kind: Kind) -> Kind {
    kind.hides = true;
    kind
}

/// A probability between the two.
fn often(dice: &mut Dice, least: f64, most: f64) -> String {
    format!("{:.3}", least + dice.unit() * (most - least))
}

fn number(dice: &mut Dice, least: usize, most: usize) -> String {
    (least + dice.below(most - least)).to_string()
}

/// Statuses that come although the work is done.
const STATUSES: [&str; 16] = [
    "429+", "429-", "301", "302", "400", "401", "403", "404", "409", "422", "500", "502", "503",
    "504", "202", "204",
];

/// Pages that are honestly smaller than was asked for.
const SMALL_PAGES: &str = "silent-cap clamp";

use Group::{Answer, Broken, Clock, Connection, Listing, Rate, Text};

/// Every misbehaviour. A label is `NAME` or `NAME WORD`.
pub(super) const KINDS: &[Kind] = &[
    hides(kind("list-truncate", Text, |d| number(d, 60, 1_500))),
    hides(kind("text-truncate", Text, |d| number(d, 60, 2_000))),
    hides(kind("strip-last-line all", Text, |_| "0".to_owned())),
    hides(kind("strip-last-line long", Text, |d| {
        number(d, 500, 1_500)
    })),
    hides(kind("split", Text, |d| number(d, 150, 1_500))),
    kind("rewrite soft", Text, |_| "soft".to_owned()),
    hides(kind("rewrite hard", Text, |_| "hard".to_owned())),
    kind("emoji", Text, |_| String::new()),
    kind("mentions", Text, |_| String::new()),
    hides(kind("null-text", Text, |d| often(d, 0.1, 1.0))),
    kind("hide-comments", Text, |d| often(d, 0.1, 0.7)),
    kind("hide-internal", Text, |_| String::new()),
    kind("title-rewrite prefix", Text, |_| "prefix".to_owned()),
    kind("title-rewrite trim", Text, |_| "trim".to_owned()),
    kind("title-rewrite both", Text, |_| "both".to_owned()),
    kind("collapse-blank-lines", Text, |_| String::new()),
    kind("error-object-200", Listing, |d| often(d, 0.1, 0.6)),
    kind("empty-page only", Listing, |d| often(d, 0.1, 0.6) + ":only"),
    kind("empty-page all", Listing, |d| often(d, 0.1, 0.6) + ":all"),
    kind("other-names", Listing, |d| often(d, 0.1, 0.6)),
    kind("no-metadata", Listing, |d| often(d, 0.1, 0.6)),
    kind("silent-cap tells", Listing, |d| number(d, 3, 30) + ":tells"),
    kind("silent-cap hides", Listing, |d| number(d, 3, 30) + ":hides"),
    kind(SMALL_PAGES, Listing, |d| number(d, 3, 30) + ":clamp"),
    kind("drop-rows", Listing, |d| often(d, 0.05, 0.4)),
    kind("repeat-rows", Listing, |d| often(d, 0.05, 0.4)),
    kind("shuffle page", Listing, |d| often(d, 0.2, 1.0) + ":page"),
    kind("shuffle all", Listing, |d| often(d, 0.2, 1.0) + ":all"),
    kind("more-rows", Listing, |d| often(d, 0.2, 1.0)),
    kind("ignore-filters", Listing, |d| often(d, 0.2, 1.0)),
    kind("wrong-count", Listing, |d| often(d, 0.1, 0.8)),
    kind("cached-page", Listing, |d| often(d, 0.2, 0.8) + ":0.8"),
    kind("commit-then one", Answer, |d| {
        format!("{}:{}", d.pick(&STATUSES), often(d, 0.05, 0.3))
    }),
    kind("commit-then any", Answer, |d| {
        format!("any:{}", often(d, 0.05, 0.25))
    }),
    kind("refuse-with one", Answer, |d| {
        format!("{}:{}", d.pick(&STATUSES), often(d, 0.02, 0.15))
    }),
    kind("refuse-with any", Answer, |d| {
        format!("any:{}@write", often(d, 0.02, 0.15))
    }),
    kind("replay-answer", Answer, |d| often(d, 0.03, 0.2) + ":0.5"),
    kind("other-id", Answer, |d| often(d, 0.1, 0.5)),
    kind("id-form string", Answer, |_| "string".to_owned()),
    kind("id-form number", Answer, |_| "number".to_owned()),
    kind("id-form prefix", Answer, |_| "prefix".to_owned()),
    kind("id-form mixed", Answer, |_| "mixed".to_owned()),
    kind("id-form upper", Answer, |_| "upper".to_owned()),
    kind("missing-id", Answer, |d| often(d, 0.03, 0.3)),
    kind("reset-before", Connection, |d| often(d, 0.02, 0.1)),
    kind("reset-after", Connection, |d| often(d, 0.02, 0.15)),
    kind("timeout-after", Connection, |d| often(d, 0.01, 0.05) + ":3"),
    kind("truncate-body", Connection, |d| often(d, 0.02, 0.12)),
    kind("late-commit", Connection, |d| often(d, 0.03, 0.2) + ":1.8"),
    kind("late-visible lists", Connection, |d| {
        often(d, 0.1, 0.6) + ":0.8:lists"
    }),
    kind("late-visible all", Connection, |d| {
        often(d, 0.1, 0.6) + ":0.8:all"
    }),
    kind("slow", Connection, |d| often(d, 0.05, 0.3) + ":400"),
    kind("date-skew", Clock, |d| {
        (d.below(400_000) as i64 - 200_000).to_string()
    }),
    kind("date-header-wrong", Clock, |d| {
        (d.below(7_200) as i64 - 3_600).to_string()
    }),
    kind("no-date", Clock, |_| String::new()),
    kind("limit", Rate, |d| number(d, 8, 25)),
    kind("double-commit", Broken, |d| often(d, 0.03, 0.2) + "@create"),
    kind("late-commit too late", Broken, |d| {
        often(d, 0.05, 0.2) + ":8@create"
    }),
    kind("late-visible too late", Broken, |d| {
        often(d, 0.1, 0.4) + ":6:lists@create"
    }),
    kind("created-skew", Broken, |d| {
        (d.below(400_000) as i64 - 200_000).to_string()
    }),
];

/// The misbehaviours of one sequence.
#[derive(Debug, Clone, Default)]
pub(super) struct Chaos(Vec<(&'static str, String)>);

impl Chaos {
    /// One of each of five groups and a few more; where an assumption is broken on purpose, one or two that do so.
    pub(super) fn new(dice: &mut Dice, breaks: bool, may_hide: bool) -> Self {
        let mut groups = vec![Text, Listing, Answer, Connection, Clock, Rate];
        groups.remove(dice.below(groups.len()));
        groups.extend((0..dice.below(4)).map(|_| *dice.pick(&[Text, Listing, Answer, Connection])));
        if breaks {
            groups.extend((0..1 + dice.below(2)).map(|_| Broken));
        }
        let mut chaos = Self::default();
        for group in groups {
            let fits = |kind: &&Kind| kind.group == group && (may_hide || !kind.hides);
            let fits: Vec<Kind> = KINDS.iter().filter(fits).copied().collect();
            let kind = *dice.pick(&fits);
            chaos.add(&kind, dice);
        }
        chaos.page(dice);
        chaos
    }

    /// That one alone; answers are lost besides where it only shows when rows are looked up.
    pub(super) fn only(label: &str, dice: &mut Dice) -> Self {
        let kind = KINDS.iter().find(|kind| kind.label == label);
        let kind = kind.unwrap_or_else(|| panic!("no chaos `{label}`"));
        let mut chaos = Self::default();
        chaos.add(kind, dice);
        if matches!(kind.group, Text | Listing | Clock) {
            let lost = often(dice, 0.1, 0.25) + "@write";
            chaos.0.push(("reset-after", lost));
            let lost = often(dice, 0.02, 0.08) + "@write";
            chaos.0.push(("reset-before", lost));
        }
        chaos.page(dice);
        chaos
    }

    /// Every other desk has small pages, so that a listing of few tickets has several.
    fn page(&mut self, dice: &mut Dice) {
        if dice.chance(0.5)
            && !self
                .0
                .iter()
                .any(|(label, _)| label.starts_with("silent-cap"))
        {
            self.0.push((SMALL_PAGES, number(dice, 4, 15) + ":clamp"));
        }
    }

    fn add(&mut self, kind: &Kind, dice: &mut Dice) {
        if !self.0.iter().any(|(label, _)| *label == kind.label) {
            let value = (kind.draw)(dice);
            self.0.push((kind.label, value));
        }
    }

    /// Whether it breaks an assumption.
    pub(super) fn breaks(&self) -> bool {
        let broken = |label: &str| {
            let kind = KINDS.iter().find(|kind| kind.label == label);
            kind.is_some_and(|kind| kind.group == Broken)
        };
        self.0.iter().any(|(label, _)| broken(label))
    }

    /// Whether it hides references: what nobody can see nobody can name.
    pub(super) fn hides(&self) -> bool {
        let hides = |label: &str| {
            let kind = KINDS.iter().find(|kind| kind.label == label);
            kind.is_some_and(|kind| kind.hides)
        };
        self.0.iter().any(|(label, _)| hides(label))
    }

    /// Whether texts lose their last lines.
    pub(super) fn cuts_last_lines(&self) -> bool {
        self.0
            .iter()
            .any(|(label, _)| label.starts_with("strip-last-line"))
    }

    /// Whether it has the misbehaviour of that label.
    pub(super) fn has(&self, label: &str) -> bool {
        self.0.iter().any(|(one, _)| *one == label)
    }

    /// Whether it hides comments.
    pub(super) fn hides_comments(&self) -> bool {
        self.0.iter().any(|(label, _)| label.starts_with("hide-"))
    }

    /// As the desk takes it; `gentle` leaves out what bends listings and texts, as on a better day.
    pub(super) fn settings(&self, gentle: bool) -> Value {
        let mut settings = Map::new();
        for (label, value) in &self.0 {
            let kind = KINDS.iter().find(|kind| kind.label == *label);
            let bends = kind.is_some_and(|kind| matches!(kind.group, Text | Listing | Answer));
            if gentle && bends {
                continue;
            }
            let name = label.split(' ').next().unwrap_or_default();
            let value = match value.as_str() {
                "" => Value::Bool(true),
                text => json!(text),
            };
            let values = settings.entry(name).or_insert_with(|| json!([]));
            values.as_array_mut().unwrap().push(value);
        }
        Value::Object(settings)
    }
}
