//! What a seed decides: the system and its dialect, the mapping, the rows.

use std::fmt::Write as _;

use deskferry::mapping::reference::reference;
use deskferry::sandbox::Dice;

use super::server::Desk;
use crate::support::Work;

/// The desk and the spelling in which it is spoken to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Speech {
    Rest,
    V1,
    Incidents,
}

impl Speech {
    /// Its name in the books and in mappings.
    pub(super) fn system(self) -> &'static str {
        match self {
            Self::Incidents => "incidentiq",
            Self::Rest | Self::V1 => "clearfeed",
        }
    }
}

/// What bears the references.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Marker {
    Description,
    Field,
    None,
}

/// A row of the input as it is now.
#[derive(Debug, Clone)]
pub(super) struct Row {
    /// Tells it from all others: its ticket's text says `(item N)`, its notes `(note N.M)`.
    pub(super) item: usize,
    pub(super) key: String,
    pub(super) title: String,
    text: String,
    place: usize,
    urgent: bool,
    pub(super) closed: bool,
    pub(super) notes: Vec<String>,
    /// Whether it is no longer what it was at first.
    pub(super) changed: bool,
}

/// Everything that a seed decides but the chaos and the steps.
#[derive(Debug, Clone)]
pub(super) struct Plan {
    pub(super) speech: Speech,
    pub(super) marker: Marker,
    pub(super) upsert: bool,
    follows: bool,
    public: bool,
    plain_keys: bool,
    long: bool,
    pub(super) rate: usize,
    quotes_within: bool,
    pub(super) rows: Vec<Row>,
}

const SCOPE: &str = "other-desk";
/// Texts that systems rewrite.
const SPICES: [&str; 8] = [
    "Thanks 🙏 see you 😀",
    "ask @maria.lopez or @it-team first",
    "see https://example.org/a?b=1&c=2 or mail bo.stone@acme.example",
    "5 < 7 & \"quoted\" 'twice' > all :)",
    "first\n\n\n\nafter some blank lines",
    "Grüße aus Zürich, 東京より",
    "C:\\temp\\new *bold* _it_ ~no~ `code`",
    "[[brackets]] {braces} 100 % done - - -",
];

impl Plan {
    pub(super) fn new(seed: u64, dice: &mut Dice) -> Self {
        let speech = [
            Speech::Rest,
            Speech::Incidents,
            Speech::V1,
            Speech::Incidents,
        ][(seed % 4) as usize];
        let marker = match (dice.below(8), speech) {
            (0, _) => Marker::None,
            (1..=3, Speech::V1 | Speech::Incidents) => Marker::Field,
            _ => Marker::Description,
        };
        let mut plan = Self {
            speech,
            marker,
            upsert: dice.chance(0.3),
            follows: dice.chance(0.6),
            public: dice.chance(0.7),
            plain_keys: dice.chance(0.7),
            long: dice.chance(0.6),
            rate: 14 + dice.below(22),
            quotes_within: false,
            rows: Vec::new(),
        };
        let most = if plan.follows { 15 } else { 41 };
        for item in 0..20 + dice.below(most) {
            let row = plan.row(item, dice);
            plan.rows.push(row);
        }
        plan
    }

    pub(super) fn profile(&self) -> &'static str {
        match self.speech {
            Speech::Rest => "rest",
            Speech::V1 => "v1",
            Speech::Incidents => "incidents",
        }
    }

    /// How many requests the whole input takes, about.
    pub(super) fn requests(&self) -> usize {
        let notes: usize = self.rows.iter().map(|row| row.notes.len()).sum();
        let closings = self.rows.iter().filter(|row| row.closed).count();
        let priorities = match self.speech {
            Speech::Incidents => self.rows.len(),
            Speech::Rest | Speech::V1 => 0,
        };
        self.rows.len() + priorities + notes + closings
    }

    fn key(&self, item: usize) -> String {
        match self.plain_keys {
            true => format!("k{item}"),
            false => format!("No. {item}/24"),
        }
    }

    fn row(&self, item: usize, dice: &mut Dice) -> Row {
        // Some rows share their title.
        let title = match dice.chance(0.2) {
            true => "Printer is out of paper".to_owned(),
            false => format!(
                "Ticket {item} of the  old desk {}",
                "x".repeat(dice.below(70))
            ),
        };
        let notes = (0..dice.below(4)).map(|note| self.note(item, note, dice));
        let notes = match self.follows {
            true => notes.collect(),
            false => Vec::new(),
        };
        Row {
            item,
            key: self.key(item),
            title,
            text: self.text(item, dice),
            place: dice.below(2),
            urgent: dice.chance(0.5),
            closed: self.follows && dice.chance(0.3),
            notes,
            changed: false,
        }
    }

    fn note(&self, item: usize, note: usize, dice: &mut Dice) -> String {
        let spice = match dice.chance(0.8) {
            true => dice.pick(&SPICES),
            false => "done",
        };
        format!("(note {item}.{note}) {spice}")
    }

    /// A text, short or long, with what systems like to rewrite, and at times with another row's reference.
    fn text(&self, item: usize, dice: &mut Dice) -> String {
        let mut text = format!("(item {item}) out of paper");
        if dice.chance(0.5) {
            write!(text, "\n{}", dice.pick(&SPICES)).unwrap();
        }
        if self.long && dice.chance(0.4) {
            for line in 0..20 + dice.below(30) {
                write!(
                    text,
                    "\n{line}. {}",
                    "it hums and blinks and prints nothing ".repeat(2)
                )
                .unwrap();
            }
            write!(text, "\n{}", dice.pick(&SPICES)).unwrap();
        }
        if dice.chance(0.25) {
            let other = reference(SCOPE, &self.key(dice.below(20)));
            let quoted = format!("Ref: {other}");
            text = match dice.below(3) {
                0 if self.quotes_within => format!("{text}\nas before\n\n{quoted}\nso far"),
                0 => format!("{text}\nas before\n\n{quoted}"),
                1 => format!("{text}\n{quoted} was the same\nand more"),
                _ => format!("{quoted}\n{text}"),
            };
        }
        text
    }

    /// Leaves no text that ends with the line of another row, were its own last line cut off: docs/delivery.md assumes that.
    pub(super) fn quote_within(&mut self) {
        self.quotes_within = true;
        for row in &mut self.rows {
            let last = row.text.lines().last().unwrap_or_default();
            if last.starts_with("Ref: ") {
                row.text.push_str("\nso far");
            }
        }
    }

    /// Changes some rows, adds notes, and appends rows, as people do with their sheet.
    pub(super) fn edit(&mut self, dice: &mut Dice) {
        for at in 0..self.rows.len() {
            if self.upsert && dice.chance(0.25) {
                let row = &mut self.rows[at];
                row.title = format!("{} again", row.title);
                row.urgent = !row.urgent;
                row.changed = true;
            }
            if self.upsert && self.follows && !self.rows[at].closed && dice.chance(0.2) {
                let (item, count) = (self.rows[at].item, self.rows[at].notes.len());
                let note = self.note(item, count, dice);
                self.rows[at].notes.push(note);
                self.rows[at].changed = true;
            }
        }
        for _ in 0..1 + dice.below(4) {
            let row = self.row(self.rows.len(), dice);
            self.rows.push(row);
        }
    }

    /// Writes the input as it is now.
    pub(super) fn write_input(&self, work: &Work) {
        let mut writer = csv::Writer::from_writer(Vec::new());
        writer
            .write_record(["Id", "Title", "Text", "Place", "Prio", "Status", "Notes"])
            .unwrap();
        let places = match self.speech {
            Speech::Incidents => ["Paper Jam", "Leak"],
            Speech::Rest | Speech::V1 => ["IT Support", "HR Helpdesk"],
        };
        let prios = match self.speech {
            Speech::Incidents => ["Low", "High"],
            Speech::Rest | Speech::V1 => ["low", "high"],
        };
        for row in &self.rows {
            writer
                .write_record([
                    row.key.as_str(),
                    &row.title,
                    &row.text,
                    places[row.place],
                    prios[usize::from(row.urgent)],
                    if row.closed { "Closed" } else { "Open" },
                    &row.notes.join("|"),
                ])
                .unwrap();
        }
        work.write("in.csv", writer.into_inner().unwrap());
    }

    pub(super) fn mapping(&self) -> String {
        let marker = match self.marker {
            Marker::Description => "",
            Marker::Field => "marker = { custom_field = \"External Reference\" }\n",
            Marker::None => "marker = \"none\"\n",
        };
        let operation = if self.upsert { "upsert" } else { "create" };
        let mut text = format!(
            "version = 1\nsystem = \"{}\"\noperation = \"{operation}\"\nscope = \"{SCOPE}\"\nkey = [\"Id\"]\n{marker}\n[fields]\n",
            self.speech.system()
        );
        text += match self.speech {
            Speech::Incidents => {
                "Subject = { from = \"Title\" }\nIssueDescription = { from = \"Text\" }\n\
                 IssueId = { from = \"Place\" }\nLocationId = { value = \"Maple Street Elementary\" }\n\
                 ForId = { value = \"kira.abbott@maplevalley.example\", match = \"email\" }\n\
                 Priority = { from = \"Prio\" }\n"
            }
            Speech::Rest | Speech::V1 => {
                "title = { from = \"Title\" }\ndescription = { from = \"Text\" }\n\
                 collection_id = { from = \"Place\" }\nrequester_email = { value = \"bo.stone@acme.example\" }\n\
                 priority = { from = \"Prio\" }\n"
            }
        };
        if self.follows {
            write!(
                text,
                "\n[[then]]\noperation = \"comment\"\neach = {{ from = \"Notes\", split = \"|\" }}\n\
                 fields = {{ body = {{ template = \"{{{{ item }}}}\" }}, public = {{ value = {} }} }}\n\
                 \n[[then]]\noperation = \"close\"\nwhen = \"Status == 'Closed'\"\n",
                self.public
            )
            .unwrap();
            if self.speech == Speech::Incidents {
                text += "fields = { CloseReasonTypeId = { value = \"Completed\" } }\n";
            }
        }
        text
    }

    /// Writes mapping, input, token, and the profiles for this desk.
    pub(super) fn write(&self, work: &Work, desk: &Desk) {
        work.write("token", desk.told("token"));
        work.write("map.toml", self.mapping());
        self.write_input(work);
        let further = format!(
            "token = {{ file = \"token\" }}\nlive = false\ncommit_within = \"2s\"\nvisible_within = \"1s\"\n\
             timeout = \"1500ms\"\nrate = \"{}/s\"\n",
            self.rate
        );
        let clearfeed = |dialect: &str| {
            format!(
                "[profiles.{dialect}]\nsystem = \"clearfeed\"\ndialect = \"{dialect}\"\nurl = \"{}\"\ntenant = \"acme\"\n{further}\n",
                desk.told("clearfeed")
            )
        };
        let incidents = format!(
            "[profiles.incidents]\nsystem = \"incidentiq\"\nurl = \"{}\"\nsite_id = \"{}\"\n{further}\n",
            desk.told("incidentiq"),
            desk.told("site_id")
        );
        work.write(
            "deskferry.toml",
            clearfeed("rest") + &clearfeed("v1") + &incidents,
        );
    }
}
