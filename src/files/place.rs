//! Where a file is that a cell names: a path beside the input, a web address, or a file of the desk that is migrated.

use std::path::{Component, Path, PathBuf};

use url::Url;

use super::OF_DESK;

/// Where a file is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Place {
    /// On this machine.
    Local(PathBuf),
    /// Elsewhere.
    Web(Url),
    /// In the desk that tickets are migrated from: the file's id there.
    Desk(String),
}

impl Place {
    /// The file that a text names. `input` is the file with the text in it, beside which paths begin; `outside` says whether
    /// they may lead out of its folder.
    ///
    /// # Errors
    /// Why the text names none, and what to do.
    pub(crate) fn of(
        text: &str,
        input: &str,
        outside: bool,
    ) -> Result<Self, (String, &'static str)> {
        let text = text.trim();
        if let Some(id) = text.strip_prefix(OF_DESK) {
            return Ok(Self::Desk(id.to_owned()));
        }
        let lower = text.to_ascii_lowercase();
        if lower.starts_with("http://") || lower.starts_with("https://") {
            let url = Url::parse(text).map_err(|error| {
                (
                    format!("`{text}` is not a valid web address: {error}"),
                    "correct the address",
                )
            })?;
            return Ok(Self::Web(url));
        }
        let has_scheme = text.split_once("://").is_some_and(|(scheme, _)| {
            !scheme.is_empty() && scheme.chars().all(|sign| sign.is_ascii_alphanumeric())
        });
        if has_scheme {
            return Err((
                format!("`{text}` is neither a path nor an address that starts with `https://`"),
                "save the file beside the input and name its path",
            ));
        }
        // Exports of Windows write paths with backslashes.
        let written = match cfg!(windows) {
            true => text.to_owned(),
            false => text.replace('\\', "/"),
        };
        let path = Path::new(&written);
        let is_absolute = path.has_root() || is_drive(text);
        if !outside && (is_absolute || leads_out(path)) {
            return Err((
                format!("`{text}` leads out of the folder of the input"),
                "put the file beside the input, or allow it in the mapping: `attachments = { outside = true }`",
            ));
        }
        let folder = match input {
            "-" => Path::new(""),
            input => Path::new(input).parent().unwrap_or(Path::new("")),
        };
        Ok(Self::Local(folder.join(path)))
    }
}

/// The name of a file as its path or address ends.
pub(crate) fn last_name(text: &str) -> String {
    let text = text.trim();
    let web = Url::parse(text)
        .ok()
        .filter(|url| matches!(url.scheme(), "http" | "https"));
    match web {
        Some(url) => {
            let last = url.path_segments().and_then(|mut parts| parts.next_back());
            decoded(last.unwrap_or_default())
        }
        None => text
            .rsplit(['/', '\\'])
            .next()
            .unwrap_or_default()
            .to_owned(),
    }
}

/// A part of an address without its `%20`.
fn decoded(part: &str) -> String {
    let mut bytes = Vec::with_capacity(part.len());
    let mut rest = part.as_bytes();
    while let [first, tail @ ..] = rest {
        let hex = (*first == b'%').then(|| tail.get(..2)).flatten();
        let byte = hex
            .and_then(|hex| std::str::from_utf8(hex).ok())
            .and_then(|hex| u8::from_str_radix(hex, 16).ok());
        match byte {
            Some(byte) => {
                bytes.push(byte);
                rest = &tail[2..];
            }
            None => {
                bytes.push(*first);
                rest = tail;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// `C:\…`, wherever the program runs.
fn is_drive(text: &str) -> bool {
    let bytes = text.as_bytes();
    bytes.len() > 1 && bytes[0].is_ascii_alphabetic() && bytes[1] == b':'
}

/// Whether a path leaves the folder in which it begins.
fn leads_out(path: &Path) -> bool {
    let mut depth = 0_i32;
    for part in path.components() {
        match part {
            Component::ParentDir => depth -= 1,
            Component::Normal(_) => depth += 1,
            Component::CurDir => {}
            Component::RootDir | Component::Prefix(_) => return true,
        }
        if depth < 0 {
            return true;
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    fn local(text: &str, input: &str) -> Place {
        Place::of(text, input, false).unwrap()
    }

    #[test]
    fn paths_begin_beside_the_input() {
        let at = |path: &str| Place::Local(PathBuf::from(path));
        assert_eq!(
            local("files/a.png", "data/jira.csv"),
            at("data/files/a.png")
        );
        assert_eq!(local("a.png", "-"), at("a.png"));
        assert_eq!(local("x/../a.png", "jira.csv"), at("x/../a.png"));
        if !cfg!(windows) {
            assert_eq!(
                local(r"files\a.png", "data/jira.csv"),
                at("data/files/a.png")
            );
        }
    }

    #[test]
    fn a_path_that_leads_out_needs_a_word_in_the_mapping() {
        for text in [
            "../a.png",
            "x/../../a.png",
            "/etc/passwd",
            r"C:\a.png",
            r"..\a.png",
            "c:a.png",
        ] {
            let (message, hint) = Place::of(text, "data/x.csv", false).unwrap_err();
            assert!(message.contains("leads out of the folder"), "{message}");
            assert!(hint.contains("outside = true"));
            assert!(Place::of(text, "data/x.csv", true).is_ok(), "{text}");
        }
        assert!(Place::of("file:///etc/passwd", "x.csv", true).is_err());
        assert!(Place::of("ftp://host/a", "x.csv", true).is_err());
    }

    #[test]
    fn addresses_and_files_of_a_desk_are_no_paths() {
        assert!(matches!(
            local("HTTPS://host/a.png", "x.csv"),
            Place::Web(_)
        ));
        assert_eq!(local("desk:17", "x.csv"), Place::Desk("17".to_owned()));
    }

    #[test]
    fn a_file_is_called_as_its_path_or_address_ends() {
        for (text, name) in [
            ("files/a b.png", "a b.png"),
            (r"files\a.png", "a.png"),
            ("https://host/x/my%20photo.jpg?size=2#top", "my photo.jpg"),
            ("https://host", ""),
            ("https://host/100%", "100%"),
        ] {
            assert_eq!(last_name(text), name, "{text}");
        }
    }
}
