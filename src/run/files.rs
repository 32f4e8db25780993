//! Steps that bring a file: the file is copied to the disk first, and what is wrong with it leaves the row's other steps
//! as they are.

use super::context::RunContext;
use super::plan::{Planner, Request, Row, faults_of, refused_before};
use crate::error::{Error, Fault, Result};
use crate::files::archive::{Archived, Whose};
use crate::files::{Failure, OF_DESK, Spooled};
use crate::ledger::{State, StepId, StepRecord, Trouble};
use crate::record::{Cell, Place, Record};
use crate::systems::attach::{ATTACH, BYTES, FileFacts, HASH, NAME};
use crate::systems::{Looks, Print, Refusal, call_of};

/// How a step that brings a file goes on.
pub(super) enum Ready {
    /// It brings none.
    Other,
    /// It is sent with this file.
    Send(Spooled),
    /// It needs no request: kept in the archive, or on the ticket already under another name.
    Done(Option<String>),
    /// The file is to blame.
    Failed(Refusal),
    /// The machine is.
    Stopped(Error),
}

/// Whether a step brings a file.
pub(super) fn brings_file(step: &StepId) -> bool {
    call_of(&step.name) == ATTACH
}

/// What a step says of its file: where it is, what it is called on the ticket, and the folder of the archive in which it is
/// kept where no system takes it.
fn said(request: &Request) -> (&str, &str, Option<&str>) {
    let text = |member: &str| request.body[member].as_str();
    (
        text("file").unwrap_or_default(),
        text("name").unwrap_or_default(),
        text("folder"),
    )
}

/// The file of the step at which a row stands.
pub(super) async fn ready(context: &RunContext, row: &mut Row) -> Ready {
    let request = &row.requests.steps[row.next];
    if !brings_file(&request.id) {
        return Ready::Other;
    }
    let step = request.id.clone();
    let (from, name, folder) = said(request);
    let (from, name, folder) = (from.to_owned(), name.to_owned(), folder.map(str::to_owned));
    let failed = |why: String| {
        Ready::Failed(Refusal {
            status: 0,
            message: why.clone(),
            fields: vec![(step.name.clone(), why)],
        })
    };
    let spooled = match spool(context, row, (&from, &name)).await {
        Ok(spooled) => spooled,
        Err(Failure::Machine(why)) => {
            let hint = "make room in the state folder and run the same command again: it goes on where it was";
            return Ready::Stopped(Error::machine(why).hint(hint));
        }
        Err(Failure::File(why)) => {
            if let Some(folder) = folder {
                let (files, whose) = (context.files.clone(), whose(row));
                let (place, why) = (folder.clone(), why.clone());
                let noted = tokio::task::spawn_blocking(move || {
                    files.archive_lost(&place, (&name, &from), &why, whose.as_ref())
                });
                match noted.await {
                    Ok(Ok(Archived::Lost)) => {}
                    Ok(Ok(Archived::Kept)) => return Ready::Done(None),
                    Ok(Ok(Archived::Foreign)) => return foreign(context, &folder),
                    Ok(Err(error)) => return Ready::Stopped(unkept(&error)),
                    Err(error) => return Ready::Stopped(Error::machine(error.to_string())),
                }
            }
            return failed(why);
        }
    };
    if let Some(folder) = folder {
        let (files, whose, place) = (context.files.clone(), whose(row), folder.clone());
        let kept = tokio::task::spawn_blocking(move || {
            let kept = files.archive(&place, &spooled.facts, &from, whose.as_ref());
            drop(spooled);
            kept
        });
        return match kept.await {
            Ok(Ok(Archived::Foreign)) => foreign(context, &folder),
            Ok(Ok(_)) => Ready::Done(None),
            Ok(Err(error)) if error.kind() == std::io::ErrorKind::AlreadyExists => {
                failed(error.to_string())
            }
            Ok(Err(error)) => Ready::Stopped(unkept(&error)),
            Err(error) => Ready::Stopped(Error::machine(error.to_string())),
        };
    }
    match same(context, row, &spooled.facts).await {
        Ok(true) => Ready::Done(Some(format!(
            "`{name}` is on the ticket already under another name: it was not sent again"
        ))),
        Ok(false) => {
            let print = row.requests.steps[row.next].print.get_or_insert_default();
            *print = Print {
                until: print.until,
                ours: print.ours,
                ..print_of(&spooled.facts)
            };
            Ready::Send(spooled)
        }
        Err(error) => Ready::Stopped(error),
    }
}

/// Of which row a folder of the archive must be. Only of a desk it is told: rows of a table may share a folder on purpose.
fn whose(row: &Row) -> Option<Whose> {
    let open = row.requests.steps.iter().map(|step| (&step.id, &step.body));
    let done = row.requests.done.iter().map(|(id, body)| (id, body));
    let files = open.chain(done).filter(|(id, _)| brings_file(id));
    let from = files.filter_map(|(_, body)| body["file"].as_str());
    let from: Vec<String> = from
        .filter(|from| from.starts_with(OF_DESK))
        .map(str::to_owned)
        .collect();
    (!from.is_empty()).then(|| Whose::new(&row.key, from))
}

/// Nothing more is sent: notes would send people to the files of another ticket.
fn foreign(context: &RunContext, folder: &str) -> Ready {
    let folder = context.files.archive.join(folder);
    let error = Error::usage(format!(
        "the folder `{}` holds the files of another ticket: two sources have tickets of one number",
        folder.display()
    ));
    Ready::Stopped(error.hint(
        "run this migration in a folder of its own, or name the source in the mapping before the first pass: \
         `folder = { template = \"{{ source }}-{{ number }}\" }`",
    ))
}

fn unkept(error: &std::io::Error) -> Error {
    Error::machine(format!("the archive cannot be written: {error}"))
        .hint("make room there and run the same command again: it goes on where it was")
}

/// Copies the file of a step to the disk.
pub(super) async fn spool(
    context: &RunContext,
    row: &Row,
    (from, name): (&str, &str),
) -> std::result::Result<Spooled, Failure> {
    let most = context.system.schema().files().map(|rules| rules.most);
    let input = &row.base.place.file;
    let told = told(&row.base.rows, from);
    context.files.spool((from, input), name, told, most).await
}

/// How many bytes a file of a desk has, as the list says in which its row names it. Of that nothing is in the step: whether it
/// was done does not hang on it.
fn told(rows: &[Record], from: &str) -> Option<u64> {
    if !from.starts_with(OF_DESK) {
        return None;
    }
    let cells = rows.iter().flat_map(|row| &row.cells);
    let lists = cells.filter_map(|cell| match cell {
        Cell::Json(list) => list.as_array(),
        _ => None,
    });
    let mut files = lists.flatten();
    let file = files.find(|file| file["file"] == from)?;
    file["bytes"].as_u64()
}

/// The same of a step that is looked up; `None` where it is not to be had any more.
pub(super) async fn spool_again(
    context: &RunContext,
    row: &Row,
    request: &Request,
) -> Option<Spooled> {
    let (from, name, _) = said(request);
    spool(context, row, (from, name)).await.ok()
}

/// Whether the ledger knows that the same content hangs on the ticket.
async fn same(context: &RunContext, row: &Row, file: &FileFacts) -> Result<bool> {
    let Some(ticket) = &row.ticket else {
        return Ok(false);
    };
    let done = context.run.beside(ATTACH, ticket).await?;
    let mut done = done.here.iter();
    Ok(done.any(|print| print.is(HASH, &file.hash) == Some(true)))
}

fn print_of(file: &FileFacts) -> Print {
    Print::of(&Looks {
        traits: vec![
            (NAME, file.name.clone()),
            (BYTES, file.bytes.to_string()),
            (HASH, file.hash.clone()),
        ],
        text: String::new(),
    })
}

/// That a file was left out of a row whose other steps went on.
pub(super) fn left_out(row: &mut Row, refusal: &Refusal) {
    let faults = faults_of(refusal, &row.base.place);
    row.left.extend(faults);
}

impl Planner<'_> {
    /// Takes the files out of a row's requests that were refused as they stand: the row's other steps go on without them.
    pub(super) fn leave_files(
        &self,
        steps: &mut Vec<Request>,
        prior: &[StepRecord],
        place: &Place,
    ) -> Vec<Fault> {
        let mut left = Vec::new();
        if self.retry {
            return left;
        }
        steps.retain(|request| {
            let known = prior.iter().find(|step| step.id == request.id);
            match known.map(|step| (step.state, step.payload, &step.trouble, &step.run)) {
                Some((State::Rejected, payload, Some(Trouble::Refused(refusal)), run))
                    if brings_file(&request.id) && payload == Some(request.hash) =>
                {
                    left.extend(refused_before(refusal, place, run));
                    false
                }
                _ => true,
            }
        });
        left
    }
}
