//! `deskferry init --from --to`: a first mapping from one desk to another.

use std::path::{Path, PathBuf};

use serde_json::json;

use super::super::args::{From, Global, InitArgs, Where};
use super::super::directory as directories;
use super::super::output::Output;
use super::write;
use crate::directory::Needs;
use crate::error::{Error, ExitCode, Result};
use crate::mapping::{Mapping, Reach};
use crate::migrate::draft::{self, Side};
use crate::report::words;
use crate::systems;

pub(super) async fn run(
    args: &InitArgs,
    (from, to): (&str, &str),
    global: &Global,
    output: Output,
) -> Result<ExitCode> {
    if from == to {
        return Err(
            Error::usage(format!("`{from}` cannot be both source and target"))
                .hint("name the profile of another tenant with --to"),
        );
    }
    let path = path(args, from, to)?;
    let load = async |profile: &str| {
        let named = From {
            target: Where {
                profile: Some(profile.to_owned()),
                sandbox: None,
                insecure_http: args.from.target.insecure_http,
            },
            system: None,
            directory: None,
            refresh: args.from.refresh,
        };
        directories::load(&named, Needs::ALL, global, output).await
    };
    let (source, target) = (load(from).await?, load(to).await?);
    let schemas = [&source, &target].map(|it| systems::schema_for(it.snapshot()));
    let [ours, theirs] = schemas;
    let (ours, theirs) = (ours?, theirs?);
    let scope = super::scope(Path::new(&format!("{from}-to-{to}")));
    let made = draft::draft(
        Side {
            profile: from,
            schema: ours.as_ref(),
            directory: &source,
        },
        Side {
            profile: to,
            schema: theirs.as_ref(),
            directory: &target,
        },
        &scope,
    );
    let Some(path) = path else {
        output.data(made.text.trim_end())?;
        return Ok(ExitCode::Done);
    };
    write(&path, &made.text)?;
    // It can be read back: what is open in it are names.
    Mapping::load(&path, Reach::Folder)?;
    output.say(&format!("  mapping    {}", path.display()));
    for tally in &made.tallies {
        let mut parts = vec![format!("{} matched", words::count(tally.sure as u64))];
        if tally.near > 0 {
            parts.push(format!("{} to look at", words::count(tally.near as u64)));
        }
        if tally.none > 0 {
            parts.push(format!(
                "{} without a match",
                words::count(tally.none as u64)
            ));
        }
        output.say(&format!("  {:<10} {}", tally.what, parts.join(", ")));
    }
    let next = [
        "deskferry",
        "migrate",
        "--from",
        from,
        "--to",
        to,
        "--mapping",
    ];
    let shown = path.display().to_string();
    let next: Vec<String> = (next.iter().copied())
        .chain([shown.as_str(), "--dry-run"])
        .map(words::shell_word)
        .collect();
    output.say(&format!("  next       {}", next.join(" ")));
    if output.is_json() {
        let of = |tally: &draft::Tally| json!({"what": tally.what, "matched": tally.sure, "look_at": tally.near, "unmatched": tally.none});
        let tallies: Vec<_> = made.tallies.iter().map(of).collect();
        output.data(&json!({"mapping": shown, "matched": tallies}).to_string())?;
    }
    Ok(ExitCode::Done)
}

/// Where the mapping goes, if that is free; `None` is standard output.
fn path(args: &InitArgs, from: &str, to: &str) -> Result<Option<PathBuf>> {
    let path = match &args.output {
        Some(path) if path == Path::new("-") => return Ok(None),
        Some(path) => path.clone(),
        None => {
            let scope = super::scope(Path::new(&format!("{from}-to-{to}")));
            PathBuf::from(format!("{scope}.mapping.toml"))
        }
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
