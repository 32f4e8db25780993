//! Tickets by what they belong to: team, assignee, place, issue, device.

use jiff::civil::Date;

use super::basis::{Basis, Of, Totals};
use super::facts::Facts;
use super::groups::Groups;
use super::groupwise::{Column, Counts, Groupwise, LATELY, Waiting};
use super::people::People;
use super::value::{Field, Table};
use super::{SheetTally, Told};
use crate::report::words::plural;
use crate::systems::common::{CommonTicket, Named};

/// So many groups have a row of their own.
const MOST: usize = 25;

/// What tickets are grouped by.
#[derive(Debug)]
pub(super) struct Grouping {
    title: &'static str,
    heading: &'static str,
    none: &'static str,
    one: &'static str,
    chart: &'static str,
    /// The field of the common ticket, for what it says of being hidden.
    hidden: &'static str,
    what: &'static str,
    field: Option<Field>,
    things: fn(&CommonTicket) -> Vec<&Named>,
}

/// By location.
pub(super) static LOCATIONS: Grouping = Grouping {
    title: "Tickets by location",
    heading: "Location",
    none: "no location",
    one: "a location",
    chart: "Tickets by location",
    hidden: "place",
    what: "The location",
    field: Some(Field::Place),
    things: |ticket| ticket.place.iter().collect(),
};

/// By issue, or what the system files tickets under.
pub(super) static ISSUES: Grouping = Grouping {
    title: "Tickets by issue or collection",
    heading: "Issue or collection",
    none: "none",
    one: "an issue or a collection",
    chart: "Tickets by issue or collection",
    hidden: "category",
    what: "The issue or collection",
    field: Some(Field::Category),
    things: |ticket| ticket.category.iter().collect(),
};

/// By device; a ticket may be about several.
pub(super) static DEVICES: Grouping = Grouping {
    title: "Tickets by device",
    heading: "Device",
    none: "no device",
    one: "a device",
    chart: "Devices with the most tickets",
    hidden: "devices",
    what: "The device",
    field: None,
    things: |ticket| ticket.devices.iter().collect(),
};

/// Tickets by one thing.
#[derive(Debug)]
pub(super) struct By {
    grouping: &'static Grouping,
    since: Date,
    groups: Groups<Counts>,
    all: Counts,
    /// In no group.
    outside: u64,
    /// In more than one.
    several: u64,
}

impl By {
    pub(super) fn new(grouping: &'static Grouping, basis: &Basis) -> Self {
        Self {
            grouping,
            since: basis.first_of(LATELY),
            groups: Groups::default(),
            all: Counts::default(),
            outside: 0,
            several: 0,
        }
    }
}

impl SheetTally for By {
    fn add(&mut self, facts: &Facts<'_>) {
        if !facts.is_listed {
            return;
        }
        let mut things = (self.grouping.things)(facts.ticket);
        things.retain(|thing| !thing.label().is_empty());
        // The same device may hang on a ticket twice.
        things.sort_unstable_by_key(|thing| thing.label());
        things.dedup_by_key(|thing| thing.label());
        for thing in &things {
            let group = self.groups.of_named(Some(thing));
            group.add(facts, self.since);
        }
        let is_outside = things.is_empty();
        if is_outside && self.grouping.field.is_some() {
            self.groups.of_named(None).add(facts, self.since);
        }
        self.outside += u64::from(is_outside);
        self.several += u64::from(things.len() > 1);
        self.all.add(facts, self.since);
    }

    fn finish(self: Box<Self>, totals: &Totals) -> Told {
        let grouping = self.grouping;
        let mut notes: Vec<String> = totals
            .hidden(Of::Listed, grouping.hidden, grouping.what)
            .into_iter()
            .collect();
        if self.outside == totals.listed {
            if totals.listed > 0 && notes.is_empty() {
                notes.push(format!("No ticket has {}.", grouping.one));
            }
            return Told {
                title: grouping.title.to_owned(),
                notes,
                tables: Vec::new(),
            };
        }
        if grouping.field.is_none() {
            if self.outside > 0 {
                let tickets = plural(self.outside, "ticket has", "tickets have");
                notes.push(format!("{tickets} {}.", grouping.none));
            }
            if self.several > 0 {
                let tickets = plural(self.several, "ticket has", "tickets have");
                notes.push(format!("{tickets} several and count for each of them."));
            }
        }
        let mut columns = vec![Column::Tickets, Column::Share, Column::Open];
        if self.all.overdue > 0 {
            columns.push(Column::Overdue);
        }
        // The last days have nothing to do with a period.
        if totals.basis.period.is_none() {
            columns.push(Column::Created);
        }
        if self.all.took.count() > 0 {
            columns.push(Column::Took);
        }
        let groupwise = Groupwise {
            title: grouping.title,
            heading: grouping.heading,
            none: grouping.none,
            field: grouping.field,
            of: Of::Listed,
            columns,
            totals,
        };
        let ranked = self.groups.ranked_names(MOST);
        let table = groupwise.table(&ranked, &self.all, grouping.chart);
        Told {
            title: grouping.title.to_owned(),
            notes,
            tables: vec![table],
        }
    }
}

/// Load by team and by assignee: what the whole desk has to do.
#[derive(Debug)]
pub(super) struct Load {
    since: Date,
    /// Of the whole desk, else of what was read of it.
    of: Of,
    teams: Groups<Waiting>,
    assignees: People<Waiting>,
    all: Counts,
}

impl Load {
    pub(super) fn new(basis: &Basis) -> Self {
        Self {
            since: basis.first_of(LATELY),
            of: match basis.knows_desk() {
                true => Of::Desk,
                false => Of::Listed,
            },
            teams: Groups::default(),
            assignees: People::new(Field::Assignee, Field::AssigneeEmail),
            all: Counts::default(),
        }
    }

    fn columns(&self) -> Vec<Column> {
        let mut columns = Vec::new();
        if self.of == Of::Desk {
            columns.push(Column::Open);
            if self.all.overdue > 0 {
                columns.push(Column::Overdue);
            }
            columns.push(Column::Created);
            if self.all.closed > 0 {
                columns.push(Column::Closed);
            }
        }
        columns.push(Column::Tickets);
        if self.all.took.count() > 0 {
            columns.push(Column::Took);
        }
        columns
    }
}

impl SheetTally for Load {
    fn add(&mut self, facts: &Facts<'_>) {
        let ticket = facts.ticket;
        let team = self.teams.of_named(ticket.team.as_ref());
        team.add(facts, self.since, self.of);
        let assignee = ticket.assignee.as_ref();
        self.assignees.of(assignee).add(facts, self.since, self.of);
        self.all.add(facts, self.since);
    }

    fn finish(self: Box<Self>, totals: &Totals) -> Told {
        let of = self.of;
        let mut notes: Vec<String> = totals.hidden(of, "team", "The team").into_iter().collect();
        if self.all.closed == 0 {
            notes.extend(totals.hidden(of, "closed", "The time of closing"));
        }
        notes.extend(totals.basis.only_period("What is open by team is"));
        let columns = self.columns();
        let what = match of {
            Of::Desk => "Open tickets",
            Of::Listed => "Tickets",
        };
        let groupwise = |title, heading, none, field| Groupwise {
            title,
            heading,
            none,
            field: Some(field),
            of,
            columns: columns.clone(),
            totals,
        };
        let mut tables: Vec<Table> = Vec::new();
        let teams = self.teams.ranked_names(MOST);
        if !teams.shown.is_empty() {
            let by_team = groupwise("By team", "Team", "no team", Field::Team);
            let chart = format!("{what} by team");
            tables.push(by_team.table(&teams, &self.all, &chart));
        }
        let assignees = self.assignees.ranked(MOST);
        if !assignees.shown.is_empty() {
            let by_assignee = groupwise("By assignee", "Assignee", "nobody", Field::Assignee);
            let chart = format!("{what} by assignee");
            tables.push(by_assignee.table(&assignees, &self.all, &chart));
        }
        if tables.is_empty() && totals.all(of) > 0 && notes.is_empty() {
            notes.push("No ticket has a team or an assignee.".to_owned());
        }
        Told {
            title: "Load by team and assignee".to_owned(),
            notes,
            tables,
        }
    }
}
