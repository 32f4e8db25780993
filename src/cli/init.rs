//! `deskferry init`: a first mapping from the columns of a file.

mod desks;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::tz::TimeZone;
use serde_json::json;

use super::args::{Global, InitArgs};
use super::directory as directories;
use super::output::Output;
use crate::directory::{Directory, Needs};
use crate::error::{Error, ExitCode, Result};
use crate::mapping::decisions::{self, Decision};
use crate::mapping::infer::left_behind::{self, Left};
use crate::mapping::infer::{self, Draft, Layout, Seen};
use crate::mapping::{Mapping, Plan, PlanOptions, Reach};
use crate::outfile;
use crate::record::{Cell, Record};
use crate::report::tally::Miss;
use crate::report::{aliases, words};
use crate::source::{
    self, Input, InputOptions, Likely, Merged, Notice, Numbers, Row, Rule, SheetChoice, SheetName,
    What,
};
use crate::systems::{self, Operation, Schema, SystemName};

/// So many rows are looked at.
const SAMPLE: usize = 10_000;
/// The longest scope.
const SCOPE_LENGTH: usize = 40;

pub(super) async fn run(args: InitArgs, global: &Global, output: &Output) -> Result<ExitCode> {
    if let (Some(from), Some(to)) = (&args.source, &args.to) {
        return desks::run(&args, (from, to), global, *output).await;
    }
    let path = free_path(&args)?;
    check_operation(&args.operation)?;
    let directory = match args.from.names_one() {
        true => Some(directories::load(&args.from, Needs::ALL, global, *output).await?),
        false => None,
    };
    let system = system(&args, directory.as_deref())?;
    let schema: Arc<dyn Schema> = Arc::from(match &directory {
        Some(directory) => systems::schema_for(directory.snapshot())?,
        None => systems::schema(system, None)?,
    });
    let read = tokio::task::block_in_place(|| read(&args))?;
    let zone = TimeZone::system();
    let aliases = path
        .as_deref()
        .map(|path| free_beside(path, &stem(args.input())));
    let seen = Seen {
        input: &args.input().display().to_string(),
        tables: read.input.tables(),
        records: &read.records,
        is_whole: read.is_whole,
        other_sheets: &read.other_sheets,
        options: &read.options,
        guess: read.guess.as_ref(),
        notices: &read.notices,
        found_headings: read.found_headings,
        schema: schema.as_ref(),
        operation: Operation::Create,
        directory: directory.as_deref(),
        scope: &scope(args.input()),
        aliases: aliases.as_ref().and_then(|path| path.file_name()?.to_str()),
        zone: zone.iana_name(),
    };
    let made = Made::of(&seen);
    let mut text = made.text(&seen);
    let left = left_behind::left_behind(&text, &seen);
    if !left.is_empty() {
        text = format!("{}\n\n{}", text.trim_end(), left_behind::as_comments(&left));
    }
    let Some(path) = path else {
        output.data(text.trim_end())?;
        return Ok(ExitCode::Done);
    };
    let names = match (&aliases, &directory) {
        (Some(path), Some(directory)) => made.write_names(path, directory, global)?,
        _ => None,
    };
    write(&path, &text)?;
    let checked = check(&path, &args, &schema, directory.as_ref(), &read.input)?;
    let report = Written {
        args: &args,
        path: &path,
        made: &made,
        decisions: decisions::decisions(&text),
        left: &left,
        names: names.as_ref(),
        directory: directory.is_some(),
        checked: checked.as_ref(),
        notices: &read.notices,
    };
    report.tell(*output)?;
    Ok(ExitCode::Done)
}

/// Where the mapping goes, if that is free; `None` is standard output.
fn free_path(args: &InitArgs) -> Result<Option<PathBuf>> {
    let path = match &args.output {
        Some(path) if path == Path::new("-") => return Ok(None),
        Some(path) => path.clone(),
        None => PathBuf::from(format!("{}.mapping.toml", stem(args.input()))),
    };
    match path.exists() {
        true => Err(
            Error::usage("there is a file already, and `init` writes over none")
                .at(path.display())
                .hint("name another with -o FILE, or move it away"),
        ),
        false => Ok(Some(path)),
    }
}

/// A name beside the mapping that no file has, for a table of names.
fn free_beside(mapping: &Path, stem: &str) -> PathBuf {
    let name = |number: u32| match number {
        1 => format!("{stem}.aliases.xlsx"),
        number => format!("{stem}.aliases-{number}.xlsx"),
    };
    let path = |number| mapping.with_file_name(name(number));
    let free = (1..100).find(|number| !path(*number).exists());
    path(free.unwrap_or(100))
}

/// The name of the input without what its format adds.
fn stem(input: &Path) -> String {
    if input == Path::new("-") {
        return "stdin".to_owned();
    }
    let name = input.file_name().unwrap_or_default().to_string_lossy();
    let mut stem = name.as_ref();
    for ending in [
        ".gz", ".csv", ".tsv", ".txt", ".xlsx", ".xlsm", ".xlsb", ".xls", ".ods", ".jsonl",
        ".ndjson", ".json",
    ] {
        if let Some((start, end)) = stem.split_at_checked(stem.len().saturating_sub(ending.len()))
            && end.eq_ignore_ascii_case(ending)
        {
            stem = start;
        }
    }
    stem.to_owned()
}

/// The input's name as a scope: plain letters, digits and `-`.
fn scope(input: &Path) -> String {
    let words: Vec<String> = stem(input)
        .to_lowercase()
        .split(|c: char| !c.is_ascii_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(str::to_owned)
        .collect();
    let scope: String = words.join("-").chars().take(SCOPE_LENGTH).collect();
    match scope.trim_matches('-') {
        "" => "old-desk".to_owned(),
        scope => scope.to_owned(),
    }
}

fn check_operation(word: &str) -> Result<()> {
    match word {
        "create" => Ok(()),
        other => Err(Error::usage(format!(
            "`init` writes no mapping for the operation `{other}`"
        ))
        .hint("it writes mappings that create tickets: --operation create")),
    }
}

fn system(args: &InitArgs, directory: Option<&Directory>) -> Result<SystemName> {
    let of_directory = directory.map(|directory| directory.snapshot().system);
    let named = args.from.system.as_deref();
    if let Some(word) = named
        && SystemName::parse(word).is_none()
    {
        return directories::named_system(word);
    }
    let names = SystemName::ALL
        .map(SystemName::as_str)
        .join(" or --system ");
    of_directory
        .or_else(|| SystemName::parse(named?))
        .ok_or_else(|| {
            Error::usage("which system is the mapping for?").hint(format!("add --system {names}"))
        })
}

/// The input, and a sample of its records.
struct Read {
    input: Input,
    options: InputOptions,
    /// The encoding, where it was guessed.
    guess: Option<Likely>,
    notices: Vec<Notice>,
    found_headings: bool,
    records: Vec<Record>,
    is_whole: bool,
    other_sheets: Vec<String>,
}

fn read(args: &InitArgs) -> Result<Read> {
    let mut options = args.read_as.over(&InputOptions::default())?;
    let paths = [args.input().to_owned()];
    // It comes once.
    let comes_once = source::comes_once(args.input());
    let mut guess = None;
    let mut input = match Input::open(&paths, &options) {
        Err(_) if !comes_once && record_member(args.input()).is_some() => {
            options.records = record_member(args.input());
            Input::open(&paths, &options)?
        }
        Err(error) if options.encoding.is_none() && !comes_once => {
            // Spreadsheet programs write the encoding of their country: the bytes tell which it may be.
            guess = source::likely_encoding(args.input())?;
            match &guess {
                Some(guess) => {
                    options.encoding = Some(guess.charset.label());
                    Input::open(&paths, &options)?
                }
                None => return Err(error),
            }
        }
        opened => opened?,
    };
    let mut found_headings = false;
    if options.header_row.is_none()
        && !comes_once
        && let Some(row) = heading_row(&paths, &options, &input)?
    {
        options.header_row = Some(row);
        found_headings = true;
        input = Input::open(&paths, &options)?;
    }
    let mut other_sheets = Vec::new();
    if args.read_as.sheet.is_none()
        && !comes_once
        && input.tables().iter().any(|table| table.sheet.is_some())
    {
        let all = InputOptions {
            sheet: SheetChoice::All,
            ..options.clone()
        };
        let whole = Input::open(&paths, &all)?;
        if belong_together(&whole) {
            (input, options) = (whole, all);
        } else {
            let first = input.tables().first().and_then(|table| table.sheet.clone());
            let others = whole.tables().iter().filter(|table| table.sheet != first);
            other_sheets
                .extend(others.filter_map(|table| table.sheet.as_deref().map(str::to_owned)));
        }
    }
    let (mut records, mut is_whole) = sample(&input)?;
    let better = as_seen(&options, &input, &records);
    if better != options && !comes_once {
        options = better;
        input = Input::open(&paths, &options)?;
        (records, is_whole) = sample(&input)?;
    }
    Ok(Read {
        notices: input.notices(),
        input,
        options,
        guess,
        found_headings,
        records,
        is_whole,
        other_sheets,
    })
}

/// The one member of a JSON document that may hold its records.
fn record_member(path: &Path) -> Option<String> {
    match source::record_members(path).ok()?.as_slice() {
        [member] => Some(member.clone()),
        _ => None,
    }
}

/// The first records, and whether they are all.
fn sample(input: &Input) -> Result<(Vec<Record>, bool)> {
    let mut records = Vec::new();
    for row in input.rows()? {
        if records.len() == SAMPLE {
            return Ok((records, false));
        }
        if let Row::Record(record) = row? {
            records.push(record);
        }
    }
    Ok((records, true))
}

/// The options by which an input is read as a person sees it: what was noticed decides.
fn as_seen(options: &InputOptions, input: &Input, records: &[Record]) -> InputOptions {
    let mut better = options.clone();
    for notice in input.notices() {
        match notice.what {
            What::Shown { .. } => better.numbers = Some(Numbers::Shown),
            What::HiddenRows { .. } => better.hidden_rows = Some(Rule::Skip),
            What::Merged { .. } => better.merged = Some(Merged::Fill),
            What::Totals { .. } => better.total_rows = Some(Rule::Skip),
            _ => {}
        }
    }
    let is_csv = |record: &Record| {
        let table = input.tables().get(record.table);
        table.is_some_and(|table| matches!(table.layout, source::Layout::Csv { .. }))
    };
    let has_guard = |record: &&Record| {
        is_csv(record)
            && record.cells.iter().any(|cell| match cell {
                Cell::Text(text) => source::Guards::All.off(text) != text.as_str(),
                _ => false,
            })
    };
    // One such text may be meant; a program that guards does so in many rows.
    let guards = records.iter().filter(has_guard).count();
    if guards > 1 || (guards == 1 && records.len() == 1) {
        better.guarded = source::Guards::All;
    }
    better
}

/// The row of the headings, where it is plainly another than the first of the table that the input begins with.
fn heading_row(paths: &[PathBuf], options: &InputOptions, input: &Input) -> Result<Option<u32>> {
    let Some(table) = input.tables().first() else {
        return Ok(None);
    };
    let sheet = match (&table.layout, &table.sheet) {
        (source::Layout::Workbook { .. }, Some(sheet)) => {
            SheetChoice::These(vec![SheetName::Name(sheet.to_string())])
        }
        (source::Layout::Csv { .. }, _) => SheetChoice::First,
        _ => return Ok(None),
    };
    let bare = InputOptions {
        sheet,
        header_row: Some(0),
        ..options.clone()
    };
    let bare = Input::open(paths, &bare)?;
    let rows = bare.rows()?.take(infer::LOOKED_AT);
    let rows = rows.map(|row| row.map(|(Row::Record(record) | Row::Fault(record, _))| record));
    Ok(infer::heading_row(&rows.collect::<Result<Vec<_>>>()?))
}

/// Whether there are several sheets, and a third of the first one's columns stand in all of them.
fn belong_together(input: &Input) -> bool {
    let Some((first, others)) = input.tables().split_first() else {
        return false;
    };
    let names = first.header.names();
    let shared = names
        .iter()
        .filter(|name| {
            others
                .iter()
                .all(|table| table.header.position(name).is_some())
        })
        .count();
    !others.is_empty() && shared >= 2 && shared * 3 >= names.len()
}

fn write(path: &Path, text: &str) -> Result<()> {
    let failed = |error: std::io::Error| {
        Error::machine("cannot be written")
            .at(path.display())
            .caused_by(error)
    };
    outfile::create(path, text.as_bytes(), outfile::Readers::AsUsual).map_err(failed)
}

/// What is wrong with the mapping as it was written: its `TODO`s, as far as a check can see them.
fn check(
    path: &Path,
    args: &InitArgs,
    schema: &Arc<dyn Schema>,
    directory: Option<&Arc<Directory>>,
    read: &Input,
) -> Result<Option<Error>> {
    let checked = Mapping::load(path, Reach::Folder).and_then(|mapping| {
        // As the next command opens it; what is piped comes once.
        let opened = match source::comes_once(args.input()) {
            true => None,
            false => Some(tokio::task::block_in_place(|| {
                Input::open(&[args.input().to_owned()], mapping.input_options())
            })?),
        };
        let Some(directory) = directory else {
            return Ok(());
        };
        let input = opened.as_ref().unwrap_or(read);
        let options = PlanOptions::default();
        let plan = Plan::compile(
            &mapping,
            Arc::clone(schema),
            Arc::clone(directory),
            &options,
        )?;
        Arc::new(plan).bind(input.tables()).map(|_| ())
    });
    match checked {
        Ok(()) => Ok(None),
        Err(error) if !error.faults().is_empty() => Ok(Some(error)),
        Err(error) => Err(error),
    }
}

/// A ready mapping where there is one for the headings, else a guess.
enum Made {
    Ready(Box<Layout>),
    Guessed(Draft),
}

impl Made {
    fn of(seen: &Seen<'_>) -> Self {
        match Layout::of(seen.tables, seen.schema.system()) {
            Some(layout) => Self::Ready(Box::new(layout)),
            None => Self::Guessed(infer::guess(seen)),
        }
    }

    fn text(&self, seen: &Seen<'_>) -> String {
        match self {
            Self::Ready(layout) => layout.render(seen),
            Self::Guessed(draft) => draft.render(),
        }
    }

    /// Writes the table of the names that the system does not know; its path and how many there are. `None` where it knows
    /// all that the mapping looks for.
    fn write_names(
        &self,
        path: &Path,
        directory: &Directory,
        global: &Global,
    ) -> Result<Option<(PathBuf, u64)>> {
        let names = match self {
            Self::Ready(_) => return Ok(None),
            Self::Guessed(draft) => draft.names(),
        };
        if names.is_empty() {
            return Ok(None);
        }
        let misses: Vec<Miss> = names
            .iter()
            .map(|name| Miss {
                field: name.field.clone(),
                kind: name.kind,
                name: name.name.clone(),
                rows: name.rows,
                suggestion: aliases::suggestion(directory, name.kind, &name.name),
            })
            .collect();
        let written = aliases::write(path, &[(&misses, directory)], global.readers())?;
        Ok(Some((written, misses.len() as u64)))
    }
}

/// What is said at the end.
struct Written<'a> {
    args: &'a InitArgs,
    path: &'a Path,
    made: &'a Made,
    decisions: Vec<Decision>,
    left: &'a [Left],
    names: Option<&'a (PathBuf, u64)>,
    directory: bool,
    checked: Option<&'a Error>,
    notices: &'a [Notice],
}

impl Written<'_> {
    fn tell(&self, output: Output) -> Result<()> {
        let (layout, filled) = match self.made {
            Made::Ready(layout) => (Some(layout.name), None),
            Made::Guessed(draft) => (None, Some(draft.filled())),
        };
        let todo = |decision: &Decision| match &decision.about {
            Some(about) => format!("{}: {}", about.trim_matches('`'), decision.text),
            None => decision.text.clone(),
        };
        let todos: Vec<String> = self.decisions.iter().map(todo).collect();
        if output.is_json() {
            let faults: Vec<String> = self
                .checked
                .iter()
                .flat_map(|error| error.faults())
                .map(ToString::to_string)
                .collect();
            let document = json!({
                "mapping": self.path, "layout": layout, "fields": filled, "todos": todos, "faults": faults,
                "left_behind": self.left.iter().map(|left| json!({
                    "what": left.what.as_str(), "column": left.column, "rows": left.rows,
                })).collect::<Vec<_>>(),
                "aliases": self.names.map(|(path, _)| path),
                "notes": self.notices.iter().map(ToString::to_string).collect::<Vec<_>>(),
                "directory": self.directory,
            });
            return output.data(&document.to_string());
        }
        let what = match (layout, filled) {
            (Some(name), _) => match todos.len() as u64 {
                0 => format!("an export of {name}: its ready mapping"),
                count => format!(
                    "an export of {name}: its ready mapping, {} to look at",
                    words::plural(count, "TODO", "TODOs")
                ),
            },
            (None, filled) => {
                let fields = words::plural(filled.unwrap_or_default() as u64, "field", "fields");
                match todos.len() as u64 {
                    0 => format!("{fields} filled, nothing open"),
                    count => format!(
                        "{fields} filled, {} to look at",
                        words::plural(count, "TODO", "TODOs")
                    ),
                }
            }
        };
        for notice in self.notices {
            output.say(&format!("  note       {notice}"));
        }
        output.say(&format!("  mapping    {}     {what}", self.path.display()));
        for todo in &todos {
            output.say(&format!("    {todo}"));
        }
        if let Some((path, count)) = self.names {
            output.say(&format!(
                "  aliases    {} that the system does not know in {}: fill the column `use`",
                words::plural(*count, "name", "names"),
                path.display()
            ));
        }
        if !self.left.is_empty() {
            output.say("  left behind, for nothing reads these columns");
            for line in left_behind::lines(self.left) {
                output.say(&format!("    {line}"));
            }
        }
        if let Some(error) = self.checked {
            output.note(error);
        }
        output.say(&format!("  next       {}", self.next()));
        Ok(())
    }

    /// The dry run of what was written.
    fn next(&self) -> String {
        let mut words = vec![
            "deskferry".to_owned(),
            "import".to_owned(),
            self.args.input().display().to_string(),
            "--mapping".to_owned(),
            self.path.display().to_string(),
        ];
        let from = &self.args.from;
        match (&from.target.profile, &from.directory) {
            (Some(profile), _) => words.extend(["--profile".to_owned(), profile.clone()]),
            (None, Some(snapshot)) => {
                words.extend(["--directory".to_owned(), snapshot.display().to_string()])
            }
            (None, None) => words.push("--sandbox".to_owned()),
        }
        words.push("--dry-run".to_owned());
        let quoted: Vec<String> = words.iter().map(|word| words::shell_word(word)).collect();
        quoted.join(" ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scope_is_plain() {
        assert_eq!(
            scope(Path::new("old/Spiceworks Export (2024).csv.gz")),
            "spiceworks-export-2024"
        );
        assert_eq!(stem(Path::new("Tickets.CSV.GZ")), "Tickets");
        assert_eq!(stem(Path::new("チケット.Xlsx")), "チケット");
        assert_eq!(scope(Path::new("チケット.xlsx")), "old-desk");
        assert_eq!(scope(Path::new("-")), "stdin");
    }
}
