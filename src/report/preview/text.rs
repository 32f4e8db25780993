//! The first tickets of a dry run on the terminal.

use console::{measure_text_width, pad_str, truncate_str};

use super::super::words::wrapped;
use super::{Card, deed, fell_back, told};
use crate::source::{Layout, Table};
use crate::unicode::shown;

/// How wide a page is where the terminal does not say.
const WIDTH: usize = 100;
/// The narrowest and the widest page.
const BOUNDS: (usize, usize) = (60, 120);
/// Room for the names of fields, and for the cells.
const LABEL: usize = 16;
const FROM: usize = 26;
/// A text of more than this is shown whole below its ticket, where it is the first.
const LONG: usize = 60;

/// The cards, one below the other; the first shows its longest text whole.
pub(super) fn render(cards: &[Card], tables: &[Table], width: Option<usize>) -> String {
    let width = width.unwrap_or(WIDTH).clamp(BOUNDS.0, BOUNDS.1) - 1;
    let mut text = String::new();
    for (number, card) in cards.iter().enumerate() {
        if number > 0 {
            text.push('\n');
        }
        one(card, tables, width, number == 0, &mut text);
    }
    text
}

fn one(card: &Card, tables: &[Table], width: usize, is_first: bool, text: &mut String) {
    let mut line = |line: &str| {
        text.push_str(line.trim_end());
        text.push('\n');
    };
    line(&truncate_str(
        &shown(format!("  {}   {}", card.place, card.outcome.text())),
        width,
        "…",
    ));
    let layout = layout_of(card, tables);
    let labels = card
        .fields
        .iter()
        .map(|field| measure_text_width(&field.label));
    let label = labels.max().unwrap_or(0).clamp(8, LABEL);
    let from = |cells: &[crate::mapping::ShownCell]| -> String {
        match (cells, layout) {
            ([], _) => "the mapping".to_owned(),
            ([first, rest @ ..], Some(layout)) => {
                let more = match rest.len() {
                    0 => String::new(),
                    more => format!(" +{more}"),
                };
                shown(format!("{}{more}", first.named(layout)))
            }
            (_, None) => String::new(),
        }
    };
    let widest = card
        .fields
        .iter()
        .map(|field| measure_text_width(&from(&field.from)));
    let right = widest.max().unwrap_or(0).min(FROM);
    let middle = width.saturating_sub(4 + label + 2 + 2 + right);
    let mut whole = None;
    for field in &card.fields {
        let value = one_line(&field.value);
        let is_long = measure_text_width(&value) > LONG.min(middle) || field.value.contains('\n');
        let value = match is_first && is_long && whole.is_none() {
            true => {
                whole = Some((&field.label, &field.value));
                "(whole text below)".to_owned()
            }
            false => value,
        };
        line(&format!(
            "    {}  {}  {}",
            fixed(&field.label, label),
            fixed(&value, middle),
            truncate_str(&from(&field.from), right, "…")
        ));
        for fallback in card.fallbacks.iter().filter(|it| it.field == field.field) {
            noted(
                &format!("! {}", fell_back(fallback)),
                label,
                width,
                &mut line,
            );
        }
    }
    let of_field = |field: &str| card.fields.iter().any(|known| known.field == field);
    for fallback in card.fallbacks.iter().filter(|it| !of_field(&it.field)) {
        let told = format!("! {} {}", fallback.field, fell_back(fallback));
        noted(&told, label, width, &mut line);
    }
    for fault in &card.faults {
        noted(&format!("! {}", told(fault)), label, width, &mut line);
    }
    for one in &card.then {
        let told = fixed(&one_line(&deed(one)), width.saturating_sub(6 + label));
        line(&format!("    {}  {told}", fixed("then", label)));
    }
    if let Some((name, value)) = whole {
        line(&format!("    {name}, whole:"));
        for paragraph in value.lines() {
            match paragraph.trim().is_empty() {
                true => line("      │"),
                false => wrapped(&shown(paragraph.to_owned()), width.saturating_sub(8))
                    .iter()
                    .for_each(|part| line(&format!("      │ {part}"))),
            }
        }
    }
}

/// What a person should see of a field, below it.
fn noted(text: &str, label: usize, width: usize, line: &mut impl FnMut(&str)) {
    for part in wrapped(&shown(text.to_owned()), width.saturating_sub(6 + label)) {
        line(&format!("{}{part}", " ".repeat(6 + label)));
    }
}

fn layout_of<'t>(card: &Card, tables: &'t [Table]) -> Option<&'t Layout> {
    tables.get(card.table).map(|table| &table.layout)
}

/// Cut or filled to a width.
fn fixed(text: &str, width: usize) -> String {
    let cut = truncate_str(text, width, "…");
    pad_str(&cut, width, console::Alignment::Left, None).into_owned()
}

fn one_line(text: &str) -> String {
    shown(text.split_whitespace().collect::<Vec<_>>().join(" "))
}
