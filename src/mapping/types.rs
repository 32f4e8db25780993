//! Whether a template or condition compares like with like, as far as the types of the columns are known
//! before the run.

use std::ops::Range;
use std::sync::Arc;

use super::columns::Columns;
use super::expr::Type;
use super::file::Faults;
use super::plan::{Feed, Plan};
use super::script::{Among, Comparison, Operand, Script};
use super::shape::{FieldRule, Origin, ParseKind, ParseRule};

/// The check of what is compared with what.
pub(super) struct Types<'p> {
    pub(super) plan: &'p Plan,
    pub(super) columns: &'p Columns,
    /// Whether every cell of the input is text unless the mapping says otherwise.
    pub(super) all_text: bool,
    /// Whether only what the mapping itself says is known. What differs by that is not told again when there is an input.
    pub(super) is_before_input: bool,
}

/// Checks what a plan compares with what as far as the mapping itself gives columns a type.
pub(super) fn check_declared(plan: &Plan, faults: &mut Faults) {
    // That no input has its columns is no fault.
    let mut unbound = Faults::new(Arc::clone(&plan.source));
    let columns = Columns::bind(&plan.slots, &plan.rules, &[], &mut unbound);
    let types = Types {
        plan,
        columns: &columns,
        all_text: false,
        is_before_input: true,
    };
    types.check_plan(faults);
}

impl Types<'_> {
    /// Checks all templates and conditions of the plan.
    pub(super) fn check_plan(&self, faults: &mut Faults) {
        let plan = self.plan;
        let then_fields = plan.thens.iter().flat_map(|then| &then.fields);
        let target = plan.target.iter().flat_map(|target| &target.parts);
        let scripts = plan.fields.iter().chain(plan.key.iter().flatten());
        let scripts = scripts.chain(&plan.computed);
        let scripts = scripts.chain(then_fields).chain(target);
        let templates = scripts.filter_map(|field| match &field.source {
            Feed::Script(script) => Some(script),
            _ => None,
        });
        for script in templates
            .chain(&plan.conditions)
            .chain(&plan.group_condition)
            .chain(plan.thens.iter().filter_map(|then| then.when.as_ref()))
        {
            self.check(script, faults);
        }
    }

    /// Tells every comparison of a script whose sides are known to differ.
    pub(super) fn check(&self, script: &Script, faults: &mut Faults) {
        for Among { left, items, part } in &script.among {
            self.check_among(script, left, items, part, faults);
        }
        self.check_words(script, faults);
        self.check_dated(script, faults);
        for Comparison { left, right, part } in &script.comparisons {
            let (Some(one), Some(other)) = (self.of(left), self.of(right)) else {
                continue;
            };
            if self.was_told([left, right]) {
                continue;
            }
            if one == other {
                continue;
            }
            let what = |operand: &Operand, kind: Type| match operand {
                Operand::Column(slot) => {
                    format!("`{}`, {},", self.plan.slots.name(*slot), kind.name())
                }
                _ => kind.name().to_owned(),
            };
            let message = format!(
                "{} is compared with {}",
                what(left, one),
                what(right, other)
            );
            let message = message.trim_end_matches(',').to_owned();
            let place = script.origin.part(part.clone());
            place.fault(faults, message, self.advice(left, right));
        }
    }

    /// Tells what is looked for among things that are all of another type: it is never found.
    fn check_among(
        &self,
        script: &Script,
        left: &Operand,
        items: &[Operand],
        part: &Range<usize>,
        faults: &mut Faults,
    ) {
        let Some(one) = self.of(left) else { return };
        if self.was_told([left].into_iter().chain(items)) {
            return;
        }
        let known: Option<Vec<Type>> = items.iter().map(|item| self.of(item)).collect();
        let Some(other) = known.and_then(|known| {
            let differ = known.iter().all(|kind| *kind != one);
            known.first().copied().filter(|_| differ)
        }) else {
            return;
        };
        let what = match left {
            Operand::Column(slot) => {
                format!("`{}`, {},", self.plan.slots.name(*slot), one.name())
            }
            _ => one.name().to_owned(),
        };
        let message = format!("{what} is looked for among what is {}", other.name());
        let place = script.origin.part(part.clone());
        place.fault(faults, message, self.advice(left, &Operand::Known(other)));
    }

    /// Tells what is written as a date and is none.
    fn check_dated(&self, script: &Script, faults: &mut Faults) {
        for (date, part) in &script.dated {
            let kind = self.of(date).filter(|kind| *kind != Type::Date);
            let Some(kind) = kind.filter(|_| !self.was_told([date])) else {
                continue;
            };
            let place = script.origin.part(part.clone());
            let message = match date {
                Operand::Column(slot) => format!(
                    "`{}` is {}, and `strftime` takes a date",
                    self.plan.slots.name(*slot),
                    kind.name()
                ),
                _ => format!("`strftime` takes a date, and this is {}", kind.name()),
            };
            let advice = match date {
                Operand::Column(_) => self.advice(date, &Operand::Known(Type::Date)),
                _ => Some(
                    "make a date of it: `date(Opened, '%m/%d/%Y')|strftime('%d.%m.%Y')`".to_owned(),
                ),
            };
            place.fault(faults, message, advice);
        }
    }

    /// Tells a word of the language that is also the name of a column: which of the two is meant nobody can see.
    fn check_words(&self, script: &Script, faults: &mut Faults) {
        for (word, part) in &script.words {
            if let Some(heading) = self.columns.heading(word) {
                let message = format!(
                    "`{word}` is a word of the template language, and the input has a column `{heading}`"
                );
                let hint = format!("write the column as `row['{heading}']`");
                let place = script.origin.part(part.clone());
                place.fault(faults, message, Some(hint));
            }
        }
    }

    fn advice(&self, left: &Operand, right: &Operand) -> Option<String> {
        let wants_date = [left, right]
            .into_iter()
            .any(|operand| self.of(operand) == Some(Type::Date));
        let column = [left, right].into_iter().find_map(|operand| match operand {
            Operand::Column(slot) => Some((self.plan.slots.name(*slot), self.of(operand)?)),
            _ => None,
        });
        Some(match column {
            Some((name, Type::Text)) if wants_date => format!(
                "give it a type in `[input.columns]`: \"{name}\" = {{ parse = \"datetime\", formats = [\"%m/%d/%Y\"] }}"
            ),
            Some((_, Type::Date)) => "write the date as `date('2024-01-31')`".to_owned(),
            Some((name, Type::Text)) => format!(
                "give it a type in `[input.columns]`: \"{name}\" = {{ parse = \"number\" }}, or put the other in quotes"
            ),
            _ => "compare like with like".to_owned(),
        })
    }

    /// Whether the mapping alone says the types of all of these.
    fn was_told<'o>(&self, operands: impl IntoIterator<Item = &'o Operand>) -> bool {
        let is_known = |operand: &Operand| match operand {
            Operand::Known(_) => true,
            Operand::Unknown => false,
            Operand::Column(slot) => {
                self.plan.slots.computed(*slot).is_some() || self.rule(*slot).is_some()
            }
        };
        !self.is_before_input && operands.into_iter().all(is_known)
    }

    /// The type that `[input.columns]` gives a column of that name.
    fn rule(&self, slot: usize) -> Option<&ParseRule> {
        let name = self.plan.slots.name(slot);
        let mut typed = self.plan.rules.columns.iter();
        let found = typed.find(|(heading, _)| heading.value == name);
        found.map(|(_, rule)| rule)
    }

    fn of(&self, operand: &Operand) -> Option<Type> {
        match operand {
            Operand::Known(kind) => Some(*kind),
            Operand::Unknown => None,
            Operand::Column(slot) => {
                if let Some(number) = self.plan.slots.computed(*slot) {
                    return of_rule(&self.plan.computed[number].rule);
                }
                let declared = match self.is_before_input {
                    true => self.rule(*slot),
                    false => self.columns.declared(*slot, &self.plan.rules),
                };
                if let Some(rule) = declared {
                    return of_parse(rule.kind);
                }
                if self.columns.is_row_number(*slot) {
                    return Some(Type::Number);
                }
                self.all_text.then_some(Type::Text)
            }
        }
    }
}

/// What a type step makes.
fn of_parse(kind: ParseKind) -> Option<Type> {
    match kind {
        ParseKind::Date | ParseKind::DateTime => Some(Type::Date),
        ParseKind::Number | ParseKind::Integer => Some(Type::Number),
        ParseKind::Bool => Some(Type::Bool),
        ParseKind::Json => None,
        ParseKind::Text => Some(Type::Text),
    }
}

/// What the steps of a column make, where that is known before the rows are.
fn of_rule(rule: &FieldRule) -> Option<Type> {
    match (&rule.parse, &rule.origin) {
        (Some(parse), _) => of_parse(parse.kind),
        (None, Origin::Template(_)) if rule.list.is_none() && rule.lookup.is_none() => {
            Some(Type::Text)
        }
        _ => None,
    }
}
