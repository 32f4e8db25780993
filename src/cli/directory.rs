//! `deskferry directory`: fetch the reference data, look at it, keep a snapshot.

use std::path::Path;
use std::sync::Arc;

use serde_json::json;

use super::args::{DirectoryCommand, From, Global};
use super::connect::{Connected, Target};
use super::output::Output;
use super::reference::{self, Origin};
use crate::config::StateFolder;
use crate::directory::{CustomField, Directory, Entry, Kind, Needs, cache};
use crate::error::{Error, ExitCode, Result};
use crate::outfile::{Claims, move_aside, unwritable};
use crate::run::Limiter;
use crate::systems::SystemName;

/// How many hits a search prints.
const MOST_HITS: usize = 50;

pub(super) async fn run(
    command: DirectoryCommand,
    global: &Global,
    output: &Output,
) -> Result<ExitCode> {
    match command {
        DirectoryCommand::Pull { from, output: file } => {
            let state = StateFolder::open(global.state.as_deref())?;
            if let Some(path) = &file {
                let mut claims = Claims::default().keeping(state.path());
                if let Some(read) = &from.directory {
                    claims = claims.reading(read, "the directory");
                }
                claims.write(path, "-o")?;
            }
            let directory = load(
                &From {
                    refresh: true,
                    ..from
                },
                Needs::ALL,
                global,
                *output,
            )
            .await?;
            if let Some(path) = &file {
                // Another file is no snapshot of which this is the newer one.
                if path.exists() && cache::read_snapshot(path).is_err() {
                    let aside = move_aside(path).map_err(|error| unwritable(path, error))?;
                    output.say(&format!(
                        "  note       {} was no snapshot: it is now {}",
                        path.display(),
                        aside.display()
                    ));
                }
                let placed = cache::write_snapshot(path, directory.snapshot(), global.readers())?;
                output.say(&format!("  snapshot   {}", placed.path.display()));
                if let Some(note) = placed.note("deskferry") {
                    output.say(&format!("  note       {note}"));
                }
            }
            if output.is_json() {
                output.data(&counts(&directory).to_string())?;
            }
        }
        DirectoryCommand::Show { kind: None, from } => {
            // Of a file it shows what is in it.
            let needs = match from.directory {
                Some(_) => Needs::NONE,
                None => Needs::ALL,
            };
            let directory = load(&from, needs, global, *output).await?;
            output.data(&if output.is_json() {
                counts(&directory).to_string()
            } else {
                overview(&directory)
            })?;
        }
        DirectoryCommand::Show {
            kind: Some(word),
            from,
        } => {
            let shown = Shown::named(&word)?;
            let needs = match shown {
                // A room is known by its building; a snapshot may lack those.
                Shown::Kind(Kind::Room) if from.directory.is_none() => {
                    Needs::kinds(&[Kind::Room, Kind::Location])
                }
                Shown::Kind(kind) => Needs::kind(kind),
                Shown::CustomFields => Needs::CUSTOM_FIELDS,
            };
            let directory = load(&from, needs, global, *output).await?;
            show(shown, &directory, *output)?;
        }
        DirectoryCommand::Search { text, from } => {
            let directory = load(&from, Needs::ALL, global, *output).await?;
            search(&text, &directory, *output)?;
        }
    }
    Ok(ExitCode::Done)
}

pub(super) async fn load(
    from: &From,
    needs: Needs,
    global: &Global,
    output: Output,
) -> Result<Arc<Directory>> {
    let named = from.system.as_deref().map(named_system).transpose()?;
    if let Some(path) = &from.directory {
        let directory = from_snapshot(path, named)?;
        reference::must_hold(directory.snapshot(), needs, path)?;
        return Ok(directory);
    }
    let target = Target::choose(&from.target, &[], true, global)?;
    let system = target.the_system(named)?;
    let state = StateFolder::open(global.state.as_deref())?;
    let connected = Connected::open(
        &target,
        system,
        from.target.insecure_http,
        target.concurrency(),
        &state,
    )
    .await?;
    let limiter = Limiter::new(target.rate());
    let origin = Origin {
        system: connected.system.as_ref(),
        limiter: &limiter,
        state: &state,
        output,
    };
    let directory = reference::of(origin, needs, from.refresh).await;
    connected.close().await?;
    directory
}

pub(super) fn named_system(word: &str) -> Result<SystemName> {
    SystemName::parse(word).ok_or_else(|| {
        Error::usage(format!("no system `{word}`")).hint("`incidentiq` or `clearfeed`")
    })
}

fn from_snapshot(path: &Path, named: Option<SystemName>) -> Result<Arc<Directory>> {
    let snapshot = cache::read_snapshot(path)?;
    let system = named.unwrap_or(snapshot.system);
    if snapshot.system != system {
        return Err(Error::usage(format!(
            "the snapshot is of `{}`, not of `{system}`",
            snapshot.system
        ))
        .at(path.display()));
    }
    Ok(Arc::new(Directory::new(snapshot)))
}

fn counts(directory: &Directory) -> serde_json::Value {
    let snapshot = directory.snapshot();
    let kinds: serde_json::Map<_, _> = snapshot
        .kinds
        .iter()
        .map(|(kind, listing)| {
            (kind.to_string(), json!({"entries": listing.entries.len(), "total": listing.total, "note": listing.note}))
        })
        .collect();
    json!({
        "system": snapshot.system, "tenant": snapshot.tenant, "pulled_at": snapshot.pulled_at,
        "kinds": kinds, "custom_fields": snapshot.custom_fields.len(),
    })
}

fn overview(directory: &Directory) -> String {
    let snapshot = directory.snapshot();
    let mut lines = vec![format!(
        "{} {}   {}",
        snapshot.system,
        snapshot.tenant,
        reference::describe(snapshot)
    )];
    lines.extend(reference::partial(snapshot, Needs::ALL));
    lines.extend(reference::notes(snapshot));
    lines.join("\n")
}

/// What is shown of a directory.
#[derive(Debug, Clone, Copy)]
enum Shown {
    Kind(Kind),
    CustomFields,
}

impl Shown {
    fn named(word: &str) -> Result<Self> {
        if matches!(word, "custom_field" | "custom") {
            return Ok(Self::CustomFields);
        }
        Kind::parse(word).map(Self::Kind).ok_or_else(|| {
            let kinds: Vec<_> = Kind::ALL.iter().map(|kind| kind.as_str()).collect();
            Error::usage(format!("no kind `{word}`"))
                .hint(format!("one of {}, custom_field", kinds.join(", ")))
        })
    }
}

fn show(shown: Shown, directory: &Directory, output: Output) -> Result<()> {
    let Shown::Kind(kind) = shown else {
        let fields = &directory.snapshot().custom_fields;
        let lines: Vec<_> = fields
            .iter()
            .map(|field| {
                if output.is_json() {
                    json!(field).to_string()
                } else {
                    custom_line(field)
                }
            })
            .collect();
        return output.data(&lines.join("\n"));
    };
    let listing = directory.snapshot().kinds.get(&kind);
    if let Some(note) = listing.and_then(|listing| listing.note.as_ref()) {
        output.say(&format!("  note       {note}"));
    }
    let entries = listing
        .map(|listing| listing.entries.as_slice())
        .unwrap_or_default();
    if entries.is_empty() {
        output.say(&format!(
            "  this system has no {} that can be listed",
            kind.noun()
        ));
        return Ok(());
    }
    let lines: Vec<_> = entries
        .iter()
        .map(|entry| entry_line(kind, entry, directory, output))
        .collect();
    output.data(&lines.join("\n"))
}

fn search(text: &str, directory: &Directory, output: Output) -> Result<()> {
    let wanted = text.to_lowercase();
    let hits = |entry: &Entry| {
        let properties = entry.properties.values();
        std::iter::once(&entry.name)
            .chain(properties)
            .chain([&entry.id])
            .any(|value| value.to_lowercase().contains(&wanted))
    };
    let kinds = directory.snapshot().kinds.iter();
    let found: Vec<(Kind, &Entry)> = kinds
        .flat_map(|(kind, listing)| {
            listing
                .entries
                .iter()
                .filter(|entry| hits(entry))
                .map(|entry| (*kind, entry))
        })
        .collect();
    if found.is_empty() {
        output.say(&format!("  nothing in the directory has `{text}` in it"));
        return Ok(());
    }
    let lines: Vec<_> = found
        .iter()
        .take(MOST_HITS)
        .map(|(kind, entry)| entry_line(*kind, entry, directory, output))
        .collect();
    output.data(&lines.join("\n"))?;
    if found.len() > MOST_HITS {
        output.say(&format!("  … and {} more", found.len() - MOST_HITS));
    }
    Ok(())
}

fn entry_line(kind: Kind, entry: &Entry, directory: &Directory, output: Output) -> String {
    let building = entry.parent.as_deref().filter(|_| kind == Kind::Room);
    let building = building.and_then(|id| directory.loaded_entry(Kind::Location, id));
    let building = building.map(|building| building.name.as_str());
    if output.is_json() {
        let mut value = json!(entry);
        value["kind"] = json!(kind);
        if let Some(building) = building {
            value["building"] = json!(building);
        }
        return value.to_string();
    }
    let properties = entry.properties.iter();
    let properties = properties.map(|(name, value)| format!("{name} {value}"));
    let building = building.map(|building| format!("in {building}"));
    let properties: Vec<String> = building.into_iter().chain(properties).collect();
    format!(
        "{kind:<10} {:<36} {}   {}",
        entry.name,
        entry.id,
        properties.join(", ")
    )
    .trim_end()
    .to_owned()
}

fn custom_line(field: &CustomField) -> String {
    let options: Vec<_> = field
        .options
        .iter()
        .map(|option| option.value.as_str())
        .collect();
    let kind = format!("{:?}", field.kind).to_lowercase();
    format!(
        "custom.{:<29} {kind:<12} {}   {}",
        field.name,
        field.id,
        options.join(" | ")
    )
    .trim_end()
    .to_owned()
}
