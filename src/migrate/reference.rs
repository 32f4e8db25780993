//! References between tickets: `#10003`, `CF-352` and links in what was said become the numbers and links of the tickets
//! that were made of them.
//!
//! Only whole tokens count, in a form that the source uses itself. A number alone (`10003`) may be anything and stays.
//!
//! What was sent must never change: a comment in doubt is looked for by its text. So each attempt keeps the references that
//! it knew in a file, before it sends anything that names one, and a comment is looked for as the attempt wrote it that
//! sent it.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::sync::LazyLock;

use regex::Regex;
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::ledger::private_folder;
use crate::systems::Ticket;

/// What may name a ticket: a link, a number with letters, or a number behind `#`.
static TOKEN: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r##"https?://[^\s<>"'()\[\]]+|#?[A-Za-z]{2,10}[-_][0-9]+|#[0-9]+"##)
        .expect("a constant expression")
});

/// The tokens of a text that may name a ticket, each as the source calls it: links without a sign at their end, numbers
/// without `#`.
fn tokens(text: &str) -> impl Iterator<Item = (std::ops::Range<usize>, &str)> {
    TOKEN.find_iter(text).filter_map(|found| {
        let token = found
            .as_str()
            .trim_end_matches(['.', ',', ';', ':', '!', '?']);
        let range = found.start()..found.start() + token.len();
        let before = text[..range.start].chars().next_back();
        let after = text[range.end..].chars().next();
        let joins = |sign: char| sign.is_alphanumeric() || "#&/-_".contains(sign);
        let is_link = token.starts_with("http");
        let is_whole = !before.is_some_and(joins)
            && (is_link
                || !after.is_some_and(|sign| sign.is_alphanumeric() || "-_".contains(sign)));
        is_whole.then(|| (range, token.strip_prefix('#').unwrap_or(token)))
    })
}

/// What people call a ticket: by its number, else by its id; by an id that cannot be taken for a number; and by its link.
pub fn called(id: Option<&str>, number: Option<&str>, url: Option<&str>) -> Vec<String> {
    let spelled = id.filter(|id| id.contains('_'));
    let all = number.or(id).into_iter().chain(spelled).chain(url);
    let mut names: Vec<String> = all.map(str::to_owned).collect();
    names.dedup();
    names
}

/// What a text names of these tickets, as it spells them, a line each.
pub fn list(text: &str, is_ticket: impl Fn(&str) -> bool) -> Option<String> {
    let mut lines: Vec<&str> = Vec::new();
    for (range, name) in tokens(text) {
        let spelled = &text[range];
        if is_ticket(name) && !lines.contains(&spelled) {
            lines.push(spelled);
        }
    }
    (!lines.is_empty()).then(|| lines.join("\n"))
}

/// The names in a text that may be tickets.
pub fn names(text: &str) -> impl Iterator<Item = &str> {
    tokens(text).map(|(_, name)| name)
}

/// What a ticket of the source has become.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Became {
    number: String,
    url: Option<String>,
}

/// A line of the file.
#[derive(Debug, Serialize, Deserialize)]
struct Line {
    /// The attempt that knew it first.
    run: String,
    /// What the source calls the ticket: a number or a link; nothing in the line that only names an attempt.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    from: Option<String>,
    /// What it stands for; nothing where what it stood for was taken back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    to: Option<Became>,
}

/// The references that attempts have known, in the order of the attempts.
#[derive(Debug, Default)]
pub struct References {
    /// Since which attempt each name stands for what; `None`: for nothing any more.
    by: HashMap<String, Vec<(usize, Option<Became>)>>,
    /// The attempts, by their order.
    attempts: HashMap<String, usize>,
}

impl References {
    /// Reads the file; none is there before the first attempt.
    ///
    /// # Errors
    /// When the file is there and cannot be read.
    pub fn read(path: &Path) -> Result<Self> {
        let mut references = Self::default();
        let file = match File::open(path) {
            Ok(file) => file,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(references),
            Err(error) => return Err(trouble(path, error)),
        };
        for line in BufReader::new(file).split(b'\n') {
            let line = line.map_err(|error| trouble(path, error))?;
            // The last line of a process that died may be cut, within a sign too: nothing was sent by it.
            if let Ok(line) = serde_json::from_slice::<Line>(&line) {
                references.take(line);
            }
        }
        Ok(references)
    }

    fn take(&mut self, line: Line) {
        let next = self.attempts.len();
        let attempt = *self.attempts.entry(line.run).or_insert(next);
        if let Some(from) = line.from {
            self.by.entry(from).or_default().push((attempt, line.to));
        }
    }

    /// What each name stands for now, by the numbers of the target: (name, number).
    pub fn now(&self) -> impl Iterator<Item = (&str, &str)> {
        self.by.iter().filter_map(|(name, all)| {
            let (_, became) = all.last()?;
            Some((name.as_str(), became.as_ref()?.number.as_str()))
        })
    }

    /// Adds what an attempt knows, and what stands for nothing any more, onto the disk before this returns.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn add(
        &mut self,
        path: &Path,
        run: &str,
        known: BTreeMap<String, Option<Ticket>>,
    ) -> Result<()> {
        let mut lines = vec![Line {
            run: run.to_owned(),
            from: None,
            to: None,
        }];
        for (from, ticket) in known {
            let to = ticket.map(|ticket| Became {
                number: ticket.number.unwrap_or(ticket.id),
                url: ticket.url,
            });
            let last = self.by.get(&from).and_then(|all| all.last());
            if last.map_or(to.is_some(), |(_, last)| *last != to) {
                lines.push(Line {
                    run: run.to_owned(),
                    from: Some(from),
                    to,
                });
            }
        }
        if let Some(folder) = path.parent() {
            private_folder(folder)?;
        }
        let mut text = String::from("\n");
        for line in &lines {
            text.push_str(&serde_json::to_string(line).unwrap_or_default());
            text.push('\n');
        }
        let written = || {
            let mut options = OpenOptions::new();
            #[cfg(unix)]
            std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
            let mut file = options.create(true).append(true).open(path)?;
            file.write_all(text.as_bytes())?;
            file.sync_all()
        };
        written().map_err(|error| trouble(path, error))?;
        lines.into_iter().for_each(|line| self.take(line));
        Ok(())
    }

    /// What a name stood for when an attempt sent it; `None`: now.
    fn became(&self, name: &str, as_of: Option<&str>) -> Option<&Became> {
        let all = self.by.get(name)?;
        let Some(run) = as_of else {
            return all.last().and_then(|(_, became)| became.as_ref());
        };
        let attempt = *self.attempts.get(run)?;
        let known = all.iter().rev().find(|(since, _)| *since <= attempt);
        known.and_then(|(_, became)| became.as_ref())
    }

    /// A text with the numbers and links of the target; `None` where it names no ticket that was moved.
    pub fn rewrite(&self, text: &str, as_of: Option<&str>) -> Option<String> {
        let mut rewritten = String::new();
        let mut done = 0;
        for (range, name) in tokens(text) {
            let Some(became) = self.became(name, as_of) else {
                continue;
            };
            let is_link = name.starts_with("http");
            let new = match (&became.url, is_link) {
                (Some(url), true) => url.clone(),
                _ => format!("{} (formerly {})", became.number, &text[range.clone()]),
            };
            rewritten.push_str(&text[done..range.start]);
            rewritten.push_str(&new);
            done = range.end;
        }
        (done > 0).then(|| {
            rewritten.push_str(&text[done..]);
            rewritten
        })
    }
}

/// Collects the names in texts.
#[derive(Debug, Default)]
pub struct Named(HashSet<String>);

impl Named {
    /// Takes the names of a text.
    pub fn take(&mut self, text: &str) {
        self.0.extend(names(text).map(str::to_owned));
    }

    /// Whether a name is among them.
    pub fn has(&self, name: &str) -> bool {
        self.0.contains(name)
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

fn trouble(path: &Path, error: std::io::Error) -> Error {
    Error::machine("the references between tickets cannot be kept")
        .at(path.display())
        .caused_by(error)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ticket(number: &str) -> Ticket {
        Ticket {
            id: "x".to_owned(),
            number: Some(number.to_owned()),
            url: Some(format!("https://new.example/{number}")),
            warnings: Vec::new(),
        }
    }

    fn known(pairs: &[(&str, &str)]) -> BTreeMap<String, Option<Ticket>> {
        let known = pairs.iter();
        known
            .map(|(from, to)| ((*from).to_owned(), Some(ticket(to))))
            .collect()
    }

    #[test]
    fn only_whole_tokens_in_a_form_of_the_source_are_names() {
        for (text, expected) in [
            ("See #10003.", &["10003"][..]),
            ("(#10003, #10004)", &["10003", "10004"]),
            ("CF-352 and req_7", &["CF-352", "req_7"]),
            (
                "at https://a.example/t/9?x=1#top.",
                &["https://a.example/t/9?x=1#top"],
            ),
            (
                "room 101, 10003, a#10003, #10003a, ##10003, &#39; x/#4",
                &[],
            ),
            ("#10003-b ABC-1-2", &[]),
            ("Fehler#5 äCF-1", &[]),
        ] {
            assert_eq!(names(text).collect::<Vec<_>>(), expected, "{text}");
        }
    }

    #[test]
    fn what_a_text_names_is_listed_as_it_spells_it() {
        let is_ticket = |name: &str| ["10003", "CF-352"].contains(&name);
        let text = "As #10003 and CF-352, not #10004; again #10003";
        assert_eq!(list(text, is_ticket).unwrap(), "#10003\nCF-352");
        assert_eq!(list("room 10003", is_ticket), None);
        assert_eq!(called(Some("req_7"), Some("CF-7"), None), ["CF-7", "req_7"]);
        assert_eq!(called(Some("9"), None, Some("u")), ["9", "u"]);
    }

    #[test]
    fn a_text_names_the_tickets_of_the_target() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("refs.jsonl");
        let mut references = References::read(&path).unwrap();
        let one = known(&[("10003", "CF-352"), ("https://old.example/3", "CF-352")]);
        references.add(&path, "AAAA", one).unwrap();
        assert_eq!(
            references.rewrite("As #10003, see https://old.example/3 (not #10004).", None),
            Some(
                "As CF-352 (formerly #10003), see https://new.example/CF-352 (not #10004)."
                    .to_owned()
            )
        );
        assert_eq!(references.rewrite("Nothing of #10004", None), None);
    }

    #[test]
    fn what_an_attempt_wrote_stays_what_it_was() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("refs.jsonl");
        let mut references = References::default();
        references
            .add(&path, "AAAA", known(&[("1", "CF-1")]))
            .unwrap();
        let two = known(&[("1", "CF-9"), ("2", "CF-2")]);
        references.add(&path, "AAAA.2", two).unwrap();
        let read = References::read(&path).unwrap();
        for references in [&references, &read] {
            let said = |as_of| references.rewrite("#1 #2", as_of).unwrap();
            assert_eq!(said(Some("AAAA")), "CF-1 (formerly #1) #2");
            assert_eq!(
                said(Some("AAAA.2")),
                "CF-9 (formerly #1) CF-2 (formerly #2)"
            );
            assert_eq!(said(None), said(Some("AAAA.2")));
            // One that this file does not know wrote without references.
            assert_eq!(references.rewrite("#1", Some("BBBB")), None);
        }
        // What was taken back stands for nothing any more, but for what was sent before.
        let gone = BTreeMap::from([("2".to_owned(), None), ("7".to_owned(), None)]);
        references.add(&path, "AAAA.4", gone).unwrap();
        let read = References::read(&path).unwrap();
        for references in [&references, &read] {
            let said = |as_of| references.rewrite("#2", as_of);
            assert_eq!(said(Some("AAAA.2")).unwrap(), "CF-2 (formerly #2)");
            assert_eq!((said(Some("AAAA.4")), said(None)), (None, None));
            assert_eq!(references.now().collect::<Vec<_>>(), [("1", "CF-9")]);
        }
        // A cut line counts for nothing, within a sign too, and what follows it is read.
        let mut file = OpenOptions::new().append(true).open(&path).unwrap();
        file.write_all(b"{\"run\":\"AAAA.3\",\"from\":\"\xc3")
            .unwrap();
        let mut read = References::read(&path).unwrap();
        read.add(&path, "AAAA.3", known(&[("3", "CF-3")])).unwrap();
        let read = References::read(&path).unwrap();
        assert_eq!(read.rewrite("#3", None).unwrap(), "CF-3 (formerly #3)");
    }
}
