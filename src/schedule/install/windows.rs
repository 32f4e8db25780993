//! A task of the Windows Task Scheduler, in its XML.

use std::fmt::Write as _;

use super::calendar::{Calendar, Days};
use super::{POLL, Part, Paths, Rendered, Timing, Wish, xml};
use crate::error::{Error, Result};
use crate::schedule::Name;

/// A task may have no more triggers than these.
const MOST_TRIGGERS: usize = 48;
const WEEKDAYS: [&str; 7] = [
    "Sunday",
    "Monday",
    "Tuesday",
    "Wednesday",
    "Thursday",
    "Friday",
    "Saturday",
];
const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

pub(super) fn render(wish: &Wish<'_>, paths: &Paths<'_>) -> Result<Rendered> {
    for path in [paths.program, paths.state] {
        // There is no way to write these for themselves.
        if path.matches('%').count() > 1 || path.contains("$(") {
            return Err(Error::usage(
                "the Task Scheduler would take a part of the path for a variable",
            )
            .at(path)
            .hint("move the program, or choose another state folder with --state DIR"));
        }
    }
    let times = match Timing::of(wish, false, true) {
        Timing::Own(calendar) => triggers(&calendar, wish.jitter_seconds),
        Timing::Polled => None,
    };
    let polled = times.is_none();
    let times = times.unwrap_or_else(|| {
        trigger(
            0,
            Some(POLL),
            0,
            "<ScheduleByDay><DaysInterval>1</DaysInterval></ScheduleByDay>",
        )
    });
    let words = wish.words(paths, polled).map(word);
    let text = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-16\"?>\n\
         <Task version=\"1.2\" xmlns=\"http://schemas.microsoft.com/windows/2004/02/mit/task\">\n\
         \x20 <RegistrationInfo><Description>Deskferry: the schedule {name}. `deskferry schedule remove {name}` takes it away.</Description></RegistrationInfo>\n\
         \x20 <Triggers>\n{times}  </Triggers>\n\
         \x20 <Principals><Principal id=\"Author\"><LogonType>InteractiveToken</LogonType><RunLevel>LeastPrivilege</RunLevel></Principal></Principals>\n\
         \x20 <Settings>\n\
         \x20   <MultipleInstancesPolicy>IgnoreNew</MultipleInstancesPolicy>\n\
         \x20   <DisallowStartIfOnBatteries>false</DisallowStartIfOnBatteries>\n\
         \x20   <StopIfGoingOnBatteries>false</StopIfGoingOnBatteries>\n\
         \x20   <StartWhenAvailable>true</StartWhenAvailable>\n\
         \x20   <RunOnlyIfNetworkAvailable>true</RunOnlyIfNetworkAvailable>\n\
         \x20   <Enabled>true</Enabled>\n\
         \x20   <ExecutionTimeLimit>PT0S</ExecutionTimeLimit>\n\
         \x20 </Settings>\n\
         \x20 <Actions Context=\"Author\"><Exec><Command>{}</Command><Arguments>{}</Arguments></Exec></Actions>\n\
         </Task>\n",
        xml(&format!("\"{}\"", paths.program)),
        xml(&words.join(" ")),
        name = wish.name,
    );
    let mut notes = wish.notes(polled);
    notes.push("it runs while you are signed in".to_owned());
    Ok(Rendered {
        parts: vec![Part { path: None, text }],
        notes,
    })
}

/// What the Task Scheduler calls it.
pub(super) fn task(name: &Name) -> String {
    format!("\\Deskferry\\{name}")
}

fn triggers(calendar: &Calendar, jitter: u64) -> Option<String> {
    let times = calendar.minutes_of_day();
    let (times, repeated) = match even(&times) {
        Some(distance) => (&times[..1], Some(u32::from(distance))),
        None => (&times[..], None),
    };
    let mut text = String::new();
    let mut count = 0;
    for days in calendar.kinds_of_day() {
        let schedule = schedule(&days, calendar.months.as_deref())?;
        for time in times {
            count += 1;
            text.push_str(&trigger(*time, repeated, jitter, &schedule));
        }
    }
    (count <= MOST_TRIGGERS).then_some(text)
}

/// The distance of times that are evenly spread over the whole day.
fn even(times: &[u16]) -> Option<u16> {
    let [first, second, ..] = times else {
        return None;
    };
    let distance = second - first;
    let even = times.windows(2).all(|pair| pair[1] - pair[0] == distance);
    (even && usize::from(distance) * times.len() == 24 * 60).then_some(distance)
}

fn trigger(minute_of_day: u16, repeated: Option<u32>, jitter: u64, schedule: &str) -> String {
    let repetition = repeated.map_or_else(String::new, |minutes| {
        format!(
            "<Repetition><Interval>PT{minutes}M</Interval><Duration>P1D</Duration></Repetition>"
        )
    });
    let delay = match jitter {
        0 => String::new(),
        seconds => format!("<RandomDelay>PT{seconds}S</RandomDelay>"),
    };
    let (hour, minute) = (minute_of_day / 60, minute_of_day % 60);
    format!(
        "    <CalendarTrigger>{repetition}<StartBoundary>2024-01-01T{hour:02}:{minute:02}:00</StartBoundary><Enabled>true</Enabled>{delay}{schedule}</CalendarTrigger>\n"
    )
}

/// `None`: a day of the week in some months only cannot be said.
fn schedule(days: &Days, months: Option<&[u16]>) -> Option<String> {
    let mut text = String::new();
    match (days, months) {
        (Days::OfWeek(_), Some(_)) => return None,
        (Days::OfWeek(days), None) => {
            text.push_str("<ScheduleByWeek><WeeksInterval>1</WeeksInterval><DaysOfWeek>");
            for day in days {
                let _ = write!(text, "<{} />", WEEKDAYS[usize::from(*day) % 7]);
            }
            text.push_str("</DaysOfWeek></ScheduleByWeek>");
        }
        (Days::Every | Days::Either(..), None) => {
            text.push_str("<ScheduleByDay><DaysInterval>1</DaysInterval></ScheduleByDay>");
        }
        (days, months) => {
            let every: Vec<u16> = (1..=31).collect();
            let days = match days {
                Days::OfMonth(days) => days,
                _ => &every,
            };
            text.push_str("<ScheduleByMonth><DaysOfMonth>");
            for day in days {
                let _ = write!(text, "<Day>{day}</Day>");
            }
            text.push_str("</DaysOfMonth><Months>");
            for (index, month) in MONTHS.iter().enumerate() {
                if months.is_none_or(|months| {
                    months
                        .iter()
                        .any(|number| usize::from(*number) == index + 1)
                }) {
                    let _ = write!(text, "<{month} />");
                }
            }
            text.push_str("</Months></ScheduleByMonth>");
        }
    }
    Some(text)
}

/// A word of a Windows command line: in quotes, backslashes count only before a quote.
pub(super) fn word(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=\\".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        return text.to_owned();
    }
    let mut word = String::from("\"");
    let mut backslashes = 0;
    for c in text.chars() {
        match c {
            '\\' => backslashes += 1,
            '"' => {
                word.extend(std::iter::repeat_n('\\', 2 * backslashes + 1));
                backslashes = 0;
            }
            _ => {
                word.extend(std::iter::repeat_n('\\', backslashes));
                backslashes = 0;
            }
        }
        if c != '\\' {
            word.push(c);
        }
    }
    word.extend(std::iter::repeat_n('\\', 2 * backslashes));
    word.push('"');
    word
}
