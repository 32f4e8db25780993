//! What a date format holds: each part of a date once, and none that is read and then left aside.

use jiff::fmt::strtime::{BrokenDownTime, Meridiem};

/// A part of a date or a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    Year,
    Century,
    Month,
    Day,
    DayOfYear,
    Week,
    Weekday,
    Hour,
    Minute,
    Second,
    Fraction,
    Meridiem,
    Zone,
    Moment,
}

impl Part {
    /// What a directive reads, in the order of its parts.
    fn of(directive: char) -> &'static [Self] {
        use Part::*;
        match directive {
            'Y' | 'y' | 'G' | 'g' => &[Year],
            'C' => &[Century],
            'm' | 'b' | 'B' | 'h' => &[Month],
            'd' | 'e' => &[Day],
            'j' => &[DayOfYear],
            'U' | 'W' | 'V' => &[Week],
            'a' | 'A' | 'u' | 'w' => &[Weekday],
            'H' | 'k' | 'I' | 'l' => &[Hour],
            'M' => &[Minute],
            'S' => &[Second],
            'f' | 'N' => &[Fraction],
            'p' | 'P' => &[Meridiem],
            'z' | 'Z' | 'Q' => &[Zone],
            's' => &[Moment],
            'F' => &[Year, Month, Day],
            'D' | 'x' => &[Month, Day, Year],
            'T' | 'X' => &[Hour, Minute, Second],
            'R' => &[Hour, Minute],
            'r' => &[Hour, Minute, Second, Meridiem],
            'c' => &[Weekday, Month, Day, Hour, Minute, Second, Year],
            _ => &[],
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Year => "the year",
            Self::Century => "the century",
            Self::Month => "the month",
            Self::Day => "the day",
            Self::DayOfYear => "the day of the year",
            Self::Week => "the week",
            Self::Weekday => "the weekday",
            Self::Hour => "the hour",
            Self::Minute => "the minute",
            Self::Second => "the second",
            Self::Fraction => "the fraction of a second",
            Self::Meridiem => "am or pm",
            Self::Zone => "the zone",
            Self::Moment => "the whole moment",
        }
    }
}

/// What a format says beyond what reads it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Form {
    /// The same format with hours up to 12, where it has hours up to 24 and also am and pm.
    twelve: Option<String>,
    has_zone: bool,
}

impl Form {
    /// Looks through a format.
    ///
    /// # Errors
    /// A part that it names twice, or that another one makes idle.
    pub(super) fn of(format: &str) -> Result<Self, String> {
        let mut seen: Vec<(Part, char)> = Vec::new();
        for (directive, _) in directives(format) {
            for part in Part::of(directive) {
                if let Some((_, first)) = seen.iter().find(|(known, _)| known == part) {
                    let how = match directive {
                        'm' if *first == 'm' && !format.contains("%M") => "; minutes are %M",
                        'M' if !format.contains("%m") => "; months are %m",
                        _ => "",
                    };
                    return Err(match *first == directive {
                        true => format!("%{directive} is there twice{how}"),
                        false => format!("%{first} and %{directive} both say {}{how}", part.name()),
                    });
                }
                seen.push((*part, directive));
            }
        }
        let has = |part| seen.iter().any(|(known, _)| *known == part);
        let idle = |part, beside: &[Part]| {
            let (_, directive) = seen.iter().find(|(known, _)| *known == part)?;
            let other = beside.iter().find(|other| has(**other))?;
            Some(format!(
                "%{directive} is left aside where {} is there: leave one of the two out",
                other.name()
            ))
        };
        if has(Part::Moment) && seen.len() > 1 {
            return Err("%s is the whole moment: nothing stands beside it".to_owned());
        }
        let idle = idle(Part::DayOfYear, &[Part::Month, Part::Day, Part::Week])
            .or_else(|| idle(Part::Week, &[Part::Month, Part::Day]));
        if let Some(why) = idle {
            return Err(why);
        }
        for (part, needed) in [
            (Part::Minute, Part::Hour),
            (Part::Second, Part::Minute),
            (Part::Fraction, Part::Second),
            (Part::Meridiem, Part::Hour),
        ] {
            if has(part) && !has(needed) {
                return Err(format!(
                    "it holds {} without {}",
                    part.name(),
                    needed.name()
                ));
            }
        }
        Ok(Self {
            twelve: has(Part::Meridiem).then(|| twelve(format)).flatten(),
            has_zone: has(Part::Zone) || has(Part::Moment),
        })
    }

    /// Whether a text that the format reads names the zone of its time.
    pub(super) fn has_zone(&self) -> bool {
        self.has_zone
    }

    /// Whether the hour of a text and its am or pm say the same: 13:05 AM is no time.
    pub(super) fn agrees(&self, text: &str, parts: &BrokenDownTime) -> bool {
        let Some(twelve) = &self.twelve else {
            return true;
        };
        if BrokenDownTime::parse(twelve, text).is_ok() {
            return true;
        }
        match (parts.hour(), parts.meridiem()) {
            (Some(hour), Some(Meridiem::PM)) => hour > 12,
            (Some(hour), Some(Meridiem::AM)) => hour == 0,
            _ => true,
        }
    }
}

/// A format with its hours up to 24 as hours up to 12; `None` where it has none.
fn twelve(format: &str) -> Option<String> {
    let mut changed = format.to_owned();
    let mut is_changed = false;
    for (directive, at) in directives(format) {
        let with = match directive {
            'H' => "I",
            'k' => "l",
            _ => continue,
        };
        changed.replace_range(at..at + 1, with);
        is_changed = true;
    }
    is_changed.then_some(changed)
}

/// The directives of a format with the places of their letters: flags, widths, colons and dots left aside.
fn directives(format: &str) -> Vec<(char, usize)> {
    let mut found = Vec::new();
    let mut signs = format.char_indices();
    while let Some((_, sign)) = signs.next() {
        if sign != '%' {
            continue;
        }
        let is_extra = |sign: &char| sign.is_ascii_digit() || "-_^#:.".contains(*sign);
        if let Some((at, directive)) = signs.find(|(_, sign)| !is_extra(sign)) {
            found.push((directive, at));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_part_of_a_date_stands_once() {
        for (format, why) in [
            ("%Y-%m-%d %H:%m", "%m is there twice; minutes are %M"),
            ("%Y-%M-%d %H:%M", "%M is there twice; months are %m"),
            ("%d.%m.%Y %y", "%Y and %y both say the year"),
            ("%F %d", "%F and %d both say the day"),
            ("%T %I %p", "%T and %I both say the hour"),
            ("%b %m %d %Y", "%b and %m both say the month"),
            ("%Y-%m-%d %z %Q", "%z and %Q both say the zone"),
            ("%s %Y", "%s is the whole moment: nothing stands beside it"),
            (
                "%j %Y-%m-%d",
                "%j is left aside where the month is there: leave one of the two out",
            ),
            (
                "%V %Y-%m-%d",
                "%V is left aside where the month is there: leave one of the two out",
            ),
            ("%Y-%m-%d %M", "it holds the minute without the hour"),
            ("%Y-%m-%d %p", "it holds am or pm without the hour"),
        ] {
            assert_eq!(Form::of(format).unwrap_err(), why, "{format}");
        }
        for format in [
            "%m/%d/%Y %H:%M",
            "%a, %d %b %Y %H:%M:%S %z",
            "%Y-%m-%dT%H:%M:%S%.f%:z",
            "%-d.%-m.%y %I:%M %p",
            "%G-W%V-%u",
            "100%% %Y %j",
            "%s",
        ] {
            assert!(Form::of(format).is_ok(), "{format}");
        }
    }
}
