//! `schedule add`: what was typed is checked by the export's own parser and kept.

use std::path::{Path, PathBuf};

use clap::Parser;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::json;

use super::super::args::{AddArgs, Cli, Command, ExportArgs, Format, Global};
use super::super::connect::Target;
use super::super::directory::named_system;
use super::super::output::Output;
use super::super::trust;
use super::{Places, moment};
use crate::error::{Error, ExitCode, Result};
use crate::report::words;
use crate::schedule::{Schedule, Template, When, read_environment};

/// So many of the next times are shown.
const SHOWN: usize = 3;

pub(super) fn run(
    args: AddArgs,
    global: &Global,
    places: &Places,
    output: Output,
) -> Result<ExitCode> {
    let store = &places.store;
    let name = args.name.clone();
    let old = store.has(&name).then(|| store.load(&name));
    if old.is_some() && !args.replace {
        return Err(
            Error::usage(format!("there is a schedule `{name}` already"))
                .hint("--replace takes its place; `deskferry schedule list` shows it"),
        );
    }
    let folder = std::env::current_dir()
        .map_err(|error| Error::machine("the current folder is gone").caused_by(error))?;
    let words = whole(&args.export, global, &folder)?;
    let export = parse(&words)?;
    let target = Target::choose(&export.args.desk.target, &[], false, &export.global)?;
    let (template, output_word) = template(&words, &export)?;
    if args.keep.is_some() && !template.changes() {
        return Err(Error::usage(
            "`--keep` needs a file whose name changes, else there is but one",
        )
        .hint("write it as in -o tickets-{date}.xlsx"));
    }
    if args.carry_remarks {
        check_remarks(&export.args, &template)?;
    }
    let system = export.args.desk.system.as_deref();
    target.the_system(system.map(named_system).transpose()?)?;
    let zone = zone(args.timezone.as_deref(), &target)?;
    super::super::export::check(&export.args, &target.calendar(zone.clone()))?;
    let when = when(&args, zone.clone())?;
    let now = Timestamp::now();
    let jitter = args.jitter.unwrap_or_default();
    check_jitter(&when, jitter, now)?;
    let environment_file = args
        .environment_file
        .as_deref()
        .map(|path| environment(path, &folder, output))
        .transpose()?;
    let schedule = Schedule {
        cron: when.expression().to_owned(),
        timezone: zone.iana_name().unwrap_or("UTC").to_owned(),
        added: now,
        folder,
        output: export.file(),
        output_word,
        target: target.name().to_owned(),
        export: words,
        jitter_seconds: jitter.as_secs().unsigned_abs(),
        keep: args.keep,
        carries_remarks: args.carry_remarks,
        on_success: args.on_success,
        on_failure: args.on_failure,
        environment_file,
        // A file that cannot be read any more says nothing about where it was installed.
        installed: old
            .and_then(Result::ok)
            .map(|old| old.installed)
            .unwrap_or_default(),
    };
    store.keep(&name, &schedule)?;
    if args.replace {
        // Times of the old one are not those of the new one.
        let mut history = store.history(&name)?;
        history.done_until = Some(now);
        store.keep_history(&name, &history)?;
    }
    tell(&name, &schedule, &when, now, output)
}

/// Whether remarks can go from the file of one run into that of the next.
fn check_remarks(export: &ExportArgs, template: &Template) -> Result<()> {
    if !template.changes() {
        return Err(Error::usage(
            "`--carry-remarks` needs a file whose name changes: a file of one name keeps what people wrote anyway",
        )
        .hint("leave it out, or write the name as in -o tickets-{date}.xlsx"));
    }
    let file = export.output.as_deref().and_then(Path::extension);
    let is_table =
        file.is_some_and(|it| it.eq_ignore_ascii_case("xlsx") || it.eq_ignore_ascii_case("csv"));
    if !is_table || export.carry_from.is_some() || export.drop_columns {
        return Err(Error::usage(
            "`--carry-remarks` is for a .xlsx or .csv, without `--carry-from` and `--drop-columns`",
        )
        .hint("leave it out"));
    }
    Ok(())
}

fn tell(
    name: &crate::schedule::Name,
    schedule: &Schedule,
    when: &When,
    now: Timestamp,
    output: Output,
) -> Result<ExitCode> {
    let next: Vec<Timestamp> = std::iter::successors(when.next(now), |last| when.next(*last))
        .take(SHOWN)
        .collect();
    if output.is_json() {
        let document = json!({"name": name.as_str(), "schedule": schedule, "next": next});
        output.data(&document.to_string())?;
    }
    let times: Vec<String> = next.iter().map(|at| moment(*at, when)).collect();
    output.say(&format!("  schedule   {name}: {when}"));
    output.say(&format!("  export     {}", line(&schedule.export)));
    output.say(&format!("  in         {}", schedule.folder.display()));
    output.say(&format!("  next       {}", times.join(", then ")));
    for kind in &schedule.installed {
        output.say(&format!(
            "  note       {kind} still has the old times: deskferry schedule install {name}"
        ));
    }
    if schedule.installed.is_empty() {
        output.say(&format!(
            "  nothing runs by itself yet: `deskferry schedule run` stays and runs it, `deskferry schedule install {name}` hands it to this machine"
        ));
    }
    Ok(ExitCode::Done)
}

/// The words of a command for people.
pub(super) fn line(words: &[String]) -> String {
    words
        .iter()
        .map(|word| words::shell_word(word))
        .collect::<Vec<_>>()
        .join(" ")
}

/// An export as its own parser reads it.
struct Export {
    global: Global,
    args: Box<ExportArgs>,
}

impl Export {
    fn file(&self) -> String {
        let path = self.args.output.as_deref().unwrap_or(Path::new(""));
        path.to_string_lossy().into_owned()
    }
}

fn parse(words: &[String]) -> Result<Export> {
    let all = std::iter::once("deskferry").chain(words.iter().map(String::as_str));
    let cli = Cli::try_parse_from(all).map_err(|error| refused(&error.render().to_string()))?;
    match cli.command {
        Command::Export(args) => Ok(Export {
            global: cli.global,
            args,
        }),
        _ => Err(Error::usage(format!(
            "only an `export` can be repeated, not `{}`",
            words.first().map_or("", String::as_str)
        ))
        .hint("write it behind two dashes: -- export -o tickets-{date}.xlsx …")),
    }
}

/// The parser's own text as an error: what is wrong is its first paragraph, then come tips.
fn refused(text: &str) -> Error {
    let text = text.trim().trim_start_matches("error: ");
    let what = text
        .lines()
        .map(str::trim)
        .take_while(|line| !line.is_empty());
    let what: Vec<&str> = what.collect();
    let tips = text
        .lines()
        .filter_map(|line| line.trim().strip_prefix("tip: "));
    let error = Error::usage(format!("the export cannot be run: {}", what.join(" ")));
    tips.fold(error, |error, tip| error.hint(tip))
        .hint("`deskferry export --help` tells its flags")
}

/// The export with what this terminal would have told it and a service would not: configuration and profile.
fn whole(typed: &[String], global: &Global, folder: &Path) -> Result<Vec<String>> {
    let export = parse(typed)?;
    if export.global.format == Format::Json || argument(typed, "--state").is_some() {
        return Err(Error::usage(
            "`--format` and `--state` are not for the export that is repeated",
        )
        .hint("they are given before `--`, and hold for the schedule as a whole"));
    }
    if export.args.output.is_none() || export.file() == "-" {
        return Err(Error::usage("an export that is repeated must write a file")
            .hint("name it with -o tickets-{date}.xlsx"));
    }
    let mut words = typed.to_vec();
    let named = export.global.config.as_deref().or(global.config.as_deref());
    if export.args.desk.target.sandbox.is_none() {
        let config = trust::configuration(named, folder, global)?;
        // Wherever it was found: a service may look elsewhere.
        if let (None, Some(path)) = (argument(typed, "--config"), &config.path) {
            words.extend(["--config".to_owned(), text(&folder.join(path))?]);
        }
        let profile = std::env::var("DESKFERRY_PROFILE")
            .ok()
            .filter(|name| !name.is_empty());
        if let (None, Some(profile)) = (&export.args.desk.target.profile, profile) {
            words.extend(["--profile".to_owned(), profile]);
        }
    }
    Ok(words)
}

fn argument<'a>(words: &'a [String], flag: &str) -> Option<&'a String> {
    words.iter().find(|word| {
        *word == flag
            || word
                .strip_prefix(flag)
                .is_some_and(|rest| rest.starts_with('='))
    })
}

fn text(path: &Path) -> Result<String> {
    path.to_str().map(str::to_owned).ok_or_else(|| {
        Error::usage("a path without a spelling in Unicode cannot be kept").at(path.display())
    })
}

/// The name of the file, and the word that ends with it: there the braces are filled at each run.
fn template(words: &[String], export: &Export) -> Result<(Template, usize)> {
    let file = export.file();
    let template = Template::parse(&file)
        .map_err(|fault| Error::usage(fault.to_string()).hint(fault.hint()))?;
    // The word is proven to be the right one: with another name in it, the parser reads that name.
    let other = "deskferry-probe.jsonl";
    let is_it = |index: &usize| {
        let Some(before) = words[*index].strip_suffix(&file) else {
            return false;
        };
        let mut probe = words.to_vec();
        probe[*index] = format!("{before}{other}");
        parse(&probe).is_ok_and(|read| read.file() == other)
    };
    let word = (0..words.len()).find(is_it).ok_or_else(|| {
        Error::usage("the name of the file is not found among the words of the export")
            .hint("write it as -o FILE")
    })?;
    Ok((template, word))
}

fn zone(typed: Option<&str>, target: &Target) -> Result<TimeZone> {
    if let Some(name) = typed {
        return TimeZone::get(name).map_err(|_| {
            Error::usage(format!("no time zone `{name}`")).hint("a name such as `America/Chicago`")
        });
    }
    let zone = target.timezone().unwrap_or_else(TimeZone::system);
    // A zone that has no name cannot be kept.
    Ok(if zone.iana_name().is_some() {
        zone
    } else {
        TimeZone::UTC
    })
}

fn when(args: &AddArgs, zone: TimeZone) -> Result<When> {
    match (&args.every, &args.cron) {
        (Some(every), _) => When::new(&every.expression(args.at)?, zone),
        (None, Some(expression)) => When::new(expression, zone),
        (None, None) => {
            Err(Error::usage("it is not said when")
                .hint("--every monday --at 07:00, or --cron EXPR"))
        }
    }
}

/// A run that may come later than the next one is due would never come.
fn check_jitter(when: &When, jitter: jiff::SignedDuration, now: Timestamp) -> Result<()> {
    let times: Vec<Timestamp> = std::iter::successors(when.next(now), |last| when.next(*last))
        .take(100)
        .collect();
    let nearest = times
        .windows(2)
        .map(|pair| pair[1].duration_since(pair[0]))
        .min();
    match nearest {
        Some(nearest) if jitter >= nearest => Err(Error::usage(format!(
            "`--jitter` is as long as the time between two runs, {}",
            words::duration(nearest.unsigned_abs())
        ))
        .hint("take a shorter one")),
        _ => Ok(()),
    }
}

fn environment(path: &Path, folder: &Path, output: Output) -> Result<PathBuf> {
    let path = folder.join(path);
    read_environment(&path)?;
    if others_can_read(&path) {
        output.say(&format!(
            "  warning    others can read `{}`: chmod 600 {}",
            path.display(),
            words::shell_word(&path.display().to_string())
        ));
    }
    Ok(path)
}

#[cfg(unix)]
fn others_can_read(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    std::fs::metadata(path).is_ok_and(|meta| meta.permissions().mode() & 0o077 != 0)
}

// Who may read it is in a list that takes a call of the system to look at.
#[cfg(not(unix))]
fn others_can_read(_path: &Path) -> bool {
    false
}
