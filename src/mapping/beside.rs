//! Tables that stand beside the mapping (or in the input's own workbook): opened, and read row by row.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::file::{At, Faults};
use super::item::Item;
use super::parse::Problem;
use super::shape::{ParseRule, Version};
use crate::directory::suggest::{did_you_mean, nearest};
use crate::error::Error;
use crate::record::{Cell, Header, Record};
use crate::source::{Input, InputOptions, Layout, Row, SheetChoice, SheetName, Table};

/// What of one table is held in memory, in bytes.
const MOST_HELD: usize = 128 * 1024 * 1024;
/// What an entry of a table takes besides its texts, in bytes.
pub(super) const ENTRY: usize = 128;

/// A table that the mapping names.
pub(super) struct Beside<'n> {
    /// Its path as it is opened.
    pub(super) path: PathBuf,
    /// The sheet; `None`: the first with data.
    pub(super) sheet: Option<&'n str>,
    /// What messages call it.
    pub(super) shown: String,
    /// Where the mapping names it.
    pub(super) at: usize,
}

impl<'n> Beside<'n> {
    /// A file that stands in the folder of the mapping, or a sheet of it.
    pub(super) fn file(path: PathBuf, file: &At<String>, sheet: Option<&'n At<String>>) -> Self {
        let sheet = sheet.map(|sheet| sheet.value.as_str());
        Self {
            path,
            sheet,
            shown: match sheet {
                Some(sheet) => format!("sheet `{sheet}` of `{}`", file.value),
                None => format!("`{}`", file.value),
            },
            at: file.at,
        }
    }
}

/// What is read from a sheet of the input's own workbooks, for the rows of each of its tables; `hint` says what to do
/// about an input without sheets.
pub(super) fn per_table<T: Default>(
    tables: &[Table],
    sheet: &At<String>,
    hint: &str,
    faults: &mut Faults,
    mut read: impl FnMut(&Beside<'_>, &Input, &mut Faults) -> T,
) -> Vec<Arc<T>> {
    let mut known: HashMap<&str, Arc<T>> = HashMap::new();
    let mut bound = Vec::new();
    for table in tables {
        let file: &str = &table.file;
        if let Some(known) = known.get(file) {
            bound.push(Arc::clone(known));
            continue;
        }
        if !matches!(table.layout, Layout::Workbook { .. }) || file == "-" {
            faults.hint(
                sheet.at,
                format!("`{file}` has no sheets to look into"),
                hint,
            );
            return Vec::new();
        }
        let beside = Beside {
            path: Path::new(file).to_path_buf(),
            sheet: Some(&sheet.value),
            shown: format!("sheet `{}`", sheet.value),
            at: sheet.at,
        };
        let made = match beside.open(faults) {
            Some(input) => Arc::new(read(&beside, &input, faults)),
            None => Arc::default(),
        };
        known.insert(file, Arc::clone(&made));
        bound.push(made);
    }
    bound
}

/// The value of a cell of such a table: typed where its column is. A zone that the type does not name is not known here:
/// what the value is for gives it one.
pub(super) fn typed(
    record: &Record,
    at: usize,
    rule: Option<&ParseRule>,
    version: Version,
) -> Result<Option<Item<'static>>, Problem> {
    let cell = record.cell(at);
    if let Cell::Fault(why) = cell {
        return Err(Problem::new(why.clone()).hint("fix the cell in the spreadsheet program"));
    }
    let item = Item::of(cell).map(|item| match version {
        Version::One => item,
        Version::Two => item.with_plain_lines(),
    });
    match (item, rule) {
        (Some(item), Some(rule)) => Ok(Some(rule.apply(item, None)?.into_owned())),
        (item, _) => Ok(item.map(Item::into_owned)),
    }
}

impl Beside<'_> {
    /// Opens the table; what keeps it from being opened is a fault of the mapping.
    pub(super) fn open(&self, faults: &mut Faults) -> Option<Input> {
        let sheet = self.sheet.map_or(SheetChoice::First, |name| {
            SheetChoice::These(vec![SheetName::Name(name.to_owned())])
        });
        let options = InputOptions {
            sheet,
            // A ticket without comments is good, and so are all of them.
            may_be_empty: true,
            ..InputOptions::default()
        };
        Input::open(std::slice::from_ref(&self.path), &options)
            .map_err(|error| self.fault(&error, faults))
            .ok()
    }

    fn fault(&self, error: &Error, faults: &mut Faults) {
        let hint = error.hints().first().cloned();
        let hint = hint.unwrap_or_else(|| "a path is taken from the folder of the mapping".into());
        let mut message = error.message().to_owned();
        let mut source = std::error::Error::source(error);
        while let Some(cause) = source {
            message = format!("{message}: {cause}");
            source = cause.source();
        }
        faults.hint(
            self.at,
            format!("{} cannot be read: {message}", self.shown),
            hint,
        );
    }

    /// Hands on every row; one that cannot be read is a fault, and so is more than [`MOST_HELD`]: `take` says how many bytes
    /// it holds of each.
    pub(super) fn rows(
        &self,
        input: &Input,
        faults: &mut Faults,
        mut take: impl FnMut(Record, &mut Faults) -> usize,
    ) {
        let mut held = 0;
        let rows = match input.rows() {
            Ok(rows) => rows,
            Err(error) => return self.fault(&error, faults),
        };
        for row in rows {
            match row {
                Ok(Row::Record(record)) => {
                    held += take(record, faults);
                    if held > MOST_HELD {
                        let most = MOST_HELD / 1024 / 1024;
                        let message = format!(
                            "{} has more than {most} MB of what is looked up",
                            self.shown
                        );
                        let hint = "such a table is held in memory: leave the rows and columns out that no ticket needs";
                        return faults.hint(self.at, message, hint);
                    }
                }
                Ok(Row::Fault(record, why)) => {
                    let why = why.first().map_or("", |fault| fault.message.as_str());
                    let message = format!("{}, row {}: {why}", self.shown, record.place.row);
                    faults.hint(self.at, message, "fix that row");
                    return;
                }
                Err(error) => return self.fault(&error, faults),
            }
        }
    }

    /// The types of the columns of a header; one that is not there is a fault.
    pub(super) fn types<'c>(
        &self,
        header: &Header,
        columns: &'c [(At<String>, ParseRule)],
        faults: &mut Faults,
    ) -> Vec<Option<&'c ParseRule>> {
        let mut types = vec![None; header.len()];
        for (name, rule) in columns {
            if let Some(at) = self.column(header, &name.value, name.at, faults) {
                types[at] = Some(rule);
            }
        }
        types
    }

    /// Tells a cell that cannot be read, or is not what the mapping says of its column.
    pub(super) fn unreadable(
        &self,
        record: &Record,
        column: &At<String>,
        problem: Problem,
        faults: &mut Faults,
    ) {
        let row = record.place.row;
        let message = format!(
            "{}, row {row}, column `{}`: {}",
            self.shown, column.value, problem.message
        );
        *faults.add(column.at, message) = problem.hint;
    }

    /// The position of a column; one that is not there is a fault at `at`.
    pub(super) fn column(
        &self,
        header: &Header,
        name: &str,
        at: usize,
        faults: &mut Faults,
    ) -> Option<usize> {
        let position = header.position(name);
        if position.is_none() {
            let names = header.names().iter().map(String::as_str);
            let near = did_you_mean(&nearest(name, names.clone())).or_else(|| {
                let shown: Vec<String> = names.take(12).map(|name| format!("`{name}`")).collect();
                (!shown.is_empty()).then(|| format!("it has {}", shown.join(", ")))
            });
            *faults.add(at, format!("{} has no column `{name}`", self.shown)) = near;
        }
        position
    }
}
