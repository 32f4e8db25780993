//! How each figure is counted, as a sheet of its own: who reads a number can look up what it is.

use super::basis::{Of, Totals};
use super::kind::SheetKind;
use super::value::{Cell, Sheet, Table};

/// The name of its tab.
pub(super) const TAB: &str = "Definitions";

/// Which tickets a figure counts, where they are always the same.
#[derive(Debug, Clone, Copy)]
enum Counts {
    /// Those of the whole desk.
    Desk,
    /// Those of the figure that it belongs to.
    Same,
}

use Counts::{Desk, Same};
use SheetKind::{
    Backlog, Devices, Issues, Locations, Monthly, Requesters, Resolution, Response, Sla, Summary,
    Teams, Volume, Weekly,
};

/// A figure, the sheets that show it, the tickets that it counts, and how.
type Definition = (&'static str, &'static [SheetKind], Counts, &'static str);

/// The figures of groups and states are on all of these.
const ALL: &[SheetKind] = &SheetKind::ALL;
const GROUPS: &[SheetKind] = &[Locations, Issues, Devices, Requesters, Teams];
const TIMES: &[SheetKind] = &[
    Summary, Resolution, Response, Locations, Issues, Devices, Teams, Weekly, Monthly,
];
const REPORTS: &[SheetKind] = &[Weekly, Monthly];

const DEFINITIONS: &[Definition] = &[
    (
        "Open",
        ALL,
        Same,
        "The ticket is neither closed nor deleted when it is read. A ClearFeed request that is solved counts as closed.",
    ),
    (
        "Closed",
        ALL,
        Same,
        "The ticket is closed when it is read. A ticket that was reopened is open.",
    ),
    (
        "Open without an assignee",
        &[Summary],
        Desk,
        "Open, and no person is assigned. A team may be.",
    ),
    (
        "Overdue",
        &[Summary, Teams, Locations, Issues, Devices],
        Same,
        "Open, and its due date is before the time of reading.",
    ),
    (
        "Created in N days, closed in N days",
        &[Summary, Teams, Locations, Issues, Devices, Requesters],
        Same,
        "The time is on the day of reading or one of the N-1 days before it, by the clock named above. A date in the future is in none of them.",
    ),
    (
        "Created in the period, closed in the period",
        &[Summary],
        Desk,
        "The time is in the period. Closed counts tickets that are still closed: one that was closed in the period and reopened since is not in it.",
    ),
    (
        "Open at the start, open at the end",
        &[Summary, Volume, Weekly, Monthly],
        Desk,
        "Created before that moment, and not closed before it. A ticket that was reopened counts as open ever since it was created, because the system does not tell for how long it was closed.",
    ),
    (
        "Share",
        ALL,
        Same,
        "The number divided by the number of all tickets that the table counts.",
    ),
    (
        "Median, 90 % within",
        TIMES,
        Same,
        "Half, or nine tenths, of the times are at most this long. Between two times it is interpolated, as PERCENTILE.INC does. A sign ≈ marks a value that is within half a percent, because there are too many different times to keep them all.",
    ),
    (
        "Time to resolve",
        &[
            Summary, Resolution, Locations, Issues, Devices, Teams, Weekly, Monthly,
        ],
        Same,
        "From creation to closing in whole seconds, nights and weekends included. Where the system does not tell when a ticket was closed, its own clock of the solution stands for it, which may count working hours only. Tickets closed before they were created are left out.",
    ),
    (
        "First response",
        &[Response, Weekly, Monthly],
        Same,
        "The system's own clock, once it has stopped. Without one: from creation to the first comment that the requester can see and did not write. Tickets without an answer are left out.",
    ),
    (
        "Age",
        &[Backlog],
        Desk,
        "Calendar days from the day of creation to the day of reading. A month counts as 30 days, a year as 365. A ticket dated in the future counts as made today.",
    ),
    (
        "Promised, kept, broken, running",
        &[Sla, Weekly, Monthly],
        Same,
        "By the system's own clock and promise. For a solution without one, or whose clock the system does not show, the due date stands for it. Kept of those over: kept divided by kept and broken.",
    ),
    (
        "At risk",
        &[Sla, Weekly, Monthly],
        Same,
        "Open, the promised time is not over, but most of it is: 80 % or more.",
    ),
    (
        "Groups",
        GROUPS,
        Same,
        "By name, whatever the case of its letters. A location, an issue, a collection, a team or a device that shows several names under one id is one group. People are told apart by their id, else their e-mail address, else their name: two of one name are two.",
    ),
    (
        "The period before, a year ago",
        REPORTS,
        Desk,
        "Weeks: the seven days before, and the same days 52 weeks before. Months: the month before, and the same month of the year before.",
    ),
    (
        "Figures of a past period",
        REPORTS,
        Desk,
        "The first report after the end of a period keeps its figures, and later reports of that period show them again. Without one they are counted from the tickets as they are now; a sign ≈ marks those that reopened, deleted or changed tickets may have altered since.",
    ),
];

/// The sheet for these analyses; `None` where there are none.
pub(super) fn sheet(kinds: &[SheetKind], totals: &Totals) -> Option<Sheet> {
    if kinds.is_empty() {
        return None;
    }
    let mut table = Table::new("How each figure is counted", ["Figure", "Counts", "How"]);
    let shown = |all: &&'static [SheetKind]| kinds.iter().any(|kind| all.contains(kind));
    for (figure, _, counts, how) in DEFINITIONS.iter().filter(|(_, kinds, ..)| shown(kinds)) {
        let counts = match counts {
            Desk => "the whole desk",
            Same => "as its table says",
        };
        table
            .rows
            .push([*figure, counts, *how].map(Cell::text).to_vec());
    }
    let mut notes = vec![format!(
        "The tickets that the file lists are {}.",
        totals.population(Of::Listed)
    )];
    notes.extend(totals.basis.only_period("Figures of the whole desk are"));
    Some(Sheet {
        name: TAB,
        title: "Definitions: how each figure is counted".to_owned(),
        counted: totals.line(),
        is_words: true,
        notes,
        tables: vec![table],
    })
}
