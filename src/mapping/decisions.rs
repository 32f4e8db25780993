//! What a mapping leaves open: its `# TODO`s, as `init` and the ready mappings write them.

use super::Mapping;

/// So many are named in a line.
const NAMED: usize = 6;

/// A `# TODO` of a mapping.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// The line, from 1.
    pub line: usize,
    /// The key that it is about, where the lines below name one.
    pub about: Option<String>,
    /// What is open.
    pub text: String,
}

impl Mapping {
    /// The decisions that it leaves open.
    pub fn decisions(&self) -> Vec<Decision> {
        decisions(&self.source.text)
    }
}

/// `4 decisions are open: …`, for people; `None` where nothing is open.
pub fn line(decisions: &[Decision]) -> Option<String> {
    let name = |decision: &Decision| match &decision.about {
        Some(about) => format!("{about} (line {})", decision.line),
        None => format!("line {}", decision.line),
    };
    let named: Vec<String> = decisions.iter().take(NAMED).map(name).collect();
    let more = match decisions.len().saturating_sub(NAMED) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let open = match decisions.len() {
        0 => return None,
        1 => "1 decision is open".to_owned(),
        count => format!("{count} decisions are open"),
    };
    Some(format!("{open}: {}{more}", named.join(", ")))
}

/// The `# TODO`s of a mapping's text, in order.
pub fn decisions(text: &str) -> Vec<Decision> {
    let lines: Vec<Line<'_>> = lines(text);
    let mut found: Vec<Decision> = Vec::new();
    for (at, line) in lines.iter().enumerate() {
        let Some(first) = line.comment.and_then(todo) else {
            continue;
        };
        let mut words = first.to_owned();
        let mut about = key(line.code);
        for below in &lines[at + 1..] {
            if about.is_some() {
                break;
            }
            about = match below.comment {
                Some(comment) if below.code.trim().is_empty() => {
                    let proposed = key(comment).filter(|_| comment.contains('='));
                    if proposed.is_none() && todo(comment).is_none() {
                        words = format!("{words} {}", comment.trim());
                    }
                    if proposed.is_none() && todo(comment).is_some() {
                        break;
                    }
                    proposed
                }
                _ if below.code.trim().is_empty() => break,
                _ => key(below.code),
            };
        }
        found.push(Decision {
            line: at + 1,
            about,
            text: words.trim().to_owned(),
        });
    }
    found
}

/// A line: what counts of it, and its comment without the sign.
struct Line<'t> {
    code: &'t str,
    comment: Option<&'t str>,
}

/// The lines of a TOML text; a `#` within a text begins no comment, whatever lines that text spans.
fn lines(text: &str) -> Vec<Line<'_>> {
    let mut quote: Option<&str> = None;
    let mut lines = Vec::new();
    for line in text.lines() {
        let began_inside = quote.is_some();
        let mut comment = None;
        let mut rest = line;
        while !rest.is_empty() {
            let at = line.len() - rest.len();
            rest = match quote {
                Some(end) if rest.starts_with(end) => {
                    quote = None;
                    &rest[end.len()..]
                }
                Some(end) if end.starts_with('"') && rest.starts_with('\\') => {
                    let mut signs = rest.chars();
                    signs.nth(1);
                    signs.as_str()
                }
                None if rest.starts_with('#') => {
                    comment = Some(at);
                    ""
                }
                None => {
                    let quotes = ["\"\"\"", "'''", "\"", "'"];
                    let begins = quotes.into_iter().find(|sign| rest.starts_with(*sign));
                    quote = begins;
                    match begins {
                        Some(sign) => &rest[sign.len()..],
                        None => after_first(rest),
                    }
                }
                Some(_) => after_first(rest),
            };
        }
        // A text of one line ends with it, whatever is wrong.
        quote = quote.filter(|sign| sign.len() == 3);
        let code = comment.map_or(line, |at| &line[..at]);
        lines.push(Line {
            code: if began_inside { "" } else { code },
            comment: comment.map(|at| &line[at + 1..]),
        });
    }
    lines
}

fn after_first(text: &str) -> &str {
    let mut signs = text.chars();
    signs.next();
    signs.as_str()
}

/// What a comment leaves open.
fn todo(comment: &str) -> Option<&str> {
    let rest = comment.trim_start_matches('#').trim_start();
    let rest = rest.strip_prefix("TODO")?;
    let is_word = rest.starts_with(|sign: char| sign.is_alphanumeric() || sign == '_');
    (!is_word).then(|| rest.trim_start_matches(':').trim())
}

/// The key that a line sets, or the table that it begins.
fn key(code: &str) -> Option<String> {
    let code = code.trim();
    if let Some(table) = code.strip_prefix('[') {
        let name = table.trim_matches(['[', ']']).trim();
        return (!name.is_empty() && code.ends_with(']')).then(|| format!("`{code}`"));
    }
    let (name, value) = code.split_once('=')?;
    let name = name.trim();
    let is_bare = |sign: char| sign.is_ascii_alphanumeric() || matches!(sign, '_' | '-' | '.');
    let is_quoted = name.len() > 2 && name.starts_with('"') && name.ends_with('"');
    let is_value = value.trim_start().starts_with(|sign: char| {
        matches!(sign, '"' | '\'' | '{' | '[')
            || sign.is_ascii_digit()
            || sign == 't'
            || sign == 'f'
    });
    let is_key = is_quoted || (!name.is_empty() && name.chars().all(is_bare));
    (is_key && is_value).then(|| format!("`{}`", name.trim_matches('"')))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_todo_is_counted_with_the_key_that_it_is_about() {
        let text = r##"version = 2
# TODO which column
# is the number?
# key = ["a column"]
notify = false

[fields]
# Why it is so.
# TODO is `Other` right?
IssueId = { value = "Other" }
Subject = { from = "Title" } # TODO: cut it?
IssueDescription = { template = """
# TODO not this
""" }
# TODOS are none, and neither is "# TODO" in a text:
Tags = { value = "# TODO" }
# TODO
[[then]]
operation = "close"
"##;
        let found = decisions(text);
        let about: Vec<_> = found
            .iter()
            .map(|one| {
                (
                    one.line,
                    one.about.as_deref().unwrap_or("-"),
                    one.text.as_str(),
                )
            })
            .collect();
        assert_eq!(
            about,
            [
                (2, "`key`", "which column is the number?"),
                (9, "`IssueId`", "is `Other` right?"),
                (11, "`Subject`", "cut it?"),
                (17, "`[[then]]`", ""),
            ]
        );
        assert_eq!(
            line(&found).as_deref(),
            Some(
                "4 decisions are open: `key` (line 2), `IssueId` (line 9), `Subject` (line 11), `[[then]]` (line 17)"
            )
        );
        assert_eq!(line(&[]), None);
    }
}
