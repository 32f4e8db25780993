//! Names of profiles that need no configuration: the embedded sandbox, as one tenant each.

use crate::error::{Error, Result};
use crate::systems::SystemName;

/// What the names begin with; no profile of a configuration may.
const PREFIX: &str = "sandbox:";

/// A tenant of the embedded sandbox.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reserved {
    /// The name of the profile.
    pub name: &'static str,
    /// The system that it is of.
    pub system: SystemName,
    /// Whether it has tickets from the beginning.
    pub is_populated: bool,
}

/// All of them: one of each system with tickets, and a second one that is empty.
const ALL: [Reserved; 4] = [
    reserved("sandbox:incidentiq", SystemName::IncidentIq, true),
    reserved("sandbox:clearfeed", SystemName::ClearFeed, true),
    reserved("sandbox:incidentiq-2", SystemName::IncidentIq, false),
    reserved("sandbox:clearfeed-2", SystemName::ClearFeed, false),
];

const fn reserved(name: &'static str, system: SystemName, is_populated: bool) -> Reserved {
    Reserved {
        name,
        system,
        is_populated,
    }
}

impl Reserved {
    /// The one of that name; `None` where it is an ordinary name.
    ///
    /// # Errors
    /// When the name is reserved and names nothing.
    pub fn of(name: &str) -> Result<Option<Self>> {
        if !name.starts_with(PREFIX) {
            return Ok(None);
        }
        let found = ALL.into_iter().find(|one| one.name == name);
        found.map(Some).ok_or_else(|| {
            let names = ALL.map(|one| format!("`{}`", one.name));
            Error::usage(format!(
                "no profile {}: names that begin with `{PREFIX}` are reserved",
                super::shown(name)
            ))
            .hint(format!("the embedded sandbox has {}", names.join(", ")))
        })
    }

    /// The first one of a system: what `--sandbox` means there.
    pub fn first(system: SystemName) -> Self {
        match system {
            SystemName::IncidentIq => ALL[0],
            SystemName::ClearFeed => ALL[1],
        }
    }

    /// The name of its folder.
    pub fn folder(self) -> String {
        self.name.replace(':', "-")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_ordinary_known_or_refused() {
        assert_eq!(Reserved::of("district").unwrap(), None);
        assert_eq!(Reserved::of("sandbox").unwrap(), None);
        let known = Reserved::of("sandbox:clearfeed").unwrap().unwrap();
        assert_eq!(known.system, SystemName::ClearFeed);
        for system in SystemName::ALL {
            let first = Reserved::first(system);
            assert_eq!((first.system, first.is_populated), (system, true));
        }
        let error = Reserved::of("sandbox:jira").unwrap_err();
        assert_eq!(
            error.to_string(),
            "no profile `sandbox:jira`: names that begin with `sandbox:` are reserved"
        );
        let mut folders = ALL.map(Reserved::folder).to_vec();
        folders.dedup();
        assert_eq!(folders.len(), ALL.len());
    }
}
