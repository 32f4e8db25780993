//! Counts that differ although all that differs was read again: the system's filter then counts by something else than what
//! its tickets show. That is told once, and not looked for each time.
//!
//! What is remembered is where the counts differ, not only by how much: another ticket that differs elsewhere would else hide
//! behind one that was explained meanwhile.

use jiff::Timestamp;

use super::Reading;
use super::heal::Difference;
use crate::error::Result;
use crate::export::replica::{Kind, Outline};
use crate::systems::query::Span;

/// In how many places counts may differ for each of them to be asked for again.
const MOST_PLACES: usize = 8;
/// What stands for more places than that.
const SPREAD: &str = "spread";
/// The side of a place that has no bound.
const OPEN: &str = "-";

impl Reading<'_> {
    /// Tells a difference that is there after what differs was read again, last in these spans.
    pub(super) async fn tell_unexplained(
        &self,
        difference: Difference,
        read: &[(Kind, Span)],
    ) -> Result<()> {
        let outline = self.with(|replica| replica.outline()).await?;
        let Difference { kind, counted, .. } = difference;
        let known = outline.count(kind, difference.span);
        if kind == Kind::All {
            self.doubt(format!(
                "the system counts {counted} tickets and {known} are known, however often they are read"
            ));
            return Ok(());
        }
        let mut spans: Vec<Span> = Vec::new();
        for (_, span) in read.iter().filter(|(of, _)| *of == kind) {
            if !spans.contains(span) {
                spans.push(*span);
            }
        }
        let mut places = Vec::new();
        if spans.len() <= MOST_PLACES {
            for span in spans {
                let differs = self.differs_by(kind, span, &outline).await?;
                places.extend(differs.map(|by| Place { span, by }));
            }
        }
        let by = i128::from(counted) - i128::from(known);
        let is_whole = places.iter().map(|place| place.by).sum::<i128>() == by;
        let fact = match is_whole && !places.is_empty() {
            true => places
                .iter()
                .map(Place::text)
                .collect::<Vec<_>>()
                .join("\n"),
            false => format!("{SPREAD} {by}"),
        };
        self.with(move |replica| replica.keep_fact(&fact_of(kind), &fact))
            .await?;
        // Each of them was read again, and shows itself whether it is: the filter counts by something else.
        self.note(format!(
            "the system counts {counted} tickets that are {}, and {known} of those that it shows are",
            kind.told()
        ));
        Ok(())
    }

    /// Whether a count differs where it differed when all was read again, and nowhere else. What does not differ any more is
    /// forgotten.
    pub(super) async fn is_known(
        &self,
        kind: Kind,
        counted: u64,
        outline: &Outline,
    ) -> Result<bool> {
        let name = fact_of(kind);
        let fact = self.with(move |replica| replica.fact(&name)).await?;
        let Some(fact) = fact else {
            return Ok(false);
        };
        let known = outline.count(kind, Span::default());
        let by = i128::from(counted) - i128::from(known);
        let is_known = match Remembered::of(&fact) {
            _ if by == 0 => false,
            None => false,
            Some(Remembered::Spread(then)) => by == then,
            Some(Remembered::At(places)) => {
                let mut is_same = places.iter().map(|place| place.by).sum::<i128>() == by;
                for Place { span, by } in places {
                    is_same = is_same && self.differs_by(kind, span, outline).await? == Some(by);
                }
                is_same
            }
        };
        if !is_known {
            self.with(move |replica| replica.forget_fact(&fact_of(kind)))
                .await?;
        }
        Ok(is_known)
    }

    /// How many more tickets of a kind the system counts in a span than are known.
    async fn differs_by(&self, kind: Kind, span: Span, outline: &Outline) -> Result<Option<i128>> {
        let counted = self.count_of(kind, span).await?;
        let known = i128::from(outline.count(kind, span));
        Ok(counted.map(|counted| i128::from(counted) - known))
    }
}

/// What is remembered of a count that differs.
#[derive(Debug, PartialEq, Eq)]
enum Remembered {
    /// It differs by so much, in many places.
    Spread(i128),
    At(Vec<Place>),
}

/// A place where a count differs.
#[derive(Debug, PartialEq, Eq)]
struct Place {
    span: Span,
    /// By so much the system counts more.
    by: i128,
}

impl Place {
    fn text(&self) -> String {
        let end = |at: Option<Timestamp>| at.map_or(OPEN.to_owned(), |at| at.to_string());
        let Span { from, until } = self.span;
        format!("{} {} {}", end(from), end(until), self.by)
    }

    fn of(line: &str) -> Option<Self> {
        let end = |text: &str| match text {
            OPEN => Some(None),
            text => text.parse().ok().map(Some),
        };
        let mut words = line.split(' ');
        let (from, until, by) = (words.next()?, words.next()?, words.next()?);
        Some(Self {
            span: Span {
                from: end(from)?,
                until: end(until)?,
            },
            by: by.parse().ok()?,
        })
    }
}

impl Remembered {
    /// What a fact says; nothing of one that an earlier program kept, which knew no places.
    fn of(fact: &str) -> Option<Self> {
        if let Some(by) = fact.strip_prefix(SPREAD) {
            return by.trim().parse().ok().map(Self::Spread);
        }
        let places = fact.lines().map(Place::of);
        places.collect::<Option<Vec<_>>>().map(Self::At)
    }
}

/// The fact that says how a count differed.
fn fact_of(kind: Kind) -> String {
    format!("counted.{}", kind.told())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_remembered_is_read_as_it_was_written() {
        let at = |text: &str| text.parse().ok();
        let places = vec![
            Place {
                span: Span {
                    from: None,
                    until: at("2024-06-01T05:00:00Z"),
                },
                by: -2,
            },
            Place {
                span: Span {
                    from: at("2024-06-01T05:00:00.5Z"),
                    until: None,
                },
                by: 1,
            },
        ];
        let text: Vec<String> = places.iter().map(Place::text).collect();
        assert_eq!(
            Remembered::of(&text.join("\n")),
            Some(Remembered::At(places))
        );
        assert_eq!(Remembered::of("spread -17"), Some(Remembered::Spread(-17)));
        assert_eq!(Remembered::of("399 400"), None, "no place is named");
    }
}
