//! Templates and conditions, compiled: which columns they read, and the two ways of running them. A template
//! of texts and columns alone, which most are, is put together without the engine.

use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::Arc;

use minijinja::Environment;
use minijinja::machinery::ast::Stmt;
use minijinja::machinery::{parse, parse_expr};

use super::expr::{
    COMPARE, Side, Tried, Type, Uses, Written, column_of, range, with_checked_comparisons,
};
use super::file::Faults;
use super::slots::{ItemIs, Slots};
use super::values::{check_date, reason, syntax};
use crate::directory::suggest::{did_you_mean, nearest};

/// The functions that there are.
const FUNCTIONS: [&str; 4] = ["date", "range", "dict", "namespace"];

/// What a template or a condition was read from, for faults.
#[derive(Debug, Clone)]
pub(crate) enum Origin {
    /// A text of the mapping file: where it begins.
    Mapping(usize),
    /// A part of such a text, in its bytes.
    Part(usize, Range<usize>),
    /// A flag of the command line.
    Flag(&'static str),
}

impl Origin {
    /// A part of the text, in its bytes.
    pub(crate) fn part(&self, part: Range<usize>) -> Self {
        match self {
            Self::Mapping(at) => Self::Part(*at, part),
            other => other.clone(),
        }
    }

    /// Adds a fault at this place.
    pub(crate) fn fault(&self, faults: &mut Faults, message: String, hint: Option<String>) {
        match self {
            Self::Mapping(at) => *faults.add(*at, message) = hint,
            Self::Part(at, part) => *faults.add_in(*at, part, message) = hint,
            Self::Flag(flag) => faults.elsewhere(flag, message, hint),
        }
    }
}

/// A compiled template or condition.
#[derive(Debug)]
pub(crate) struct Script {
    pub(crate) kind: Kind,
    pub(crate) origin: Origin,
    /// What is compared with what, for the check against the input's types.
    pub(crate) comparisons: Vec<Comparison>,
    /// What is looked for among what.
    pub(crate) among: Vec<Among>,
    /// What is written as a date, and where in bytes of the text.
    pub(crate) dated: Vec<(Operand, Range<usize>)>,
    /// Words of the language that it uses; a column of that name would be taken for one of them.
    pub(crate) words: Vec<(&'static str, Range<usize>)>,
    /// The slots of all that it reads by name.
    pub(crate) reads: Vec<usize>,
}

/// What is looked for among some things.
#[derive(Debug)]
pub(crate) struct Among {
    pub(crate) left: Operand,
    pub(crate) items: Vec<Operand>,
    /// Where, in bytes of the text.
    pub(crate) part: Range<usize>,
}

/// Two things that are compared.
#[derive(Debug)]
pub(crate) struct Comparison {
    pub(crate) left: Operand,
    pub(crate) right: Operand,
    /// Where, in bytes of the text.
    pub(crate) part: Range<usize>,
}

/// One side of a comparison.
#[derive(Debug, Clone)]
pub(crate) enum Operand {
    /// A column: its slot.
    Column(usize),
    /// Known by itself.
    Known(Type),
    /// Only the row can tell.
    Unknown,
}

/// How it runs.
#[derive(Debug)]
pub(crate) enum Kind {
    /// Texts and columns in turn.
    Segments(Vec<Segment>),
    /// By the engine, under that name, with that context.
    Engine { name: String, context: Context },
}

/// A piece of a simple template.
#[derive(Debug)]
pub(crate) enum Segment {
    Raw(String),
    Column(usize),
}

/// What the engine needs to know of a row.
#[derive(Debug, Default)]
pub(crate) struct Context {
    /// The names that stand by themselves.
    pub(crate) names: Vec<(Arc<str>, Shape)>,
    /// The columns behind `row`, unless all are needed.
    pub(crate) row: Vec<(Arc<str>, usize)>,
    /// Whether `row` is there at all, and as a whole.
    pub(crate) whole_row: bool,
    /// Whether `rows` is used.
    pub(crate) rows: bool,
}

/// A name's value: a column, or members.
#[derive(Debug)]
pub(crate) enum Shape {
    Slot(usize),
    Members(Vec<(Arc<str>, Shape)>),
}

impl Script {
    /// Whether it reads nothing of a row, so that it says the same of each.
    pub(crate) fn is_constant(&self) -> bool {
        match &self.kind {
            Kind::Segments(segments) => {
                (segments.iter()).all(|segment| matches!(segment, Segment::Raw(_)))
            }
            Kind::Engine { context, .. } => {
                context.names.is_empty()
                    && context.row.is_empty()
                    && !context.whole_row
                    && !context.rows
            }
        }
    }
}

/// The compiler of all scripts of a plan.
#[derive(Debug)]
pub(crate) struct Scripts {
    pub(crate) environment: Environment<'static>,
    /// Columns that are read from the rows of a group by name: slot numbers.
    count: usize,
    /// Whether any script takes rows whole, so that no column counts as unread.
    pub(crate) reads_all: bool,
}

impl Scripts {
    pub(crate) fn new(environment: Environment<'static>) -> Self {
        Self {
            environment,
            count: 0,
            reads_all: false,
        }
    }

    /// Compiles a template.
    pub(crate) fn template(
        &mut self,
        text: &str,
        origin: Origin,
        slots: &mut Slots,
        faults: &mut Faults,
    ) -> Option<Script> {
        let tree = match parse(text, "template", syntax()) {
            Ok(tree) => tree,
            Err(error) => {
                let line = error.line().unwrap_or(1);
                let message = format!("no valid template, line {line} of it: {}", reason(&error));
                let hint = template_hint(text).unwrap_or_else(|| {
                    "for example `{{ Title }} ({{ row['Ticket #'] }})`; each `{{` needs its `}}`".to_owned()
                });
                blamed(&origin, &error).fault(faults, message, Some(hint));
                return None;
            }
        };
        let mut uses = Uses::default();
        uses.template(&tree);
        if let Some(segments) = segments(&tree, &origin, slots) {
            let column = |segment: &Segment| match segment {
                Segment::Column(slot) => Some(*slot),
                Segment::Raw(_) => None,
            };
            return Some(Script {
                reads: segments.iter().filter_map(column).collect(),
                kind: Kind::Segments(segments),
                origin,
                comparisons: Vec::new(),
                among: Vec::new(),
                dated: Vec::new(),
                words: Vec::new(),
            });
        }
        let is_told = self.try_calls(text, &uses, &origin, faults);
        let script = self.add(text.to_owned(), &uses, origin, slots, faults)?;
        if !is_told {
            self.try_alone(&script, faults);
        }
        Some(script)
    }

    /// Compiles a condition.
    pub(crate) fn condition(
        &mut self,
        text: &str,
        origin: Origin,
        slots: &mut Slots,
        faults: &mut Faults,
    ) -> Option<Script> {
        let tree = match parse_expr(text) {
            Ok(tree) => tree,
            Err(error) => {
                let message = format!("no valid condition: {}", reason(&error));
                let hint = "for example `Status != 'Spam' and row['Ticket #'] != ''`";
                blamed(&origin, &error).fault(faults, message, Some(hint.to_owned()));
                return None;
            }
        };
        let mut uses = Uses::default();
        uses.expr(&tree);
        let checked = with_checked_comparisons(&tree).unwrap_or_else(|| text.to_owned());
        let source = format!("{{% if {checked} %}}1{{% endif %}}");
        let is_told = self.try_calls(text, &uses, &origin, faults);
        let script = self.add(source, &uses, origin, slots, faults)?;
        if !is_told {
            self.try_alone(&script, faults);
        }
        Some(script)
    }

    fn add(
        &mut self,
        source: String,
        uses: &Uses,
        origin: Origin,
        slots: &mut Slots,
        faults: &mut Faults,
    ) -> Option<Script> {
        for word in &uses.loads {
            let message = format!("`{{% {word} %}}` loads nothing: there are no other templates");
            let hint = "write the text here, or take it from a column";
            origin.fault(faults, message, Some(hint.to_owned()));
        }
        for written in &uses.dates {
            if let Err(why) = check_date(written) {
                let (part, hint) = match written {
                    Written::Date(_, None, part) => (
                        part,
                        "write it as 2024-01-31, or say how it is written: `date('01/31/2024', '%m/%d/%Y')`",
                    ),
                    Written::Date(_, Some(_), part) | Written::Read(_, part) => {
                        (part, "for example `date('01/31/2024', '%m/%d/%Y')`")
                    }
                    Written::Format(_, part) => (part, "for example `|strftime('%d.%m.%Y %H:%M')`"),
                };
                origin
                    .part(part.clone())
                    .fault(faults, why, Some(hint.to_owned()));
            }
        }
        for (filter, part) in &uses.filters {
            self.check_filter(filter, &origin.part(part.clone()), faults);
        }
        let place = |column: &str| match uses.places.get(column) {
            Some(part) => origin.part(part.clone()),
            None => origin.clone(),
        };
        let name = format!("script {}", self.count);
        self.count += 1;
        if let Err(error) = self.environment.add_template_owned(name.clone(), source) {
            let message = format!("no valid template: {}", reason(&error));
            let hint =
                "filters are those of Jinja: `|upper`, `|default('-')`, `|strftime('%d.%m.%Y')`";
            origin.fault(faults, message, Some(hint.to_owned()));
            return None;
        }
        let template = self
            .environment
            .get_template(&name)
            .expect("it was added a moment ago");
        let from = slots.touched.len();
        let mut undeclared: BTreeSet<String> =
            template.undeclared_variables(true).into_iter().collect();
        let base = |path: &str| path.split('.').next().unwrap_or(path).to_owned();
        let sliced = uses.sliced.iter().filter(|path| {
            let is_of_known = |known: &String| *known == **path || base(known) == **path;
            !uses.made.contains(&base(path)) && !undeclared.iter().any(is_of_known)
        });
        let sliced: Vec<String> = sliced.cloned().collect();
        undeclared.extend(sliced);
        let globals: BTreeSet<String> = self
            .environment
            .globals()
            .map(|(name, _)| name.to_owned())
            .collect();
        let mut context = Context {
            whole_row: uses.whole_row,
            ..Context::default()
        };
        for path in &undeclared {
            let base = path.split('.').next().unwrap_or(path);
            match base {
                "row" | COMPARE => {}
                "rows" => context.rows = true,
                base if uses.called.contains(base) => {
                    // A name that is also called is the function; the column of that name is told from it by `row`.
                    if let Some(part) = uses.bare.get(base) {
                        let message = format!("`{base}` is a function and a column here");
                        let hint = format!("write the column as `row['{base}']`");
                        origin.part(part.clone()).fault(faults, message, Some(hint));
                    } else if !globals.contains(base) {
                        let message = format!("there is no function `{base}`");
                        let near = did_you_mean(&nearest(base, FUNCTIONS));
                        let hint =
                            near.unwrap_or_else(|| format!("there is {}", FUNCTIONS.join(", ")));
                        origin.fault(faults, message, Some(hint));
                    }
                }
                _ => {
                    let slot = slots.slot(path, &place(path));
                    insert(&mut context.names, path, slot);
                }
            }
        }
        for column in &uses.row {
            let slot = slots.slot(column, &place(column));
            context.row.push((Arc::from(column.as_str()), slot));
        }
        for column in &uses.rows {
            slots.slot(column, &place(column));
        }
        if slots.item_is == ItemIs::Row {
            for column in &uses.of_item {
                slots.slot(&format!("item.{column}"), &origin);
            }
            self.reads_all |= uses.bare.contains_key("item") && uses.of_item.is_empty();
        }
        self.reads_all |= uses.whole_row || (context.rows && uses.rows.is_empty());
        let names: BTreeSet<&str> = undeclared
            .iter()
            .chain(&uses.row)
            .map(String::as_str)
            .collect();
        let comparisons = uses
            .comparisons
            .iter()
            .map(|(left, right, part)| Comparison {
                left: operand(left, &names, slots),
                right: operand(right, &names, slots),
                part: part.clone(),
            })
            .collect();
        let among = uses
            .among
            .iter()
            .map(|(left, items, part)| Among {
                left: operand(left, &names, slots),
                items: items
                    .iter()
                    .map(|item| operand(item, &names, slots))
                    .collect(),
                part: part.clone(),
            })
            .collect();
        let dated = uses.dated.iter();
        let dated = dated.map(|(date, part)| (operand(date, &names, slots), part.clone()));
        let dated = dated.collect();
        let mut words: Vec<(&'static str, Range<usize>)> = uses
            .words
            .iter()
            .map(|(word, part)| (*word, part.clone()))
            .collect();
        for word in ["row", "rows"] {
            if let Some(part) = uses.bare.get(word) {
                words.push((word, part.clone()));
            }
        }
        Some(Script {
            reads: slots.touched[from..].to_vec(),
            kind: Kind::Engine { name, context },
            origin,
            comparisons,
            among,
            dated,
            words,
        })
    }

    /// Tells a script that reads nothing of a row and fails.
    fn try_alone(&self, script: &Script, faults: &mut Faults) {
        let Kind::Engine { name, .. } = &script.kind else {
            return;
        };
        if !script.is_constant() {
            return;
        }
        let template = self.environment.get_template(name);
        if let Err(error) = template.and_then(|template| template.render(())) {
            let message = format!("it fails for every row: {}", reason(&error));
            let hint = "it reads no column: write its text without `{{` and `{%`".to_owned();
            script.origin.fault(faults, message, Some(hint));
        }
    }

    /// Tells calls that fail whatever a row holds: an argument is missing, or is nothing that is taken there. Whether there
    /// are any.
    fn try_calls(&self, text: &str, uses: &Uses, origin: &Origin, faults: &mut Faults) -> bool {
        let mut is_told = false;
        use minijinja::ErrorKind::{UnknownFilter, UnknownFunction, UnknownTest};
        const TESTS: [&str; 9] = [
            "eq",
            "ne",
            "gt",
            "lt",
            "in",
            "defined",
            "number",
            "string",
            "startingwith",
        ];
        for (what, part) in &uses.tried {
            let Some(call) = text.get(part.clone()) else {
                continue;
            };
            // Formats and dates have faults of their own.
            let is_of_date = |written: &Written| {
                part.start <= written.part().start && written.part().end <= part.end
            };
            if uses.dates.iter().any(is_of_date) {
                continue;
            }
            let probe = match what {
                Tried::Filter => format!("{{{{ probe|{call} }}}}"),
                Tried::Test => format!("{{{{ 1 if probe is {call} }}}}"),
                Tried::Function => format!("{{{{ {call} }}}}"),
            };
            let tried = |probe_of| {
                let context = minijinja::context! { probe => probe_of };
                self.environment.render_str(&probe, context)
            };
            let mut why = None;
            if probes().into_iter().any(|value| match tried(value) {
                Ok(_) => true,
                Err(error) => {
                    why.get_or_insert(error);
                    false
                }
            }) {
                continue;
            }
            let Some(error) = why else { continue };
            is_told |= !matches!(error.kind(), UnknownFilter | UnknownFunction);
            let place = origin.part(part.clone());
            let name = call.split(['(', ' ']).next().unwrap_or(call);
            match error.kind() {
                // These have faults of their own, and so has a text that is none.
                UnknownFilter | UnknownFunction => {}
                UnknownTest => {
                    let near = did_you_mean(&nearest(name, TESTS));
                    let hint = near.unwrap_or_else(|| format!("for example {}", TESTS.join(", ")));
                    place.fault(faults, format!("there is no test `{name}`"), Some(hint));
                }
                _ => {
                    let message = format!("`{call}` fails for every row: {}", reason(&error));
                    let hint = "correct what stands in the brackets";
                    place.fault(faults, message, Some(hint.to_owned()));
                }
            }
        }
        is_told
    }

    /// Tells a filter that there is none of: the engine itself would only find out at the first row.
    fn check_filter(&self, filter: &str, origin: &Origin, faults: &mut Faults) {
        const COMMON: [&str; 17] = [
            "upper",
            "lower",
            "title",
            "capitalize",
            "trim",
            "replace",
            "default",
            "join",
            "split",
            "length",
            "first",
            "last",
            "round",
            "int",
            "float",
            "strftime",
            "unique",
        ];
        let probe = format!("{{{{ ''|{filter} }}}}");
        let tried = self.environment.render_str(&probe, ());
        if tried.is_err_and(|error| error.kind() == minijinja::ErrorKind::UnknownFilter) {
            let near = did_you_mean(&nearest(filter, COMMON));
            let hint = near.unwrap_or_else(|| format!("for example {}", COMMON.join(", ")));
            origin.fault(faults, format!("there is no filter `{filter}`"), Some(hint));
        }
    }
}

/// A value of each kind that a cell or an item may have.
fn probes() -> Vec<minijinja::Value> {
    use minijinja::Value;
    vec![
        Value::from("Lamp 5"),
        Value::from(""),
        Value::from("5"),
        Value::from("2024-06-21 10:30"),
        Value::from(5),
        Value::from(2.5),
        Value::from(true),
        Value::from_iter(["a", "b"]),
        Value::from_iter([5, 7]),
        Value::from_iter([("a", "b")]),
        Value::from_iter([Value::from_iter([("a", "b")])]),
    ]
}

/// The pieces of a template that is nothing but texts and columns.
fn segments(tree: &Stmt<'_>, origin: &Origin, slots: &mut Slots) -> Option<Vec<Segment>> {
    let Stmt::Template(template) = tree else {
        return None;
    };
    let is_plain = template.children.iter().all(|child| match child {
        Stmt::EmitRaw(_) => true,
        Stmt::EmitExpr(node) => column_of(&node.expr).is_some(),
        _ => false,
    });
    is_plain.then(|| {
        let piece = |child: &Stmt<'_>| match child {
            Stmt::EmitRaw(node) => Some(Segment::Raw(node.raw.to_owned())),
            Stmt::EmitExpr(node) => {
                let column = column_of(&node.expr)?;
                let place = origin.part(range(&node.expr));
                Some(Segment::Column(slots.slot(&column, &place)))
            }
            _ => None,
        };
        template.children.iter().filter_map(piece).collect()
    })
}

/// The part of a script that its parser blames.
fn blamed(origin: &Origin, error: &minijinja::Error) -> Origin {
    match error.range() {
        Some(part) => origin.part(part),
        None => origin.clone(),
    }
}

fn operand(side: &Side, names: &BTreeSet<&str>, slots: &Slots) -> Operand {
    match side {
        Side::Column(name) if names.contains(name.as_str()) => {
            let column = slots.find(name).filter(|slot| slots.is_column(*slot));
            column.map_or(Operand::Unknown, Operand::Column)
        }
        Side::Known(kind) => Operand::Known(*kind),
        Side::Column(_) | Side::Unknown => Operand::Unknown,
    }
}

/// Puts a dotted name where the template looks for it.
fn insert(names: &mut Vec<(Arc<str>, Shape)>, path: &str, slot: usize) {
    let (base, rest) = match path.split_once('.') {
        Some((base, rest)) => (base, Some(rest)),
        None => (path, None),
    };
    let Some(rest) = rest else {
        if !names.iter().any(|(name, _)| &**name == base) {
            names.push((Arc::from(base), Shape::Slot(slot)));
        }
        return;
    };
    let found = names.iter_mut().find(|(name, _)| &**name == base);
    match found {
        Some((_, Shape::Members(members))) => insert(members, rest, slot),
        // `a` and `a.b` in one template: the column `a` is there as it is.
        Some(_) => {}
        None => {
            let mut members = Vec::new();
            insert(&mut members, rest, slot);
            names.push((Arc::from(base), Shape::Members(members)));
        }
    }
}

/// What goes wrong most: a column whose name is no identifier.
fn template_hint(text: &str) -> Option<String> {
    let inner = text.split_once("{{")?.1.split_once("}}")?.0.trim();
    let is_name = inner
        .bytes()
        .all(|b| b.is_ascii_alphanumeric() || b == b'_');
    (!is_name && !inner.contains('['))
        .then(|| format!("a column whose name holds more than letters is written `row['{inner}']`"))
}
