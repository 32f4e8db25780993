//! What becomes of each column of the input, and of each member of the items in a column: where it goes, or that it goes
//! nowhere.

use serde::Serialize;

use super::bind::BoundPlan;
use super::dropped::{MEMBER, fits, is_dropped, is_pattern};
use super::each::EachRule;
use super::plan::{Feed, FieldPlan, Plan};
use super::shape::Unmapped;
use crate::record::fold;

/// What becomes of what stands in a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Fate {
    /// A field holds it as it stands.
    Moved,
    /// A field holds what is made of it: a name that was resolved, a word of a `map`, a part of a text.
    Converted,
    /// The mapping says `drop`.
    Dropped,
    /// It is nowhere in the tickets.
    Lost,
}

impl Fate {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Moved, Self::Converted, Self::Dropped, Self::Lost];

    /// The word for people and programs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Moved => "moved",
            Self::Converted => "converted",
            Self::Dropped => "dropped",
            Self::Lost => "lost",
        }
    }
}

/// What becomes of a column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ColumnUse {
    /// The table of the input.
    pub table: usize,
    /// Its position there, from 0.
    pub index: usize,
    /// Its unique name.
    pub column: String,
    /// What becomes of it.
    pub fate: Fate,
    /// The fields that are made of it, and what else reads it.
    pub into: Vec<String>,
}

/// What is read of the items that stand in a column: members of JSON, behind dots.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ItemUse {
    /// The table of the input.
    pub table: usize,
    /// Its position there, from 0.
    pub index: usize,
    /// Its unique name.
    pub column: String,
    /// The members that are read, each with what is made of it; an empty path is the whole item.
    pub paths: Vec<(String, String)>,
    /// The members that stay behind on purpose.
    pub dropped: Vec<String>,
}

impl ItemUse {
    /// What becomes of a member: one that is read is read with all that is in it.
    pub fn of(&self, path: &str) -> (Fate, Vec<String>) {
        let within = |whole: &str, part: &str| {
            let rest = part.strip_prefix(whole);
            rest.is_some_and(|rest| whole.is_empty() || rest.is_empty() || rest.starts_with('.'))
        };
        let mut into: Vec<String> = Vec::new();
        for (read, by) in &self.paths {
            if within(read, path) && !into.contains(by) {
                into.push(by.clone());
            }
        }
        if !into.is_empty() {
            return (Fate::Converted, into);
        }
        let is_dropped = self
            .dropped
            .iter()
            .any(|dropped| match is_pattern(dropped) {
                true => fits(dropped, path),
                false => within(dropped, path),
            });
        match is_dropped {
            true => (Fate::Dropped, into),
            false => (Fate::Lost, into),
        }
    }
}

/// One reading of a slot: what becomes of it, and what reads it.
struct Read {
    slot: usize,
    fate: Fate,
    by: String,
}

impl BoundPlan {
    /// What becomes of each column, table by table in the order of the headings.
    pub fn column_uses(&self) -> Vec<ColumnUse> {
        let plan = self.plan();
        let reads = reads(plan);
        let mut uses: Vec<ColumnUse> = (self.columns.all())
            .map(|(table, index, name)| ColumnUse {
                table,
                index,
                column: name.to_owned(),
                fate: Fate::Lost,
                into: Vec::new(),
            })
            .collect();
        for read in &reads {
            for one in &mut uses {
                let mut columns = self.columns.positions(one.table, read.slot);
                if columns.any(|(index, _)| index == one.index) {
                    one.fate = one.fate.min(read.fate);
                    if !one.into.contains(&read.by) {
                        one.into.push(read.by.clone());
                    }
                }
            }
        }
        for one in &mut uses {
            if one.fate != Fate::Lost {
                continue;
            }
            if is_dropped(plan, &one.column) {
                one.fate = Fate::Dropped;
            } else if plan.scripts.reads_all && one.into.is_empty() {
                one.fate = Fate::Converted;
                one.into.push("a template that reads whole rows".to_owned());
            } else if plan.unmapped == Unmapped::Append && one.into.is_empty() {
                one.fate = Fate::Moved;
                one.into.push("the list under the description".to_owned());
            }
        }
        uses
    }

    /// What is read of the items that stand in columns.
    pub fn item_uses(&self) -> Vec<ItemUse> {
        let plan = self.plan();
        let mut uses = Vec::new();
        let mut add = |each: &FieldPlan, paths: Vec<(String, String)>| {
            let slots: Vec<usize> = cells(plan, slots(each));
            for (table, index, name) in self.columns.all() {
                let is_its = |slot: &usize| {
                    let mut columns = self.columns.positions(table, *slot);
                    columns.any(|(at, _)| at == index)
                };
                if slots.iter().any(is_its) {
                    let dropped = plan.drop.iter().filter_map(|dropped| {
                        let (column, member) = dropped.value.split_once(MEMBER)?;
                        (fold(column) == fold(name)).then(|| format!(".{member}"))
                    });
                    uses.push(ItemUse {
                        table,
                        index,
                        column: name.to_owned(),
                        paths: paths.clone(),
                        dropped: dropped.collect(),
                    });
                }
            }
        };
        for then in &plan.thens {
            let (Some(each), Some(EachRule::Cell(_))) = (&then.each, &then.rule.each) else {
                continue;
            };
            let mut paths = Vec::new();
            for field in &then.fields {
                let by = then.step(field.name().unwrap_or_default()).into_owned();
                for slot in cells(plan, slots(field)) {
                    let path = plan.slots.item(slot).map(str::to_owned);
                    paths.extend(path.map(|path| (path, by.clone())));
                }
            }
            let when = then.when.iter().flat_map(|when| when.reads.iter());
            for slot in when {
                let path = plan.slots.item(*slot).map(str::to_owned);
                paths.extend(path.map(|path| (path, whether(then.rule.number))));
            }
            add(each, paths);
        }
        if let Some(each) = &plan.each {
            let read = |read: &Read| {
                let path = plan.slots.ticket_item(read.slot)?.to_owned();
                Some((path, read.by.clone()))
            };
            add(each, reads(plan).iter().filter_map(read).collect());
        }
        uses
    }
}

fn whether(number: usize) -> String {
    format!("whether `[[then]]` {number} is done")
}

/// All that a plan reads of its rows. What only decides which rows count goes nowhere.
fn reads(plan: &Plan) -> Vec<Read> {
    let mut reads = Vec::new();
    let mut add = |from: &[usize], fate: Fate, by: &str| {
        for &slot in from {
            let own = cells(plan, std::slice::from_ref(&slot));
            let is_made = own != [slot];
            reads.extend(own.into_iter().map(|slot| Read {
                slot,
                fate: if is_made {
                    fate.max(Fate::Converted)
                } else {
                    fate
                },
                by: by.to_owned(),
            }));
        }
    };
    for field in &plan.fields {
        add(slots(field), fate(field), field.name().unwrap_or_default());
    }
    for part in plan.key.iter().flatten() {
        add(slots(part), Fate::Converted, "the key");
    }
    for part in plan.target.iter().flat_map(|target| &target.parts) {
        add(slots(part), Fate::Converted, "which ticket it is");
    }
    if let Some(each) = &plan.each {
        add(slots(each), Fate::Converted, "a ticket for each item");
    }
    for then in &plan.thens {
        for field in &then.fields {
            let by = then.step(field.name().unwrap_or_default());
            add(slots(field), fate(field), &by);
        }
        if let Some(each) = &then.each {
            let by = format!("the items of `[[then]]` {}", then.rule.number);
            add(slots(each), Fate::Converted, &by);
        }
        if let Some(when) = &then.when {
            add(&when.reads, Fate::Converted, &whether(then.rule.number));
        }
    }
    for condition in plan.conditions.iter().chain(&plan.group_condition) {
        add(&condition.reads, Fate::Lost, "which rows count");
    }
    add(&plan.group_by, Fate::Lost, "which rows are one ticket");
    if let Some(order) = plan.order_by {
        add(&[order], Fate::Lost, "the order of the rows of a ticket");
    }
    reads
}

/// The slots of the input that stand behind these: of a column that is made, what it is made of.
fn cells(plan: &Plan, from: &[usize]) -> Vec<usize> {
    let mut found = Vec::new();
    for &slot in from {
        // A column that is made reads only those before it.
        match plan
            .slots
            .computed(slot)
            .and_then(|at| plan.computed.get(at))
        {
            Some(column) => found.extend(cells(plan, slots(column))),
            None => found.push(slot),
        }
    }
    found
}

fn slots(field: &FieldPlan) -> &[usize] {
    match &field.source {
        Feed::Columns { slots, .. } | Feed::First(slots) => slots,
        Feed::Script(script) => &script.reads,
        Feed::Constant(_) => &[],
    }
}

/// Whether a field holds its cell as it stands.
fn fate(field: &FieldPlan) -> Fate {
    let rule = &field.rule;
    let is_one = matches!(&field.source, Feed::Columns { slots, .. } if slots.len() == 1);
    let is_text = !rule.text.wants_text();
    let makes = rule.lookup.is_some()
        || rule.table.is_some()
        || rule.parse.is_some()
        || rule.list.is_some()
        || field.resolver.is_some();
    match is_one && is_text && !makes {
        true => Fate::Moved,
        false => Fate::Converted,
    }
}
