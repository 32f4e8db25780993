//! `NAME=VALUE` as it is typed.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use super::{FaultKind, Form};

/// A fault that happens by chance: `NAME=VALUE` parsed.
#[derive(Debug, Clone, PartialEq)]
pub struct FaultSpec {
    /// What goes wrong.
    pub kind: FaultKind,
    /// How often or how long.
    pub value: FaultValue,
}

/// How often a fault strikes, and for how long.
#[derive(Debug, Clone, PartialEq)]
pub enum FaultValue {
    /// With this probability (from 0 to 1), for a time out of this span where it takes time.
    Chance(f64, Span),
    /// Once, after so many requests; the rate per second from then on, where it is a limit.
    After(u64, Option<f64>),
}

/// A time between these, evenly.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Span {
    /// The least.
    pub from: Duration,
    /// The most.
    pub to: Duration,
}

impl Span {
    /// The time at this part of the way from the least to the most.
    pub(super) fn at(self, part: f64) -> Duration {
        self.from + (self.to - self.from).mul_f64(part)
    }

    fn parse(text: &str) -> Option<Self> {
        let (from, to) = text.split_once("..").unwrap_or((text, text));
        let (from, to) = (duration(from.trim())?, duration(to.trim())?);
        (from <= to).then_some(Self { from, to })
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}ms..{}ms", self.from.as_millis(), self.to.as_millis())
    }
}

/// Why a fault cannot be had.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FaultError {
    /// No value.
    #[error("`{0}` has no value: write NAME=VALUE, as in `status-503=0.02` or `latency=5ms..50ms`")]
    NoValue(String),
    /// No such fault.
    #[error("there is no fault `{name}`; there are {known}")]
    Unknown {
        /// What was written.
        name: String,
        /// The names there are.
        known: String,
    },
    /// The value does not fit.
    #[error("`{value}` of `{name}` is {what}")]
    Value {
        /// The fault.
        name: &'static str,
        /// What was written.
        value: String,
        /// What it is not, and what to write.
        what: &'static str,
    },
}

impl FromStr for FaultSpec {
    type Err = FaultError;

    fn from_str(text: &str) -> Result<Self, FaultError> {
        let (name, value) = text
            .split_once('=')
            .ok_or_else(|| FaultError::NoValue(text.to_owned()))?;
        Self::parse(name.trim(), value.trim())
    }
}

impl FaultSpec {
    /// A fault from its name and the text of its value.
    ///
    /// # Errors
    /// When there is no such fault or the value does not fit it.
    pub fn parse(name: &str, value: &str) -> Result<Self, FaultError> {
        let kind = FaultKind::parse(name).ok_or_else(|| unknown(name))?;
        let (parsed, what) = match kind.form() {
            Form::Chance => (
                probability(value).map(|p| FaultValue::Chance(p, Span::default())),
                "no probability: write a number from 0 to 1, as in `0.02`",
            ),
            Form::ChanceFor(usual) => {
                let usual = Duration::from_millis(usual);
                let usual = Span {
                    from: usual,
                    to: usual,
                };
                (
                    chance_and_time(value, Some(usual)),
                    "no probability with or without a time: write `0.02`, `0.02:2s` or `0.02:2s..5s`",
                )
            }
            Form::Time => (
                chance_and_time(value, None),
                "no time or range of times: write `20ms`, `2s` or `5ms..50ms`, with a probability `0.1:2s`",
            ),
            Form::After => (
                value.parse().ok().map(|n| FaultValue::After(n, None)),
                "no number of writes: write it as in `200`",
            ),
            Form::AfterRate => (
                count_and_rate(value),
                "no number of requests with a rate: write it as in `500:10/s`",
            ),
        };
        let value = parsed.ok_or_else(|| FaultError::Value {
            name: kind.as_str(),
            value: value.to_owned(),
            what,
        })?;
        Ok(Self { kind, value })
    }

    /// What a script asks for: the kind and its time, the usual one where none is told.
    ///
    /// # Errors
    /// When there is no such fault, or no script of it.
    pub(crate) fn scripted(
        name: &str,
        value: Option<&str>,
    ) -> Result<(FaultKind, Span), FaultError> {
        let kind = FaultKind::parse(name).ok_or_else(|| unknown(name))?;
        let text = match (value, kind.form()) {
            (Some(value), _) => value.to_owned(),
            (None, Form::Time) => String::new(),
            (None, _) => "1".to_owned(),
        };
        match (kind.form(), Self::parse(name, &text)) {
            (Form::After | Form::AfterRate, _) => Err(FaultError::Value {
                name: kind.as_str(),
                value: text,
                what: "counted from the start: it is given with --fault, not scripted",
            }),
            (
                _,
                Ok(FaultSpec {
                    value: FaultValue::Chance(_, span),
                    ..
                }),
            ) => Ok((kind, span)),
            (_, Ok(_)) => Ok((kind, Span::default())),
            (_, Err(error)) => Err(error),
        }
    }
}

/// The error for a name that is no fault.
fn unknown(name: &str) -> FaultError {
    let names: Vec<_> = FaultKind::names().map(|name| format!("`{name}`")).collect();
    FaultError::Unknown {
        name: name.to_owned(),
        known: names.join(", "),
    }
}

fn probability(text: &str) -> Option<f64> {
    let number = text.trim().parse::<f64>().ok()?;
    (0.0..=1.0).contains(&number).then_some(number)
}

/// `P:TIME`, `P` alone where there is a usual time, `TIME` alone (then always).
fn chance_and_time(text: &str, usual: Option<Span>) -> Option<FaultValue> {
    if let Some((chance, time)) = text.split_once(':') {
        return Some(FaultValue::Chance(probability(chance)?, Span::parse(time)?));
    }
    match (probability(text), usual) {
        (Some(chance), Some(usual)) => Some(FaultValue::Chance(chance, usual)),
        _ => Some(FaultValue::Chance(1.0, Span::parse(text)?)),
    }
}

fn count_and_rate(text: &str) -> Option<FaultValue> {
    let (count, rate) = text.split_once(':')?;
    let rate = rate.trim().strip_suffix("/s")?.parse::<f64>().ok()?;
    let count = count.trim().parse().ok()?;
    (rate.is_finite() && rate > 0.0).then_some(FaultValue::After(count, Some(rate)))
}

fn duration(text: &str) -> Option<Duration> {
    let digits = text.trim_end_matches(|letter: char| letter.is_ascii_alphabetic());
    let seconds = digits.parse::<f64>().ok()?
        * match &text[digits.len()..] {
            "ms" => 0.001,
            "s" => 1.0,
            "m" => 60.0,
            _ => return None,
        };
    Duration::try_from_secs_f64(seconds).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chance(text: &str) -> (f64, u128, u128) {
        match text.parse::<FaultSpec>().unwrap().value {
            FaultValue::Chance(p, span) => (p, span.from.as_millis(), span.to.as_millis()),
            FaultValue::After(..) => panic!("{text}"),
        }
    }

    #[test]
    fn names_and_values_are_parsed() {
        assert_eq!(chance("latency=5ms..50ms"), (1.0, 5, 50));
        assert_eq!(chance("latency=0.01:2s"), (0.01, 2_000, 2_000));
        assert_eq!(chance("late-commit=1s..20s"), (1.0, 1_000, 20_000));
        assert_eq!(chance("reset-after-commit=0.1"), (0.1, 0, 0));
        assert_eq!(chance("status-429-retry-after=0.1"), (0.1, 1_000, 1_000));
        assert_eq!(
            chance("status-429-retry-after=0.1:20s"),
            (0.1, 20_000, 20_000)
        );
        assert_eq!(chance("refuse=1"), (1.0, 500, 500));
        let after = |text: &str| text.parse::<FaultSpec>().unwrap().value;
        assert_eq!(after("revoke-after=200"), FaultValue::After(200, None));
        assert_eq!(
            after("rate-after=500:10/s"),
            FaultValue::After(500, Some(10.0))
        );
    }

    #[test]
    fn a_bad_fault_says_what_to_write() {
        let error = |text: &str| text.parse::<FaultSpec>().unwrap_err().to_string();
        assert!(error("status-503").contains("NAME=VALUE"));
        assert!(error("status-599=1").contains("`status-503`"));
        assert!(error("status-503=2").contains("from 0 to 1"));
        assert!(error("status-503=0.1:1s").contains("from 0 to 1"));
        assert!(error("latency=50ms..5ms").contains("5ms..50ms"));
        assert!(error("latency=0.5").contains("5ms..50ms"));
        assert!(error("late-commit=2:1s").contains("0.1:2s"));
        assert!(error("refuse=often").contains("0.02:2s"));
        assert!(error("revoke-after=-1").contains("`200`"));
        assert!(error("rate-after=10/s").contains("500:10/s"));
        assert!(error("rate-after=5:0/s").contains("500:10/s"));
    }

    #[test]
    fn a_script_takes_the_usual_time_where_there_is_one() {
        let span =
            |name, value| FaultSpec::scripted(name, value).map(|(_, span)| span.to.as_millis());
        assert_eq!(span("status-429-retry-after", None), Ok(1_000));
        assert_eq!(span("late-commit", Some("3s")), Ok(3_000));
        assert!(span("late-commit", None).is_err());
        assert!(span("revoke-after", Some("3")).is_err());
        assert!(span("gremlin", None).is_err());
    }
}
