//! An agent of the user's launchd.

use std::fmt::Write as _;
use std::path::PathBuf;

use super::calendar::{Calendar, Days};
use super::{POLL, Part, Paths, Places, Rendered, Timing, Wish, xml};
use crate::schedule::Name;

/// More entries than these are polled instead.
const MOST_ENTRIES: usize = 120;

pub(super) fn render(wish: &Wish<'_>, paths: &Paths<'_>) -> Rendered {
    let times = match Timing::of(wish, false, false) {
        Timing::Own(calendar) => entries(&calendar),
        Timing::Polled => None,
    };
    let polled = times.is_none();
    let mut words = String::new();
    for word in std::iter::once(paths.program).chain(wish.words(paths, polled)) {
        let _ = writeln!(words, "    <string>{}</string>", xml(word));
    }
    let when = times.map_or_else(
        || {
            format!(
                "  <key>StartInterval</key>\n  <integer>{}</integer>\n",
                POLL * 60
            )
        },
        |entries| format!("  <key>StartCalendarInterval</key>\n  <array>\n{entries}  </array>\n"),
    );
    let text = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
         <!DOCTYPE plist PUBLIC \"-//Apple//DTD PLIST 1.0//EN\" \"http://www.apple.com/DTDs/PropertyList-1.0.dtd\">\n\
         <plist version=\"1.0\">\n<dict>\n  <key>Label</key>\n  <string>{}</string>\n  <key>ProgramArguments</key>\n  <array>\n{words}  </array>\n\
         {when}  <key>ProcessType</key>\n  <string>Background</string>\n</dict>\n</plist>\n",
        label(wish.name),
    );
    Rendered {
        parts: vec![Part {
            path: Some(file(wish.name, wish.places)),
            text,
        }],
        notes: wish.notes(polled),
    }
}

/// The file of the agent.
pub(super) fn file(name: &Name, places: &Places) -> PathBuf {
    let name = format!("{}.plist", label(name));
    places.home.join("Library/LaunchAgents").join(name)
}

/// What launchd calls it.
pub(super) fn label(name: &Name) -> String {
    format!("deskferry.schedule.{name}")
}

/// Each combination is an entry of its own; what is left out is every one.
fn entries(calendar: &Calendar) -> Option<String> {
    let all = |values: &[u16], count: usize| values.len() == count;
    let hours = (!all(&calendar.hours, 24)).then_some(&calendar.hours[..]);
    let minutes = (!all(&calendar.minutes, 60)).then_some(&calendar.minutes[..]);
    let mut text = String::new();
    let mut count = 0;
    for days in calendar.kinds_of_day() {
        let (key, days) = match &days {
            Days::OfMonth(days) => ("Day", Some(&days[..])),
            Days::OfWeek(days) => ("Weekday", Some(&days[..])),
            Days::Every | Days::Either(..) => ("Day", None),
        };
        let keys = [
            ("Month", calendar.months.as_deref()),
            (key, days),
            ("Hour", hours),
            ("Minute", minutes),
        ];
        for entry in product(&keys) {
            count += 1;
            let _ = writeln!(text, "    <dict>{entry}</dict>");
        }
    }
    (count <= MOST_ENTRIES).then_some(text)
}

fn product(keys: &[(&str, Option<&[u16]>)]) -> Vec<String> {
    let mut entries = vec![String::new()];
    for (key, values) in keys {
        let Some(values) = values else { continue };
        let longer = |entry: &String| -> Vec<String> {
            let with = |value| format!("{entry}<key>{key}</key><integer>{value}</integer>");
            values.iter().map(with).collect()
        };
        entries = entries.iter().flat_map(longer).collect();
    }
    entries
}
