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
    /// A week against the one before and the same a year ago.
    Weekly,
    /// The same of a month.
    Monthly,
}

impl SheetKind {
    /// The reports of a period: they are asked for by name, and no part of `all`.
    pub const REPORTS: [Self; 2] = [Self::Weekly, Self::Monthly];

    /// Those that `all` stands for, in the order in which they are written.
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
            Self::Weekly => "weekly",
            Self::Monthly => "monthly",
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
            Self::Weekly => "Weekly report",
            Self::Monthly => "Monthly report",
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
            Self::Weekly | Self::Monthly => &["state", "team", "assignee", "place", "category"],
        }
    }

    /// Whether it is the report of a period.
    pub fn is_report(self) -> bool {
        Self::REPORTS.contains(&self)
    }

    /// All that can be asked for by name.
    pub fn every() -> impl Iterator<Item = Self> {
        Self::ALL.into_iter().chain(Self::REPORTS)
    }

    /// What `--sheets` says: names with commas between them, `all` or `none`; each once, in the order of
    /// [`SheetKind::ALL`], a report of a period first.
    ///
    /// # Errors
    /// A word that is none of these, with the nearest ones; two reports of periods.
    pub fn parse(words: &str) -> Result<Vec<Self>> {
        let mut kinds = Vec::new();
        for word in words
            .split(',')
            .map(str::trim)
            .filter(|word| !word.is_empty())
        {
            let is_word = |kind: &&Self| word.eq_ignore_ascii_case(kind.as_str());
            match Self::every().find(|kind| is_word(&kind)) {
                Some(kind) => kinds.push(kind),
                None if word.eq_ignore_ascii_case("all") => kinds.extend(Self::ALL),
                None if word.eq_ignore_ascii_case("none") => {}
                None => return Err(unknown(word)),
            }
        }
        kinds.sort_by_key(|kind| (!kind.is_report(), *kind));
        kinds.dedup();
        if kinds.iter().filter(|kind| kind.is_report()).count() > 1 {
            return Err(
                Error::usage("a file is about one period: `weekly` or `monthly`")
                    .at("--sheets")
                    .hint("write two files"),
            );
        }
        Ok(kinds)
    }
}

fn unknown(word: &str) -> Error {
    let names: Vec<&str> = SheetKind::every().map(SheetKind::as_str).collect();
    let tabs: Vec<&str> = SheetKind::every().map(SheetKind::tab).collect();
    let near = nearest(word, names.iter().copied())
        .into_iter()
        .next()
        .or_else(|| {
            // A tab's name, or a part of it, is a good guess too.
            let tab = nearest(word, tabs.iter().copied()).into_iter().next()?;
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
        let parsed = SheetKind::parse("summary,weekly").unwrap();
        assert_eq!(parsed, [SheetKind::Weekly, SheetKind::Summary]);
        assert!(SheetKind::parse("weekly,monthly").is_err());
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
