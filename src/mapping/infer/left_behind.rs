//! What a mapping leaves behind: comments, resolutions, links to other tickets, attachments, and columns of any other kind
//! that hold data and that nothing reads, each with its count of rows.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;

use super::reads::Reads;
use super::words::heading;
use super::{Seen, content, draft};
use crate::mapping::Draft;
use crate::record::Cell;

/// So many other columns are named.
const NAMED: usize = 10;

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum What {
    /// What people said about the ticket.
    Comments,
    /// How it was solved.
    Resolution,
    /// Other tickets that it has to do with.
    Links,
    /// Names or addresses of attached files.
    Attachments,
    /// Anything else.
    Other,
}

impl What {
    /// The word for programs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Comments => "comments",
            Self::Resolution => "resolution",
            Self::Links => "links",
            Self::Attachments => "attachments",
            Self::Other => "other",
        }
    }
}

impl fmt::Display for What {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Comments => "comments",
            Self::Resolution => "how tickets were solved",
            Self::Links => "links to other tickets",
            Self::Attachments => "attached files",
            Self::Other => "other columns",
        })
    }
}

/// A column that stays behind; columns of one heading are one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Left {
    /// What it holds.
    pub what: What,
    /// Its heading.
    pub column: String,
    /// The rows in which it is filled, of those that were looked at.
    pub rows: usize,
}

/// What a mapping leaves behind of an input, kind by kind, what is filled most first. Nothing where the text is no mapping.
pub fn left_behind(text: &str, seen: &Seen<'_>) -> Vec<Left> {
    let draft = Draft::read(String::new(), text.to_owned(), Path::new(""));
    let Some(mapping) = draft.mapping() else {
        return Vec::new();
    };
    let reads = Reads::of(mapping);
    let read: Vec<_> = seen
        .tables
        .iter()
        .map(|table| reads.positions(table))
        .collect();
    let mut found: BTreeMap<String, Found> = BTreeMap::new();
    for record in seen.records {
        let (Some(table), Some(read)) = (seen.tables.get(record.table), read.get(record.table))
        else {
            continue;
        };
        let mut of_row: Vec<&str> = Vec::new();
        for (at, name) in table.header.names().iter().enumerate() {
            let cell = record.cell(at);
            if read.contains(&at) || cell.is_empty() {
                continue;
            }
            let base = base(name);
            let one = found.entry(base.to_owned()).or_default();
            one.words |= has_words(cell);
            if !of_row.contains(&base) {
                of_row.push(base);
                one.rows += 1;
            }
        }
    }
    let found = found.into_iter().map(|(column, found)| Left {
        what: what(&column, found.words),
        column,
        rows: found.rows,
    });
    let mut left: Vec<Left> = found.collect();
    left.sort_by(|a, b| (a.what, b.rows, &a.column).cmp(&(b.what, a.rows, &b.column)));
    left
}

#[derive(Debug, Default)]
struct Found {
    rows: usize,
    words: bool,
}

/// The lines for people: one a kind.
pub fn lines(left: &[Left]) -> Vec<String> {
    let mut lines = Vec::new();
    for what in [
        What::Comments,
        What::Resolution,
        What::Links,
        What::Attachments,
        What::Other,
    ] {
        let of_kind: Vec<&Left> = left.iter().filter(|left| left.what == what).collect();
        if of_kind.is_empty() {
            continue;
        }
        let one = |left: &&Left| match left.rows {
            1 => format!("`{}` in 1 row", left.column),
            rows => format!("`{}` in {rows} rows", left.column),
        };
        let named: Vec<String> = of_kind.iter().take(NAMED).map(one).collect();
        let more = match of_kind.len().saturating_sub(NAMED) {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        lines.push(format!("{what}: {}{more}", named.join(", ")));
    }
    lines
}

/// The same as comments at the end of the mapping.
pub fn as_comments(left: &[Left]) -> String {
    let mut text = String::new();
    for (number, line) in lines(left).iter().enumerate() {
        if number == 0 {
            draft::comment(
                &mut text,
                "# ",
                "Left behind, for nothing above reads these columns:",
            );
        }
        draft::comment(&mut text, "# - ", line);
    }
    text
}

/// `Comment[12]` as `Comment`.
pub(super) fn base(name: &str) -> &str {
    let Some((base, number)) = name
        .strip_suffix(']')
        .and_then(|name| name.rsplit_once('['))
    else {
        return name;
    };
    match !base.is_empty() && number.bytes().all(|sign| sign.is_ascii_digit()) {
        true => base,
        false => name,
    }
}

/// Whether a cell says something in words: counts and times of comments are no comments.
fn has_words(cell: &Cell) -> bool {
    match cell {
        Cell::Text(text) => {
            text.chars().filter(|sign| sign.is_alphabetic()).count() > 2 && !content::is_dated(text)
        }
        Cell::Json(_) => true,
        _ => false,
    }
}

/// What a column holds, by its heading and whether its cells say something.
fn what(name: &str, words: bool) -> What {
    let heading = heading(name);
    let has = |all: &[&str]| {
        let padded = format!(" {heading} ");
        all.iter().any(|word| padded.contains(&format!(" {word} ")))
    };
    if has(&[
        "attachment",
        "attachments",
        "attached",
        "anexo",
        "anexos",
        "pièces jointes",
        "anhang",
        "files",
    ]) {
        return What::Attachments;
    }
    if has(&[
        "parent",
        "issue link",
        "linked",
        "links",
        "related",
        "duplicate of",
        "sub tasks",
        "subtasks",
        "sub tickets",
        "merged",
        "merged into",
        "child",
        "children",
        "epic link",
        "blocks",
        "problem id",
    ]) {
        return What::Links;
    }
    if words
        && has(&[
            "resolution",
            "solution",
            "close notes",
            "close code",
            "closing notes",
            "closing comment",
            "closing comments",
            "closure",
            "resolution notes",
            "root cause",
            "how solved",
            "solução",
            "solución",
            "lösung",
            "fix",
            "workaround",
        ])
    {
        return What::Resolution;
    }
    if words
        && has(&[
            "comment",
            "comments",
            "note",
            "notes",
            "journal",
            "conversation",
            "conversations",
            "reply",
            "replies",
            "thread",
            "follow up",
            "follow ups",
            "followup",
            "followups",
            "acompanhamentos",
            "suivis",
            "kommentar",
            "kommentare",
            "commentaire",
            "commentaires",
            "comentario",
            "comentários",
            "log work",
            "work log",
            "activity",
            "activities",
            "messages",
        ])
    {
        return What::Comments;
    }
    What::Other
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_what_their_headings_and_cells_say() {
        for (name, words, wanted) in [
            ("Attachment", true, What::Attachments),
            ("Inward issue link (Blocks)", true, What::Links),
            ("Parent", false, What::Links),
            ("Resolution", true, What::Resolution),
            ("Close notes", true, What::Resolution),
            ("Resolution code", true, What::Resolution),
            ("Custom field (Root cause)", true, What::Resolution),
            ("Solution - Solution", true, What::Resolution),
            // A span of time, and a count.
            ("Resolution time", false, What::Other),
            ("Replies", false, What::Other),
            ("Additional comments", true, What::Comments),
            ("comments", true, What::Comments),
            ("Organization", true, What::Other),
        ] {
            assert_eq!(what(name, words), wanted, "{name}");
        }
        assert_eq!(base("Comment[12]"), "Comment");
        assert_eq!(base("Status [list]"), "Status [list]");
    }
}
