//! What a configuration that was found makes this program do: run a command, read a file, send a token to a host. That is
//! confirmed once, by path and digest; what the user named, or keeps in the own configuration folder, needs none.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::{Config, Origin, Profile, StateFolder, TokenRef};
use crate::{infile, outfile};

/// The file in the state folder.
const NAME: &str = "trusted.json";
/// A larger list is none of ours, in bytes.
const MOST_BYTES: u64 = 4 * 1024 * 1024;

/// What was confirmed, and what was seen.
#[derive(Debug, Default, Serialize, Deserialize)]
struct List {
    files: Vec<Known>,
}

/// One configuration.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Known {
    path: PathBuf,
    /// Of each profile: what it runs, reads and speaks to.
    profiles: BTreeSet<String>,
    /// The hosts that it has named so far.
    hosts: BTreeSet<String>,
}

/// The configurations that were confirmed, in a state folder.
#[derive(Debug)]
pub struct Trusted(PathBuf);

impl Trusted {
    /// The list of a state folder.
    pub fn of(state: &StateFolder) -> Self {
        Self(state.path().join(NAME))
    }

    /// What must be confirmed before this configuration is used, a line each for people; empty: nothing.
    pub fn open_points(&self, config: &Config) -> Vec<String> {
        let Some(path) = found(config) else {
            return Vec::new();
        };
        let list = self.list();
        let known = list.files.into_iter().find(|known| known.path == path);
        config
            .profiles
            .values()
            .filter(|profile| {
                let Some(known) = &known else {
                    return reaches_out(profile);
                };
                !known.profiles.contains(&digest(profile))
                    && (reaches_out(profile)
                        || (!known.hosts.is_empty() && !known.hosts.contains(&host(profile))))
            })
            .flat_map(lines)
            .collect()
    }

    /// Whether all that this configuration says is known already.
    pub fn knows(&self, config: &Config) -> bool {
        let Some(path) = found(config) else {
            return true;
        };
        let list = self.list();
        let known = list.files.iter().find(|known| known.path == path);
        known.is_some_and(|known| {
            let mut profiles = config.profiles.values();
            profiles.all(|profile| known.profiles.contains(&digest(profile)))
        })
    }

    /// Remembers a configuration as confirmed.
    ///
    /// # Errors
    /// When the list cannot be written.
    pub fn remember(&self, config: &Config) -> std::io::Result<()> {
        let Some(path) = found(config) else {
            return Ok(());
        };
        let mut list = self.list();
        let at = match list.files.iter().position(|known| known.path == path) {
            Some(at) => at,
            None => {
                list.files.push(Known {
                    path,
                    ..Known::default()
                });
                list.files.len() - 1
            }
        };
        let known = &mut list.files[at];
        for profile in config.profiles.values() {
            known.profiles.insert(digest(profile));
            known.hosts.insert(host(profile));
        }
        let text = serde_json::to_vec_pretty(&list)?;
        outfile::replace(&self.0, &text, outfile::Readers::Owner)
    }

    /// What cannot be read was not confirmed.
    fn list(&self) -> List {
        let text = infile::read(&self.0, MOST_BYTES).unwrap_or_default();
        serde_json::from_slice(&text).unwrap_or_default()
    }
}

/// Where a configuration is that was found; others need no confirmation.
fn found(config: &Config) -> Option<PathBuf> {
    let path = config
        .path
        .as_deref()
        .filter(|_| config.origin == Origin::Found)?;
    Some(std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned()))
}

/// Words of which a variable that holds the token of a help desk has one in its name.
const OF_A_HELP_DESK: [&str; 6] = [
    "DESKFERRY",
    "INCIDENTIQ",
    "IIQ",
    "CLEARFEED",
    "HELPDESK",
    "HELP_DESK",
];

/// Whether a variable may hold a secret that is for something else.
fn is_of_something_else(variable: &str) -> bool {
    let name = variable.to_uppercase();
    !OF_A_HELP_DESK.iter().any(|word| name.contains(word))
}

/// Whether a profile runs or reads something, sends a secret that may be for something else, or everything by way of another
/// machine.
fn reaches_out(profile: &Profile) -> bool {
    let takes = match &profile.token {
        TokenRef::Env(variable) => is_of_something_else(variable),
        TokenRef::File(_) | TokenRef::Command(_) => true,
    };
    takes || profile.proxy.is_some() || profile.ca_file.is_some()
}

/// The host of a profile; empty where the system has a fixed one.
fn host(profile: &Profile) -> String {
    let host = profile.url.as_ref().and_then(|url| url.host_str());
    host.unwrap_or_default().to_owned()
}

/// What names a profile's doings: another command, file or host is another digest; another rate is not.
fn digest(profile: &Profile) -> String {
    let parts = [
        profile.name.as_str(),
        profile.system.as_str(),
        &host(profile),
        &profile.token.identity(),
        profile.proxy.as_ref().map_or("", url::Url::as_str),
        &profile
            .ca_file
            .as_deref()
            .map(Path::to_string_lossy)
            .unwrap_or_default(),
    ];
    let mut hasher = blake3::Hasher::new();
    for part in parts {
        hasher.update(&(part.len() as u64).to_le_bytes());
        hasher.update(part.as_bytes());
    }
    hasher.finalize().to_hex().to_string()
}

/// What a profile does, for people.
fn lines(profile: &Profile) -> Vec<String> {
    let of = format!("(profile {})", super::shown(&profile.name));
    let mut lines = vec![match &profile.token {
        TokenRef::Env(_) => format!("takes its token from {} {of}", profile.token.describe()),
        TokenRef::File(_) => format!("reads {} {of}", profile.token.describe()),
        TokenRef::Command(_) => format!("runs {} {of}", profile.token.describe()),
    }];
    if let Some(file) = &profile.ca_file {
        lines.push(format!(
            "believes the certificates in `{}` {of}",
            file.display()
        ));
    }
    if let Some(proxy) = &profile.proxy {
        let proxy = proxy.host_str().unwrap_or_default();
        lines.push(format!(
            "sends everything by way of the proxy `{proxy}` {of}"
        ));
    }
    lines.push(match profile.url {
        Some(_) => format!("sends the token to `{}` {of}", host(profile)),
        None => format!("sends the token to {} {of}", profile.system),
    });
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(folder: &Path, token: &str, url: &str) -> Config {
        let path = folder.join("deskferry.toml");
        let text =
            format!("[profiles.a]\nsystem = \"incidentiq\"\nurl = \"{url}\"\ntoken = {token}\n");
        std::fs::write(&path, text).unwrap();
        Config::load(None, folder).unwrap()
    }

    #[test]
    fn a_command_and_a_file_are_confirmed_once_by_path_and_digest() {
        let folder = tempfile::tempdir().unwrap();
        let state = StateFolder::open(Some(&folder.path().join("state"))).unwrap();
        let trusted = Trusted::of(&state);
        let url = "https://a.example";
        let first = config(folder.path(), "{ command = [\"pass\", \"iiq\"] }", url);
        let open = trusted.open_points(&first);
        assert!(
            open[0].starts_with("runs the command `pass iiq`"),
            "{open:?}"
        );
        trusted.remember(&first).unwrap();
        assert!(trusted.open_points(&first).is_empty() && trusted.knows(&first));
        let other = config(folder.path(), "{ command = [\"pass\", \"other\"] }", url);
        assert!(!trusted.open_points(&other).is_empty() && !trusted.knows(&other));
        let file = config(folder.path(), "{ file = \"token\" }", url);
        assert!(trusted.open_points(&file)[0].starts_with("reads the file"));
        // The same words in another place are another configuration.
        let elsewhere = folder.path().join("elsewhere");
        std::fs::create_dir(&elsewhere).unwrap();
        let moved = config(&elsewhere, "{ command = [\"pass\", \"iiq\"] }", url);
        assert!(!trusted.open_points(&moved).is_empty());
    }

    #[test]
    fn another_host_than_before_is_confirmed_and_another_rate_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let state = StateFolder::open(Some(&folder.path().join("state"))).unwrap();
        let trusted = Trusted::of(&state);
        let token = "{ env = \"IIQ_TOKEN\" }";
        let first = config(folder.path(), token, "https://a.example");
        assert!(trusted.open_points(&first).is_empty() && !trusted.knows(&first));
        trusted.remember(&first).unwrap();
        let rate = format!("{token}\nrate = \"10/s\"");
        assert!(trusted.knows(&config(folder.path(), &rate, "https://a.example")));
        let other = config(folder.path(), token, "https://b.example");
        let open = trusted.open_points(&other);
        assert!(
            open.iter().any(|line| line.contains("`b.example`")),
            "{open:?}"
        );
    }

    /// A folder that somebody cloned may name any variable, and any host.
    #[test]
    fn a_variable_that_is_for_something_else_is_confirmed() {
        let folder = tempfile::tempdir().unwrap();
        let state = StateFolder::open(Some(&folder.path().join("state"))).unwrap();
        let trusted = Trusted::of(&state);
        let with = |variable: &str| {
            let token = format!("{{ env = \"{variable}\" }}");
            config(folder.path(), &token, "https://a.example")
        };
        for variable in ["IIQ_TOKEN", "my_clearfeed_key", "DESKFERRY_TOKEN"] {
            assert!(
                trusted.open_points(&with(variable)).is_empty(),
                "{variable}"
            );
        }
        let strange = with("AWS_SECRET_ACCESS_KEY");
        let open = trusted.open_points(&strange);
        assert!(open[0].contains("AWS_SECRET_ACCESS_KEY"), "{open:?}");
        assert!(open[1].contains("a.example"), "{open:?}");
        trusted.remember(&strange).unwrap();
        assert!(trusted.open_points(&strange).is_empty());
    }

    #[test]
    fn a_named_file_needs_no_confirmation() {
        let folder = tempfile::tempdir().unwrap();
        let state = StateFolder::open(Some(&folder.path().join("state"))).unwrap();
        let trusted = Trusted::of(&state);
        config(
            folder.path(),
            "{ command = [\"pass\"] }",
            "https://a.example",
        );
        let path = folder.path().join("deskferry.toml");
        let named = Config::load(Some(&path), folder.path()).unwrap();
        assert!(trusted.open_points(&named).is_empty() && trusted.knows(&named));
    }
}
