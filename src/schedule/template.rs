//! Names of files with the day in them: `tickets-{date}.xlsx`.

use jiff::Zoned;

/// A name with braces, checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template(Vec<Part>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Text(String),
    Word(Word),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Word {
    Date,
    Year,
    Month,
    Day,
    Week,
    Time,
}

const WORDS: [(&str, Word); 6] = [
    ("date", Word::Date),
    ("year", Word::Year),
    ("month", Word::Month),
    ("day", Word::Day),
    ("week", Word::Week),
    ("time", Word::Time),
];

/// What is wrong with the braces of a name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TemplateFault {
    /// A word that is none.
    #[error("`{{{0}}}` means nothing in the name of a file")]
    Unknown(String),
    /// A brace without its partner.
    #[error("a brace of the file's name has no partner")]
    Alone,
}

impl TemplateFault {
    /// What to write instead.
    pub fn hint(&self) -> &'static str {
        "{date} is 2026-11-23, {year} 2026, {month} 11, {day} 23, {week} 2026-W48, {time} 0700; {{ and }} are braces"
    }
}

impl Template {
    /// Reads a name.
    ///
    /// # Errors
    /// When a word in braces is none.
    pub fn parse(name: &str) -> Result<Self, TemplateFault> {
        let mut parts = Vec::new();
        let mut text = String::new();
        let mut rest = name;
        while let Some(at) = rest.find(['{', '}']) {
            text.push_str(&rest[..at]);
            let brace = &rest[at..=at];
            rest = &rest[at + 1..];
            if let Some(after) = rest.strip_prefix(brace) {
                text.push_str(brace);
                rest = after;
                continue;
            }
            let Some((word, after)) = rest.split_once('}').filter(|_| brace == "{") else {
                return Err(TemplateFault::Alone);
            };
            let known = WORDS.iter().find(|(known, _)| *known == word);
            let (_, known) = known.ok_or_else(|| TemplateFault::Unknown(word.to_owned()))?;
            parts.push(Part::Text(std::mem::take(&mut text)));
            parts.push(Part::Word(*known));
            rest = after;
        }
        text.push_str(rest);
        parts.push(Part::Text(text));
        Ok(Self(parts))
    }

    /// Whether the name is another one from time to time.
    pub fn changes(&self) -> bool {
        self.0.iter().any(|part| matches!(part, Part::Word(_)))
    }

    /// The name at a moment, in the zone of that moment.
    pub fn at(&self, moment: &Zoned) -> String {
        let part = |part: &Part| match part {
            Part::Text(text) => text.clone(),
            Part::Word(word) => match word {
                Word::Date => moment.strftime("%Y-%m-%d").to_string(),
                Word::Year => moment.strftime("%Y").to_string(),
                Word::Month => moment.strftime("%m").to_string(),
                Word::Day => moment.strftime("%d").to_string(),
                // A week has a year of its own: the first days of January may lie in the last week of the year before.
                Word::Week => moment.strftime("%G-W%V").to_string(),
                Word::Time => moment.strftime("%H%M").to_string(),
            },
        };
        self.0.iter().map(part).collect()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn moment(text: &str) -> Zoned {
        text.parse().unwrap()
    }

    #[test]
    fn words_become_the_moment() {
        let name =
            Template::parse("out {year}/{month}/{day}/tickets-{date}-{time}-{week}.xlsx").unwrap();
        assert!(name.changes());
        assert_eq!(
            name.at(&moment("2027-01-01T07:05-06[America/Chicago]")),
            "out 2027/01/01/tickets-2027-01-01-0705-2026-W53.xlsx"
        );
        let plain = Template::parse("{{a}} 100%.csv").unwrap();
        assert!(!plain.changes());
        assert_eq!(
            plain.at(&moment("2027-01-01T07:05-06[America/Chicago]")),
            "{a} 100%.csv"
        );
    }

    #[test]
    fn what_means_nothing_is_refused() {
        assert_eq!(
            Template::parse("a-{Date}.csv"),
            Err(TemplateFault::Unknown("Date".to_owned()))
        );
        assert_eq!(Template::parse("a-{date.csv"), Err(TemplateFault::Alone));
        assert_eq!(Template::parse("a-date}.csv"), Err(TemplateFault::Alone));
        assert_eq!(
            Template::parse("{}"),
            Err(TemplateFault::Unknown(String::new()))
        );
    }

    proptest! {
        #[test]
        fn any_name_survives_with_its_braces_doubled(name in "[a-z{}%$ \u{e4}]{0,12}") {
            let escaped = name.replace('{', "{{").replace('}', "}}");
            let read = Template::parse(&escaped).unwrap();
            prop_assert_eq!(read.at(&moment("2027-01-01T07:05Z[UTC]")), name);
        }
    }
}
