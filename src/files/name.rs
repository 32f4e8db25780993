//! Names of files that every system, every disk and every browser takes.

use std::collections::HashSet;

use unicode_normalization::UnicodeNormalization;

/// How many characters a name may have, its extension included.
const MOST: usize = 120;

/// What Windows takes for devices, whatever the extension.
const DEVICES: [&str; 4] = ["con", "prn", "aux", "nul"];

/// A name without folders, without signs that some system refuses, and not too long; its extension stays.
pub(crate) fn safe(name: &str) -> String {
    let last = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let plain = |sign: char| match sign {
        '<' | '>' | ':' | '"' | '|' | '?' | '*' | '\u{fffd}' => '_',
        sign if sign.is_control() || is_invisible(sign) => '_',
        sign => sign,
    };
    let name: String = last.nfc().map(plain).collect();
    // A leading dot hides a file, a dot or space at the end Windows drops.
    let name = name
        .trim()
        .trim_start_matches('.')
        .trim_end_matches(['.', ' ']);
    let (stem, extension) = split(name);
    let stem = match stem.trim() {
        "" => "file",
        stem => stem,
    };
    let is_device = DEVICES
        .iter()
        .any(|device| stem.eq_ignore_ascii_case(device))
        || (stem.len() == 4
            && ["com", "lpt"]
                .iter()
                .any(|port| stem.to_ascii_lowercase().starts_with(port))
            && stem.ends_with(|sign: char| sign.is_ascii_digit()));
    let stem = if is_device {
        format!("{stem}_")
    } else {
        stem.to_owned()
    };
    let room = MOST.saturating_sub(extension.chars().count());
    let stem: String = stem.chars().take(room.max(1)).collect();
    format!("{}{extension}", stem.trim_end())
}

/// A folder's name for a text that tells one ticket from all others: another text has another folder.
pub(crate) fn folder(text: &str) -> String {
    let text = text.trim();
    let plain = |sign: char| match sign {
        sign if sign.is_alphanumeric() || matches!(sign, '-' | '_' | '.' | '#') => sign,
        _ => '-',
    };
    let name: String = text.chars().map(plain).take(80).collect();
    let name = name.trim_start_matches('.').trim_end_matches('.');
    // Disks that know no case, and what was replaced, must not make one folder of two tickets.
    let is_as_it_was = name == text && !text.chars().any(char::is_uppercase) && safe(text) == text;
    match is_as_it_was {
        true => name.to_owned(),
        false => format!("{name}-{}", &blake3::hash(text.as_bytes()).to_hex()[..8]),
    }
}

/// The name, or one like it that none of the others has.
pub(crate) fn unique(name: String, taken: &mut HashSet<String>) -> String {
    let lower = |name: &str| name.to_lowercase();
    if taken.insert(lower(&name)) {
        return name;
    }
    for nth in 2_u32.. {
        let other = numbered(&name, nth);
        if taken.insert(lower(&other)) {
            return other;
        }
    }
    name
}

/// The name of another file of that name.
pub(crate) fn numbered(name: &str, nth: u32) -> String {
    let (stem, extension) = split(name);
    format!("{stem} ({nth}){extension}")
}

/// The name without the number that tells it from others; `None`: it has none.
pub(crate) fn unnumbered(name: &str) -> Option<String> {
    let (stem, extension) = split(name);
    let (plain, nth) = stem.strip_suffix(')')?.rsplit_once(" (")?;
    let is_number = !nth.is_empty() && nth.bytes().all(|sign| sign.is_ascii_digit());
    is_number.then(|| format!("{plain}{extension}"))
}

/// A name and its extension, with the dot.
fn split(name: &str) -> (&str, &str) {
    match name.rfind('.') {
        Some(at) if at > 0 && name.len() - at <= 12 => name.split_at(at),
        _ => (name, ""),
    }
}

/// Signs that turn the direction of a text, or that nobody sees: with them `exe.txt` may be `txt.exe`.
fn is_invisible(sign: char) -> bool {
    matches!(sign, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_has_no_folders_and_no_signs_that_a_disk_refuses() {
        for (name, expected) in [
            ("a.png", "a.png"),
            ("../../etc/passwd", "passwd"),
            (r"C:\Users\ann\photo.jpg", "photo.jpg"),
            ("what? <now>.txt", "what_ _now_.txt"),
            (".htaccess", "htaccess"),
            ("..", "file"),
            ("", "file"),
            ("con.txt", "con_.txt"),
            ("LPT1", "LPT1_"),
            ("gpj.\u{202e}exe", "gpj._exe"),
            ("no end. ", "no end"),
            ("日本語.pdf", "日本語.pdf"),
        ] {
            assert_eq!(safe(name), expected, "{name}");
        }
        let long = safe(&format!("{}.docx", "x".repeat(500)));
        assert!(long.ends_with("x.docx"));
        assert_eq!(long.chars().count(), MOST);
    }

    #[test]
    fn two_tickets_never_share_a_folder() {
        assert_eq!(folder("10007"), "10007");
        let names: HashSet<String> = ["a/b", "a:b", "A-b", "a-b", "a b", "..", "con"]
            .iter()
            .map(|text| folder(text).to_lowercase())
            .collect();
        assert_eq!(names.len(), 7, "{names:?}");
        assert!(
            !names
                .iter()
                .any(|name| name.starts_with('.') || name.contains('/'))
        );
    }

    #[test]
    fn names_of_one_ticket_differ() {
        let mut taken = HashSet::new();
        let names = ["a.png", "A.PNG", "a.png", "b", "b"];
        let names = names.map(|name| unique(name.to_owned(), &mut taken));
        assert_eq!(names, ["a.png", "A (2).PNG", "a (3).png", "b", "b (2)"]);
    }
}
