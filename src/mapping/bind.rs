//! A plan bound to the tables of an input: rows become identities and payloads.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashSet};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use serde_json::Value;

use super::append::Appended;
use super::apply::{Outcome, Parent, Row, Steps};
use super::columns::{Columns, Reader, called};
use super::computed::Computing;
use super::dropped::{check_dropped, without_dropped};
use super::each::{EachRule, Items};
use super::file::Faults;
use super::lookup::LookupTable;
use super::marker::{Limits, Marks, headed, marked, marker_line, reserve, trimmed};
use super::plan::{FieldPlan, Plan};
use super::rank::Untyped;
use super::reference::{LABEL, reference};
use super::script::Script;
use super::shape::{Unmapped, Version};
use super::stages::no_room;
use super::text::plain_lines;
use super::then::{Followed, ThenPlan};
use super::tied::leave_absent;
use super::touched::Touched;
use super::types::Types;
use super::{Acting, MapRows, Mapped, Ready, TicketName, Untied, render};
use crate::directory::Kind;
use crate::directory::suggest::{did_you_mean, nearest};
use crate::error::{Error, Fault, MappingFault, Result, Rule};
use crate::event::{Fallback, Skip};
use crate::intake::Digest;
use crate::record::{Record, RowKey};
use crate::source::own::COLUMNS;
use crate::source::{Layout, Table};
use crate::systems::common::CommonTicket;
use crate::systems::diff::Difference;
use crate::systems::fields::{FieldValue, Target};
use crate::systems::{CREATE, Left, Operation, StepPayload, update_step};

/// A plan whose columns are found in the tables of an input.
#[derive(Debug)]
pub struct BoundPlan {
    plan: Arc<Plan>,
    pub(super) columns: Columns,
    lookups: Vec<Vec<Arc<LookupTable>>>,
    /// The items of each entry of `[[then]]` that stand elsewhere, by table.
    pub(super) items: Vec<Vec<Arc<Items>>>,
    /// What `unmapped = "append"` lists, by table.
    appended: Appended,
    /// The cells that are sent, where not all are.
    pub(super) touched: OnceLock<Touched>,
    /// What `order_by` compares as texts although it seems to be something else.
    pub(super) untyped: Untyped,
    /// Where conditions have compared unlike things: the first row of each.
    unlike: Mutex<BTreeMap<usize, Fault>>,
}

impl BoundPlan {
    pub(super) fn new(plan: Arc<Plan>, tables: &[Table]) -> Result<Self> {
        let mut faults = Faults::new(Arc::clone(&plan.source));
        let bound = Self::draft(plan, tables, &mut faults);
        bound.check_foreign_key(tables, &mut faults);
        match faults.is_empty() {
            true => Ok(bound),
            false => Err(Error::mapping(faults.into_list())),
        }
    }

    /// Refuses a `_key` that nobody has named as the key, in a file that is not an error file.
    pub(super) fn check_foreign_key(&self, tables: &[Table], faults: &mut Faults) {
        // An older mapping takes it for the key: another one would send again what is done.
        let is_keyless = self.plan.key.is_none() && self.plan.rules.version >= Version::Two;
        if let (true, Some(table)) = (is_keyless, self.columns.with_foreign_key(tables)) {
            let message = format!(
                "{} has a column `_key` but is not an error file (`{}`): the key of its rows is unclear",
                called(table),
                COLUMNS.join("`, `")
            );
            *faults.add(0, message) = Some(
                "add `key = \"_key\"` or another key to the mapping, or rename the column; in an error file, restore the deleted columns"
                    .to_owned(),
            );
        }
    }

    /// Binds what is good of a plan, and adds what is wrong to `faults`.
    pub(super) fn draft(plan: Arc<Plan>, tables: &[Table], faults: &mut Faults) -> Self {
        let mut columns = Columns::bind(&plan.slots, &plan.rules, tables, faults);
        let types = Types {
            plan: &plan,
            columns: &columns,
            all_text: tables
                .iter()
                .all(|table| matches!(table.layout, Layout::Csv { .. })),
            is_before_input: false,
        };
        types.check_plan(faults);
        let lookups = plan.lookups.iter().filter_map(|rule| rule.lookup.as_ref());
        let lookups = lookups.map(|rule| rule.bind(tables, faults)).collect();
        let items = plan.thens.iter().map(|then| match &then.rule.each {
            Some(EachRule::Rows(rows)) => rows.bind(tables, faults),
            _ => Vec::new(),
        });
        let items: Vec<Vec<Arc<Items>>> = items.collect();
        for (then, items) in plan.thens.iter().zip(&items) {
            check_members(&plan, then, items, faults);
        }
        check_dropped(&plan, &columns, tables, faults);
        let unread = match plan.scripts.reads_all {
            true => Vec::new(),
            false => without_dropped(&plan, columns.unread()),
        };
        let appended = match plan.unmapped {
            Unmapped::Append => Appended::new(unread, tables),
            Unmapped::Warn | Unmapped::Error => Appended::default(),
        };
        columns.add_content(&appended);
        Self {
            plan,
            columns,
            lookups,
            items,
            appended,
            touched: OnceLock::new(),
            untyped: Untyped::default(),
            unlike: Mutex::default(),
        }
    }

    /// Conditions that the rows read so far have shown to compare unlike things, each once: no row can be trusted to be
    /// taken or left out, so that nothing of the input is to be sent.
    pub fn unlike(&self) -> Vec<MappingFault> {
        let unlike = self.unlike.lock().unwrap_or_else(PoisonError::into_inner);
        let mut faults = Faults::new(Arc::clone(&self.plan.source));
        for (number, fault) in unlike.iter() {
            let groups = self.plan.group_condition.iter();
            if let Some(script) = self.plan.conditions.iter().chain(groups).nth(*number) {
                let message = format!("{}, in row {}", fault.message, fault.place.row);
                script
                    .origin
                    .fault(&mut faults, message, fault.hint.clone());
            }
        }
        faults.into_list()
    }

    pub(super) fn note_unlike(&self, number: usize, faults: &[Fault]) {
        // What cannot be read is a fault of its row.
        let is_unlike = |fault: &&Fault| {
            fault.rule != Rule::Message && fault.message.contains(render::UNJUDGED)
        };
        if let Some(fault) = faults.iter().find(is_unlike) {
            let mut unlike = self.unlike.lock().unwrap_or_else(PoisonError::into_inner);
            unlike.entry(number).or_insert_with(|| fault.clone());
        }
    }

    /// Whether the mapping reads what the file of a row is called, and what its sheet.
    pub(crate) fn names_read(&self) -> (bool, bool) {
        match self.plan.scripts.reads_all {
            true => (true, true),
            false => self.columns.names_read(),
        }
    }

    /// What a person should know about how the rows are read: of all that is bound, and of the rows that were put in
    /// order so far.
    pub fn notes(&self) -> Vec<String> {
        let mut notes = self.columns.notes().to_vec();
        if let (Some(slot), Some(shown)) = (self.plan.order_by, self.untyped.shown()) {
            let name = self.plan.slots.name(slot);
            notes.push(format!(
                "`order_by = \"{name}\"` {shown}: give the column a type in [input.columns]"
            ));
        }
        notes.extend(self.notes_of_ids());
        notes.extend(self.notes_of_items());
        let items = self.plan.thens.iter().zip(&self.items);
        notes.extend(items.filter_map(|(then, items)| {
            let shown = items.iter().find_map(|items| items.untyped.shown())?;
            Some(format!(
                "[[then]] {}: `order_by` in `each` {shown}: give the column a type in `columns` there",
                then.rule.number
            ))
        }));
        notes
    }

    /// A fault of the mapping file that only the rows have shown, at a byte of it.
    pub fn fault_at(&self, at: usize, message: String, hint: Option<String>) -> MappingFault {
        MappingFault {
            hint,
            ..self.plan.source.fault(at, message)
        }
    }

    /// The plan.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// The columns that nothing reads, as (index of the table, name), for `unmapped`; the columns that an error
    /// file adds are not among them.
    pub fn unread_columns(&self) -> Vec<(usize, String)> {
        match self.plan.scripts.reads_all || self.plan.unmapped == Unmapped::Append {
            true => Vec::new(),
            false => without_dropped(&self.plan, self.columns.unread()),
        }
    }

    /// See [`Plan::brings_files`].
    pub fn brings_files(&self) -> bool {
        self.plan.brings_files()
    }

    /// The steps that a row can take, the operation's own first.
    pub fn steps(&self) -> &[Cow<'static, str>] {
        self.plan.steps()
    }

    /// Whether cells of the rows are names that are looked up.
    pub fn names_in_rows(&self) -> bool {
        let thens = self.plan.thens.iter().flat_map(|then| &then.fields);
        let mut fields = self.plan.fields.iter().chain(thens);
        fields.any(|field| field.resolver.is_some() && field.constant.is_none())
    }

    /// See [`Plan::resolved_kinds`].
    pub fn resolved_kinds(&self) -> impl Iterator<Item = Kind> + '_ {
        self.plan.resolved_kinds()
    }

    /// See [`Plan::unforeseen`].
    pub fn unforeseen(&self) -> Vec<&'static str> {
        self.plan.unforeseen()
    }

    /// The most requests that a row costs.
    pub fn requests_per_row(&self) -> usize {
        self.plan.requests_per_row()
    }

    pub(super) fn reader(&self) -> Reader<'_> {
        Reader {
            columns: &self.columns,
            rules: &self.plan.rules,
            slots: &self.plan.slots,
            zone: self.plan.zone.as_ref(),
            item: None,
            field: None,
            computing: (!self.plan.computed.is_empty()).then_some(Computing {
                columns: &self.plan.computed,
                scripts: &self.plan.scripts,
                steps: self.steps_of_plan(),
            }),
        }
    }

    fn steps_of_plan(&self) -> Steps<'_> {
        Steps {
            directory: &self.plan.directory,
            hints: &self.plan.hints,
            zone: self.plan.zone.as_ref(),
            lookups: &self.lookups,
        }
    }

    pub(super) fn row<'p, 'r>(&'p self, rows: &'r [Record]) -> Row<'p, 'r> {
        Row {
            reader: self.reader(),
            steps: self.steps_of_plan(),
            scripts: &self.plan.scripts,
            rows,
            faults: Vec::new(),
            fallbacks: Vec::new(),
        }
    }

    pub(super) fn holds(
        &self,
        script: &Script,
        rows: &[Record],
    ) -> std::result::Result<bool, Vec<Fault>> {
        let take = self.plan.rules.take;
        render::holds(&self.plan.scripts, script, &self.reader(), rows, take)
            .map_err(|fault| vec![*fault])
    }

    /// Whether a condition holds for a row, and its item where it has one.
    pub(super) fn holds_for(
        &self,
        row: &Row<'_, '_>,
        script: &Script,
    ) -> std::result::Result<bool, Vec<Fault>> {
        let take = self.plan.rules.take;
        render::holds(&self.plan.scripts, script, &row.reader, row.rows, take)
            .map_err(|fault| vec![*fault])
    }

    /// The parts of the key.
    pub(super) fn key_parts(
        &self,
        parts: &[FieldPlan],
        rows: &[Record],
    ) -> std::result::Result<Vec<String>, Vec<Fault>> {
        let mut row = self.row(rows);
        let mut texts = Vec::with_capacity(parts.len());
        for part in parts {
            texts.push(match row.field(part, Parent::Any, 0) {
                Outcome::Value(Value::String(text)) => {
                    row.must_show(part, &text);
                    text
                }
                Outcome::Value(other) => other.to_string(),
                Outcome::Empty | Outcome::LeftAlone | Outcome::SkipRow(_) | Outcome::Faulty => {
                    String::new()
                }
            });
        }
        match row.faults.is_empty() {
            true => Ok(texts),
            false => Err(row.faults),
        }
    }

    /// The hash of the cells that fields are made of, by column name: neither the order of the columns nor one
    /// that nothing reads changes it.
    pub(super) fn content_of(&self, rows: &[Record]) -> Digest {
        // Hashed in one go: most rows are shorter than what a hasher buffers.
        let mut bytes = Vec::with_capacity(1024);
        let mut put = |text: &str| {
            put_length(&mut bytes, text.len());
            bytes.extend_from_slice(text.as_bytes());
        };
        for record in rows {
            for (name, cell) in self.columns.content(record) {
                let text = match self.plan.rules.version {
                    Version::One => cell.text(),
                    Version::Two => plain_lines(cell.text()),
                };
                let text = text.trim();
                // An empty cell is as good as no column.
                if !text.is_empty() {
                    put(name);
                    put(text);
                }
            }
            if self.plan.each.is_some() {
                let width = self.columns.header(record).map_or(0, |header| header.len());
                put("item");
                put(record.cell(width).text().trim());
            }
            put("");
        }
        truncated(&blake3::hash(&bytes))
    }
}

/// Tells what is read of rows elsewhere and is none of their columns. Older mappings take it for empty.
fn check_members(plan: &Plan, then: &ThenPlan, items: &[Arc<Items>], faults: &mut Faults) {
    if plan.rules.version < Version::Two {
        return;
    }
    for slot in &then.members {
        let Some(name) = plan
            .slots
            .item(*slot)
            .and_then(|path| path.strip_prefix('.'))
        else {
            continue;
        };
        let lacking = items.iter().find(|items| {
            let header = items.header.as_ref();
            header.is_some_and(|header| header.position(name).is_none())
        });
        let Some(header) = lacking.and_then(|items| items.header.as_ref()) else {
            continue;
        };
        let shown = lacking.map_or("", |items| items.shown.as_str());
        let names = header.names().iter().map(String::as_str);
        let near = did_you_mean(&nearest(name, names.clone()));
        let all = || names.map(|name| format!("`{name}`")).collect::<Vec<_>>();
        let hint = near.unwrap_or_else(|| format!("it has {}", all().join(", ")));
        let message = format!("{shown} has no column `{name}`");
        plan.slots.origin(*slot).fault(faults, message, Some(hint));
    }
}

/// A length in front of its text, seven bits a byte: most take one, and a row is mostly short texts.
fn put_length(bytes: &mut Vec<u8>, mut length: usize) {
    while length >= 0x80 {
        bytes.push((length & 0x7f) as u8 | 0x80);
        length >>= 7;
    }
    bytes.push(length as u8);
}

pub(super) fn truncated(hash: &blake3::Hash) -> Digest {
    let mut digest = Digest::default();
    let length = digest.len();
    digest.copy_from_slice(&hash.as_bytes()[..length]);
    digest
}

/// What the fields of one record became, before they are put together.
pub(super) struct Made {
    /// One a field, in the order of the mapping.
    pub(super) outcomes: Vec<Outcome>,
    pub(super) faults: Vec<Fault>,
    fallbacks: Vec<Fallback>,
    /// What is listed where no field of the mapping makes the description.
    bare: Option<String>,
}

impl MapRows for BoundPlan {
    fn ties(&self) -> bool {
        self.has_ties()
    }

    fn untied(&self, rows: &[Record], absent: &[RowKey]) -> Untied {
        self.without(rows, absent)
    }

    fn content(&self, rows: &[Record]) -> Digest {
        self.content_of(rows)
    }

    fn differences(
        &self,
        rows: &[Record],
        key: &RowKey,
        sent: &[StepPayload],
        ticket: CommonTicket,
    ) -> Vec<Difference> {
        self.changes(rows, key, sent, ticket)
    }

    fn map(&self, rows: &[Record], key: &RowKey) -> Mapped {
        self.map_without(rows, key, &[])
    }

    fn map_without(&self, rows: &[Record], key: &RowKey, absent: &[RowKey]) -> Mapped {
        let (mut made, reference) = self.made(rows, key);
        leave_absent(&self.plan.fields, &mut made.outcomes, absent);
        self.compose((rows, key), made, reference, absent)
    }

    fn untouched(&self, rows: &[Record]) -> Option<Skip> {
        self.untouched_rows(rows)
    }

    fn acting(&self) -> Option<Acting> {
        self.plan.target.as_ref()?;
        Some(Acting {
            operation: self.plan.operation,
            scope: self.plan.target_scope.clone(),
        })
    }

    fn target(&self, rows: &[Record]) -> std::result::Result<TicketName, Vec<Fault>> {
        let Some(target) = &self.plan.target else {
            return Ok(TicketName::Named(String::new()));
        };
        let parts = self.key_parts(&target.parts, rows)?;
        Ok(match target.by_key {
            true => TicketName::Made(RowKey::of_parts(&parts)),
            false => TicketName::Named(parts.join("/").trim().to_owned()),
        })
    }

    fn upserts(&self) -> bool {
        self.plan.upserts()
    }

    fn left(&self, steps: &[StepPayload]) -> Option<Cow<'static, str>> {
        let plan = &self.plan;
        if steps.first()?.step != CREATE {
            return None;
        }
        Some(match plan.schema.leaves(steps) {
            Left::Open => Cow::Borrowed("open"),
            Left::Closed => Cow::Borrowed("closed"),
            Left::State(word) => Cow::Owned(word.replace('_', " ")),
            Left::Status(id) => match plan.directory.entry(Kind::Status, id) {
                Some(status) => Cow::Owned(status.name.clone()),
                None => Cow::Borrowed("open"),
            },
        })
    }

    fn sets_once(&self) -> bool {
        !self.plan.set_once().is_empty()
    }

    fn is_repeatable(&self, call: &str) -> bool {
        self.plan.schema.is_repeatable(call)
    }

    fn marks(&self) -> bool {
        !matches!(self.plan.marks, Marks::Nothing)
    }

    fn marker_field(&self) -> Option<&str> {
        self.plan.marker_field()
    }
}

impl BoundPlan {
    /// What the fields of a record become, and the reference of its ticket.
    pub(super) fn made(&self, rows: &[Record], key: &RowKey) -> (Made, Option<String>) {
        let plan = &self.plan;
        let reference = match plan.marks {
            Marks::Description | Marks::Field(_) => Some(reference(&plan.scope, key.as_str())),
            Marks::Nothing => None,
        };
        let line = reference
            .as_deref()
            .filter(|_| matches!(plan.marks, Marks::Description));
        (self.make(rows, line), reference)
    }

    /// Makes every field of a record; the description ends with the reference, and a long one begins with it too.
    pub(super) fn make(&self, rows: &[Record], reference: Option<&str>) -> Made {
        let plan = &self.plan;
        let mut row = self.row(rows);
        let mut outcomes: Vec<Outcome> = Vec::new();
        outcomes.resize_with(plan.fields.len(), || Outcome::Empty);
        for &position in &plan.order {
            let field = &plan.fields[position];
            if !self.is_touched(field, rows) {
                outcomes[position] = Outcome::LeftAlone;
                continue;
            }
            let reference = reference.filter(|_| field.is_description);
            let appended = match field.is_description {
                true => self.appended.text(&row, field.is_html()),
                false => None,
            };
            let (limits, html) = (Limits::of(field), field.is_html());
            let reserve = reference.map_or(0, |reference| reserve(reference, html, limits));
            let outcome = match parent(field, &outcomes) {
                // What it depends on is told already.
                None => Outcome::Faulty,
                Some(parent) => row.field(field, parent, reserve),
            };
            let outcome = match appended {
                Some(appended) => row.append(field, outcome, &appended, reserve),
                None => outcome,
            };
            outcomes[position] = match (outcome, reference) {
                (Outcome::Value(Value::String(text)), Some(reference)) => {
                    Outcome::Value(Value::String(marked(text, reference, html, limits)))
                }
                (Outcome::Empty | Outcome::LeftAlone, Some(reference)) => {
                    let line = trimmed(&marker_line(reference, html));
                    match limits.hold(&line) {
                        true => Outcome::Value(Value::String(line)),
                        false => {
                            row.fault(field, no_room(line.chars().count()));
                            Outcome::Faulty
                        }
                    }
                }
                (outcome, _) => outcome,
            };
        }
        let bare = match plan.bare_description {
            Some(_) => self.appended.text(&row, false),
            None => None,
        };
        Made {
            outcomes,
            faults: row.faults,
            fallbacks: row.fallbacks,
            bare,
        }
    }

    fn compose(
        &self,
        (rows, key): (&[Record], &RowKey),
        made: Made,
        reference: Option<String>,
        absent: &[RowKey],
    ) -> Mapped {
        let Made {
            outcomes,
            mut faults,
            mut fallbacks,
            bare,
        } = made;
        let plan = &self.plan;
        fallbacks.extend(self.caught(rows));
        let marker = reference
            .as_deref()
            .filter(|_| matches!(plan.marks, Marks::Description));
        let followed = self.follow((rows, key), (absent, marker), &mut fallbacks, &mut faults);
        let mut values = Vec::with_capacity(outcomes.len() + 1);
        let (mut changes, mut ties) = (Vec::new(), Vec::new());
        for (at, (field, outcome)) in plan.fields.iter().zip(outcomes).enumerate() {
            let value = match outcome {
                // A row that is left out needs no fixing.
                Outcome::SkipRow(why) => return Mapped::Skip(why),
                outcome => field_value(field, outcome),
            };
            let Some(value) = value else { continue };
            if field.tie().is_some() && value.value.is_string() {
                let tied = FieldValue {
                    value: field.tied(value.value),
                    ..value
                };
                // The ticket of a row that acts is there, and so are those that it may name.
                match plan.operation.makes() {
                    true => ties.push(tied),
                    false => values.push(tied),
                }
                continue;
            }
            if let Some(target) = plan.later.get(at).cloned().flatten() {
                changes.push(FieldValue {
                    target,
                    value: value.value.clone(),
                });
            }
            // What is made new has nothing to empty.
            if !plan.upserts() || !value.value.is_null() {
                values.push(value);
            }
        }
        let further = match followed {
            Followed::Skip(why) => return Mapped::Skip(why),
            Followed::Steps(steps) => steps,
        };
        if !faults.is_empty() {
            return Mapped::Faults(faults);
        }
        let mut line = None;
        match (&plan.marks, &reference) {
            (Marks::Description, Some(reference)) => line = Some(format!("{LABEL}{reference}")),
            (Marks::Field(field), Some(reference)) => values.push(FieldValue {
                target: Target::Custom(Arc::clone(field)),
                value: Value::String(reference.clone()),
            }),
            _ => {}
        }
        // The line alone is not to replace what people have written since.
        let bare_later = plan.bare_later.as_ref().filter(|_| bare.is_some());
        let parts: Vec<String> = bare.into_iter().chain(line).collect();
        if let (Some(target), false) = (&plan.bare_description, parts.is_empty()) {
            let text = parts.join("\n\n");
            let marked = reference.as_deref();
            let marked = marked.filter(|_| matches!(plan.marks, Marks::Description));
            let text = Value::String(headed(&text, marked, false).unwrap_or(text));
            changes.extend(bare_later.map(|target| FieldValue {
                target: target.clone(),
                value: text.clone(),
            }));
            values.push(FieldValue {
                target: target.clone(),
                value: text,
            });
        }
        if !plan.directory.is_known() {
            // Names stand where ids would: nothing to send is made of them.
            return Mapped::Ready(Ready {
                steps: Vec::new(),
                updates: Vec::new(),
                fallbacks,
                reference,
            });
        }
        let own = match plan.operation {
            Operation::Attach => self.own_file(&values, (rows, key), &mut fallbacks),
            other => plan.schema.compose(other, values, plan.notify),
        };
        let own = own.and_then(|own| Ok((own, self.tie_steps(ties)?, self.updates(changes)?)));
        match own {
            Ok((mut steps, ties, updates)) => Mapped::Ready(Ready {
                steps: {
                    steps.extend(ties);
                    steps.extend(further);
                    steps
                },
                updates,
                fallbacks,
                reference,
            }),
            Err(problems) => {
                for (name, message) in problems {
                    let label = plan
                        .fields
                        .iter()
                        .find(|field| field.name() == Some(name.as_str()))
                        .and_then(|field| field.label.clone());
                    let mut fault = Fault::row(rows[0].place.clone(), message).field(name);
                    fault.column = label;
                    faults.push(fault);
                }
                Mapped::Faults(faults)
            }
        }
    }
}

impl BoundPlan {
    /// The steps of a row that brings a file to a ticket which is there.
    fn own_file(
        &self,
        values: &[FieldValue],
        (rows, key): (&[Record], &RowKey),
        fallbacks: &mut Vec<Fallback>,
    ) -> std::result::Result<Vec<StepPayload>, Vec<(String, String)>> {
        let files = self.file_step(values, rows).map_err(|wrong| {
            let plain = |(name, why, hint): (String, String, Option<&str>)| {
                let hint = hint.map_or_else(String::new, |hint| format!("; {hint}"));
                (name, format!("{why}{hint}"))
            };
            wrong.into_iter().map(plain).collect::<Vec<_>>()
        })?;
        self.files_together(None, files, key, &mut HashSet::new(), fallbacks)
    }

    /// The requests by which an upsert sets these values on a ticket that is there.
    fn updates(
        &self,
        values: Vec<FieldValue>,
    ) -> std::result::Result<Vec<StepPayload>, Vec<(String, String)>> {
        if !self.plan.upserts() {
            return Ok(Vec::new());
        }
        let schema = &self.plan.schema;
        let mut steps = schema.compose(Operation::Update, values, self.plan.notify)?;
        for step in &mut steps {
            step.step = Cow::Owned(update_step(&step.step));
        }
        Ok(steps)
    }
}

/// The value of a field for the payload; an empty one that is to empty the field is null.
pub(super) fn field_value(field: &FieldPlan, outcome: Outcome) -> Option<FieldValue> {
    let value = match outcome {
        Outcome::Value(value) => value,
        Outcome::Empty if field.rule.clear => Value::Null,
        Outcome::Empty | Outcome::LeftAlone | Outcome::SkipRow(_) | Outcome::Faulty => return None,
    };
    let target: Target = field.target.clone()?;
    Some(FieldValue { target, value })
}

/// What a `within` field means for this row; `None` when that field is faulty itself.
pub(super) fn parent<'o>(field: &FieldPlan, outcomes: &'o [Outcome]) -> Option<Parent<'o>> {
    let within = field
        .resolver
        .as_ref()
        .and_then(|resolver| resolver.within.as_ref());
    let Some((position, _)) = within else {
        return Some(Parent::Any);
    };
    match &outcomes[*position] {
        Outcome::Value(Value::String(id)) => Some(Parent::Id(id)),
        Outcome::Value(_) | Outcome::Empty | Outcome::LeftAlone => Some(Parent::Absent),
        Outcome::SkipRow(_) | Outcome::Faulty => None,
    }
}
