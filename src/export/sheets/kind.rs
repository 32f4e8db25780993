//! Which sheets there are, and how they are asked for.

use crate::directory::suggest::nearest;
use crate::error::{Error, Result};

/// An analysis sheet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum SheetKind {
    /// Key figures, states and priorities.
    Summary,
    /// Created against closed, month by month.
    Volume,
    /// Open tickets by their age.
    Backlog,
    /// Time to resolve.
    Resolution,
    /// Load by team and by assignee.
    Teams,
    /// Promised times: kept, at risk, broken.
    Sla,
    /// By location.
    Locations,
    /// By issue or collection.
    Issues,
    /// By device.
    Devices,
    /// Who asks most.
    Requesters,
    /// Time until somebody answered first.
    Response,
}

impl SheetKind {
    /// All of them, in the order in which they are written.
    pub const ALL: [Self; 11] = [
        Self::Summary,
        Self::Volume,
        Self::Backlog,
        Self::Resolution,
        Self::Teams,
        Self::Sla,
        Self::Locations,
        Self::Issues,
        Self::Devices,
        Self::Requesters,
        Self::Response,
    ];

    /// The word that `--sheets` takes.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Summary => "summary",
            Self::Volume => "volume",
            Self::Backlog => "backlog",
            Self::Resolution => "resolution",
            Self::Teams => "teams",
            Self::Sla => "sla",
            Self::Locations => "locations",
            Self::Issues => "issues",
            Self::Devices => "devices",
            Self::Requesters => "requesters",
            Self::Response => "response",
        }
    }

    /// The name of its tab.
    pub fn tab(self) -> &'static str {
        match self {
            Self::Summary => "Summary",
            Self::Volume => "Monthly volume",
            Self::Backlog => "Backlog by age",
            Self::Resolution => "Time to resolve",
            Self::Teams => "Load by team",
            Self::Sla => "SLA",
            Self::Locations => "By location",
            Self::Issues => "By issue",
            Self::Devices => "By device",
            Self::Requesters => "Frequent requesters",
            Self::Response => "First response",
        }
    }

    /// The members of tickets whose names it shows, as columns call them.
    pub fn names(self) -> &'static [&'static str] {
        match self {
            Self::Summary => &["state", "assignee"],
            Self::Volume => &[],
            Self::Backlog | Self::Sla => &["state", "team", "assignee"],
            Self::Resolution => &["team"],
            Self::Teams => &["team", "assignee"],
            Self::Locations => &["place"],
            Self::Issues => &["category"],
            Self::Devices => &["devices"],
            Self::Requesters => &["requester"],
            Self::Response => &["team", "requester"],
        }
    }

    /// What `--sheets` says: names with commas between them, `all` or `none`; each once, in the order of
    /// [`SheetKind::ALL`].
    ///
    /// # Errors
    /// A word that is none of these, with the nearest ones.
    pub fn parse(words: &str) -> Result<Vec<Self>> {
        let mut kinds = Vec::new();
        for word in words
            .split(',')
            .map(str::trim)
            .filter(|word| !word.is_empty())
        {
            let is_word = |kind: &&Self| word.eq_ignore_ascii_case(kind.as_str());
            match Self::ALL.iter().find(is_word) {
                Some(kind) => kinds.push(*kind),
                None if word.eq_ignore_ascii_case("all") => kinds.extend(Self::ALL),
                None if word.eq_ignore_ascii_case("none") => {}
                None => return Err(unknown(word)),
            }
        }
        kinds.sort();
        kinds.dedup();
        Ok(kinds)
    }
}

fn unknown(word: &str) -> Error {
    let names = SheetKind::ALL.map(SheetKind::as_str);
    let tabs = SheetKind::ALL.map(SheetKind::tab);
    let near = nearest(word, names).into_iter().next().or_else(|| {
        // A tab's name, or a part of it, is a good guess too.
        let tab = nearest(word, tabs).into_iter().next()?;
        let at = tabs.iter().position(|one| *one == tab)?;
        Some(names[at].to_owned())
    });
    let error = Error::usage(format!("there is no analysis sheet `{word}`"));
    let error = match near {
        Some(near) => error.hint(format!("did you mean `{near}`?")),
        None => error,
    };
    error.hint(format!("there are {}, `all` and `none`", names.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_taken_once_and_in_order() {
        let parsed = SheetKind::parse("volume, Summary,volume").unwrap();
        assert_eq!(parsed, [SheetKind::Summary, SheetKind::Volume]);
        assert_eq!(SheetKind::parse("all").unwrap(), SheetKind::ALL);
        assert_eq!(SheetKind::parse("none").unwrap(), []);
    }

    #[test]
    fn an_unknown_name_is_told_with_the_nearest() {
        let error = SheetKind::parse("summary,sumary").unwrap_err();
        assert!(error.to_string().contains("`sumary`"), "{error}");
        assert_eq!(error.hints()[0], "did you mean `summary`?");
        let error = SheetKind::parse("time to resolve").unwrap_err();
        assert_eq!(error.hints()[0], "did you mean `resolution`?");
    }
}
