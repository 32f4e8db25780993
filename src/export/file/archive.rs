//! Copies with the day in their names, of a file that goes on under one name.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use jiff::Zoned;

use super::backup::copy;
use super::unwritable;
use crate::error::{Error, Result};
use crate::outfile::folder_for;
use crate::source::cut;

/// Copies files into a folder, which is made where it is not there: `tickets.xlsx` becomes `tickets.2026-11-30.xlsx`, the next
/// one of that day `tickets.2026-11-30-070000.xlsx`.
///
/// # Errors
/// When the folder cannot be made, or a file not be copied.
pub fn archive(files: &[PathBuf], folder: &Path, at: &Zoned) -> Result<Vec<PathBuf>> {
    let made = match files.first() {
        Some(file) => folder_for(folder, file),
        None => fs::create_dir_all(folder),
    };
    made.map_err(|error| {
        Error::machine("the folder of the copies cannot be made")
            .at(folder.display())
            .caused_by(error)
            .hint("name another place: --archive FOLDER")
    })?;
    let mut copies = Vec::with_capacity(files.len());
    for file in files {
        let name = |day: &str| {
            let part = |part: Option<&std::ffi::OsStr>| {
                part.unwrap_or_default().to_string_lossy().into_owned()
            };
            let (stem, extension) = (part(file.file_stem()), part(file.extension()));
            folder.join(format!("{stem}.{day}.{extension}"))
        };
        let days = ["%Y-%m-%d", "%Y-%m-%d-%H%M%S"].map(|day| name(&at.strftime(day).to_string()));
        let further =
            (2..).map(|number: u32| name(&format!("{}-{number}", at.strftime("%Y-%m-%d-%H%M%S"))));
        let free = days.into_iter().chain(further).find(|path| !path.exists());
        if let Some(to) = free {
            copy(file, &to).map_err(unwritable)?;
            copy_texts(file, &to).map_err(unwritable)?;
            copies.push(to);
        }
    }
    Ok(copies)
}

/// The whole texts of a workbook, which its copy names too.
fn copy_texts(file: &Path, to: &Path) -> io::Result<()> {
    let folder = cut::folder_of(to);
    for (path, _) in cut::written(file) {
        folder_for(&folder, file)?;
        copy(&path, &folder.join(path.file_name().unwrap_or_default()))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_texts_go_with_the_copy() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("tickets.xlsx");
        fs::write(&file, "x").unwrap();
        let cut = cut::cut(&"long ".repeat(9_000), 2, 0).unwrap();
        fs::create_dir(cut::folder_of(&file)).unwrap();
        fs::write(cut::folder_of(&file).join(&cut.file), "long").unwrap();
        let at: Zoned = "2026-11-30T07:00:00[UTC]".parse().unwrap();
        let copies = archive(&[file], &folder.path().join("archive"), &at).unwrap();
        let texts = cut::folder_of(&copies[0]).join(&cut.file);
        assert_eq!(fs::read_to_string(texts).unwrap(), "long");
    }

    #[test]
    fn each_copy_has_a_name_of_its_own() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("tickets.xlsx");
        let archived = folder.path().join("archive");
        let at: Zoned = "2026-11-30T07:00:00[UTC]".parse().unwrap();
        for text in ["one", "two", "three"] {
            fs::write(&file, text).unwrap();
            archive(std::slice::from_ref(&file), &archived, &at).unwrap();
        }
        for (name, text) in [
            ("tickets.2026-11-30.xlsx", "one"),
            ("tickets.2026-11-30-070000.xlsx", "two"),
            ("tickets.2026-11-30-070000-2.xlsx", "three"),
        ] {
            assert_eq!(fs::read_to_string(archived.join(name)).unwrap(), text);
        }
    }
}
