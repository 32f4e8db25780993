//! What of a ticket bears the reference, checked against what the system's create carries.

use std::sync::Arc;

use super::load::Mapping;
use super::plan::{Compiler, FieldPlan};
use super::reference::{LABEL, LONG, head, head_length, longest};
use super::shape::{Marker, Unmapped};
use super::target::Want;
use super::text::fits;
use crate::directory::{CustomField, CustomType};
use crate::systems::fields::{Setting, Target};

/// What bears the reference.
#[derive(Debug, Clone)]
pub(super) enum Marks {
    /// The description, as its last line.
    Description,
    /// A custom field, which bears nothing else.
    Field(Arc<CustomField>),
    /// Nothing.
    Nothing,
}

impl Compiler<'_> {
    /// What bears the reference. Only what the create itself carries can: an answer that is lost must find it there.
    pub(super) fn marks(&mut self, mapping: &Mapping, fields: &[FieldPlan]) -> Marks {
        match &mapping.marker.value {
            Marker::Description => Marks::Description,
            Marker::None => Marks::Nothing,
            Marker::CustomField(name) => match self.marker_field(mapping, name, fields) {
                Some(field) => Marks::Field(field),
                None => Marks::Nothing,
            },
        }
    }

    fn marker_field(
        &mut self,
        mapping: &Mapping,
        name: &str,
        fields: &[FieldPlan],
    ) -> Option<Arc<CustomField>> {
        let at = mapping.marker.at;
        if self.table.custom != Setting::Own {
            let message = "a custom field cannot be the marker: the create carries none, they are set by a second request";
            self.faults
                .hint(at, message, "write `marker = \"description\"`");
            return None;
        }
        let field = self.custom_field(name, at)?;
        if field.kind != CustomType::Text {
            let message =
                format!("the custom field `{name}` holds no text, so it cannot be the marker");
            self.faults.hint(at, message, "name a text field");
            return None;
        }
        let (room, need) = (field.max_length, longest(&mapping.scope));
        if let Some(room) = room.filter(|room| *room < need) {
            let message = format!(
                "the custom field `{name}` holds {room} characters, and a reference has up to {need}"
            );
            self.faults
                .hint(at, message, "name a longer text field, or shorten `scope`");
            return None;
        }
        let is_it = |plan: &&FieldPlan| matches!(&plan.target, Some(Target::Custom(other)) if other.id == field.id);
        if let Some(filled) = fields.iter().find(is_it) {
            let message = format!(
                "`{}` writes the same place as the marker",
                filled.rule.name.value
            );
            let hint = "leave the field out, or let the description be the marker";
            self.faults.hint(filled.rule.name.at, message, hint);
            return None;
        }
        Some(field)
    }

    /// The description's target when no field fills it although something is to be written there.
    pub(super) fn bare_description(
        &mut self,
        mapping: &Mapping,
        fields: &[FieldPlan],
    ) -> Option<Target> {
        let marks = mapping.marker.value == Marker::Description;
        if !marks && mapping.unmapped != Unmapped::Append {
            return None;
        }
        let field = self.table.get(self.table.description);
        let Some(field) = field.filter(|field| field.setting == Setting::Own) else {
            let message = "`marker = \"description\"`: the create carries no description";
            self.faults
                .hint(mapping.marker.at, message, "write `marker = \"none\"`");
            return None;
        };
        let filled = fields.iter().any(|plan| plan.is_description);
        (!filled).then(|| Target::Field(field.clone()))
    }
}

/// The reference as a last line, a blank one before it.
pub(super) fn marker_line(reference: &str, html: bool) -> String {
    match html {
        true => format!("<br><br>{LABEL}{reference}"),
        false => format!("\n\n{LABEL}{reference}"),
    }
}

/// What stands between the first line of a long description and the rest: a blank line.
fn gap(html: bool) -> &'static str {
    match html {
        true => "<br><br>",
        false => "\n\n",
    }
}

/// How many characters the reference takes as the first line of a long description.
pub(super) fn head_line_length(reference: &str, html: bool) -> usize {
    head_length(reference) + gap(html).len()
}

/// A description without the reference on its first line.
pub(super) fn without_head_line<'t>(text: &'t str, reference: &str, html: bool) -> &'t str {
    let line = head(reference) + gap(html);
    text.strip_prefix(&line).unwrap_or(text)
}

/// A description that is long enough to bear its reference on the first line too, with that line.
pub(super) fn headed(text: &str, reference: Option<&str>, html: bool) -> Option<String> {
    let is_long = text.len() > LONG && text.chars().count() > LONG;
    let reference = reference.filter(|_| is_long)?;
    Some(head(reference) + gap(html) + text)
}

/// How many characters a description leaves for its reference.
pub(super) fn reserve(reference: &str, html: bool, limits: Limits) -> usize {
    let head = match limits.may_be_long() {
        true => head_line_length(reference, html),
        false => 0,
    };
    marker_line(reference, html).chars().count() + head
}

/// A description with its reference: on the last line, and of a long one on the first too.
pub(super) fn marked(text: String, reference: &str, html: bool, limits: Limits) -> String {
    let text = text + &marker_line(reference, html);
    let headed = headed(&text, Some(reference), html);
    headed.filter(|headed| limits.hold(headed)).unwrap_or(text)
}

/// How long the text of a field may be.
#[derive(Clone, Copy)]
pub(super) struct Limits {
    /// In characters as people see them.
    graphemes: usize,
    /// As the system counts them.
    scalars: usize,
}

impl Limits {
    pub(super) fn of(field: &FieldPlan) -> Self {
        let scalars = match field.wanted.want {
            Want::Text { max_length } => max_length,
            _ => None,
        };
        Self {
            graphemes: field.rule.check.max_length.unwrap_or(usize::MAX),
            scalars: scalars.unwrap_or(usize::MAX),
        }
    }

    pub(super) fn may_be_long(self) -> bool {
        self.graphemes.min(self.scalars) > LONG
    }

    pub(super) fn hold(self, text: &str) -> bool {
        fits(text, self.graphemes, self.scalars)
    }
}

/// The line alone, for a description that is nothing else.
pub(super) fn trimmed(line: &str) -> String {
    line.trim_start().trim_start_matches("<br>").to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_description_begins_with_its_reference_too() {
        let line = marker_line("s/7", false);
        let short = format!("{}{line}", "ä".repeat(LONG - line.len()));
        assert_eq!(headed(&short, Some("s/7"), false), None);
        assert_eq!(headed(&format!("x{short}"), None, false), None);
        let long = headed(&format!("x{short}"), Some("s/7"), false).unwrap();
        assert_eq!(long, format!("{}\n\nx{short}", head("s/7")));
        let html = headed(&format!("x{short}"), Some("s/7"), true).unwrap();
        assert!(html.starts_with(&format!("{}<br><br>x", head("s/7"))));
        for (reference, html) in [("s/7", true), ("s/7", false), ("äbcdefg", false)] {
            let text = "x".repeat(LONG + 1);
            let headed = headed(&text, Some(reference), html).unwrap();
            let length = headed.chars().count() - text.len();
            assert_eq!(head_line_length(reference, html), length, "{reference}");
        }
    }
}
