//! The preview as a page: a card for each ticket, the row of the file on the left.

use std::io::{self, Write};

use super::{Card, Outcome, deed, fell_back, told};
use crate::export::html::{Text, begin, end};
use crate::outfile::Draft;
use crate::record::ColumnRef;
use crate::source::Table;

/// What cards need beyond the style of all pages.
const STYLE: &str = include_str!("page.css");

/// A page on its way.
pub(super) struct Page {
    out: Draft,
}

impl Page {
    pub(super) fn start(about: &[String], mut out: Draft) -> io::Result<Self> {
        begin("Preview", about, STYLE, &mut out)?;
        Ok(Self { out })
    }

    pub(super) fn add(&mut self, card: &Card, tables: &[Table]) -> io::Result<()> {
        let out = &mut self.out;
        let class = match card.outcome {
            Outcome::Good(_) | Outcome::Skipped(_) => "card",
            Outcome::Bad(_) => "card bad",
        };
        write!(
            out,
            "<section class=\"{class}\">\n<h2>{} <small>{}</small></h2>\n<div class=\"pair\">\n<table>\n\
             <caption>Your file</caption>\n<tbody>\n",
            Text(&card.place.to_string()),
            Text(card.outcome.text())
        )?;
        for record in &card.rows {
            let Some(table) = tables.get(record.table) else {
                continue;
            };
            if card.rows.len() > 1 {
                writeln!(
                    out,
                    "<tr><th colspan=\"2\">row {}</th></tr>",
                    record.place.row
                )?;
            }
            let blamed = |index: usize| {
                let faults = card
                    .faults
                    .iter()
                    .filter(|fault| fault.place == record.place);
                let mut columns =
                    faults.filter_map(|fault| table.header.find(fault.column.as_deref()?));
                columns.any(|column| column == ColumnRef::One(index))
            };
            for (index, name) in table.header.names().iter().enumerate() {
                let cell = record.cell(index);
                let is_blamed = blamed(index);
                if cell.is_empty() && !is_blamed {
                    continue;
                }
                let class = if is_blamed { " class=\"blamed\"" } else { "" };
                writeln!(
                    out,
                    "<tr{class}><th scope=\"row\">{}</th><td>{}</td></tr>",
                    Text(name),
                    Text(&cell.text())
                )?;
            }
        }
        write!(
            out,
            "</tbody>\n</table>\n<table>\n<caption>Ticket</caption>\n<tbody>\n"
        )?;
        for field in &card.fields {
            let fell: Vec<String> = (card.fallbacks.iter())
                .filter(|it| it.field == field.field)
                .map(fell_back)
                .collect();
            let class = if fell.is_empty() {
                ""
            } else {
                " class=\"fell\""
            };
            let from: Vec<&str> = field.from.iter().map(|cell| cell.column.as_str()).collect();
            let from = match from.is_empty() {
                true => "the mapping".to_owned(),
                false => from.join(", "),
            };
            write!(
                out,
                "<tr{class}><th scope=\"row\">{}<small>from {}</small></th><td>{}",
                Text(&field.label),
                Text(&from),
                Text(&field.value)
            )?;
            for why in fell {
                write!(out, "<small>{}</small>", Text(&why))?;
            }
            writeln!(out, "</td></tr>")?;
        }
        for one in &card.then {
            writeln!(
                out,
                "<tr><th scope=\"row\">Then</th><td>{}</td></tr>",
                Text(&deed(one))
            )?;
        }
        for fault in &card.faults {
            writeln!(
                out,
                "<tr class=\"blamed\"><th scope=\"row\">Fault</th><td>{}</td></tr>",
                Text(&told(fault))
            )?;
        }
        let of_field = |field: &str| card.fields.iter().any(|known| known.field == field);
        for it in card.fallbacks.iter().filter(|it| !of_field(&it.field)) {
            writeln!(
                out,
                "<tr class=\"fell\"><th scope=\"row\">{}</th><td>{}</td></tr>",
                Text(&it.field),
                Text(&fell_back(it))
            )?;
        }
        writeln!(out, "</tbody>\n</table>\n</div>\n</section>")
    }

    pub(super) fn finish(mut self) -> io::Result<Draft> {
        end(&mut self.out)?;
        Ok(self.out)
    }
}
