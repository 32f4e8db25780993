//! Which analyses a file has, and the pass over the replica that counts them.

use jiff::Timestamp;

use super::{each, table};
use crate::cli::args::{By, ExportArgs};
use crate::cli::open::Open;
use crate::error::Result;
use crate::export::file::Format;
use crate::export::replica::{Parts, Replica, Selection};
use crate::export::sheets::{self, Analysis, Basis, Period, Sheet, SheetKind};
use crate::run::Stop;
use crate::systems::query::{Query, Span};

/// The analyses of an export.
#[derive(Debug)]
pub(super) struct Analyses {
    /// When the tickets were read.
    pub(super) read_at: Timestamp,
    pub(super) sheets: Vec<Sheet>,
}

/// Whether a form of file has room for them.
pub(super) fn has_sheets(format: Format) -> bool {
    matches!(format, Format::Xlsx | Format::Html)
}

/// Which of them were asked for.
///
/// # Errors
/// When there is none of that name.
pub(super) fn kinds(args: &ExportArgs, format: Format) -> Result<Vec<SheetKind>> {
    match (&args.sheets, has_sheets(format)) {
        (Some(words), _) => SheetKind::parse(words),
        (None, true) => Ok(vec![SheetKind::Summary]),
        (None, false) => Ok(Vec::new()),
    }
}

impl Analyses {
    /// Counts the tickets of the replica that fulfil what was asked for, in the period and, where they were read, outside
    /// of it.
    pub(super) fn of(
        kinds: &[SheetKind],
        args: &ExportArgs,
        replica: &Replica,
        query: &Query,
        open: &Open,
        stop: &Stop,
    ) -> Result<Self> {
        let read_at = Timestamp::now();
        if kinds.is_empty() {
            return Ok(Self {
                read_at,
                sheets: Vec::new(),
            });
        }
        let period = period(args, query);
        let narrowed = table::narrowed(args);
        let all_times = Query {
            created: Span::default(),
            updated: Span::default(),
            closed: Span::default(),
            ..query.clone()
        };
        let mut analysis = Analysis::new(
            kinds,
            Basis {
                zone: open.zone(),
                now: read_at,
                source: format!(
                    "{} ({})",
                    open.target.name(),
                    open.system().schema().system()
                ),
                filter: (!narrowed.is_empty()).then(|| narrowed.join(", ")),
                by_state: !query.states.is_empty(),
                period: period.clone(),
                is_whole: args.incremental,
            },
        );
        let selection = Selection {
            query: args.incremental.then_some(&all_times),
            parts: Parts {
                comments: kinds.contains(&SheetKind::Response),
                not_shown: true,
                other: false,
            },
            directory: open.directory(),
        };
        let words = super::words(args, open);
        each(replica, selection, words, stop, &mut |ticket| {
            let is_listed = period.as_ref().is_none_or(|period| period.holds(ticket));
            analysis.add(ticket, is_listed);
            Ok(())
        })?;
        Ok(Self {
            read_at,
            sheets: analysis.finish(),
        })
    }
}

/// The period whose tickets the file lists.
fn period(args: &ExportArgs, query: &Query) -> Option<Period> {
    args.period.as_ref()?;
    let (by, span) = match args.by {
        By::Created => (sheets::By::Created, query.created),
        By::Updated => (sheets::By::Updated, query.updated),
        By::Closed => (sheets::By::Closed, query.closed),
    };
    Some(Period { by, span })
}
