//! The page that a client reads and signs.

use std::io::{self, Write};

use super::{Account, Choice, Confidence, Dimension, Finding, Report, Search};
use crate::export::html::{self, Page, Signature};
use crate::export::sheets::{Cell, Sheet, Table, Value};
use crate::mapping::Fate;
use crate::report::words::{count, plural};

/// How many differences the page lists; the CSV has all.
const MOST_LISTED: usize = 1_000;
/// How many values of a dimension the page lists, the largest first.
const MOST_VALUES: usize = 50;

/// Writes the page.
///
/// # Errors
/// What `out` could not write.
pub fn write(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    let about = &report.about;
    let day = |at: jiff::Timestamp| at.strftime("%-d %b %Y, %H:%M UTC").to_string();
    let ended = match about.ended {
        Some(ended) => format!(" to {}", day(ended)),
        None => String::new(),
    };
    let user = match &about.user {
        Some(user) => format!(", as {user}"),
        None => String::new(),
    };
    let lines = [
        format!("{}, tenant {}{user}", about.system, about.tenant),
        format!(
            "From {} by the mapping {}, scope {}",
            about.inputs.join(", "),
            about.mapping,
            about.scope
        ),
        format!("Imported {}{ended}", day(about.started)),
        format!(
            "Read back {} by deskferry {}",
            day(about.verified),
            about.program
        ),
    ];
    let mut sheets = vec![result(report)];
    sheets.push(differences(report));
    if !report.counts.is_empty() {
        sheets.push(counts(report));
    }
    sheets.push(columns(report));
    sheets.push(digests(report));
    let signature = signature(report);
    let page = Page {
        title: &format!("Verification of run {}", about.run),
        about: &lines,
        sheets: &sheets,
        tickets: None,
        comments: None,
        signature: Some(&signature),
    };
    html::write(&page, out)
}

/// What the whole comes to, in a sentence.
pub(super) fn verdict(report: &Report) -> String {
    let mut parts = Vec::new();
    let open = report.tally.open;
    if open > 0 {
        parts.push(format!(
            "{} open",
            plural(open, "difference is", "differences are")
        ));
    }
    let lost = report.lost();
    if lost > 0 {
        parts.push(format!(
            "{} in no ticket",
            plural(lost, "column with data is", "columns with data are")
        ));
    }
    if let Search::Partial(why) = &report.search {
        parts.push(format!("second tickets are not ruled out: {why}"));
    }
    match parts.is_empty() {
        true => "Nothing is open.".to_owned(),
        false => format!("{}.", parts.join("; ")),
    }
}

/// What a sample says, in a sentence.
pub(super) fn speaks(confidence: &Confidence) -> String {
    format!(
        "{} of {} differ: with {:.0} % confidence fewer than {} of all {} do.",
        count(confidence.differing),
        plural(confidence.size, "ticket", "tickets"),
        confidence.confidence * 100.0,
        percent(confidence.below),
        count(confidence.of),
    )
}

fn percent(part: f64) -> String {
    let percent = part * 100.0;
    // Rounded up: the sentence says fewer than this.
    let (digits, unit) = match percent {
        percent if percent >= 10.0 => (0, 1.0),
        percent if percent >= 1.0 => (1, 10.0),
        percent if percent > 0.99 => (0, 1.0),
        _ => (2, 100.0),
    };
    format!("{:.digits$} %", (percent * unit).ceil() / unit)
}

fn sheet(name: &'static str, title: impl Into<String>, counted: impl Into<String>) -> Sheet {
    Sheet {
        name,
        title: title.into(),
        counted: counted.into(),
        notes: Vec::new(),
        tables: Vec::new(),
        is_words: false,
    }
}

fn table<const N: usize>(title: &str, headings: [&str; N], rows: Vec<[Value; N]>) -> Table {
    let cells = |row: [Value; N]| row.into_iter().map(Cell::from).collect();
    Table {
        title: title.to_owned(),
        population: String::new(),
        headings: headings.map(str::to_owned).to_vec(),
        rows: rows.into_iter().map(cells).collect(),
        is_figures: false,
        has_total: false,
        charts: Vec::new(),
    }
}

fn text(text: impl Into<String>) -> Value {
    let text = text.into();
    match text.is_empty() {
        true => Value::Empty,
        false => Value::Text(text),
    }
}

fn number(number: u64) -> Value {
    Value::Count(i64::try_from(number).unwrap_or(i64::MAX))
}

fn result(report: &Report) -> Sheet {
    let tally = &report.tally;
    let counted = match report.choice {
        Choice::Full => "All tickets of the run were read back and compared.".to_owned(),
        Choice::Sample { size, seed } => format!(
            "A sample of {} was read back and compared, chosen by the seed {seed}.",
            plural(size, "ticket", "tickets")
        ),
    };
    let mut sheet = sheet("Result", verdict(report), counted);
    sheet.notes.extend(report.confidence.as_ref().map(speaks));
    sheet.notes.push(match &report.search {
        Search::Whole(listed) => format!(
            "Second tickets of a row were looked for among {} made since the run began.",
            plural(*listed, "ticket", "tickets")
        ),
        Search::Partial(why) => format!("The search for second tickets is not complete: {why}."),
        Search::NotDone(why) => format!("Second tickets were not looked for: {why}."),
    });
    sheet.notes.extend(report.notes.iter().cloned());
    let row = |name: &str, value: u64, of: &str| [text(name), number(value), text(of)];
    let mut rows = vec![
        row("Records of the input", tally.records, ""),
        row("With a ticket", tally.with_ticket, "by the ledger"),
        row("Compared", tally.compared, "read back"),
        row("Equal", tally.equal, "tickets"),
        row("With an open difference", tally.differing, "tickets"),
        row("Comments compared", tally.comments, ""),
    ];
    if tally.explained > 0 {
        rows.push(row("Explained only", tally.explained, "tickets"));
    }
    if tally.without_ticket > 0 {
        rows.push(row(
            "Without a ticket",
            tally.without_ticket,
            "see Differences",
        ));
    }
    if tally.left_out > 0 {
        rows.push(row(
            "Rows left out",
            tally.left_out,
            "by `where` or `--rows`",
        ));
    }
    let figures = table("", ["Figure", "Value", "Of"], rows);
    sheet.tables.push(Table {
        is_figures: true,
        ..figures
    });
    let sums: Vec<[Value; 3]> = report
        .sums()
        .into_iter()
        .map(|(verdict, (open, explained))| {
            [text(verdict.as_str()), number(open), number(explained)]
        })
        .collect();
    if !sums.is_empty() {
        let headings = ["Difference", "Open", "Explained"];
        sheet
            .tables
            .push(table("Differences by kind", headings, sums));
    }
    if !report.not_compared.is_empty() {
        let rows = report.not_compared.iter();
        let rows = rows.map(|it| [text(&it.field), text(&it.why), number(it.tickets)]);
        let headings = ["Field", "Why", "Tickets"];
        sheet.tables.push(table(
            "Not compared: the system does not show it",
            headings,
            rows.collect(),
        ));
    }
    sheet
}

fn differences(report: &Report) -> Sheet {
    let all = report.findings.len();
    let counted = match all {
        0 => "There is none.".to_owned(),
        all if all > MOST_LISTED => format!(
            "The first {} of {}, the open ones first; verify.csv has all.",
            count(MOST_LISTED as u64),
            count(all as u64)
        ),
        all => format!(
            "{}, the open ones first.",
            plural(all as u64, "difference", "differences")
        ),
    };
    let mut sheet = sheet("Differences", "Differences", counted);
    let mut findings: Vec<&Finding> = report.findings.iter().collect();
    findings.sort_by_key(|finding| !finding.difference.is_open());
    let row = |finding: &&Finding| {
        let difference = &finding.difference;
        let open = match &difference.explained {
            None => "open".to_owned(),
            Some(why) => format!("explained: {why}"),
        };
        let shown = |it: &Option<String>| text(it.clone().unwrap_or_default());
        let (row, key) = (
            finding
                .place
                .as_ref()
                .map_or(Value::Empty, |it| number(it.row)),
            finding.key.as_ref().map_or("", |key| key.as_str()),
        );
        [
            row,
            text(key),
            ticket(finding),
            text(difference.verdict.as_str()),
            text(&difference.what),
            shown(&difference.expected),
            shown(&difference.found),
            shown(&difference.note),
            text(open),
        ]
    };
    let rows: Vec<[Value; 9]> = findings.iter().take(MOST_LISTED).map(row).collect();
    if !rows.is_empty() {
        let headings = [
            "Row", "Key", "Ticket", "Result", "What", "Expected", "Found", "Note", "State",
        ];
        sheet.tables.push(table("Tickets", headings, rows));
    }
    sheet
}

fn ticket(finding: &Finding) -> Value {
    let Some(ticket) = &finding.ticket else {
        return Value::Empty;
    };
    let name = ticket.number.as_ref().unwrap_or(&ticket.id).clone();
    match &ticket.url {
        Some(url) => Value::Link {
            text: name,
            url: url.clone(),
        },
        None => Value::Text(name),
    }
}

fn counts(report: &Report) -> Sheet {
    let counted =
        "Of the tickets that were compared: what the source says, and what the system shows.";
    let mut sheet = sheet("Counts", "Counts on both sides", counted);
    for by in Dimension::ALL {
        let mut of: Vec<_> = report
            .counts
            .iter()
            .filter(|count| count.by == by)
            .collect();
        if of.is_empty() {
            continue;
        }
        let title = format!("By {}", by.as_str());
        if by != Dimension::Month {
            of.sort_by_key(|count| std::cmp::Reverse(count.source.max(count.target)));
        }
        let all = of.len();
        let rows = of.iter().take(MOST_VALUES).map(|count| {
            let less = i64::try_from(count.target).unwrap_or(i64::MAX)
                - i64::try_from(count.source).unwrap_or(i64::MAX);
            [
                text(&count.value),
                number(count.source),
                number(count.target),
                Value::Change(Box::new(Value::Count(less))),
            ]
        });
        let heading = by.as_str();
        let headings = [heading, "Source", "System", "Difference"];
        let mut table = table(&title, headings, rows.collect());
        if all > MOST_VALUES {
            table.population = format!("the {MOST_VALUES} largest of {all}");
        }
        sheet.tables.push(table);
    }
    sheet
}

fn columns(report: &Report) -> Sheet {
    let counted = match report.lost() {
        0 => "Every column with data is in the tickets, or was left behind on purpose.".to_owned(),
        lost => format!(
            "{} with data {} in no ticket: map them, or name them in `drop`.",
            plural(lost, "column", "columns"),
            if lost == 1 { "is" } else { "are" }
        ),
    };
    let mut sheet = sheet("Columns", "What became of each column", counted);
    let mut accounts: Vec<&Account> = report.accounts.iter().collect();
    // What is lost comes first, empty columns last.
    accounts.sort_by_key(|account| (account.filled == 0, std::cmp::Reverse(account.fate)));
    let rows = accounts.iter().map(|account| {
        let fate = match (account.fate, account.filled) {
            (Fate::Lost, 0) => "empty",
            (fate, _) => fate.as_str(),
        };
        [
            text(&account.field),
            text(fate),
            text(account.into.join(", ")),
            number(account.filled),
        ]
    });
    let headings = ["Column", "Became", "Read by", "Rows with a value"];
    sheet
        .tables
        .push(table("Columns of the input", headings, rows.collect()));
    sheet
}

fn digests(report: &Report) -> Sheet {
    let digests = &report.digests;
    let counted =
        "By these a later reader sees whether the same things are looked at again (BLAKE3).";
    let mut sheet = sheet("Digests", "Digests", counted);
    let row = |of: &str, now: &str, run: Option<&String>| {
        let same = match run {
            None => "not known",
            Some(run) if run == now => "the same",
            Some(_) => "another",
        };
        [text(of), text(now), text(same)]
    };
    let mut rows = vec![[
        text(format!(
            "The ledger's rows of this run ({})",
            plural(digests.steps, "step", "steps")
        )),
        text(&digests.ledger),
        Value::Empty,
    ]];
    let inputs = digests.inputs.iter();
    let others = [&digests.mapping, &digests.directory];
    rows.extend(
        inputs
            .chain(others)
            .map(|two| row(&two.of, &two.now, two.run.as_ref())),
    );
    let headings = ["Of", "Digest", "When the run read it"];
    sheet
        .tables
        .push(table("What was looked at", headings, rows));
    sheet
}

fn signature(report: &Report) -> Signature {
    let tally = &report.tally;
    let mut statements = vec![format!(
        "Run {} of {}: {} of the input, {} with a ticket, {} compared with what the input and the mapping say. {}",
        report.about.run,
        report.about.system,
        plural(tally.records, "record", "records"),
        count(tally.with_ticket),
        count(tally.compared),
        verdict(report)
    )];
    statements.extend(report.confidence.as_ref().map(speaks));
    statements.push("I have read this report and accept the differences that it lists.".to_owned());
    Signature {
        statements,
        lines: vec!["Name", "Organization", "Place and date", "Signature"],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sample_speaks_in_one_sentence() {
        assert_eq!(
            speaks(&Confidence::of(299, 20_000, 0)),
            "0 of 299 tickets differ: with 95 % confidence fewer than 1 % of all 20,000 do."
        );
        assert_eq!(
            speaks(&Confidence::of(4_603, 400_000, 2)),
            "2 of 4,603 tickets differ: with 95 % confidence fewer than 0.14 % of all 400,000 do."
        );
    }
}
