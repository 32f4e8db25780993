//! A mapping file as it is read, before it is known whether it is good.

use std::path::Path;

use super::check::Checked;
use super::file::{Faults, Section, Text, text_of};
use super::keys;
use super::load::{Mapping, Reach, Reading, read_top};
use super::plan::PlanOptions;
use super::shape::Version;
use crate::error::{Error, Result};

/// A mapping file as far as it could be read, with what is wrong with it so far: later stages go on with the parts
/// that are good, so that all faults are told at once.
#[derive(Debug)]
pub struct Draft {
    /// `None` when not even its system is known.
    pub(super) mapping: Option<Mapping>,
    pub(super) faults: Faults,
}

impl Draft {
    /// Reads a mapping file.
    ///
    /// # Errors
    /// When the file cannot be read, or is no UTF-8. What is wrong in it is kept.
    pub fn load(path: &Path, reach: Reach) -> Result<Self> {
        let text = text_of(path, "the mapping").map_err(|error| {
            error.hint("a mapping is a TOML file: ready ones stand in `mappings/`, and `deskferry init` writes one for a file")
        })?;
        let folder = path.parent().map(Path::to_path_buf).unwrap_or_default();
        let file = path.display().to_string();
        Ok(Self::read_as(file, text, &folder, None, reach))
    }

    /// Reads a mapping from its text; `folder` is where the files stand that it names.
    pub(super) fn read(file: String, text: String, folder: &Path) -> Self {
        Self::read_as(file, text, folder, None, Reach::Folder)
    }

    /// The same, taken for a mapping of another version, or with files elsewhere.
    pub(super) fn read_as(
        file: String,
        text: String,
        folder: &Path,
        as_version: Option<Version>,
        reach: Reach,
    ) -> Self {
        let text = Text::new(file, text);
        let (root, source, mut faults) = text.parse();
        let mut reading = Reading {
            version: Version::default(),
            as_version,
            folder: folder.to_path_buf(),
            reach,
            digest: blake3::Hasher::new(),
            beside: Vec::new(),
        };
        reading.digest.update(source.text.as_bytes());
        let section = Section::open(root.get_ref(), 0, &keys::TOP, &mut faults);
        let mapping = read_top(&section, &source, &mut reading, &mut faults);
        Self { mapping, faults }
    }

    /// The mapping as far as it is known.
    pub fn mapping(&self) -> Option<&Mapping> {
        self.mapping.as_ref()
    }

    /// The mapping when nothing is wrong with it.
    ///
    /// # Errors
    /// [`Error::mapping`] with all that can be told without a connection.
    pub fn finish(self) -> Result<Mapping> {
        if self.faults.is_empty()
            && let Some(mapping) = self.mapping
        {
            return Ok(mapping);
        }
        Err(Error::mapping(
            Checked::without_directory(self, &PlanOptions::default()).into_faults(),
        ))
    }
}
