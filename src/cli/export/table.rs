//! What the file is to be: its form, its columns, the mapping that leads back.

use std::collections::HashSet;
use std::io::IsTerminal;
use std::path::Path;
use std::time::Duration;

use jiff::Timestamp;

use super::analyses::{Analyses, has_sheets};
use super::is_stream;
use crate::cli::args::{By, ExportArgs, Include};
use crate::cli::confirm::yes_or_no;
use crate::cli::open::Open;
use crate::config::StateFolder;
use crate::directory::{Directory, Kind, Needs};
use crate::error::{Error, Result};
use crate::export::back;
use crate::export::columns::{Plan, ask_for, ask_for_all};
use crate::export::file::{
    About, Format, JsonLines, Options, Partition, Placing, Sink, Written, can_write, create,
    is_strange, write_text,
};
use crate::export::sheets::SheetKind;
use crate::outfile::{Claims, Readers, Records};
use crate::record::fold;

/// The form of the file, by its name.
///
/// # Errors
/// When the name does not say it, or a flag does not go with it.
pub(super) fn format(args: &ExportArgs, path: &Path) -> Result<Format> {
    let extension = path.extension().and_then(|extension| extension.to_str());
    let format = match extension.map(str::to_lowercase).as_deref() {
        _ if is_stream(path) => Format::JsonLines,
        Some("csv") => Format::Csv,
        Some("xlsx") => Format::Xlsx,
        Some("jsonl") => Format::JsonLines,
        Some("html" | "htm") => Format::Html,
        _ => {
            return Err(
                Error::usage("the file's name does not say what it is to be")
                    .at(path.display())
                    .hint(
                        "end it with .xlsx, .html, .csv or .jsonl, or write - for standard output",
                    ),
            );
        }
    };
    if args.raw && format != Format::Csv {
        return Err(
            Error::usage("`--raw` is for .csv: other files have no texts that are run")
                .hint("leave it out"),
        );
    }
    if args.sheets.is_some() && !has_sheets(format) {
        return Err(Error::usage("`--sheets` is for .xlsx and .html").hint("leave it out"));
    }
    if args.archive.is_some() && is_stream(path) {
        return Err(
            Error::usage("`--archive` copies files, and this export writes none")
                .hint("name a file: -o FILE"),
        );
    }
    let is_table = matches!(format, Format::Csv | Format::Xlsx);
    let of_tables = [
        ("--partition-by", args.partition_by.is_some()),
        ("--carry-from", args.carry_from.is_some()),
        ("--write-mapping", args.write_mapping.is_some()),
    ];
    if let Some((flag, _)) = of_tables
        .iter()
        .find(|(_, is_given)| *is_given && !is_table)
    {
        return Err(Error::usage(format!("`{flag}` is for tables")).hint("write a .xlsx or .csv"));
    }
    Ok(format)
}

/// Looks at the places that were named, before hours of reading end at a slip in one of them.
///
/// # Errors
/// When nothing can be written there, or the earlier file is not there.
pub(super) fn check_places(args: &ExportArgs, path: &Path, state: &StateFolder) -> Result<()> {
    let mut claims = Claims::default().keeping(state.path());
    if let Some(columns) = &args.columns {
        claims = claims.reading(columns, "the file of columns");
    }
    if !is_stream(path) {
        claims.write(path, "-o")?;
        can_write(path, "-o")?;
    }
    if let Some(mapping) = &args.write_mapping {
        claims.write(mapping, "--write-mapping")?;
        can_write(mapping, "--write-mapping")?;
    }
    match &args.carry_from {
        Some(old) if !old.exists() => Err(Error::usage("there is no such file")
            .at(old.display())
            .hint("name a file that `deskferry export` wrote: --carry-from OLD.xlsx")),
        _ => Ok(()),
    }
}

/// The columns; `None` for whole tickets.
///
/// # Errors
/// All faults of a file of columns.
pub(super) fn plan(args: &ExportArgs, format: Format, open: &Open) -> Result<Option<Plan>> {
    let (zone, directory) = (open.zone(), open.directory());
    let plan = match (&args.columns, format) {
        (Some(file), _) => match Plan::load(file, None, &zone) {
            Ok(plan) if !plan.shows_custom() => plan,
            // Where something is wrong, the custom fields are judged too: all is told at once.
            _ => Plan::load(file, Some(directory.custom_fields()), &zone)?,
        },
        (None, Format::JsonLines) => return Ok(None),
        (None, _) => {
            let system = open.system().schema().system();
            Plan::by_default(system, directory.custom_fields(), &zone)
        }
    };
    Ok(Some(match args.write_mapping {
        Some(_) => plan.stamped(),
        None => plan,
    }))
}

/// Asks the directory for what names the things in the file.
///
/// # Errors
/// As [`plan`].
pub(super) fn ask(
    args: &ExportArgs,
    format: Format,
    kinds: &[SheetKind],
    open: &Open,
) -> Result<()> {
    let directory = open.directory();
    match plan(args, format, open)? {
        Some(plan) => plan.ask(directory),
        None => ask_for_all(directory),
    }
    if let Some(partition) = args.partition_by {
        // Parts are called by names.
        ask_for(partition.shows(), directory);
    }
    let names = kinds.iter().flat_map(|kind| kind.names());
    names.for_each(|name| ask_for(name, directory));
    if args.search.is_some() {
        // Words are looked for in names too.
        ask_for_all(directory);
    }
    if args.include.contains(&Include::Comments) {
        // Comments are shown with their authors.
        directory.ask(Needs::kind(Kind::User));
    }
    Ok(())
}

/// By what files of ours are known. Where somebody is there to ask, a file that is none of ours is replaced only when they
/// say so; else it steps aside when the new one is whole.
///
/// # Errors
/// When the file is to stay.
pub(super) fn placing(
    args: &ExportArgs,
    path: &Path,
    format: Format,
    plan: Option<&Plan>,
    state: &StateFolder,
    readers: Readers,
) -> Result<Placing> {
    let mut placing = Placing {
        records: Records::of(state.path()),
        replaces: false,
        wait: Duration::from_secs(args.wait),
        readers,
        gives_way: false,
    };
    let can_ask = std::io::stdin().is_terminal() && std::io::stderr().is_terminal();
    if is_stream(path) || !can_ask || !is_strange(path, format, plan, &placing) {
        return Ok(placing);
    }
    match yes_or_no(&format!(
        "{} was not written by deskferry: replace it? [y/N] ",
        path.display()
    ))? {
        true => placing.replaces = true,
        false => {
            return Err(Error::usage("was not written by deskferry and is kept")
                .at(path.display())
                .hint("nothing was read; name another file: -o FILE"));
        }
    }
    Ok(placing)
}

/// The file, begun.
///
/// # Errors
/// When it cannot be written, or an earlier file cannot be read.
pub(super) fn sink(
    args: &ExportArgs,
    (path, placing): (&Path, Placing),
    format: Format,
    plan: Option<Plan>,
    open: &Open,
    analyses: Analyses,
    begun: Timestamp,
) -> Result<Box<dyn Sink>> {
    let comments = args.include.contains(&Include::Comments);
    if is_stream(path) {
        let out = Box::new(std::io::stdout());
        return Ok(Box::new(JsonLines::stream(out, plan, comments)));
    }
    let leads_back = plan.as_ref().filter(|_| args.write_mapping.is_some());
    let baseline = leads_back.and_then(|plan| {
        let custom = &open.directory().snapshot().custom_fields;
        back::recorder(plan, open.system().schema(), custom, format, begun)
    });
    create(Options {
        path: path.to_owned(),
        format,
        plan,
        about: About {
            system: open.system().schema().system(),
            source: open.target.name().to_owned(),
            filter: asked(args),
            read_at: analyses.read_at,
        },
        comments,
        raw: args.raw,
        partition: args.partition_by,
        namesakes: match args.partition_by {
            Some(Partition::Assignee) => namesakes(open.directory()),
            _ => HashSet::new(),
        },
        drop_columns: args.drop_columns,
        carry_from: args.carry_from.clone(),
        placing,
        baseline,
        sheets: analyses.sheets,
    })
}

/// The names, folded, that several people have.
fn namesakes(directory: &Directory) -> HashSet<String> {
    let mut met = HashSet::new();
    let people = directory.snapshot().kinds.get(&Kind::User);
    let people = people.map(|people| people.entries.as_slice());
    let names = people.unwrap_or_default().iter();
    names
        .map(|person| fold(&person.name))
        .filter(|name| !met.insert(name.clone()))
        .collect()
}

/// What tickets must be whenever they were made, in words.
pub(super) fn narrowed(args: &ExportArgs) -> Vec<String> {
    let mut narrowed = args.filters.clone();
    narrowed.extend(
        args.search
            .as_ref()
            .map(|words| format!("the words `{words}`")),
    );
    narrowed
}

/// The period that was asked for, in words.
pub(super) fn period_asked(args: &ExportArgs) -> Option<String> {
    let period = args.period.as_ref()?;
    Some(format!("{} {period}", by(args)))
}

/// By which of its times a ticket is in the period.
pub(super) fn by(args: &ExportArgs) -> &'static str {
    match args.by {
        By::Created => "created",
        By::Updated => "updated",
        By::Closed => "closed",
    }
}

/// What was asked for, in words.
pub(super) fn asked(args: &ExportArgs) -> String {
    let mut asked = narrowed(args);
    asked.extend(period_asked(args));
    match asked.is_empty() {
        true => "all tickets".to_owned(),
        false => asked.join(", "),
    }
}

/// Writes the mapping that leads back, where it is asked for; a line where another file steps aside for it.
///
/// # Errors
/// When nothing leads back, or the mapping cannot be written.
pub(super) fn way_back(
    args: &ExportArgs,
    format: Format,
    written: &Written,
    open: &Open,
    records: &Records,
    begun: Timestamp,
) -> Result<Option<String>> {
    let (Some(path), Some(plan)) = (&args.write_mapping, &written.plan) else {
        return Ok(None);
    };
    let custom = &open.directory().snapshot().custom_fields;
    let baseline = written.baseline.as_deref();
    let baseline = baseline.map(|file| from_folder_of(path, file));
    let text = back::mapping(
        plan,
        open.system().schema(),
        custom,
        (format, args.raw),
        written,
        begun,
        baseline.as_deref(),
    )?;
    write_text(path, &text, records)
}

/// A file as it is called from the folder of another one.
fn from_folder_of(path: &Path, file: &Path) -> String {
    let folder = |path: &Path| std::fs::canonicalize(crate::outfile::folder(path)).ok();
    let beside = folder(path).is_some_and(|one| folder(file) == Some(one));
    let named = match (beside, file.file_name()) {
        (true, Some(name)) => Path::new(name).to_owned(),
        _ => std::path::absolute(file).unwrap_or_else(|_| file.to_owned()),
    };
    named.display().to_string()
}
