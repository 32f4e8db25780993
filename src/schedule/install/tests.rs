use std::path::Path;

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use proptest::prelude::*;

use super::calendar::{Calendar, Days};
use super::*;

fn chicago() -> TimeZone {
    TimeZone::get("America/Chicago").unwrap()
}

fn when(expression: &str) -> When {
    When::new(expression, chicago()).unwrap()
}

fn rendered_with(
    kind: Installed,
    expression: &str,
    jitter: u64,
    local: &TimeZone,
    program: &str,
) -> Result<String> {
    let places = Places {
        home: PathBuf::from("/home/ada"),
        config: PathBuf::from("/home/ada/.config"),
    };
    let wish = Wish {
        name: &"weekly".parse().unwrap(),
        when: &when(expression),
        jitter_seconds: jitter,
        program: Path::new(program),
        state: Path::new("/home/ada/my state"),
        local,
        places: &places,
    };
    let rendered = render(kind, &wish)?;
    let part = |part: &Part| {
        let path = part
            .path
            .as_ref()
            .map_or_else(String::new, |path| format!("== {}\n", path.display()));
        path + &part.text
    };
    Ok(rendered.parts.iter().map(part).collect())
}

fn rendered(kind: Installed, expression: &str) -> String {
    rendered_with(kind, expression, 0, &chicago(), "/opt/deskferry").unwrap()
}

#[test]
fn mondays_in_all_four_words() {
    let all: Vec<String> = Installed::ALL
        .iter()
        .map(|kind| format!("#### {kind}\n{}", rendered(*kind, "0 7 * * 1")))
        .collect();
    insta::assert_snapshot!("mondays", all.join("\n"));
}

#[test]
fn what_a_scheduler_cannot_say_is_polled() {
    let polled = |kind, expression: &str, jitter, local: &TimeZone| {
        rendered_with(kind, expression, jitter, local, "/opt/deskferry")
            .unwrap()
            .contains("--due")
    };
    for kind in Installed::ALL {
        assert!(!polled(kind, "30 7 1,15 * *", 0, &chicago()), "{kind}");
        assert!(!polled(kind, "*/15 * * * *", 0, &chicago()), "{kind}");
        // The last friday of the month.
        assert!(polled(kind, "0 7 * * 5L", 0, &chicago()), "{kind}");
    }
    // Only systemd knows zones; only it and Windows wait a little.
    let polls = |jitter, zone: &TimeZone| {
        Installed::ALL.map(|kind| polled(kind, "0 7 * * 1", jitter, zone))
    };
    assert_eq!(polls(0, &TimeZone::UTC), [false, true, true, true]);
    assert_eq!(polls(300, &chicago()), [false, true, true, false]);
    // Windows cannot say a day of the week in one month only; cron reads a star with a step as any day.
    assert!(polled(Installed::TaskScheduler, "0 7 * 2 1", 0, &chicago()));
    assert!(polled(Installed::Cron, "0 7 */2 * 1", 0, &chicago()));
    assert!(polled(
        Installed::Launchd,
        "*/2 1-20 1-31 2-9 *",
        0,
        &chicago()
    ));
}

#[test]
fn both_kinds_of_day_are_either() {
    let text = rendered(Installed::Systemd, "5 7 13 6 5");
    assert!(text.contains("OnCalendar=*-06-13 07:05:00 America/Chicago\nOnCalendar=Fri *-06-* 07:05:00 America/Chicago\n"), "{text}");
    let text = rendered(Installed::Launchd, "5 7 13 * 5");
    assert_eq!(
        text.matches("<key>Minute</key><integer>5</integer>")
            .count(),
        2,
        "{text}"
    );
    let text = rendered(Installed::TaskScheduler, "5 7 13 * 5");
    assert_eq!(text.matches("<CalendarTrigger>").count(), 2, "{text}");
}

#[test]
fn a_path_that_cannot_be_said_is_refused() {
    for kind in Installed::ALL {
        assert!(
            rendered_with(kind, "0 7 * * 1", 0, &chicago(), "/opt/a\nb").is_err(),
            "{kind}"
        );
    }
    // Found by systemd's own check of units.
    assert!(rendered_with(Installed::Systemd, "0 7 * * 1", 0, &chicago(), "/opt/a\"b").is_err());
    assert!(
        rendered_with(
            Installed::Systemd,
            "0 7 * * 1",
            0,
            &chicago(),
            "/opt/a %h$x b"
        )
        .is_ok()
    );
    let windows = |program| {
        rendered_with(
            Installed::TaskScheduler,
            "0 7 * * 1",
            0,
            &chicago(),
            program,
        )
    };
    assert!(windows("C:\\%TEMP%\\d.exe").is_err());
    assert!(windows("C:\\100%\\d.exe").is_ok());
}

#[test]
fn a_crontab_keeps_what_is_not_ours() {
    let marker = cron::marker(&"weekly".parse().unwrap(), "/s");
    let other = cron::marker(&"week".parse().unwrap(), "/s");
    let crontab = format!("MAILTO=ada\n{marker}\n0 7 * * 1 d\n# x\n{other}\n0 8 * * 1 d\n");
    let (without, found) = cron::without(&crontab, &marker);
    assert!(found);
    assert_eq!(without, format!("MAILTO=ada\n# x\n{other}\n0 8 * * 1 d\n"));
    assert!(!cron::without(&without, &marker).1);
}

/// What systemd makes of a word of `ExecStart`: quotes and backslashes, then `%` and `$` (systemd.service, "Command lines").
fn systemd_reads(word: &str) -> String {
    let text = match word
        .strip_prefix('"')
        .and_then(|rest| rest.strip_suffix('"'))
    {
        None => word.to_owned(),
        Some(within) => {
            let mut text = String::new();
            let mut characters = within.chars();
            while let Some(c) = characters.next() {
                assert_ne!(c, '"', "{word}");
                text.push(if c == '\\' {
                    characters.next().unwrap()
                } else {
                    c
                });
            }
            text
        }
    };
    for special in ['%', '$'] {
        let alone = text.replace(&special.to_string().repeat(2), "");
        assert!(!alone.contains(special), "{word}");
    }
    text.replace("%%", "%").replace("$$", "$")
}

/// What cron hands to the shell: the command up to the first `%` without a backslash before it (cron's `do_command`).
fn cron_reads(command: &str) -> String {
    let mut text = String::new();
    let mut escaped = false;
    for c in command.chars() {
        if escaped {
            if c == '%' {
                text.pop();
            }
            escaped = false;
        } else if c == '\\' {
            escaped = true;
        } else if c == '%' {
            break;
        }
        text.push(c);
    }
    text
}

/// What a Windows program makes of its command line (the rules of `CommandLineToArgvW` after the program's name).
fn windows_reads(line: &str) -> Vec<String> {
    let characters: Vec<char> = line.chars().collect();
    let (mut words, mut word, mut quoted, mut started, mut at) =
        (Vec::new(), String::new(), false, false, 0);
    while at < characters.len() {
        let backslashes = characters[at..].iter().take_while(|c| **c == '\\').count();
        at += backslashes;
        let quote = characters.get(at) == Some(&'"');
        word.extend(std::iter::repeat_n(
            '\\',
            if quote { backslashes / 2 } else { backslashes },
        ));
        started |= backslashes > 0;
        if quote && backslashes % 2 == 1 {
            word.push('"');
        } else if quote {
            quoted = !quoted;
            started = true;
        } else if let Some(c) = characters.get(at) {
            if *c == ' ' && !quoted {
                if started {
                    words.push(std::mem::take(&mut word));
                }
                started = false;
            } else {
                word.push(*c);
                started = true;
            }
        }
        at += 1;
    }
    if started {
        words.push(word);
    }
    words
}

fn contains(calendar: &Calendar, moment: DateTime) -> bool {
    let is_in =
        |values: &[u16], value: i8| values.iter().any(|one| i32::from(*one) == i32::from(value));
    let weekday = moment.weekday().to_sunday_zero_offset();
    let day = calendar.kinds_of_day().iter().any(|days| match days {
        Days::OfMonth(days) => is_in(days, moment.day()),
        Days::OfWeek(days) => is_in(days, weekday),
        Days::Every | Days::Either(..) => true,
    });
    day && is_in(&calendar.minutes, moment.minute())
        && is_in(&calendar.hours, moment.hour())
        && calendar
            .months
            .as_ref()
            .is_none_or(|months| is_in(months, moment.month()))
}

const NASTY: &str = "[a-z \"'\\\\%$`;&|<>(){}!#~*?\u{e4}=,.:/-]{0,16}";

proptest! {
    #[test]
    fn systemd_reads_every_word_as_it_is(word in NASTY) {
        prop_assert_eq!(systemd_reads(&systemd::word(&word)), word);
    }

    #[test]
    fn windows_reads_every_word_as_it_is(words in prop::collection::vec(NASTY, 1..4)) {
        let line: Vec<String> = words.iter().map(|word| windows::word(word)).collect();
        prop_assert_eq!(windows_reads(&line.join(" ")), words);
    }

    #[test]
    fn xml_is_escaped(word in NASTY) {
        let escaped = xml(&word);
        prop_assert!(!escaped.contains(['<', '>', '"', '\'']));
        prop_assert_eq!(html_escape::decode_html_entities(&escaped), word);
    }

    /// The sets of numbers say the same as the expression, for any minute.
    #[test]
    fn a_calendar_is_its_expression(
        minute in "(\\*|\\*/20|[1-9],3[0-9])", hour in "(\\*|\\*/6|7|1-5)", day in "(\\*|1|13,2[0-8])", month in "(\\*|2|6-8)", weekday in "(\\*|1|1-5|0,7|3)",
        from in 0_i64..40_000_000,
    ) {
        let when = when(&format!("{minute} {hour} {day} {month} {weekday}"));
        let calendar = Calendar::of(&when).unwrap();
        // Around some moment and around the next time of the expression.
        let moment = jiff::Timestamp::from_second(1_770_000_000 + from).unwrap();
        for start in [moment, when.next(moment).unwrap()] {
            for minutes in -3..3 {
                let moment = start.checked_add(jiff::SignedDuration::from_mins(minutes)).unwrap();
                let moment = moment.to_zoned(chicago()).datetime().with().second(0).subsec_nanosecond(0).build().unwrap();
                prop_assert_eq!(contains(&calendar, moment), when.cron().is_time_matching(&moment).unwrap(), "{} {}", when, moment);
            }
        }
    }
}

#[cfg(unix)]
proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    /// A real shell behind a model of cron.
    #[test]
    fn cron_and_the_shell_read_every_word_as_it_is(words in prop::collection::vec(NASTY, 60)) {
        let line: Vec<String> = words.iter().map(|word| cron::word(word)).collect();
        let command = cron_reads(&format!("printf '[\\%s]\\n' {}", line.join(" ")));
        let output = std::process::Command::new("sh").args(["-c", &command]).output().unwrap();
        let read = String::from_utf8(output.stdout).unwrap();
        let expected: String = words.iter().map(|word| format!("[{word}]\n")).collect();
        prop_assert_eq!(read, expected);
    }
}
