//! `deskferry validate`: mapping files are checked; with an input its columns, its values and the names in it too.
//! Nothing is sent.

mod directories;
mod rows;
mod unknown;

use std::path::Path;

use serde_json::{Value, json};

use super::args::{Global, ValidateArgs};
use super::columns;
use super::output::Output;
use crate::error::{Error, ExitCode, MappingFault, Result};
use crate::mapping::decisions::{self, Decision};
use crate::mapping::{Checked, Draft, Mapping, PlanOptions, Ran, Reach};
use crate::outfile::{Claims, Readers};
use crate::report::diagnostic::{self, Look};
use crate::report::words;
use crate::source::{self, Input, InputOptions};
use directories::{Directories, Known};
use rows::Checker;
use unknown::Unknown;

pub(super) async fn run(args: ValidateArgs, global: &Global, output: &Output) -> Result<ExitCode> {
    if args.names.is_some() && args.input.is_empty() {
        return Err(Error::usage("--names needs the names of an input")
            .hint("add --input FILE, and --directory SNAPSHOT or --sandbox or --profile NAME"));
    }
    if let Some(path) = &args.names {
        let mut claims = Claims::default();
        for mapping in &args.mappings {
            claims = claims.reading(mapping, "a mapping");
        }
        for input in &args.input {
            claims = claims.reading(input, "an input");
        }
        for directory in &args.directory {
            claims = claims.reading(directory, "a directory");
        }
        claims.write(path, "--names")?;
    }
    if args.mappings.len() > 1 && args.input.iter().any(|input| source::comes_once(input)) {
        return Err(Error::usage(format!(
            "standard input comes once, as a pipe does, and {} mappings are to be checked with it",
            args.mappings.len()
        ))
        .hint("write it to a file and name that, or check one mapping at a time"));
    }
    let mut directories = Directories::new(&args, global, *output);
    let mut verdicts = Vec::new();
    for path in &args.mappings {
        let verdict = validate(path, &args, global, &mut directories, *output).await;
        verdicts.push(match verdict {
            Ok(verdict) => verdict,
            // What keeps one mapping from being checked keeps no other.
            Err(error) if args.mappings.len() > 1 => {
                output.note(&error);
                Verdict::unread(path, &error)
            }
            Err(error) => {
                directories.close().await?;
                return Err(error);
            }
        });
    }
    directories.close().await?;
    if let Some(path) = &args.names {
        write_aliases(path, &mut verdicts, global.readers(), *output)?;
    }
    let worst = verdicts
        .iter()
        .map(|verdict| verdict.code)
        .max_by_key(|code| match code {
            ExitCode::Done => 0,
            ExitCode::SomeRows => 1,
            _ => 2,
        })
        .unwrap_or(ExitCode::Done);
    if output.is_json() {
        let all: Vec<Value> = verdicts.into_iter().map(|verdict| verdict.json).collect();
        output.data(&json!({"mappings": all, "exit_code": worst as u8}).to_string())?;
    }
    Ok(worst)
}

/// Writes the unknown names of all mappings as one table.
fn write_aliases(
    path: &Path,
    verdicts: &mut [Verdict],
    readers: Readers,
    output: Output,
) -> Result<()> {
    let all: Vec<Unknown> = verdicts
        .iter_mut()
        .filter_map(|verdict| verdict.unknown.take())
        .collect();
    let Some(path) = unknown::write(path, &all, readers, output)? else {
        return Ok(());
    };
    for unknown in all.iter().filter(|unknown| !unknown.misses.is_empty()) {
        let file = unknown.mapping.display().to_string();
        let of_mapping = verdicts
            .iter_mut()
            .filter(|verdict| verdict.json["file"] == file);
        for verdict in of_mapping {
            verdict.json["input"]["aliases_written_to"] = json!(unknown.path_from_mapping(&path));
        }
    }
    Ok(())
}

/// What came of one mapping.
struct Verdict {
    code: ExitCode,
    json: Value,
    /// Names of the input that resolve to nothing, where there was a directory to look in.
    unknown: Option<Unknown>,
}

impl Verdict {
    fn unread(path: &Path, error: &Error) -> Self {
        Self {
            code: error.kind().exit_code(),
            json: json!({
                "file": path.display().to_string(), "good": false, "error": error.to_string(), "faults": [],
            }),
            unknown: None,
        }
    }
}

async fn validate(
    path: &Path,
    args: &ValidateArgs,
    global: &Global,
    directories: &mut Directories<'_>,
    output: Output,
) -> Result<Verdict> {
    let draft = Draft::load(path, Reach::told(global.trust))?;
    let known = match draft.mapping() {
        Some(mapping) => {
            // Which names a mapping needs shows when it is compiled.
            let names = |known: &Known| {
                let schema = crate::systems::schema_for(known.directory.snapshot())?;
                let options = options(Some(known));
                Checked::of(mapping, schema.into(), known.directory.clone(), &options);
                Ok(())
            };
            directories.of(mapping, names).await?
        }
        None => None,
    };
    let input = match draft.mapping() {
        Some(mapping) if !args.input.is_empty() => {
            let options = args.read_as.over(mapping.input_options())?;
            Some(open(args, &options)?)
        }
        _ => None,
    };
    let options = options(known.as_ref());
    let newest = match &input {
        Some(_) => draft.mapping().and_then(Mapping::as_newest),
        None => None,
    };
    let about = draft.mapping().map(About::of);
    let input_options = draft.mapping().map(Mapping::input_options);
    let input_options = input_options.cloned().unwrap_or_default();
    let decisions = draft.mapping().map_or_else(Vec::new, Mapping::decisions);
    let check = |draft: Draft| -> Result<Checked> {
        Ok(match &known {
            Some(known) => {
                let schema = crate::systems::schema_for(known.directory.snapshot())?;
                let directory = known.directory.clone();
                Checked::new(draft, schema.into(), directory, &options)
            }
            None => Checked::without_directory(draft, &options),
        })
    };
    let mut checked = check(draft)?;
    let tests = checked.run_tests();
    let bound = match &input {
        Some(input) => checked.bind(input.tables()),
        None => None,
    };
    let mut notes: Vec<String> = checked.note().map(str::to_owned).into_iter().collect();
    let newest = match (newest, &input, &bound) {
        (Some(newest), Some(input), Some(_)) => {
            let mut newest = check(newest)?;
            let bound = newest.bind(input.tables());
            let faults = newest.into_faults();
            if let Some(fault) = faults.first() {
                notes.push(format!(
                    "`version = 2` of the mapping finds {}: {fault}",
                    words::plural(
                        faults.len() as u64,
                        "fault in it",
                        "faults in it, the first"
                    )
                ));
            }
            bound
        }
        _ => None,
    };
    if known.is_none() && about.is_some() {
        notes.push(
            "names, custom fields and their options were not checked: add --directory SNAPSHOT, --sandbox or --profile NAME"
                .to_owned(),
        );
    }
    let mut faults = checked.into_faults();
    if let (Some(input), None) = (&input, &bound) {
        let options = args.read_as.over(&input_options)?;
        faults = columns::explained(faults, input, &options);
    }
    let mut told = Told {
        path,
        output,
        tests,
        notes,
        decisions,
        faults,
    };
    let checker = match (&input, &bound, &about) {
        (Some(input), Some(bound), Some(about)) => Some(Checker {
            input,
            bound,
            newest: newest.as_ref(),
            unmapped: about.unmapped,
            known: known.as_ref(),
            args,
            global,
        }),
        _ => None,
    };
    let rows = match checker {
        Some(checker) => Some(checker.run().await?),
        None => None,
    };
    if let (Some(rows), Some(bound)) = (&rows, &bound) {
        told.faults.extend(rows.faults(bound));
    }
    let mut verdict = told.tell(rows.as_ref(), input.is_some(), known.as_ref())?;
    if let (Some(rows), Some(known)) = (rows, known) {
        let unknown = Unknown {
            mapping: path.to_owned(),
            directory: known.directory,
            has_looked_up: rows.has_looked_up()
                && bound.as_ref().is_some_and(|bound| bound.names_in_rows()),
            misses: rows.misses,
        };
        if args.names.is_none() {
            unknown.advise(output);
        }
        verdict.unknown = Some(unknown);
    }
    Ok(verdict)
}

fn options(known: Option<&Known>) -> PlanOptions {
    PlanOptions {
        zone: known.and_then(|known| known.zone.clone()),
        may_have_zone: true,
        ..PlanOptions::default()
    }
}

/// What is kept of a mapping that is taken apart while it is checked.
struct About {
    unmapped: crate::mapping::Unmapped,
}

impl About {
    fn of(mapping: &Mapping) -> Self {
        Self {
            unmapped: mapping.unmapped(),
        }
    }
}

fn decision(decision: &Decision) -> Value {
    json!({"line": decision.line, "about": decision.about, "text": decision.text})
}

fn open(args: &ValidateArgs, options: &InputOptions) -> Result<Input> {
    tokio::task::block_in_place(|| Input::open(&args.input, options))
}

/// What is said of one mapping.
struct Told<'t> {
    path: &'t Path,
    output: Output,
    tests: Ran,
    notes: Vec<String>,
    decisions: Vec<Decision>,
    faults: Vec<MappingFault>,
}

impl Told<'_> {
    fn tell(
        &mut self,
        rows: Option<&rows::Found>,
        had_input: bool,
        known: Option<&Known>,
    ) -> Result<Verdict> {
        let is_good = self.faults.is_empty();
        let code = match (is_good, &rows) {
            (false, _) => ExitCode::Usage,
            (true, Some(rows)) => rows.code(),
            (true, None) => ExitCode::Done,
        };
        if !is_good && had_input && rows.is_none() {
            self.notes
                .push("the rows of the input were not checked: the mapping comes first".to_owned());
        }
        self.print(rows, known);
        let json = json!({
            "file": self.path.display().to_string(),
            "good": code == ExitCode::Done,
            "faults": self.faults.iter().map(diagnostic::to_json).collect::<Vec<_>>(),
            "tests": self.tests.run,
            "tests_failed": self.tests.failed,
            "notes": self.notes,
            "open": self.decisions.iter().map(decision).collect::<Vec<_>>(),
            "directory": known.map(|known| known.described.clone()),
            "input": rows.map(rows::Found::to_json),
        });
        Ok(Verdict {
            code,
            json,
            unknown: None,
        })
    }

    fn print(&self, rows: Option<&rows::Found>, known: Option<&Known>) {
        let name = self.path.display();
        let mut lines = vec![match self.faults.len() {
            0 => format!("  {name}: no fault in the mapping"),
            n => format!("  {name}: {}", words::plural(n as u64, "fault", "faults")),
        }];
        if let Some(known) = known {
            lines.push(format!("    names      {}", known.described));
        }
        if self.tests.run > 0 {
            let tests = words::plural(self.tests.run as u64, "test", "tests");
            lines.push(match self.tests.failed {
                0 => format!("    tests      {tests} passed"),
                failed => format!("    tests      {tests}, {failed} failed"),
            });
        }
        let open = decisions::line(&self.decisions);
        lines.extend(open.map(|open| format!("    open       {open}")));
        lines.extend(
            self.notes
                .iter()
                .map(|note| format!("    note       {note}")),
        );
        self.output.report(&lines.join("\n"));
        if !self.faults.is_empty() {
            let look = match self.output.is_json() {
                true => Look::of_stderr(),
                false => Look::of_stdout(),
            };
            let shown = diagnostic::render(&self.faults, look);
            self.output.report_fault(&shown);
        }
        if let Some(rows) = rows {
            let lines = rows.lines().into_iter().map(|line| format!("    {line}"));
            self.output.report(&lines.collect::<Vec<_>>().join("\n"));
        }
    }
}
