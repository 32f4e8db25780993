//! The line above a comment, where the target keeps neither its author nor its time: for people, and for whoever compares
//! both desks afterwards.

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::systems::common::{Comment, Named};

/// How a time stands in the line.
const TIME: &str = "%Y-%m-%d %H:%M:%S UTC";
/// What is said of an author whom nobody knows.
const NOBODY: &str = "somebody";
/// What is said of a time that nobody knows.
const SOME_TIME: &str = "at an unknown time";

/// Who sees a comment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Seen {
    /// The requester too.
    Public,
    /// The team.
    Internal,
    /// The source does not tell.
    Unknown,
}

impl Seen {
    const ALL: [(Self, &'static str); 3] = [
        (Self::Public, "public reply"),
        (Self::Internal, "internal note"),
        (Self::Unknown, "comment"),
    ];

    fn of(public: Option<bool>) -> Self {
        match public {
            Some(true) => Self::Public,
            Some(false) => Self::Internal,
            None => Self::Unknown,
        }
    }

    fn word(self) -> &'static str {
        let found = Self::ALL.iter().find(|(one, _)| *one == self);
        found.map_or("comment", |(_, word)| *word)
    }
}

/// What the line says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Said {
    /// When, to the second.
    pub at: Option<Timestamp>,
    /// Who, by name and address.
    pub author: String,
    /// Who sees it.
    pub seen: Seen,
}

/// A person by name and e-mail address, as texts of a migration name them: `Maria Garcia (maria@school.example)`. Without
/// angle brackets, which a target may take for HTML.
pub fn person(person: Option<&Named>) -> String {
    let Some(person) = person else {
        return NOBODY.to_owned();
    };
    match (&person.name, &person.email) {
        (Some(name), Some(email)) if name != email => format!("{name} ({email})"),
        _ if person.label().is_empty() => NOBODY.to_owned(),
        _ => person.label().to_owned(),
    }
}

/// A time as texts of a migration show it.
pub fn time(at: Timestamp) -> String {
    at.to_zoned(TimeZone::UTC).strftime(TIME).to_string()
}

/// The line of a comment: `[2024-06-21 14:05:09 UTC] Maria Garcia (maria@school.example), public reply:`.
pub fn line(comment: &Comment) -> String {
    let at = comment.at.map_or_else(|| SOME_TIME.to_owned(), time);
    let author = person(comment.author.as_ref());
    let author = author.split_whitespace().collect::<Vec<_>>().join(" ");
    format!("[{at}] {author}, {}:", Seen::of(comment.public).word())
}

/// What a line says; `None` where it is no such line.
pub fn parse(line: &str) -> Option<Said> {
    let (at, rest) = line.trim().strip_prefix('[')?.split_once("] ")?;
    let (author, word) = rest.strip_suffix(':')?.rsplit_once(", ")?;
    let seen = Seen::ALL.iter().find(|(_, own)| *own == word)?.0;
    let at = match at {
        SOME_TIME => None,
        text => {
            let civil = jiff::civil::DateTime::strptime(TIME, text).ok()?;
            Some(civil.to_zoned(TimeZone::UTC).ok()?.timestamp())
        }
    };
    Some(Said {
        at,
        author: author.to_owned(),
        seen,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn comment(author: Option<Named>, at: Option<&str>, public: Option<bool>) -> Comment {
        Comment {
            author,
            at: at.map(|at| at.parse().unwrap()),
            public,
            text: "Hello".to_owned(),
        }
    }

    #[test]
    fn a_line_says_who_when_and_to_whom_and_is_read_back() {
        let maria = Named {
            id: Some("u1".to_owned()),
            name: Some("Garcia, Maria".to_owned()),
            email: Some("maria@school.example".to_owned()),
        };
        let said = comment(Some(maria), Some("2024-06-21T14:05:09.25Z"), Some(true));
        let text = line(&said);
        assert_eq!(
            text,
            "[2024-06-21 14:05:09 UTC] Garcia, Maria (maria@school.example), public reply:"
        );
        let read = parse(&text).unwrap();
        assert_eq!(read.author, "Garcia, Maria (maria@school.example)");
        assert_eq!(read.seen, Seen::Public);
        assert_eq!(read.at, "2024-06-21T14:05:09Z".parse().ok());
    }

    #[test]
    fn what_the_source_does_not_tell_is_said_to_be_unknown() {
        let text = line(&comment(None, None, None));
        assert_eq!(text, "[at an unknown time] somebody, comment:");
        let read = parse(&text).unwrap();
        assert_eq!((read.at, read.seen), (None, Seen::Unknown));
        let by_id = line(&comment(Some(Named::id("U07")), None, Some(false)));
        assert_eq!(parse(&by_id).unwrap().author, "U07");
    }

    #[test]
    fn other_lines_are_none() {
        for line in [
            "",
            "Hello",
            "[x] y",
            "[2024-06-21] Ann, public reply:",
            "[a] b, c:",
        ] {
            assert_eq!(parse(line), None, "{line}");
        }
    }
}
