//! The tables of a report: three periods beside each other.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::figures::{Figures, NamesOfIds, Times};
use crate::export::sheets::chart::Shape;
use crate::export::sheets::groups::Same;
use crate::export::sheets::severity::Severity;
use crate::export::sheets::value::{Cell, Field, Table, Value};

/// So many groups of those that moved are listed.
const MOST: usize = 10;
/// What stands where a figure cannot be known.
const UNKNOWN: &str = "not known";

/// A period as the columns of tables show it.
pub(super) struct Column<'f> {
    pub(super) heading: String,
    pub(super) figures: &'f Figures,
}

/// The period, the one before and the one a year ago.
pub(super) type Columns<'f> = [Column<'f>; 3];

/// A figure of a period, and whether it may have changed before it was counted.
fn cell(value: Option<Value>, is_near: bool) -> Cell {
    match value {
        None => Cell::text(UNKNOWN),
        Some(value) => Cell::from(value).near(is_near),
    }
}

/// What a figure is more than another, where both are known.
fn change(one: &Cell, other: &Cell) -> Cell {
    fn plain(value: &Value) -> &Value {
        match value {
            Value::Near(value) => value,
            value => value,
        }
    }
    let is_near = [one, other]
        .iter()
        .any(|cell| matches!(cell.value, Value::Near(_)));
    let change = match (plain(&one.value), plain(&other.value)) {
        (Value::Count(one), Value::Count(other)) => Value::Count(one - other),
        (Value::Number(one), Value::Number(other)) => Value::Number(one - other),
        (Value::Share(one), Value::Share(other)) => Value::Share(one - other),
        _ => return Cell::EMPTY,
    };
    Cell::from(Value::Change(Box::new(change))).near(is_near)
}

/// A row: the figure in each period, and how it changed.
fn row(label: Cell, cells: [Cell; 3]) -> Vec<Cell> {
    let [one, before, year] = cells;
    let (since, of_year) = (change(&one, &before), change(&one, &year));
    vec![label, one, before, since, year, of_year]
}

fn headings(first: &str, columns: &Columns<'_>) -> Vec<String> {
    let [one, before, year] = columns;
    let texts = [
        first,
        &one.heading,
        &before.heading,
        "Change",
        &year.heading,
        "Change in a year",
    ];
    texts.map(str::to_owned).to_vec()
}

fn count(number: u64) -> Value {
    Value::Count(i64::try_from(number).unwrap_or(i64::MAX))
}

/// A figure: its name, whether tickets that change later change it, what it is in a period.
type Figure = (
    &'static str,
    fn(&Figures) -> bool,
    fn(&Figures) -> Option<Value>,
);

fn median(times: &Times) -> Option<Value> {
    let median = Value::Number(times.hours()?);
    Some(match times.is_near {
        true => Value::Near(Box::new(median)),
        false => median,
    })
}

fn kept((kept, broken): (u64, u64)) -> Option<Value> {
    let all = kept + broken;
    (all > 0).then(|| Value::Share(kept as f64 / all as f64))
}

const FIGURES: [Figure; 8] = [
    (
        "Created",
        |one| one.deleted > 0 && one.are_late(),
        |one| Some(count(one.created)),
    ),
    ("Closed", Figures::are_late, |one| one.closed.map(count)),
    ("Open at the start", Figures::are_late, |one| {
        one.at_start.map(count)
    }),
    ("Open at the end", Figures::are_late, |one| {
        one.at_end.map(count)
    }),
    ("First response, median hours", Figures::are_late, |one| {
        median(&one.response)
    }),
    ("Time to resolve, median hours", Figures::are_late, |one| {
        median(&one.resolution)
    }),
    (
        "First responses in the promised time",
        Figures::are_late,
        |one| kept(one.responses_promised),
    ),
    ("Solutions in the promised time", Figures::are_late, |one| {
        kept(one.solutions_promised)
    }),
];

/// The figures of the desk.
pub(super) fn at_a_glance(columns: &Columns<'_>) -> Table {
    let mut table = Table::new("At a glance", []);
    table.headings = headings("Figure", columns);
    for (name, changes, of) in FIGURES {
        let cells = columns.each_ref().map(|column| {
            let value = of(column.figures);
            match &value {
                // A median of nothing is not unknown.
                None if !matches!(name, "Closed" | "Open at the start" | "Open at the end") => {
                    Cell::text("none")
                }
                _ => cell(value, changes(column.figures)),
            }
        });
        table.rows.push(row(Cell::text(name), cells));
    }
    table.draw(
        Shape::Column,
        "Created, closed and open",
        "Tickets",
        [1, 2, 4],
    );
    if let Some(chart) = table.charts.last_mut() {
        // Only the counts: hours and shares have another axis.
        chart.rows = 0..4;
    }
    table
}

/// Closed tickets and how long they took, by priority.
pub(super) fn by_priority(columns: &Columns<'_>) -> Option<Table> {
    let all = columns
        .iter()
        .flat_map(|column| column.figures.by_priority.keys());
    let mut names: Vec<&String> = all.collect();
    // Of several spellings the first period that has one says which is shown.
    let mut met = HashSet::new();
    names.retain(|name| met.insert(name.to_lowercase()));
    names.sort_unstable();
    names.sort_by_key(|name| (name.is_empty(), Severity::of(name)));
    if names.is_empty() {
        return None;
    }
    let mut table = Table::new("Time to resolve by priority", ["Priority"]);
    for column in columns {
        let heading = &column.heading;
        table.headings.push(format!("Tickets, {heading}"));
        table.headings.push("Median hours".to_owned());
    }
    for name in names {
        let label = match name.is_empty() {
            true => Cell::text("no priority"),
            false => Cell::named(Field::Priority, name.clone()),
        };
        let mut row = vec![label];
        for Column { figures, .. } in columns {
            let mut all = figures.by_priority.iter();
            let same = all.find(|(one, _)| one.to_lowercase() == name.to_lowercase());
            let times = same.map(|(_, times)| *times).unwrap_or_default();
            let is_near = figures.are_late();
            row.push(Cell::count(times.tickets).near(is_near));
            row.push(median(&times).map_or(Cell::EMPTY, |median| Cell::from(median).near(is_near)));
        }
        table.rows.push(row);
    }
    table.draw(
        Shape::Bar,
        "Median hours to resolve by priority",
        "Hours",
        [2],
    );
    table.by_severity();
    Some(table)
}

/// What tickets of a period belong to: how many by each name, and which names an id has.
pub(super) type Belongings = (
    fn(&Figures) -> &BTreeMap<String, u64>,
    fn(&Figures) -> &NamesOfIds,
);

/// The tickets of a group in each period.
struct Moved {
    /// The spelling of most of them.
    label: String,
    most: u64,
    counts: [u64; 3],
}

impl Moved {
    fn by(&self) -> u64 {
        self.counts[0].abs_diff(self.counts[1])
    }
}

/// The groups of all periods: names of one id are one, and so are those that differ in case alone.
fn groups(columns: &Columns<'_>, (counts_of, names_of): Belongings) -> Vec<Moved> {
    let mut same = Same::default();
    let mut first: HashMap<&str, &str> = HashMap::new();
    for (id, names) in columns.iter().flat_map(|column| names_of(column.figures)) {
        for name in names {
            same.join(first.entry(id).or_insert(name), name);
        }
    }
    let mut groups: BTreeMap<String, Moved> = BTreeMap::new();
    for (at, column) in columns.iter().enumerate() {
        let named = counts_of(column.figures).iter();
        for (name, count) in named.filter(|(name, _)| !name.is_empty()) {
            let group = groups.entry(same.head(name)).or_insert_with(|| Moved {
                label: name.clone(),
                most: 0,
                counts: [0; 3],
            });
            group.counts[at] += count;
            if *count > group.most {
                (group.label, group.most) = (name.clone(), *count);
            }
        }
    }
    let mut groups: Vec<Moved> = groups.into_values().collect();
    groups.sort_by(|one, other| one.label.cmp(&other.label));
    groups
}

/// The groups whose number of created tickets changed most since the period before.
pub(super) fn moved(
    heading: &str,
    title: &str,
    columns: &Columns<'_>,
    of: Belongings,
) -> Option<Table> {
    let mut groups = groups(columns, of);
    groups.retain(|group| group.by() > 0);
    groups.sort_by_key(|group| std::cmp::Reverse((group.by(), group.counts[0])));
    let all = groups.len();
    groups.truncate(MOST);
    if groups.is_empty() {
        return None;
    }
    let title = match all > groups.len() {
        true => format!("{title}: {} of {all}", groups.len()),
        false => title.to_owned(),
    };
    let mut table = Table::new(&title, []);
    table.headings = headings(heading, columns);
    for Moved { label, counts, .. } in groups {
        let [is, was, of_year] = counts.map(count);
        let cells = [(is, 0), (was, 1), (of_year, 2)]
            .map(|(value, at)| Cell::from(value).near(columns[at].figures.are_late()));
        table.rows.push(row(Cell::text(label), cells));
    }
    table.draw(
        Shape::Bar,
        &format!("Created tickets: {}", title.to_lowercase()),
        "Tickets",
        [1, 2],
    );
    Some(table)
}
