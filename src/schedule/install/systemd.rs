//! A timer and a service of the user's own systemd.

use std::path::PathBuf;

use super::calendar::Days;
use super::{POLL, Part, Paths, Places, Rendered, Timing, Wish};
use crate::error::{Error, Result};
use crate::schedule::Name;

const WEEKDAYS: [&str; 7] = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];

pub(super) fn render(wish: &Wish<'_>, paths: &Paths<'_>) -> Result<Rendered> {
    if paths.program.contains(['"', '\'', '\\']) {
        return Err(Error::usage(
            "systemd runs no program with a quote or a backslash in its path",
        )
        .at(paths.program)
        .hint("move the program"));
    }
    let name = wish.name;
    let timing = Timing::of(wish, true, true);
    let polled = timing.is_polled();
    let mut command = vec![program(paths.program)];
    command.extend(wish.words(paths, polled).map(word));
    let about = format!(
        "# Made by `deskferry schedule install {name}`; `deskferry schedule remove {name}` takes it away.\n"
    );
    let service = format!(
        "{about}[Unit]\nDescription=Deskferry: the schedule {name}\n\n[Service]\nType=oneshot\nExecStart={}\n",
        command.join(" ")
    );
    let mut times = String::new();
    for calendar in on_calendar(&timing, wish) {
        times.push_str(&format!("OnCalendar={calendar}\n"));
    }
    if wish.jitter_seconds > 0 && !polled {
        times.push_str(&format!("RandomizedDelaySec={}\n", wish.jitter_seconds));
    }
    let timer = format!(
        "{about}[Unit]\nDescription=Deskferry: when the schedule {name} runs\n\n[Timer]\n{times}AccuracySec=1s\nPersistent=true\n\n\
         [Install]\nWantedBy=timers.target\n"
    );
    let part = |kind: &str, text| Part {
        path: Some(file(name, kind, wish.places)),
        text,
    };
    let mut notes = wish.notes(polled);
    notes.push(
        "it runs while you are signed in; `loginctl enable-linger` lets it run without you"
            .to_owned(),
    );
    Ok(Rendered {
        parts: vec![part("service", service), part("timer", timer)],
        notes,
    })
}

/// The file of a unit.
pub(super) fn file(name: &Name, kind: &str, places: &Places) -> PathBuf {
    places.config.join("systemd/user").join(unit(name, kind))
}

/// The name of a unit.
pub(super) fn unit(name: &Name, kind: &str) -> String {
    format!("deskferry-{name}.{kind}")
}

fn on_calendar(timing: &Timing, wish: &Wish<'_>) -> Vec<String> {
    let Timing::Own(calendar) = timing else {
        return vec![format!("*:0/{POLL}")];
    };
    let zone = wish.when.zone().iana_name().unwrap_or("UTC");
    let months = calendar
        .months
        .as_deref()
        .map_or_else(|| "*".to_owned(), numbers);
    let hours = numbers_or_all(&calendar.hours, 24);
    let minutes = numbers_or_all(&calendar.minutes, 60);
    let line = |days: Days| {
        let (weekdays, days) = match days {
            Days::OfMonth(days) => (String::new(), numbers(&days)),
            Days::OfWeek(days) => {
                let names: Vec<&str> = days
                    .iter()
                    .map(|day| WEEKDAYS[usize::from(*day) % 7])
                    .collect();
                (format!("{} ", names.join(",")), "*".to_owned())
            }
            Days::Every | Days::Either(..) => (String::new(), "*".to_owned()),
        };
        format!("{weekdays}*-{months}-{days} {hours}:{minutes}:00 {zone}")
    };
    calendar.kinds_of_day().into_iter().map(line).collect()
}

fn numbers_or_all(values: &[u16], all: usize) -> String {
    if values.len() == all {
        "*".to_owned()
    } else {
        numbers(values)
    }
}

fn numbers(values: &[u16]) -> String {
    let values: Vec<String> = values.iter().map(|value| format!("{value:02}")).collect();
    values.join(",")
}

/// The program: systemd replaces `%` in it, but no variable.
fn program(text: &str) -> String {
    format!("\"{}\"", escaped(text))
}

/// A word: systemd would replace `%` and `$` in it.
pub(super) fn word(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        return text.to_owned();
    }
    format!("\"{}\"", escaped(text).replace('$', "$$"))
}

fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\")
        .replace('"', "\\\"")
        .replace('%', "%%")
}
