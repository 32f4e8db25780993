//! Compiles one field: its target, its resolver, and every constant in it tried out.

use std::collections::HashMap;
use std::sync::Arc;

use super::apply::Steps;
use super::field::CUSTOM;
use super::file::At;
use super::item::Item;
use super::parse::Problem;
use super::plan::{Compiler, Feed, FieldPlan};
use super::resolve::{Hints, Resolver};
use super::script::{Origin as Place, Script};
use super::shape::{FieldRule, Instead, Origin, ParseKind, ParseRule, Version};
use super::target::{Want, Wanted};
use crate::directory::suggest::{did_you_mean, nearest};
use crate::directory::{CustomField, CustomType, Found, Kind};
use crate::error::Rule;
use crate::systems::fields::{Setting, Target};

/// Compiles a field of the mapping; `None` when it has no target.
pub(super) fn compile_field(
    compiler: &mut Compiler<'_>,
    rule: &Arc<FieldRule>,
) -> Option<FieldPlan> {
    let target = compiler.target(rule);
    // The columns of a field without a target are still looked at, so that all faults are told at once.
    let names_something = matches!(
        &target,
        Some((
            _,
            Wanted {
                want: Want::Id(_),
                ..
            },
            _
        ))
    );
    compiler.slots.is_optional = rule.optional;
    let source = compiler.source(rule, names_something || rule.resolve.kind.is_some());
    compiler.slots.is_optional = false;
    let (target, wanted, required) = target?;
    let resolver = match rule.is_faulty {
        true => None,
        false => {
            compiler.check_steps(rule, &wanted);
            compiler.resolver(rule, &wanted)
        }
    };
    let is_description =
        matches!(&target, Target::Field(field) if field.name == compiler.table.description);
    let mut field = FieldPlan {
        is_single: !wanted.list && is_single(rule),
        is_column: false,
        label: label(rule),
        take: rule.take.unwrap_or(compiler.rules.take),
        required: required
            || rule.check.required
            || matches!(rule.when_empty, Some(Instead::Error)),
        rule: Arc::clone(rule),
        source: source?,
        target: Some(target),
        wanted,
        resolver,
        lookup: compiler.lookup(rule),
        is_description,
        constant: None,
    };
    if !rule.is_faulty {
        compiler.try_constants(&mut field);
    }
    Some(field)
}

/// A custom field of which only the name is known: whatever the steps make fits it.
fn unknown_custom(name: &str) -> Arc<CustomField> {
    Arc::new(CustomField {
        id: name.to_owned(),
        name: name.to_owned(),
        kind: CustomType::Text,
        options: Vec::new(),
        max_length: None,
        required: false,
    })
}

/// Whether no step of a field can make several values of one.
fn is_single(rule: &FieldRule) -> bool {
    let parses_json = rule
        .parse
        .as_ref()
        .is_some_and(|parse| parse.kind == ParseKind::Json);
    rule.list.is_none() && !parses_json
}

/// The columns of a field, for faults.
fn label(rule: &FieldRule) -> Option<String> {
    let names = match &rule.origin {
        Origin::Columns { columns, .. } | Origin::First(columns) => columns,
        Origin::Template(_) | Origin::Value(_) => return None,
    };
    let names: Vec<&str> = names.iter().map(|name| name.value.as_str()).collect();
    Some(names.join(", "))
}

impl Compiler<'_> {
    fn target(&mut self, rule: &FieldRule) -> Option<(Target, Wanted, bool)> {
        match rule.name.value.strip_prefix(CUSTOM) {
            Some(name) => self.custom_target(rule, name),
            None => self.own_target(rule),
        }
    }

    fn own_target(&mut self, rule: &FieldRule) -> Option<(Target, Wanted, bool)> {
        let name = rule.name.value.as_str();
        let at = rule.name.at;
        let Some(field) = self.table.get(name) else {
            let system = self.schema.system();
            let message = format!("{system} has no field `{name}`");
            let names: Vec<&str> = self.table.names().collect();
            let near = did_you_mean(&nearest(name, names.iter().copied()));
            let hint = match self.directory.custom_field(name) {
                Some(custom) => Some(format!(
                    "it is a custom field: write \"custom.{}\"",
                    custom.name
                )),
                None => near.or_else(|| Some(format!("it has {}", names.join(", ")))),
            };
            *self.faults.add(at, message) = hint;
            return None;
        };
        if let Setting::Never(instead) = field.setting {
            self.faults
                .hint(at, format!("no call can set `{name}`"), instead);
            return None;
        }
        let wanted = Wanted::field(&field.kind);
        Some((Target::Field(field.clone()), wanted, field.required))
    }

    fn custom_target(&mut self, rule: &FieldRule, name: &str) -> Option<(Target, Wanted, bool)> {
        let at = rule.name.at;
        if let Setting::Never(instead) = self.table.custom {
            let message = format!("no call can set the custom field `{name}`");
            self.faults.hint(at, message, instead);
            return None;
        }
        let field = self.custom_field(name, at)?;
        if !self.directory.is_known() {
            let wanted = Wanted {
                want: Want::Text { max_length: None },
                list: rule.list.is_some(),
            };
            return Some((Target::Custom(field), wanted, false));
        }
        let Some(wanted) = Wanted::custom(&field) else {
            let message = format!("the custom field `{name}` is of a kind that cannot be written");
            self.faults.hint(
                at,
                message,
                "put the value into a text field or the description",
            );
            return None;
        };
        Some((Target::Custom(field), wanted, false))
    }

    /// The tenant's custom field of that name; without a directory one of which only the name is known.
    pub(super) fn custom_field(&mut self, name: &str, at: usize) -> Option<Arc<CustomField>> {
        if !self.directory.is_known() {
            return Some(unknown_custom(name));
        }
        let found = self.directory.custom_field(name);
        if found.is_none() {
            let fields = self.directory.custom_fields();
            let names: Vec<&str> = fields.iter().map(|field| field.name.as_str()).collect();
            let near = did_you_mean(&nearest(name, names.iter().copied()));
            let unread = self.directory.snapshot().custom_fields_note.as_ref();
            if let Some(why) = unread {
                let message = format!("the custom field `{name}` is not known: {why}");
                let hint = "give the token's user the right to read custom fields and run it with `--refresh`, or leave the field out";
                self.faults.hint(at, message, hint);
                return None;
            }
            let hint = near.unwrap_or_else(|| match names.as_slice() {
                [] => "this tenant has no custom fields; a new one is seen after `--refresh`"
                    .to_owned(),
                names => format!(
                    "it has {}; a new one is seen after `--refresh`",
                    names.join(", ")
                ),
            });
            let system = self.schema.system();
            self.faults
                .hint(at, format!("{system} has no custom field `{name}`"), hint);
        }
        found
    }

    /// Where the value comes from; the parts of a name that is resolved are a path.
    fn source(&mut self, rule: &FieldRule, resolves: bool) -> Option<Feed> {
        Some(match &rule.origin {
            Origin::Columns { columns, join } => Feed::Columns {
                slots: self.columns(columns),
                join: join.clone().unwrap_or_else(|| {
                    if resolves {
                        " › ".to_owned()
                    } else {
                        " ".to_owned()
                    }
                }),
            },
            Origin::First(columns) => Feed::First(self.columns(columns)),
            Origin::Template(text) => Feed::Script(self.template(text)?),
            Origin::Value(value) => Feed::Constant(value.value.clone()),
        })
    }

    fn template(&mut self, text: &At<String>) -> Option<Script> {
        let place = Place::Mapping(text.at);
        self.scripts
            .template(&text.value, place, &mut self.slots, &mut self.faults)
    }

    /// A part of the key: a text from the row.
    pub(super) fn key_part(&mut self, rule: &Arc<FieldRule>) -> FieldPlan {
        let source = self
            .source(rule, false)
            .unwrap_or(Feed::Constant(serde_json::Value::Null));
        let mut field = FieldPlan {
            is_single: is_single(rule),
            is_column: false,
            label: label(rule),
            take: rule.take.unwrap_or(self.rules.take),
            required: true,
            rule: Arc::clone(rule),
            source,
            target: None,
            wanted: Wanted {
                want: Want::Text { max_length: None },
                list: false,
            },
            resolver: None,
            lookup: self.lookup(rule),
            is_description: false,
            constant: None,
        };
        if !rule.is_faulty {
            self.try_constants(&mut field);
        }
        field
    }

    /// What holds the items of a step of `[[then]]`.
    pub(super) fn each(&mut self, rule: &Arc<FieldRule>) -> FieldPlan {
        self.slots.is_optional = rule.optional;
        let field = FieldPlan {
            required: false,
            is_single: false,
            wanted: Wanted {
                want: Want::Text { max_length: None },
                list: true,
            },
            ..self.key_part(rule)
        };
        self.slots.is_optional = false;
        field
    }

    /// Tells steps whose result the field cannot take.
    fn check_steps(&mut self, rule: &FieldRule, wanted: &Wanted) {
        let name = &rule.name;
        if let Some(parse) = &rule.parse
            && !wanted.want.takes(parse.kind)
        {
            let message = format!(
                "`{}` takes {}, which this `parse` does not make",
                name.value,
                wanted.want.name()
            );
            self.faults.hint(
                name.at,
                message,
                "leave `parse` out: the field reads its own type",
            );
        }
        self.check_limits(rule, wanted);
        self.check_zone(rule, wanted);
        if rule.skips_items() && !wanted.list {
            let message = format!("`{}` takes one value: `skip_item` is for lists", name.value);
            let hint = "write `skip_field`";
            self.faults.hint(name.at, message, hint);
        }
        if rule.list.as_ref().is_some_and(|list| list.several) && !wanted.list {
            let message = format!("`{}` takes one value, and `list` makes several", name.value);
            let hint = "leave `list` out: then the columns are joined";
            self.faults.hint(name.at, message, hint);
        }
        if rule.list.as_ref().is_some_and(|list| list.split.is_some()) && !wanted.list {
            let message = format!(
                "`{}` takes one value, and `split` makes several",
                name.value
            );
            self.faults.hint(
                name.at,
                message,
                "take a part of the cell by `extract = \"…\"`",
            );
        }
    }

    /// Tells bounds that are none for what the field takes: they would do nothing, or refuse every row.
    fn check_limits(&mut self, rule: &FieldRule, wanted: &Wanted) {
        let check = &rule.check;
        let name = &rule.name;
        let takes = wanted.want.name();
        let is_numeric = matches!(
            wanted.want,
            Want::Text { .. } | Want::Integer | Want::Number | Want::Word(_) | Want::Option(_)
        );
        let bound = check.min.as_ref().or(check.max.as_ref());
        if let Some(bound) = bound.filter(|_| !is_numeric && rule.parse.is_none()) {
            let message = format!(
                "`min` and `max` are for numbers, and `{}` takes {takes}",
                name.value
            );
            let hint = "leave them out; rows of other dates are left out by `where` in `[input]`";
            self.faults.hint(bound.at, message, hint);
        }
        if rule.version < Version::Two || matches!(wanted.want, Want::Text { .. }) {
            return;
        }
        let mut idle = Vec::new();
        idle.extend(check.max_length.map(|_| "max_length"));
        idle.extend(check.truncate.then_some("overflow"));
        if matches!(wanted.want, Want::Id(_)) && rule.resolve.kind.is_none() {
            idle.extend((!check.one_of.is_empty()).then_some("one_of"));
            idle.extend(check.pattern.as_ref().map(|_| "pattern"));
        }
        for key in idle {
            let message = format!("`{key}` is for texts, and `{}` takes {takes}", name.value);
            let hint = "leave it out, or shorten the text before: `extract = '^(.{10})'`";
            self.faults.hint(name.at, message, hint);
        }
    }

    /// Tells a time that can never be sent, since nothing says in which zone it is.
    fn check_zone(&mut self, rule: &FieldRule, wanted: &Wanted) {
        let is_known = self.zone.is_some() || self.may_have_zone;
        if !matches!(wanted.want, Want::DateTime) || is_known {
            return;
        }
        let has_no_zone = |parse: &ParseRule| {
            let is_dated = !parse.formats.is_empty() || parse.kind == ParseKind::Date;
            let names_zone = parse.kind != ParseKind::Date
                && parse.formats.iter().any(super::date::Format::has_zone);
            parse.timezone.is_none() && is_dated && !names_zone
        };
        let typed = |column: &At<String>| {
            let name = crate::record::fold(&column.value);
            let mut types = self.rules.columns.iter();
            types.find(|(known, _)| crate::record::fold(&known.value) == name)
        };
        let is_without = match (&rule.parse, &rule.origin) {
            (Some(parse), _) => has_no_zone(parse) && parse.kind != ParseKind::Json,
            (None, Origin::Columns { columns, .. }) => columns
                .iter()
                .any(|column| typed(column).is_some_and(|(_, parse)| has_no_zone(parse))),
            _ => false,
        };
        if is_without {
            let message = format!(
                "`{}` takes a date and time, and nothing says in which zone these times are",
                rule.name.value
            );
            let hint = "write `timezone = \"America/Chicago\"` in `[input]` or in the profile";
            self.faults.hint(rule.name.at, message, hint);
        }
    }

    fn resolver(&mut self, rule: &FieldRule, wanted: &Wanted) -> Option<Resolver> {
        if rule.resolve.by_key.is_some() {
            return None;
        }
        let name = rule.name.value.as_str();
        let own = match wanted.want {
            Want::Id(kind) => Some(kind),
            _ => None,
        };
        let (kind, at) = match (&rule.resolve.kind, own) {
            (Some(kind), Some(own)) if kind.value != own => {
                let message = format!(
                    "`{name}` takes {}, not the id of a {}",
                    wanted.want.name(),
                    kind.value
                );
                self.faults
                    .hint(kind.at, message, format!("write `resolve = \"{own}\"`"));
                return None;
            }
            (Some(kind), None) if !matches!(wanted.want, Want::Text { .. }) => {
                let message = format!("`{name}` takes {}, not an id", wanted.want.name());
                self.faults.hint(kind.at, message, "leave `resolve` out");
                return None;
            }
            (Some(kind), _) => (kind.value, kind.at),
            (None, Some(own)) => (own, rule.name.at),
            (None, None) => {
                if let Some(at) = rule.resolve.detail_at {
                    let message = format!(
                        "nothing is resolved here: `{name}` takes {}",
                        wanted.want.name()
                    );
                    let hint = "leave out what is about names, or say of what: `resolve = \"…\"`";
                    self.faults.hint(at, message, hint);
                }
                return None;
            }
        };
        if !self.directory.is_known() {
            return None;
        }
        if let Err(reason) = self.directory.can_resolve(kind) {
            let message = format!("`{name}` cannot be resolved: {reason}");
            self.faults.hint(
                at,
                message,
                "try again with `--refresh`, or leave the field out",
            );
            return None;
        }
        self.check_match(rule, kind);
        let or_error = |instead: &Option<Instead>| instead.clone().unwrap_or(Instead::Error);
        let aliases = rule.resolve.aliases.iter();
        let aliases: HashMap<String, String> = aliases
            .map(|alias| (alias.word.clone(), alias.to.value.clone()))
            .collect();
        Some(Resolver {
            kind,
            by: rule
                .resolve
                .match_
                .iter()
                .map(|by| by.value.clone())
                .collect(),
            within: None,
            aliases,
            missing: or_error(&rule.resolve.missing),
            ambiguous: or_error(&rule.resolve.ambiguous),
        })
    }

    fn check_match(&mut self, rule: &FieldRule, kind: Kind) {
        let known = self.directory.properties(kind);
        for by in &rule.resolve.match_ {
            if !known.contains(&by.value.as_str()) {
                let message = format!("no entry of `{kind}` has a `{}`", by.value);
                self.faults.unknown(by.at, message, &by.value, &known);
            }
        }
    }

    /// Sends every constant of a field through the steps that it will take, and tells those that cannot pass.
    fn try_constants(&mut self, field: &mut FieldPlan) {
        let rule = Arc::clone(&field.rule);
        let mut names: Vec<&At<String>> = Vec::new();
        names.extend(rule.table.iter().flat_map(|table| table.map.values()));
        if let Some(table) = &rule.table
            && let Instead::Value(value) = &table.otherwise
        {
            names.push(value);
        }
        names.extend(&rule.default);
        let is_choice = matches!(field.wanted.want, Want::Word(_) | Want::Option(_));
        if rule.version >= Version::Two && is_choice {
            // A word that the system does not take lets nothing pass.
            names.extend(&rule.check.one_of);
        }
        for name in names
            .into_iter()
            .filter(|name| !name.value.trim().is_empty())
        {
            self.try_constant(field, Item::borrowed(&name.value), name.at);
        }
        let resolve = &rule.resolve;
        let aliases = resolve.aliases.iter();
        let mut targets: Vec<(&At<String>, Option<&str>)> = aliases
            .map(|alias| (&alias.to, alias.place.as_deref()))
            .collect();
        for instead in [&resolve.missing, &resolve.ambiguous].into_iter().flatten() {
            if let Instead::Value(name) = instead {
                targets.push((name, None));
            }
        }
        if let Some(resolver) = &field.resolver {
            for (name, place) in targets {
                if let Some(problem) = self.unresolved(resolver, &name.value, &rule) {
                    let message = match place {
                        Some(place) => format!("{place}: {}", problem.message),
                        None => problem.message,
                    };
                    *self.faults.add(name.at, message) = problem.hint;
                }
            }
        }
        if let Origin::Value(value) = &rule.origin {
            self.try_value(field, value);
        }
    }

    /// A fixed value; kept when no row can change it.
    fn try_value(&mut self, field: &mut FieldPlan, value: &At<serde_json::Value>) {
        let items: Vec<Item<'_>> = match &value.value {
            serde_json::Value::Array(items) => items.iter().map(of_constant).collect(),
            serde_json::Value::Null => return,
            one => vec![of_constant(one)],
        };
        if items.len() != 1 && !field.wanted.list {
            let message = format!("`{}` takes one value, not a list", field.rule.name.value);
            self.faults.hint(value.at, message, "leave one value");
            return;
        }
        let mut made = Vec::new();
        for item in items {
            made.extend(self.try_constant(field, item, value.at));
        }
        let depends = field.rule.resolve.within.is_some() || field.is_description;
        if !depends && !made.is_empty() {
            field.constant = match field.wanted.list {
                true => Some(serde_json::Value::Array(made)),
                false => made.pop(),
            };
        }
    }

    fn try_constant(
        &mut self,
        field: &FieldPlan,
        item: Item<'_>,
        at: usize,
    ) -> Option<serde_json::Value> {
        if let Some(resolver) = &field.resolver
            && field.rule.resolve.within.is_some()
        {
            let problem = self.unresolved(resolver, &item.text(), &field.rule)?;
            *self.faults.add(at, problem.message) = problem.hint;
            return None;
        }
        let hints = Hints::default();
        let steps = Steps {
            directory: self.directory,
            hints: &hints,
            zone: self.zone,
            lookups: &[],
        };
        match steps.constant(field, item) {
            Ok(value) => Some(value),
            Err(problem) => {
                let message = format!("`{}`: {}", field.rule.name.value, problem.message);
                *self.faults.add(at, message) = problem.hint;
                None
            }
        }
    }

    /// Why a name of the mapping itself does not resolve.
    fn unresolved(&self, resolver: &Resolver, name: &str, rule: &FieldRule) -> Option<Problem> {
        let kind = resolver.kind;
        let field = &rule.name.value;
        match self.directory.look_up(kind, name, &resolver.by, None) {
            Found::One(_) => None,
            _ if self.directory.labelled(kind, name, None).is_some() => None,
            // Which one it is depends on the row.
            Found::Ambiguous(_) if rule.resolve.within.is_some() => None,
            Found::Ambiguous(entries) => {
                let problem = super::resolve::ambiguous(self.directory, kind, name, &entries);
                Some(Problem {
                    message: format!("`{field}`: {}", problem.message),
                    ..problem
                })
            }
            Found::Missing(_) => Some(Problem {
                message: format!("`{field}`: no {} `{name}`", kind.noun()),
                hint: resolver
                    .elsewhere(self.directory, name, None)
                    .or_else(|| did_you_mean(&self.directory.nearest(kind, name, None)))
                    .or_else(|| Some(format!("`deskferry directory search` with the same --profile finds the names; a new {} is seen after `--refresh`", kind.noun()))),
                missing: None,
                rule: Rule::Message,
            }),
        }
    }
}

fn of_constant(value: &serde_json::Value) -> Item<'_> {
    match value {
        serde_json::Value::String(text) => Item::borrowed(text),
        serde_json::Value::Bool(value) => Item::Bool(*value),
        serde_json::Value::Number(number) => match number.as_i64() {
            Some(number) => Item::Integer(number),
            None => Item::Number(number.as_f64().unwrap_or_default()),
        },
        other => Item::Json(other.clone()),
    }
}
