//! The type step: texts into dates, times, numbers, booleans and JSON.

use jiff::tz::TimeZone;

use super::date::{self, Format};
use super::file::{Faults, Section};
use super::input::read_zone;
use super::item::Item;
use super::shape::{ParseKind, ParseRule, Version};
use crate::error::{Missing, Rule};
use crate::unicode::{plain, plain_spaces};

/// Words that mean yes and no when the mapping names none.
pub(super) const TRUTHS: [&str; 7] = ["true", "yes", "y", "1", "x", "on", "t"];
pub(super) const FALSES: [&str; 6] = ["false", "no", "n", "0", "off", "f"];

/// Why a value cannot be what it should, and what to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Problem {
    pub(super) message: String,
    pub(super) hint: Option<String>,
    /// The name that resolves to nothing, where that is it.
    pub(super) missing: Option<Missing>,
    pub(super) rule: Rule,
}

impl Problem {
    pub(super) fn new(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            hint: None,
            missing: None,
            rule: Rule::Message,
        }
    }

    /// A value that breaks a rule: whatever the values, the rule is the cause.
    pub(super) fn broken(value: &str, rule: impl Into<String>) -> Self {
        let rule = rule.into();
        Self {
            rule: Rule::Broken(rule.clone()),
            ..Self::new(format!("`{value}` {rule}"))
        }
    }

    pub(super) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

/// Reads `parse` and what belongs to it; `None` without `parse`.
pub(super) fn read_parse(
    section: &Section<'_, '_>,
    version: Version,
    faults: &mut Faults,
) -> Option<ParseRule> {
    let kind = section.word("parse", &ParseKind::WORDS, faults);
    let timezone = read_zone(section, faults);
    let formats = read_formats(section, kind, faults);
    let words = |key: &str, faults: &mut Faults| -> Option<Vec<String>> {
        let words = section.texts(key, faults)?;
        Some(words.into_iter().map(|word| word.value).collect())
    };
    let rule = ParseRule {
        version,
        kind: kind.unwrap_or(ParseKind::Json),
        formats,
        decimal: read_decimal(section, faults),
        timezone,
        truths: words("true", faults),
        falses: words("false", faults),
    };
    let asks = |key: &str, wanted: &[ParseKind], example: &str, faults: &mut Faults| {
        let fits = kind.is_some_and(|kind| wanted.contains(&kind));
        // A wrong word for `parse` is told by itself.
        if section.has(key) && !fits && (kind.is_some() || !section.has("parse")) {
            let message = format!("`{key}` needs {example}");
            faults.hint(
                section.key_at(key),
                message,
                format!("add that, or leave `{key}` out"),
            );
        }
    };
    let dates = [ParseKind::Date, ParseKind::DateTime];
    let dated = "`parse = \"date\"` or `\"datetime\"`";
    asks("formats", &dates, dated, faults);
    asks("timezone", &dates, dated, faults);
    let numbers = [ParseKind::Number, ParseKind::Integer];
    asks(
        "decimal",
        &numbers,
        "`parse = \"number\"` or `\"integer\"`",
        faults,
    );
    if version >= Version::Two {
        check_words(&rule, section, faults);
    }
    asks("true", &[ParseKind::Bool], "`parse = \"bool\"`", faults);
    asks("false", &[ParseKind::Bool], "`parse = \"bool\"`", faults);
    kind.map(|_| rule)
}

/// Tells words of yes and no that are none, or that mean both.
fn check_words(rule: &ParseRule, section: &Section<'_, '_>, faults: &mut Faults) {
    for (key, words) in [("true", &rule.truths), ("false", &rule.falses)] {
        if words.as_ref().is_some_and(Vec::is_empty) {
            let message = format!("`{key}` is empty");
            faults.hint(
                section.key_at(key),
                message,
                "name its words, or leave it out",
            );
        }
    }
    let both = rule.truths.iter().flatten().find(|word| {
        let falses = rule.falses.iter().flatten();
        falses.into_iter().any(|other| same(word, other))
    });
    if let Some(word) = both {
        let message = format!("`{word}` means yes and no");
        faults.hint(
            section.key_at("false"),
            message,
            "take it out of one of the two lists",
        );
    }
}

fn read_formats(
    section: &Section<'_, '_>,
    kind: Option<ParseKind>,
    faults: &mut Faults,
) -> Vec<Format> {
    let at = section.get("formats").map_or(0, |raw| raw.span().start);
    let texts = section.texts("formats", faults).unwrap_or_default();
    let mut formats = Vec::new();
    for text in texts {
        match Format::new(&text.value, kind == Some(ParseKind::Date)) {
            Ok(format) => formats.push(format.of_list(at)),
            Err(reason) => faults.hint(
                text.at,
                format!("`{}` is no date format: {reason}", text.value),
                "for example \"%m/%d/%Y %H:%M\" for 06/21/2024 22:43, or \"%d.%m.%Y\" for 21.06.2024",
            ),
        }
    }
    formats
}

fn read_decimal(section: &Section<'_, '_>, faults: &mut Faults) -> Option<char> {
    let words = [(",", ','), (".", '.')];
    section.word("decimal", &words, faults)
}

impl ParseRule {
    /// Parses one value; `zone` is for times without one.
    pub(super) fn apply<'a>(
        &self,
        item: Item<'a>,
        zone: Option<&TimeZone>,
    ) -> Result<Item<'a>, Problem> {
        let zone = self.timezone.as_ref().or(zone);
        match self.kind {
            ParseKind::Date => date::to_date(item, &self.formats, zone),
            ParseKind::DateTime => {
                let moment = date::to_datetime(item, &self.formats, zone)?;
                Ok(match (moment, self.version) {
                    (Item::Day(at), Version::One) => Item::Instant(at),
                    (moment, _) => moment,
                })
            }
            ParseKind::Number => self.to_number(item),
            ParseKind::Integer => self.to_integer(item),
            ParseKind::Bool => self.to_bool(item),
            ParseKind::Json => to_json(item),
            ParseKind::Text => Ok(Item::Text(item.into_text())),
        }
    }

    fn to_number<'a>(&self, item: Item<'a>) -> Result<Item<'a>, Problem> {
        let Item::Text(text) = &item else {
            return match item {
                Item::Integer(_) | Item::Number(_) | Item::Decimal(_) => Ok(item),
                other => Err(Problem::broken(&other.text(), "is no number")),
            };
        };
        let plain = self.plain_number(text).ok_or_else(|| {
            let problem = Problem::broken(text, "is no number");
            match self.decimal {
                None if text.contains(',') => problem.hint(
                    "say which sign parts the decimals: `decimal = \",\"` or `decimal = \".\"`",
                ),
                _ => problem.hint("write digits only"),
            }
        })?;
        if let Ok(integer) = plain.parse::<i64>() {
            return Ok(Item::Integer(integer));
        }
        match plain.parse::<f64>() {
            Ok(number) if keeps_digits(&plain, number) => Ok(Item::Number(number)),
            Ok(_) => Ok(Item::Decimal(shortest(&plain))),
            _ => Err(Problem::broken(text, "is no number")),
        }
    }

    /// The number as Rust writes it; the other sign and spaces between digits part thousands once the
    /// mapping says which sign parts the decimals.
    fn plain_number(&self, text: &str) -> Option<String> {
        let text = plain_spaces(text);
        let text = text.trim();
        let decimal = self.decimal.unwrap_or('.');
        let thousands = if decimal == ',' { '.' } else { ',' };
        let (whole, fraction) = match text.split_once(decimal) {
            Some((whole, fraction)) => (whole, Some(fraction)),
            None => (text, None),
        };
        let (sign, digits) = match whole.strip_prefix(['-', '−']) {
            Some(rest) => ("-", rest),
            None => ("", whole.strip_prefix('+').unwrap_or(whole)),
        };
        let parts: Vec<&str> = match self.decimal {
            Some(_) => digits.split([thousands, ' ', '\'']).collect(),
            None => digits.split(' ').collect(),
        };
        let grouped = parts.iter().skip(1).all(|part| part.len() == 3)
            && (parts.len() == 1 || (1..=3).contains(&parts[0].len()));
        let all_digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
        let digits = parts.concat();
        let fraction = fraction.unwrap_or("");
        let good = grouped
            && all_digits(&digits)
            && all_digits(fraction)
            && !(digits.is_empty() && fraction.is_empty());
        good.then(|| match fraction {
            "" => format!("{sign}{digits}"),
            fraction => format!("{sign}{digits}.{fraction}"),
        })
    }

    fn to_integer<'a>(&self, item: Item<'a>) -> Result<Item<'a>, Problem> {
        match self.to_number(item)? {
            Item::Number(number) if number.fract() == 0.0 && number.abs() < 9e15 => {
                Ok(Item::Integer(number as i64))
            }
            Item::Integer(number) => Ok(Item::Integer(number)),
            Item::Decimal(digits) if !digits.contains('.') => Ok(Item::Decimal(digits)),
            other => Err(Problem::broken(&other.text(), "is no whole number")),
        }
    }

    fn to_bool<'a>(&self, item: Item<'a>) -> Result<Item<'a>, Problem> {
        if let Item::Bool(_) = item {
            return Ok(item);
        }
        let text = item.text();
        let text = text.trim();
        let holds = |words: &[String]| words.iter().any(|word| same(word, text));
        let any = |words: &[&str]| words.iter().any(|word| same(word, text));
        let truth = match (&self.truths, &self.falses) {
            (None, None) if any(&TRUTHS) => Some(true),
            (None, None) if any(&FALSES) => Some(false),
            (None, None) => None,
            (Some(truths), _) if holds(truths) => Some(true),
            // With one list only, whatever is not in it is the other.
            (Some(_), None) => Some(false),
            (_, Some(falses)) if holds(falses) => Some(false),
            (None, Some(_)) => Some(true),
            (Some(_), Some(_)) => None,
        };
        truth.map(Item::Bool).ok_or_else(|| {
            Problem::new(format!("`{text}` is neither yes nor no"))
                .hint("name the words: `true = [\"y\", …]`, `false = [\"n\", …]`")
        })
    }
}

/// Whether a number written in decimal is what a float of it is written as.
fn keeps_digits(plain: &str, number: f64) -> bool {
    // So many digits every float keeps.
    let is_short = plain.len() <= 15;
    is_short || (number.is_finite() && shortest(plain) == shortest(&number.to_string()))
}

/// A decimal number without zeros that say nothing.
fn shortest(plain: &str) -> String {
    let (sign, digits) = match plain.strip_prefix('-') {
        Some(rest) => ("-", rest),
        None => ("", plain),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let whole = match whole.trim_start_matches('0') {
        "" => "0",
        whole => whole,
    };
    match fraction.trim_end_matches('0') {
        "" => format!("{sign}{whole}"),
        fraction => format!("{sign}{whole}.{fraction}"),
    }
}

fn to_json(item: Item<'_>) -> Result<Item<'_>, Problem> {
    match item {
        Item::Text(text) => serde_json::from_str(&text)
            .map(Item::Json)
            .map_err(|error| Problem::new(format!("is no JSON: {error}"))),
        other => Ok(Item::Json(other.into_json())),
    }
}

/// The same word without case and outer space, composed or not, whatever is invisible in it.
pub(super) fn same(word: &str, text: &str) -> bool {
    // Most cells are none of the words for an empty one, and their first letter says so.
    if let (Some(one), Some(other)) = (word.as_bytes().first(), text.as_bytes().first())
        && one.is_ascii_graphic()
        && other.is_ascii_graphic()
        && !one.eq_ignore_ascii_case(other)
    {
        return false;
    }
    let (word, text) = (word.trim(), text.trim());
    if word.len() == text.len() && word.eq_ignore_ascii_case(text) {
        return true;
    }
    if word.is_ascii() && text.is_ascii() {
        return false;
    }
    let (word, text) = (plain(word), plain(text));
    unicase::eq(word.trim(), text.trim())
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use proptest::prelude::*;

    use super::*;

    fn parse(rule: &ParseRule, text: &str) -> Result<String, String> {
        rule.apply(Item::Text(Cow::Borrowed(text)), None)
            .map(|item| item.text().into_owned())
            .map_err(|problem| problem.message)
    }

    #[test]
    fn numbers_need_the_decimal_sign_only_when_unclear() {
        let mut rule = ParseRule::plain(ParseKind::Number);
        assert_eq!(parse(&rule, "12.50"), Ok("12.5".to_owned()));
        assert_eq!(parse(&rule, "-7"), Ok("-7".to_owned()));
        for space in [" ", "\u{a0}", "\u{202f}", "\u{2009}"] {
            assert_eq!(
                parse(&rule, &format!("52{space}267")),
                Ok("52267".to_owned())
            );
        }
        assert_eq!(
            parse(&rule, "172,973"),
            Err("`172,973` is no number".to_owned())
        );
        assert!(parse(&rule, "1e5").is_err());
        assert!(parse(&rule, "").is_err());
        rule.decimal = Some(',');
        assert_eq!(parse(&rule, "1.234,5"), Ok("1234.5".to_owned()));
        assert!(parse(&rule, "1.2345").is_err());
        rule.decimal = Some('.');
        assert_eq!(parse(&rule, "172,973"), Ok("172973".to_owned()));
    }

    #[test]
    fn integers_are_whole() {
        let rule = ParseRule::plain(ParseKind::Integer);
        assert_eq!(parse(&rule, "7.0"), Ok("7".to_owned()));
        assert_eq!(
            parse(&rule, "7.5"),
            Err("`7.5` is no whole number".to_owned())
        );
    }

    #[test]
    fn one_list_of_words_makes_the_rest_the_other() {
        let mut rule = ParseRule::plain(ParseKind::Bool);
        assert_eq!(parse(&rule, " Yes "), Ok("true".to_owned()));
        assert!(parse(&rule, "vip").is_err());
        rule.truths = Some(vec!["vip".to_owned()]);
        assert_eq!(parse(&rule, "VIP"), Ok("true".to_owned()));
        assert_eq!(parse(&rule, "whatever"), Ok("false".to_owned()));
        rule.falses = Some(vec!["none".to_owned()]);
        assert!(parse(&rule, "whatever").is_err());
    }

    proptest! {
        /// What is decided by the first letter alone is what the whole words say.
        #[test]
        fn a_shortcut_says_the_same(
            one in "[kKeE s\u{212a}\u{df}\u{e9}\u{301}\u{200b}\u{130}\u{131}i]{0,3}",
            other in "[kKeE s\u{212a}\u{df}\u{e9}\u{301}\u{200b}\u{130}\u{131}i]{0,3}",
        ) {
            let whole = |text: &str| plain(text.trim()).trim().to_owned();
            prop_assert_eq!(same(&one, &other), unicase::eq(&whole(&one), &whole(&other)));
        }
    }
}
