//! Which analyses a file has, and the pass over the replica that counts them.

use jiff::Timestamp;

use super::{each, everything, everything_of, table};
use crate::cli::args::{By, ExportArgs};
use crate::cli::open::Open;
use crate::error::{Error, Result};
use crate::export::file::Format;
use crate::export::replica::{Parts, Replica, Selection};
use crate::export::sheets::{self, Analysis, Basis, Figures, Frame, Period, Sheet, SheetKind};
use crate::run::Stop;
use crate::systems::Standing;
use crate::systems::query::Query;

/// The analyses of an export.
#[derive(Debug)]
pub(super) struct Analyses {
    /// When the tickets were read.
    pub(super) read_at: Timestamp,
    pub(super) sheets: Vec<Sheet>,
    /// The figures that later reports show again.
    pub(super) figures: Vec<Figures>,
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
        (args, kept): (&ExportArgs, Vec<Figures>),
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
                figures: Vec::new(),
            });
        }
        let period = period(args, query);
        let narrowed = table::narrowed(args);
        let is_whole = reads_whole(kinds, args);
        let mut all_times = everything_of(query);
        let hides_deleted = all_times.states.is_empty();
        if hides_deleted && kinds.iter().any(|kind| kind.is_report()) {
            // A report says how many there were.
            all_times.states = everything().states;
        }
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
                is_whole,
                frame: frame(kinds, period.as_ref(), open)?,
                kept,
            },
        );
        let selection = Selection {
            query: is_whole.then_some(&all_times),
            parts: Parts {
                comments: kinds
                    .iter()
                    .any(|kind| kind.is_report() || *kind == SheetKind::Response),
                not_shown: true,
                other: false,
            },
            directory: open.directory(),
        };
        let words = super::words(args, open);
        each(replica, selection, words, stop, &mut |ticket| {
            let is_hidden = hides_deleted && ticket.standing == Standing::Gone;
            let is_in = period.as_ref().is_none_or(|period| period.holds(ticket));
            analysis.add(ticket, is_in && !is_hidden);
            Ok(())
        })?;
        Ok(Self {
            read_at,
            figures: analysis.figures(),
            sheets: analysis.finish(),
        })
    }
}

/// Whether the whole desk is read, whatever the period: a report cannot do without.
pub(super) fn reads_whole(kinds: &[SheetKind], args: &ExportArgs) -> bool {
    args.incremental || kinds.iter().any(|kind| kind.is_report())
}

/// Whether a report can be made of the period that was asked for: said before anything is read.
///
/// # Errors
/// When the period is no week, or no month.
pub(super) fn check(
    kinds: &[SheetKind],
    args: &ExportArgs,
    query: &Query,
    open: &Open,
) -> Result<()> {
    frame(kinds, period(args, query).as_ref(), open).map(drop)
}

/// The periods of a report, where one is asked for.
fn frame(kinds: &[SheetKind], period: Option<&Period>, open: &Open) -> Result<Option<Frame>> {
    let report = kinds.iter().find(|kind| kind.is_report());
    let span = period.map(|period| period.span);
    let frame = report.zip(span);
    frame
        .map(|(kind, span)| Frame::of(*kind, span, &open.zone()))
        .transpose()
}

/// What was typed, with the period that a report is about where nobody says: the last that is over.
///
/// # Errors
/// When the period of a report is one of another time than that of creation.
pub(super) fn with_period(args: &ExportArgs, kinds: &[SheetKind]) -> Result<ExportArgs> {
    let mut args = args.clone();
    let Some(report) = kinds.iter().find(|kind| kind.is_report()) else {
        return Ok(args);
    };
    if args.by != By::Created {
        let name = report.as_str();
        return Err(Error::usage(format!(
            "`--sheets {name}` counts what was created and what was closed in its period"
        ))
        .at("--by")
        .hint("leave it out"));
    }
    args.period.get_or_insert_with(|| {
        let usual = match report {
            SheetKind::Monthly => "last-month",
            _ => "last-week",
        };
        usual.to_owned()
    });
    Ok(args)
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
