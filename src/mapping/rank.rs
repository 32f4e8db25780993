//! The order of rows: what comes before what, and what is compared as a text although it is none.

use std::cmp::Ordering;
use std::sync::OnceLock;

use super::item::Item;
use super::text;

/// Empty first, numbers and dates by their value, all else by its text.
pub(super) fn order(a: Option<&Item<'_>>, b: Option<&Item<'_>>) -> Ordering {
    let number = |item: &Item<'_>| match item {
        Item::Integer(number) => Some(*number as f64),
        Item::Number(number) => Some(*number),
        Item::Decimal(digits) => digits.parse().ok(),
        _ => None,
    };
    let moment = |item: &Item<'_>| match item {
        Item::Date(date) => Some(date.at(0, 0, 0, 0)),
        Item::DateTime(at) => Some(*at),
        Item::Instant(at) | Item::Day(at) => Some(at.datetime()),
        _ => None,
    };
    // The rank keeps values of different types apart, so that the order is a whole one.
    let rank = |item: &Item<'_>| match item {
        item if number(item).is_some() => 0,
        item if moment(item).is_some() => 1,
        _ => 2,
    };
    match (a, b) {
        (None, None) => Ordering::Equal,
        (None, Some(_)) => Ordering::Less,
        (Some(_), None) => Ordering::Greater,
        (Some(a), Some(b)) => rank(a).cmp(&rank(b)).then_with(|| {
            match (a, b, number(a), number(b)) {
                // Two moments in their own zones: the instant decides, not the face of the clock.
                (Item::Instant(a), Item::Instant(b), _, _) => a.timestamp().cmp(&b.timestamp()),
                (_, _, Some(a), Some(b)) => a.total_cmp(&b),
                _ => match (moment(a), moment(b)) {
                    (Some(a), Some(b)) => a.cmp(&b),
                    _ => a.text().cmp(&b.text()),
                },
            }
        }),
    }
}

/// Takes outer space off a text, which is none of what is compared.
pub(super) fn trim(item: &mut Item<'static>) {
    if let Item::Text(text) = item {
        *text = text::trim(std::mem::take(text));
    }
}

/// The first two values that were ordered as texts and stand the other way round as what they seem to be.
#[derive(Debug, Default)]
pub(super) struct Untyped(OnceLock<String>);

impl Untyped {
    /// Looks at values in the order in which they were put.
    pub(super) fn note<'i, 'v: 'i>(&self, values: impl Iterator<Item = Option<&'i Item<'v>>>) {
        if self.0.get().is_some() {
            return;
        }
        let mut before: Option<&Item<'_>> = None;
        for item in values.flatten() {
            if let Some(shown) = before.and_then(|before| doubtful(before, item)) {
                // Another thread may have found another pair: one is enough.
                let _ = self.0.set(shown);
                return;
            }
            before = Some(item);
        }
    }

    /// What was found, as a part of a sentence.
    pub(super) fn shown(&self) -> Option<&str> {
        self.0.get().map(String::as_str)
    }
}

/// What is doubtful about the order of two values that follow one another.
fn doubtful(before: &Item<'_>, after: &Item<'_>) -> Option<String> {
    let (Item::Text(one), Item::Text(two)) = (before, after) else {
        let differs = matches!(before, Item::Text(_)) != matches!(after, Item::Text(_));
        return differs.then(|| {
            format!(
                "puts texts behind numbers and dates, `{}` behind `{}`",
                after.text(),
                before.text()
            )
        });
    };
    let number = |text: &str| text.trim().parse::<f64>().ok();
    let is_turned = match (number(one), number(two)) {
        (Some(one), Some(two)) => one > two,
        _ => is_date(one) && is_date(two) && one.trim() != two.trim(),
    };
    is_turned.then(|| format!("compares texts, and puts `{one}` before `{two}`"))
}

/// Whether a text seems to be a date that does not begin with its year.
fn is_date(text: &str) -> bool {
    let text = text.trim();
    let mut parts = text.split(['/', '.', '-', ' ']);
    let first = parts.next().unwrap_or_default();
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    let year =
        |part: Option<&str>| part.is_some_and(|part| digits(part) && matches!(part.len(), 2 | 4));
    let is_named = |part: Option<&str>| {
        part.is_some_and(|part| !part.is_empty() && part.chars().all(char::is_alphanumeric))
    };
    digits(first) && first.len() <= 2 && is_named(parts.next()) && year(parts.next())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_seems_to_be_a_number_or_a_date_is_noticed() {
        let shown = |values: &[&str]| {
            let untyped = Untyped::default();
            let mut items: Vec<Item<'_>> =
                values.iter().map(|value| Item::borrowed(value)).collect();
            items.sort_by(|a, b| order(Some(a), Some(b)));
            untyped.note(items.iter().map(Some));
            untyped.shown().map(str::to_owned)
        };
        assert_eq!(
            shown(&["9", "10"]).as_deref(),
            Some("compares texts, and puts `10` before `9`")
        );
        assert!(shown(&["06/21/2024", "12/01/2023"]).is_some());
        assert!(shown(&["3.4.24", "12.1.23"]).is_some());
        assert_eq!(shown(&["2024-06-21", "2023-12-01"]), None);
        assert_eq!(shown(&["b", "a"]), None);
        assert_eq!(shown(&["8", "9"]), None);
    }
}
