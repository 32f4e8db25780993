//! Where a token is. The token itself lives in [`SecretString`], which prints as nothing.

use std::path::PathBuf;
use std::process::Command;

use secrecy::SecretString;

use crate::error::{Error, Result};

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
                Error::usage(format!(
                    "the environment variable `{name}` is not set, the profile's token is there"
                ))
                .hint(format!(
                    "set it for this terminal: export {name}=…   (Windows: set {name}=…)"
                ))
            })?,
            Self::File(path) => std::fs::read_to_string(path).map_err(|error| {
                Error::usage("cannot read the file of the profile's token")
                    .at(path.display())
                    .caused_by(error)
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

    /// The reference in words.
    pub fn describe(&self) -> String {
        match self {
            Self::Env(name) => format!("the environment variable `{name}`"),
            Self::File(path) => format!("the file `{}`", path.display()),
            Self::Command(words) => format!("the command `{}`", words.join(" ")),
        }
    }
}

fn run(words: &[String]) -> Result<String> {
    let wrong = |what: String| {
        Error::usage(format!(
            "the command `{}` for the profile's token {what}",
            words.join(" ")
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
    fn a_missing_variable_says_its_name() {
        let error = TokenRef::Env("DESKFERRY_TEST_NO_SUCH_TOKEN".to_owned())
            .read()
            .unwrap_err();
        assert!(error.to_string().contains("DESKFERRY_TEST_NO_SUCH_TOKEN"));
    }
}
