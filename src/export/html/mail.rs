//! A report as a page that a mail can be: no script, no drawing, tables with their look in old attributes, which every
//! program that reads mail understands.

use std::io::{self, Write};

use super::write::{Text, fragment};
use super::{HEAD, Page, hash};
use crate::export::sheets::{Severity, Sheet, SheetKind, Table, Value};
use crate::report::words::plural;

const STYLE: &str = include_str!("mail.css");
/// The ground of headings and of a total.
const GROUND: &str = "#e8eef5";

/// Whether sheets are a report alone, which is mailed rather than worked with.
pub(super) fn is_for(sheets: &[Sheet]) -> bool {
    let is_report = |sheet: &Sheet| {
        SheetKind::REPORTS
            .iter()
            .any(|kind| kind.tab() == sheet.name)
    };
    sheets.first().is_some_and(is_report)
        && sheets
            .iter()
            .skip(1)
            .all(|sheet| is_report(sheet) || sheet.is_words)
}

/// Writes the page.
///
/// # Errors
/// What `out` could not write.
pub(super) fn write(page: &Page<'_>, out: &mut dyn Write) -> io::Result<()> {
    let style = STYLE.replace('\r', "");
    let title = page.sheets.first().map_or(page.title, |sheet| &sheet.title);
    write!(
        out,
        "{HEAD}{}'; base-uri 'none'; form-action 'none'\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <title>{}</title>\n<style>{style}</style>\n</head>\n<body>\n<h1>{}</h1>\n",
        hash(&style),
        Text(title),
        Text(title),
    )?;
    for line in page.about {
        writeln!(out, "<p class=\"about\">{}</p>", Text(line))?;
    }
    for (at, sheet) in page.sheets.iter().enumerate() {
        if at > 0 {
            writeln!(out, "<h2>{}</h2>", Text(&sheet.title))?;
        }
        for note in &sheet.notes {
            writeln!(out, "<p class=\"note\">{}</p>", Text(note))?;
        }
        for one in &sheet.tables {
            table(one, out)?;
        }
    }
    if let Some(tickets) = page.tickets {
        let all = plural(tickets.all, "ticket", "tickets");
        writeln!(
            out,
            "<p class=\"about\">The {all} of the period are listed by the same command with a .xlsx file.</p>"
        )?;
    }
    write!(out, "</body>\n</html>\n")
}

fn table(table: &Table, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "<h3>{}</h3>", Text(&table.title))?;
    if !table.population.is_empty() {
        writeln!(
            out,
            "<p class=\"about\">Counts {}</p>",
            Text(&table.population)
        )?;
    }
    write!(
        out,
        "<div class=\"scroll\"><table cellpadding=\"6\" cellspacing=\"0\" border=\"0\">\n<tr bgcolor=\"{GROUND}\">"
    )?;
    let is_empty = |column: usize| {
        let mut cells = table.rows.iter().map(|row| &row[column].value);
        cells.all(|value| matches!(value, Value::Empty))
    };
    // What is not known would be a number.
    let align = |column| match column > 0 && (table.is_of_numbers(column) || is_empty(column)) {
        true => "right",
        false => "left",
    };
    for (column, heading) in table.headings.iter().enumerate() {
        let align = align(column);
        write!(
            out,
            "<th align=\"{align}\" valign=\"bottom\">{}</th>",
            Text(heading)
        )?;
    }
    writeln!(out, "</tr>")?;
    for row in &table.rows {
        write!(out, "<tr>")?;
        for (column, cell) in row.iter().enumerate() {
            let align = align(column);
            match &cell.value {
                Value::Priority(name) if Severity::of(name) != Severity::Unset => {
                    let severity = Severity::of(name);
                    write!(
                        out,
                        "<td bgcolor=\"#{:06x}\"><font color=\"#{:06x}\">{}</font></td>",
                        severity.colour(),
                        severity.ink(),
                        Text(name)
                    )?;
                }
                value => {
                    write!(out, "<td align=\"{align}\" valign=\"top\">")?;
                    fragment(value, out)?;
                    write!(out, "</td>")?;
                }
            }
        }
        writeln!(out, "</tr>")?;
    }
    writeln!(out, "</table></div>")
}
