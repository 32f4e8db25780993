//! A file of variables (`NAME=value`, as systemd's `EnvironmentFile` has them): where a token may be that no service would
//! otherwise see.

use std::path::Path;

use crate::error::{Error, Result};
use crate::infile;

/// Reads the variables.
///
/// # Errors
/// When the file cannot be read or a line is none; what is said never quotes a line.
pub fn read(path: &Path) -> Result<Vec<(String, String)>> {
    let text = infile::text(path, infile::MOST_SECRET).map_err(|error| {
        Error::usage("cannot read the file of the environment")
            .at(path.display())
            .caused_by(error)
    })?;
    parse(&text).map_err(|line| {
        Error::usage("the line is no NAME=value")
            .at(format!("{}:{line}", path.display()))
            .hint("one variable a line, as in IIQ_TOKEN=…; # begins a comment")
    })
}

/// The variables, or the number of the line that is none.
fn parse(text: &str) -> Result<Vec<(String, String)>, usize> {
    let mut variables = Vec::new();
    for (index, line) in text.trim_start_matches('\u{feff}').lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with(['#', ';']) {
            continue;
        }
        let line = line.strip_prefix("export ").unwrap_or(line);
        let (name, value) = line.split_once('=').ok_or(index + 1)?;
        let name = name.trim();
        let plain = |c: char| c.is_ascii_alphanumeric() || c == '_';
        if name.is_empty() || !name.chars().all(plain) {
            return Err(index + 1);
        }
        variables.push((name.to_owned(), unquoted(value.trim()).to_owned()));
    }
    Ok(variables)
}

fn unquoted(value: &str) -> &str {
    let within = |quote| value.strip_prefix(quote)?.strip_suffix(quote);
    within('"').or_else(|| within('\'')).unwrap_or(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_are_read_and_a_secret_is_never_quoted() {
        let read =
            parse("\u{feff}# token\n\nIIQ_TOKEN=\"a=b c\"\r\nexport X='y'\n;z\nE=\n").unwrap();
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        assert_eq!(
            read,
            [pair("IIQ_TOKEN", "a=b c"), pair("X", "y"), pair("E", "")]
        );
        assert_eq!(parse("A=1\ns3cret\n"), Err(2));
        assert_eq!(parse("s3 cret=1\n"), Err(1));
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("env");
        std::fs::write(&path, "s3cret\n").unwrap();
        let error = super::read(&path).unwrap_err();
        assert!(!format!("{error:?}").contains("s3cret"));
    }
}
