//! Texts that no cell of a workbook can hold: what is written there is cut and ends in a mark, the whole text is a file in
//! a folder beside the workbook. Whoever reads the workbook takes the file for a marked cell that nobody changed.

use std::fs;
use std::path::{Path, PathBuf};

use super::sheet::letters;
use crate::infile;
use crate::report::words;

/// What a cell holds, in UTF-16 units, as spreadsheet programs count.
pub(crate) const LONGEST: usize = 32_767;
/// Room for the mark.
const KEPT: usize = LONGEST - 300;
/// What the name of the folder ends with, in place of the workbook's `xlsx`.
const FOLDER: &str = "texts";
const BEGIN: &str = "\n[… cut by deskferry: all ";
const MIDDLE: &str = " are in ";
const END: &str = ", in the folder beside this file]";
/// The largest text that is read back, in bytes.
const MOST: u64 = 256 * 1024 * 1024;
/// How many hexadecimal digits say what the whole text is, and what is left of it.
const WHOLE: usize = 12;
const REST: usize = 8;

/// A text that is cut.
#[derive(Debug)]
pub(crate) struct Cut {
    /// What the cell holds.
    pub(crate) cell: String,
    /// The name of the file with the whole text.
    pub(crate) file: String,
}

/// Whether a cell holds a text.
pub(crate) fn fits(text: &str) -> bool {
    // A character has at least as many bytes as units.
    text.len() <= LONGEST || text.encode_utf16().count() <= LONGEST
}

/// Cuts a text that no cell holds; `row` from 1, `column` from 0.
pub(crate) fn cut(text: &str, row: u64, column: usize) -> Option<Cut> {
    if fits(text) {
        return None;
    }
    let mut units = 0;
    let end = text.char_indices().find_map(|(at, sign)| {
        units += sign.len_utf16();
        (units > KEPT).then_some(at)
    });
    let rest = &text[..end.unwrap_or(text.len())];
    let file = format!(
        "row-{row}-{}-{}-{}.txt",
        letters(column),
        digits(text, WHOLE),
        digits(&seen(rest), REST)
    );
    let count = words::plural(text.chars().count() as u64, "character", "characters");
    Some(Cut {
        cell: format!("{rest}{BEGIN}{count}{MIDDLE}{file}{END}"),
        file,
    })
}

/// What a spreadsheet program leaves of a text when it saves it: line ends may be written in another way.
fn seen(text: &str) -> String {
    text.chars().filter(|sign| !sign.is_control()).collect()
}

fn digits(text: &str, count: usize) -> String {
    let mut digits = blake3::hash(text.as_bytes()).to_hex().to_string();
    digits.truncate(count);
    digits
}

/// The folder of the whole texts of a workbook.
pub(crate) fn folder_of(workbook: &Path) -> PathBuf {
    workbook.with_extension(FOLDER)
}

/// The text that a cell stands for: `None` where it is not marked.
///
/// # Errors
/// A message for people where the text of a marked cell was changed, or its file is not there.
pub(crate) fn whole(cell: &str, workbook: &Path) -> Option<Result<String, String>> {
    if cell.len() < KEPT / 4 {
        return None;
    }
    let marked = cell.trim_end().strip_suffix(END)?;
    let (rest, mark) = marked.rsplit_once(BEGIN.trim_start())?;
    let (_, file) = mark.rsplit_once(MIDDLE)?;
    let (as_written, print) = parts(file)?;
    if digits(&seen(rest), REST) != print {
        return Some(Err(format!(
            "the text was cut for the workbook and changed since: change `{file}` instead, or delete the last line, which says where the text was cut"
        )));
    }
    let found = places(workbook).find_map(|folder| infile::read(&folder.join(file), MOST).ok());
    Some(match found.map(String::from_utf8) {
        // An editor may put a mark of byte order before what it saves.
        Some(Ok(text)) if digits(&text, WHOLE) != as_written => {
            Ok(text.strip_prefix('\u{feff}').unwrap_or(&text).to_owned())
        }
        Some(Ok(text)) => Ok(text),
        Some(Err(_)) => Err(format!(
            "`{file}`, which holds the whole text, is not UTF-8"
        )),
        None => Err(format!(
            "the text was cut for the workbook, and `{file}` with the whole text is not in {}",
            folder_of(workbook).display()
        )),
    })
}

/// The folders in which a text may be: that of the workbook, then others beside it, for a workbook may be renamed.
fn places(workbook: &Path) -> impl Iterator<Item = PathBuf> {
    let own = folder_of(workbook);
    let beside = fs::read_dir(crate::outfile::folder(workbook));
    let others = beside
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path());
    let is_other = |path: &PathBuf| {
        path.extension()
            .is_some_and(|extension| extension == FOLDER)
    };
    std::iter::once(own).chain(others.filter(is_other))
}

/// Of the name of a file the digits of the whole text, and those of what is left of it in the cell.
fn parts(file: &str) -> Option<(&str, &str)> {
    let name = file.strip_prefix("row-")?.strip_suffix(".txt")?;
    let mut parts = name.rsplit('-');
    let (rest, whole) = (parts.next()?, parts.next()?);
    let (column, row) = (parts.next()?, parts.next()?);
    let are =
        |text: &str, is: fn(&u8) -> bool| !text.is_empty() && text.bytes().all(|byte| is(&byte));
    (parts.next().is_none()
        && rest.len() == REST
        && whole.len() == WHOLE
        && are(rest, u8::is_ascii_hexdigit)
        && are(whole, u8::is_ascii_hexdigit)
        && are(column, u8::is_ascii_uppercase)
        && are(row, u8::is_ascii_digit))
    .then_some((whole, rest))
}

/// The files in the folder of a workbook that this program wrote, and whether somebody has changed each since.
pub(crate) fn written(workbook: &Path) -> Vec<(PathBuf, bool)> {
    let entries = fs::read_dir(folder_of(workbook));
    let mut files = Vec::new();
    for path in entries
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path())
    {
        let name = path
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        let Some((whole, _)) = parts(&name) else {
            continue;
        };
        let is_same = infile::read(&path, MOST)
            .is_ok_and(|bytes| blake3::hash(&bytes).to_hex().as_str().starts_with(whole));
        files.push((path, !is_same));
    }
    files
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use tempfile::TempDir;

    use super::*;

    /// A workbook's path, with the folder and one text in it.
    fn kept(text: &str) -> (TempDir, PathBuf, Cut) {
        let folder = TempDir::new().unwrap();
        let workbook = folder.path().join("t.errors.xlsx");
        let cut = cut(text, 3, 27).unwrap();
        fs::create_dir(folder_of(&workbook)).unwrap();
        fs::write(folder_of(&workbook).join(&cut.file), text).unwrap();
        (folder, workbook, cut)
    }

    #[test]
    fn a_marked_cell_is_the_whole_text_until_it_is_changed() {
        let text = "long\r\n".repeat(9_000);
        let (folder, workbook, cut) = kept(&text);
        assert!(cut.file.starts_with("row-3-AB-"), "{}", cut.file);
        assert!(cut.cell.contains("all 54,000 characters are in row-3-AB-"));
        assert_eq!(whole(&cut.cell, &workbook), Some(Ok(text.clone())));
        // As a spreadsheet program may save it.
        let saved = cut.cell.replace("\r\n", "\n");
        assert_eq!(whole(&saved, &workbook), Some(Ok(text.clone())));
        assert_eq!(
            written(&workbook)
                .iter()
                .map(|file| file.1)
                .collect::<Vec<_>>(),
            [false]
        );
        // What a person writes into the file counts.
        fs::write(folder_of(&workbook).join(&cut.file), "short").unwrap();
        assert_eq!(whole(&cut.cell, &workbook), Some(Ok("short".to_owned())));
        assert!(written(&workbook)[0].1);
        let changed = cut.cell.replacen("long", "wrong", 1);
        let said = whole(&changed, &workbook).unwrap().unwrap_err();
        assert!(said.contains("changed since"), "{said}");
        // The workbook may be renamed; without the folder it is said.
        let renamed = workbook.with_file_name("other.xlsx");
        assert_eq!(whole(&cut.cell, &renamed), Some(Ok("short".to_owned())));
        fs::remove_dir_all(folder_of(&workbook)).unwrap();
        let said = whole(&cut.cell, &workbook).unwrap().unwrap_err();
        assert!(said.contains("t.errors.texts"), "{said}");
        drop(folder);
    }

    #[test]
    fn no_name_leads_out_of_the_folder() {
        for file in [
            "row-3-A-../../x.txt",
            "row-3-A-0123456789ab-/etc/pas.txt",
            "x.txt",
            "row-3-A-0-1.txt",
        ] {
            assert_eq!(parts(file), None, "{file}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]

        #[test]
        fn any_long_text_comes_back(sign in any::<char>(), other in any::<char>(), count in 8_000_usize..40_000) {
            let text = format!("{sign}{other}a").repeat(count / 2);
            match cut(&text, 9, 0) {
                None => prop_assert!(text.encode_utf16().count() <= LONGEST),
                Some(cut) => {
                    prop_assert!(cut.cell.encode_utf16().count() <= LONGEST);
                    let (_folder, workbook, cut) = kept(&text);
                    prop_assert_eq!(whole(&cut.cell, &workbook), Some(Ok(text)));
                }
            }
        }
    }
}
