//! How an input is read: as the mapping says, unless a flag says otherwise.

use super::args::ReadAs;
use crate::error::{Error, Result};
use crate::source::{InputOptions, SheetChoice, SheetName};

impl ReadAs {
    /// The options of a mapping with what was typed over them.
    pub(super) fn over(&self, options: &InputOptions) -> Result<InputOptions> {
        let mut options = options.clone();
        if let Some(sheet) = &self.sheet {
            options.sheet = sheets(sheet)?;
        }
        if let Some(encoding) = &self.encoding {
            options.encoding = Some(encoding.clone());
        }
        if let Some(delimiter) = self.delimiter {
            options.delimiter = Some(delimiter);
        }
        if let Some(row) = self.header_row {
            options.header_row = Some(row);
        }
        Ok(options)
    }
}

/// Sheets as they are typed: names or numbers, or `*` for all.
fn sheets(typed: &str) -> Result<SheetChoice> {
    if typed.trim() == "*" {
        return Ok(SheetChoice::All);
    }
    let name = |word: &str| match word.trim().parse::<usize>() {
        Ok(0) => Err(Error::usage("sheets are numbered from 1")),
        Ok(number) => Ok(SheetName::Number(number)),
        Err(_) => Ok(SheetName::Name(word.trim().to_owned())),
    };
    typed
        .split(',')
        .map(name)
        .collect::<Result<Vec<_>>>()
        .map(SheetChoice::These)
}
