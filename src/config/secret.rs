//! Where a token is. The token itself lives in [`SecretString`], which prints as nothing; a token that somebody typed
//! where its place belongs is not printed either ([`shown`]).

use std::path::{Path, PathBuf};
use std::process::Command;

use secrecy::SecretString;

use crate::error::{Error, Result};
use crate::infile;

/// A reference to a token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TokenRef {
    /// An environment variable.
    Env(String),
    /// A file that holds it and nothing else.
    File(PathBuf),
    /// A program that prints it.
    Command(Vec<String>),
}

impl TokenRef {
    /// Fetches the token.
    ///
    /// # Errors
    /// When it is not there, or empty; what is said names the reference, never the content.
    pub fn read(&self) -> Result<SecretString> {
        let text = match self {
            Self::Env(name) => std::env::var(name).map_err(|_| {
                let error = Error::usage(format!(
                    "{} is not set, the profile's token is there",
                    self.describe()
                ));
                match is_plain(name) {
                    true => error.hint(format!(
                        "set it for this terminal: export {name}=…   (Windows: set {name}=…)"
                    )),
                    false => error.hint(WHERE),
                }
            })?,
            Self::File(path) => infile::text(path, infile::MOST_SECRET).map_err(|error| {
                let failed = Error::usage("cannot read the file of the profile's token");
                match is_plain_file(path) {
                    true => failed.at(path.display()).caused_by(error),
                    // The error of the system names no path.
                    false => failed.caused_by(error).hint(WHERE),
                }
            })?,
            Self::Command(words) => run(words)?,
        };
        let token = text.trim();
        if token.is_empty() {
            return Err(Error::usage(format!(
                "the token from {} is empty",
                self.describe()
            )));
        }
        Ok(SecretString::from(token))
    }

    /// The reference in words for people; what may be a token in the wrong place is left out.
    pub fn describe(&self) -> String {
        match self {
            Self::Env(name) if is_plain(name) => format!("the environment variable `{name}`"),
            Self::Env(_) => "the environment variable that `token` names".to_owned(),
            Self::File(path) if is_plain_file(path) => format!("the file `{}`", path.display()),
            Self::File(_) => "the file that `token` names".to_owned(),
            Self::Command(words) => format!("the command `{}`", plain_words(words)),
        }
    }

    /// The reference itself: what tells one token from another without reading it. Never printed.
    pub fn identity(&self) -> String {
        match self {
            Self::Env(name) => format!("the environment variable `{name}`"),
            Self::File(path) => format!("the file `{}`", path.display()),
            Self::Command(words) => format!("the command `{}`", words.join(" ")),
        }
    }
}

/// What to do where a token may stand instead of its place.
const WHERE: &str = "`token` says where the token is, never the token itself: { env = \"NAME\" }, { file = \"…\" } or { command = [\"…\"] }";

/// The longest word that is taken for a word.
const LONGEST_WORD: usize = 15;
/// So many digits may end a word, as in `district2026`.
const MOST_DIGITS: usize = 4;

/// A value of a profile or of its name for an error, in backticks; one that may be a token is not repeated.
pub fn shown(value: &str) -> String {
    match is_plain(value) {
        true => format!("`{value}`"),
        false => format!(
            "`…` ({} characters, not shown: it may be a token)",
            value.chars().count()
        ),
    }
}

/// A message of a parser, which quotes what stands in the file; what may be a token is left out.
pub(super) fn without_values(message: &str) -> String {
    let mut clean = String::with_capacity(message.len());
    let mut rest = message;
    while let Some(start) = rest.find(['"', '`']) {
        let quote = &rest[start..=start];
        let inner = &rest[start + 1..];
        let Some(end) = inner
            .rfind(quote)
            .filter(|_| quote == "\"")
            .or_else(|| inner.find(quote))
        else {
            break;
        };
        clean.push_str(&rest[..=start]);
        clean.push_str(if is_plain(&inner[..end]) {
            &inner[..end]
        } else {
            "…"
        });
        clean.push_str(quote);
        rest = &inner[end + 1..];
    }
    clean + rest
}

/// Whether a value is words as people and programs name things (`district-north`, `IIQ_TOKEN`), and no key that a machine
/// made up: those mix letters and digits, or are long.
fn is_plain(value: &str) -> bool {
    value
        .split(|c: char| !c.is_alphanumeric())
        .all(is_plain_word)
}

fn is_plain_word(word: &str) -> bool {
    let letters = word.trim_end_matches(|c: char| c.is_ascii_digit());
    let digits = word.len() - letters.len();
    if word.chars().count() > LONGEST_WORD || letters.chars().any(|c| c.is_ascii_digit()) {
        return false;
    }
    if letters.is_empty() {
        return digits <= 2 * MOST_DIGITS;
    }
    // `iPad`, `ClearFeed` and `IncidentIQ` are names; `aBcDeFg` is none.
    let changes = letters
        .as_bytes()
        .windows(2)
        .filter(|pair| pair[0].is_ascii_lowercase() && pair[1].is_ascii_uppercase())
        .count();
    digits <= MOST_DIGITS && changes <= 2
}

/// A file whose name is plain, in a folder that is there.
fn is_plain_file(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let folder = path.parent().unwrap_or(Path::new(""));
    let folder = match folder.as_os_str().is_empty() {
        true => Path::new("."),
        false => folder,
    };
    path.is_file() || (is_plain(&name) && folder.is_dir())
}

fn plain_words(words: &[String]) -> String {
    let words: Vec<&str> = words
        .iter()
        .map(|word| match is_plain(word) || Path::new(word).is_file() {
            true => word,
            false => "…",
        })
        .collect();
    words.join(" ")
}

fn run(words: &[String]) -> Result<String> {
    let wrong = |what: String| {
        Error::usage(format!(
            "the command `{}` for the profile's token {what}",
            plain_words(words)
        ))
    };
    let (program, arguments) = words
        .split_first()
        .ok_or_else(|| wrong("is empty".to_owned()))?;
    let output = Command::new(program)
        .args(arguments)
        .output()
        .map_err(|error| wrong("cannot be run".to_owned()).caused_by(error))?;
    if !output.status.success() {
        return Err(wrong(format!("ended with {}", output.status)));
    }
    String::from_utf8(output.stdout)
        .map_err(|_| wrong("printed something that is no text".to_owned()))
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;

    use super::*;

    #[test]
    fn a_file_is_read_without_its_line_end() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("token");
        std::fs::write(&path, "abc\n").unwrap();
        let token = TokenRef::File(path).read().unwrap();
        assert_eq!(token.expose_secret(), "abc");
        assert!(!format!("{token:?}").contains("abc"));
    }

    #[test]
    fn names_are_shown_and_tokens_are_not() {
        for name in [
            "district",
            "district-north",
            "IIQ_TOKEN",
            "IncidentIQ",
            "token.txt",
            "acme2026",
            "2026-11-29",
            "",
            "op://vault/item/token",
            "https://district.incidentiq.com",
            "schule_süd",
        ] {
            assert_eq!(shown(name), format!("`{name}`"));
        }
        for token in [
            "ghp_16C7e42F292c6912E7710c838347Ae178B4a",
            "eyJhbGciOiJIUzI1NiJ9.e30.x",
            "s3cret",
            "aBcDeFgHiJ",
            "5d3f0c1e-7b52-4a0e-9d0c-0c5a4f1e2b3d",
            "AAAAAAAAAAAAAAAAAAAA",
            "1234567890123",
        ] {
            assert!(!shown(token).contains(token), "{token}");
            let references = [
                TokenRef::Env(token.to_owned()),
                TokenRef::File(PathBuf::from("/no/such/folder").join(token)),
                TokenRef::File(PathBuf::from(token)),
                TokenRef::Command(vec!["no-such-program".to_owned(), token.to_owned()]),
            ];
            for reference in references {
                let error = reference.read().unwrap_err();
                let text = format!(
                    "{error} {:?} {:?} {}",
                    error.hints(),
                    error.place(),
                    reference.describe()
                );
                assert!(!text.contains(token), "{text}");
            }
        }
    }

    #[test]
    fn what_a_parser_quotes_is_left_out_where_it_may_be_a_token() {
        let message = r#"invalid type: string "ab1c\"d2ef", expected `token` or "file""#;
        assert_eq!(without_values(message), r#"invalid type: string "…""#);
        assert_eq!(
            without_values("unknown field `tokn`, expected `x1y2`"),
            "unknown field `tokn`, expected `…`"
        );
        assert_eq!(without_values("a ` alone"), "a ` alone");
    }

    #[test]
    fn a_missing_variable_says_its_name() {
        let error = TokenRef::Env("DESKFERRY_TEST_NO_SUCH_TOKEN".to_owned())
            .read()
            .unwrap_err();
        assert!(error.to_string().contains("DESKFERRY_TEST_NO_SUCH_TOKEN"));
    }
}
