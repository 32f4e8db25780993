//! Where things stand in a drawing.

/// The values of an axis: from the least to the greatest tick.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Scale {
    least: f64,
    greatest: f64,
    step: f64,
}

impl Scale {
    /// Round ticks that hold zero and all values, at most five above each other on either side.
    pub(super) fn over(values: impl Iterator<Item = f64>) -> Self {
        let (low, high) = values.fold((0.0_f64, 0.0_f64), |(low, high), value| {
            (low.min(value), high.max(value))
        });
        let rough = ((high - low) / 5.0).max(f64::MIN_POSITIVE);
        let power = 10_f64.powf(rough.log10().floor());
        let factor = [1.0, 2.0, 5.0, 10.0]
            .into_iter()
            .find(|factor| factor * power >= rough);
        let step = factor.unwrap_or(10.0) * power;
        // Tickets are whole, and so are their ticks.
        let step = if high > 1.0 { step.max(1.0) } else { step };
        let (least, greatest) = ((low / step).floor() * step, (high / step).ceil() * step);
        match greatest > least {
            true => Self {
                least,
                greatest,
                step,
            },
            false => Self {
                least: 0.0,
                greatest: 1.0,
                step: 1.0,
            },
        }
    }

    /// The ticks from the least to the greatest.
    pub(super) fn ticks(self) -> impl Iterator<Item = f64> {
        let count = ((self.greatest - self.least) / self.step).round() as u32;
        (0..=count).map(move |index| self.least + f64::from(index) * self.step)
    }

    /// How far up a value stands, 0 to 1.
    pub(super) fn part(self, value: f64) -> f64 {
        (value - self.least) / (self.greatest - self.least)
    }
}

/// A text cut to so many characters.
pub(super) fn cut(text: &str, most: usize) -> String {
    match text.chars().count() > most {
        true => {
            let kept: String = text.chars().take(most - 1).collect();
            format!("{}…", kept.trim_end())
        }
        false => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round_and_hold_all() {
        let ticks = |values: &[f64]| {
            Scale::over(values.iter().copied())
                .ticks()
                .collect::<Vec<_>>()
        };
        assert_eq!(ticks(&[3.0]), [0.0, 1.0, 2.0, 3.0]);
        assert_eq!(ticks(&[1234.0, 7.0]), [0.0, 500.0, 1000.0, 1500.0]);
        assert_eq!(ticks(&[-40.0, 100.0]), [-50.0, 0.0, 50.0, 100.0]);
        assert_eq!(ticks(&[]), [0.0, 1.0]);
        assert!(Scale::over([0.3].into_iter()).part(0.3) <= 1.0);
    }
}
