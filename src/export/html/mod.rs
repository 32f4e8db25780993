//! Analysis sheets and tickets as one page that needs nothing else: no request leaves it, its style, script and drawings
//! stand in it, and its policy lets nothing else run.
//!
//! Every text that came from somewhere is escaped; an address is a link only if it is one of the web. The page works
//! without its script, which lets the table of tickets be sorted and searched. It has a light and a dark look by the
//! reader's setting, and one for paper.

mod draw;
mod mail;
mod sign;
mod write;

#[cfg(test)]
mod tests;

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::Path;

use data_encoding::BASE64;
use ring::digest::{SHA256, digest};

use crate::export::sheets::{Sheet, Table, Value};
use crate::report::words::{count, plural};
pub use sign::Signature;
pub(crate) use write::Text;
use write::{anchor, cell, fragment};

/// The page lists so many tickets at most: beyond that browsers become slow.
pub const MOST_ROWS: usize = 2_000;

/// How every page begins, by which it is known as ours.
const HEAD: &str = "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
    <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src '";

const STYLE: &str = include_str!("page.css");
const SCRIPT: &str = include_str!("page.js");

/// What a page shows.
#[derive(Debug)]
pub struct Page<'a> {
    /// What it is about.
    pub title: &'a str,
    /// Where the tickets are from, when they were read, what was asked for: a line each.
    pub about: &'a [String],
    /// The analyses.
    pub sheets: &'a [Sheet],
    /// The tickets themselves.
    pub tickets: Option<&'a Listing>,
    /// What was said on them.
    pub comments: Option<&'a Listing>,
    /// Where somebody signs it.
    pub signature: Option<&'a Signature>,
}

/// Tickets or comments, as far as a page lists them.
#[derive(Debug, Default)]
pub struct Listing {
    /// The headings.
    pub headings: Vec<String>,
    /// The first of them, up to [`MOST_ROWS`]; each row as long as the headings.
    pub rows: Vec<Vec<Value>>,
    /// How many there are in all.
    pub all: u64,
}

impl Listing {
    /// Whether one more is listed.
    pub fn has_room(&self) -> bool {
        self.rows.len() < MOST_ROWS
    }
}

/// Writes the page.
///
/// # Errors
/// What `out` could not write.
pub fn write(page: &Page<'_>, out: &mut dyn Write) -> io::Result<()> {
    if mail::is_for(page.sheets) {
        return mail::write(page, out);
    }
    let title = Text(page.title);
    // Browsers see line ends as one character, whatever the file has.
    let [mut style, script] = [STYLE, SCRIPT].map(|text| text.replace('\r', ""));
    if page.signature.is_some() {
        style.push_str(&sign::STYLE.replace('\r', ""));
    }
    let (style_hash, script_hash) = (hash(&style), hash(&script));
    write!(
        out,
        "{HEAD}{style_hash}'; \
         script-src '{script_hash}'; base-uri 'none'; form-action 'none'\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n<meta name=\"referrer\" content=\"no-referrer\">\n\
         <title>{title}</title>\n<style>{style}</style>\n</head>\n<body>\n\
         <header>\n<h1>{title}</h1>\n"
    )?;
    for line in page.about {
        writeln!(out, "<p>{}</p>", Text(line))?;
    }
    write!(out, "</header>\n<nav aria-label=\"Contents\">\n<ul>\n")?;
    let names = page.sheets.iter().map(|sheet| sheet.name);
    let listings = [
        (page.tickets, "Tickets", ("ticket", "tickets")),
        (page.comments, "Comments", ("comment", "comments")),
    ];
    let listed = listings
        .iter()
        .filter_map(|(listing, name, _)| listing.map(|_| *name));
    let signed = page.signature.map(|_| sign::NAME);
    for name in names.chain(listed).chain(signed) {
        writeln!(
            out,
            "<li><a href=\"#{}\">{}</a></li>",
            anchor(name),
            Text(name)
        )?;
    }
    write!(out, "</ul>\n</nav>\n<main>\n")?;
    for sheet in page.sheets {
        section(sheet, out)?;
    }
    for (listed, name, words) in listings {
        if let Some(listed) = listed {
            listing(listed, name, words, out)?;
        }
    }
    if let Some(signature) = page.signature {
        sign::write(signature, out)?;
    }
    write!(
        out,
        "</main>\n<script>{script}</script>\n</body>\n</html>\n"
    )
}

/// Begins a page without a script; `further` goes behind the style of all pages.
///
/// # Errors
/// What `out` could not write.
pub(crate) fn begin(
    title: &str,
    about: &[String],
    further: &str,
    out: &mut dyn Write,
) -> io::Result<()> {
    let style = format!("{STYLE}{further}").replace('\r', "");
    let title = Text(title);
    write!(
        out,
        "{HEAD}{}'; base-uri 'none'; form-action 'none'\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n<meta name=\"referrer\" content=\"no-referrer\">\n\
         <title>{title}</title>\n<style>{style}</style>\n</head>\n<body>\n<header>\n<h1>{title}</h1>\n",
        hash(&style)
    )?;
    for line in about {
        writeln!(out, "<p>{}</p>", Text(line))?;
    }
    write!(out, "</header>\n<main>\n")
}

/// Ends such a page.
///
/// # Errors
/// The same.
pub(crate) fn end(out: &mut dyn Write) -> io::Result<()> {
    write!(out, "</main>\n</body>\n</html>\n")
}

/// Whether a file begins as a page of ours does.
pub(crate) fn is_ours(path: &Path) -> bool {
    let mut head = Vec::new();
    let file = File::open(path);
    let read = file.and_then(|file| file.take(HEAD.len() as u64).read_to_end(&mut head));
    read.is_ok() && head == HEAD.as_bytes()
}

/// How a policy names a text that it allows.
fn hash(text: &str) -> String {
    let hash = digest(&SHA256, text.as_bytes());
    format!("sha256-{}", BASE64.encode(hash.as_ref()))
}

fn section(sheet: &Sheet, out: &mut dyn Write) -> io::Result<()> {
    let id = anchor(sheet.name);
    write!(
        out,
        "<section id=\"{id}\">\n<h2>{}</h2>\n<p class=\"counted\">{}</p>\n",
        Text(&sheet.title),
        Text(&sheet.counted),
    )?;
    for note in &sheet.notes {
        writeln!(out, "<p class=\"note\">{}</p>", Text(note))?;
    }
    for (index, table) in sheet.tables.iter().enumerate() {
        let part = format!("{id}-{index}");
        match table.is_figures {
            true => figures(table, out)?,
            false => block(table, &part, out)?,
        }
    }
    writeln!(out, "</section>")
}

/// Key figures as cards.
fn figures(table: &Table, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "<dl class=\"figures\">")?;
    for row in &table.rows {
        let name = row[0].value.shown();
        write!(out, "<div><dt>{}", Text(&name))?;
        if let Some(population) = row.get(2) {
            write!(out, "<small>{}</small>", Text(&population.value.shown()))?;
        }
        write!(out, "</dt><dd>")?;
        fragment(&row[1].value, out)?;
        writeln!(out, "</dd></div>")?;
    }
    writeln!(out, "</dl>")
}

/// A table with its charts beside it.
fn block(table: &Table, id: &str, out: &mut dyn Write) -> io::Result<()> {
    let is_wide = if table.charts.is_empty() { " wide" } else { "" };
    write!(
        out,
        "<h3 id=\"{id}\">{}</h3>\n{}<div class=\"block{is_wide}\">\n\
         <div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-labelledby=\"{id}\">\n<table>\n<thead><tr>",
        Text(&table.title),
        population(table),
    )?;
    for (column, heading) in table.headings.iter().enumerate() {
        let class = if table.is_of_numbers(column) {
            " class=\"n\""
        } else {
            ""
        };
        write!(out, "<th scope=\"col\"{class}>{}</th>", Text(heading))?;
    }
    writeln!(out, "</tr></thead>\n<tbody>")?;
    for (index, row) in table.rows.iter().enumerate() {
        let is_total = table.has_total && index + 1 == table.rows.len();
        let class = if is_total { " class=\"total\"" } else { "" };
        write!(out, "<tr{class}>")?;
        for (column, one) in row.iter().enumerate() {
            let is_number = column > 0 && table.is_of_numbers(column);
            cell(&one.value, column == 0, is_number, out)?;
        }
        writeln!(out, "</tr>")?;
    }
    writeln!(out, "</tbody>\n</table>\n</div>")?;
    if !table.charts.is_empty() {
        writeln!(out, "<div class=\"charts\">")?;
        for (index, chart) in table.charts.iter().enumerate() {
            draw::chart(table, chart, &format!("{id}-{index}"), out)?;
        }
        writeln!(out, "</div>")?;
    }
    writeln!(out, "</div>")
}

/// The line that says which tickets a table counts.
fn population(table: &Table) -> String {
    match table.population.as_str() {
        "" => String::new(),
        population => format!("<p class=\"of\">Counts {}</p>\n", Text(population)),
    }
}

fn listing(
    listing: &Listing,
    name: &str,
    (one, many): (&str, &str),
    out: &mut dyn Write,
) -> io::Result<()> {
    let shown = listing.rows.len() as u64;
    let all = plural(listing.all, one, many);
    let told = match listing.all > shown {
        true => format!(
            "The first {} of {all}: the others are in a workbook or a CSV of the same export.",
            count(shown),
        ),
        false => all,
    };
    let id = anchor(name);
    write!(
        out,
        "<section id=\"{id}\">\n<h2>{name}</h2>\n<p class=\"counted\">{}</p>\n\
         <div class=\"scroll tall\" tabindex=\"0\" role=\"region\" aria-label=\"{name}\">\n\
         <table data-listing=\"{many}\">\n<thead><tr>",
        Text(&told),
    )?;
    for heading in &listing.headings {
        write!(out, "<th scope=\"col\">{}</th>", Text(heading))?;
    }
    writeln!(out, "</tr></thead>\n<tbody>")?;
    for row in &listing.rows {
        write!(out, "<tr>")?;
        for value in row {
            cell(value, false, false, out)?;
        }
        writeln!(out, "</tr>")?;
    }
    write!(out, "</tbody>\n</table>\n</div>\n</section>\n")
}
