//! The tenant's custom fields: by name, and the old number into the field that is made for it.

use super::content;
use super::draft::Line;
use super::fields::Maker;
use super::toml;
use super::words::{heading, likeness};
use crate::directory::{CustomField, CustomType};
use crate::record::fold;

/// Names of fields that are made for the number of another system.
const LEGACY: [&str; 6] = [
    "legacy", "external", "old", "original", "source", "imported",
];

/// The lines of the custom fields that a column fits.
pub(super) fn lines(maker: &mut Maker<'_>) -> Vec<Line> {
    let Some(directory) = maker.guess.seen.directory else {
        return Vec::new();
    };
    let mut lines = Vec::new();
    for field in &directory.snapshot().custom_fields {
        if let Some((at, line)) = legacy(maker, field).or_else(|| named(maker, field)) {
            maker.read.insert(at);
            lines.push(line);
        }
    }
    lines
}

fn legacy(maker: &Maker<'_>, field: &CustomField) -> Option<(usize, Line)> {
    let at = maker.guess.key.column()?;
    let words = heading(&field.name);
    let is_legacy = words.split(' ').any(|word| LEGACY.contains(&word));
    (field.kind == CustomType::Text && is_legacy).then(|| {
        let from = toml::text(maker.guess.name(at));
        let line = line(field, format!("{{ from = {from} }}"));
        (
            at,
            line.why("The old number, so that people find a ticket by it."),
        )
    })
}

fn named(maker: &Maker<'_>, field: &CustomField) -> Option<(usize, Line)> {
    let columns = &maker.guess.sample.columns;
    let (_, at) = columns
        .iter()
        .enumerate()
        .filter(|(at, column)| column.filled > 0 && maker.is_free(*at) && !maker.read.contains(at))
        .filter_map(|(at, column)| {
            let (score, _) = likeness(&column.name, &[field.name.as_str()])?;
            (score >= 80.0).then_some((score, at))
        })
        .max_by(|a, b| a.0.total_cmp(&b.0))?;
    let column = &columns[at];
    let from = toml::text(&column.name);
    let known = |value: &str| {
        field
            .options
            .iter()
            .any(|option| fold(&option.value) == fold(value))
    };
    let why = format!("`{}`: by the heading.", column.name);
    let steps = match field.kind {
        CustomType::Text => String::new(),
        CustomType::Number
            if content::numbers(column) >= 1.0 || column.numbers == column.filled =>
        {
            ", parse = \"number\"".to_owned()
        }
        CustomType::Date => {
            let dates = maker.guess.dates[at].as_ref()?;
            dates.others.is_empty().then(String::new)?
        }
        CustomType::Bool if content::is_truth(column) => ", parse = \"bool\"".to_owned(),
        CustomType::Select => {
            let options: Vec<&str> = field
                .options
                .iter()
                .map(|option| option.value.as_str())
                .collect();
            if column.share(known) < 0.5 {
                return None;
            }
            let mut line = maker.word(&name(field), &[at], &options, "");
            line.why.insert(0, why);
            return Some((at, line));
        }
        CustomType::MultiSelect => {
            let sign = content::separator(column).unwrap_or(",");
            let parts = |value: &str| value.split(sign).all(&known);
            (column.share(parts) >= 1.0)
                .then(|| format!(", split = {}, unique = true", toml::text(sign)))?
        }
        _ => return None,
    };
    Some((
        at,
        line(field, format!("{{ from = {from}{steps} }}")).why(why),
    ))
}

fn line(field: &CustomField, value: String) -> Line {
    Line::new(&name(field), value)
}

fn name(field: &CustomField) -> String {
    format!("custom.{}", field.name)
}
