//! What is said of the source before anything is sent.

use super::super::open::Open;
use super::super::output::Output;
use crate::export::reading::Read;
use crate::migrate::spool::Counts;
use crate::report::words;

/// How many tickets are named that a record cannot hold.
const NAMED: usize = 5;

/// Says that nothing is sent, since the source may hold more than it showed.
pub(super) fn not_whole(read: &Read, output: Output) {
    let mut text =
        "warning: the source may hold more tickets than it listed: nothing was sent\n".to_owned();
    for doubt in &read.doubts {
        text.push_str(&format!("  {doubt}\n"));
    }
    text.push_str(
        "  hint: run the same command again when fewer people are working there; --refresh reads it anew\n",
    );
    output.complain(&text);
}

/// Says what was read, and what the source does not show.
pub(super) fn read(read: &Read, counts: &Counts, (from, open): (&str, &Open), output: Output) {
    let system = open.system().schema().system();
    output.say(&format!("  source     {system} ({from})"));
    output.say(&format!(
        "  read       {} on {}",
        words::plural(read.came, "ticket", "tickets"),
        words::plural(read.pages, "page", "pages"),
    ));
    for line in lines(counts) {
        output.say(&line);
    }
    for note in &read.notes {
        output.say(&format!("  note       {note}"));
    }
}

fn lines(counts: &Counts) -> Vec<String> {
    let mut chosen = vec![format!(
        "{} ({} closed)",
        words::plural(counts.tickets, "ticket", "tickets"),
        words::count(counts.closed)
    )];
    if counts.comments > 0 {
        chosen.push(format!(
            "{} ({} internal)",
            words::plural(counts.comments, "comment", "comments"),
            words::count(counts.internal)
        ));
    }
    if counts.files > 0 {
        chosen.push(words::plural(counts.files, "file", "files"));
    }
    let mut lines = vec![format!("  chosen     {}", chosen.join(", "))];
    if counts.deleted > 0 {
        lines.push(format!(
            "  note       {} left out, deleted in the source",
            words::plural(counts.deleted, "ticket", "tickets")
        ));
    }
    if !counts.too_large.is_empty() {
        let all = counts.too_large.len() as u64;
        let named: Vec<String> = counts.too_large.iter().take(NAMED).cloned().collect();
        lines.push(format!(
            "  warning    {} with more than 8 MB of text left out: {}",
            words::plural(all, "ticket", "tickets"),
            words::list(&named, all)
        ));
    }
    lines.extend(counts.partial().map(|(field, why, count)| {
        format!(
            "  warning    `{field}` of {} may not be whole: {why}",
            words::plural(count, "ticket", "tickets")
        )
    }));
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_out_is_said_with_its_count() {
        let counts = Counts {
            tickets: 60,
            closed: 41,
            comments: 118,
            internal: 40,
            deleted: 1,
            too_large: vec!["10007".to_owned()],
            not_shown: [(
                ("comments".to_owned(), "fewer than it counts".to_owned()),
                2,
            )]
            .into(),
            ..Counts::default()
        };
        assert_eq!(
            lines(&counts),
            [
                "  chosen     60 tickets (41 closed), 118 comments (40 internal)",
                "  note       1 ticket left out, deleted in the source",
                "  warning    1 ticket with more than 8 MB of text left out: 10007",
                "  warning    `comments` of 2 tickets may not be whole: fewer than it counts",
            ]
        );
    }
}
