//! The values of an axis.

/// The values of an axis: from the least to the greatest tick.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Scale {
    /// The first tick.
    pub least: f64,
    /// The last tick.
    pub greatest: f64,
    /// From one tick to the next.
    pub step: f64,
}

impl Scale {
    /// Round ticks that hold zero and all values, at most five above each other on either side. Counts have whole ticks.
    pub fn over(values: impl Iterator<Item = f64>, are_counts: bool) -> Self {
        let (low, high) = values.fold((0.0_f64, 0.0_f64), |(low, high), value| {
            (low.min(value), high.max(value))
        });
        if high <= low {
            return Self {
                least: 0.0,
                greatest: 1.0,
                step: 1.0,
            };
        }
        let rough = ((high - low) / 5.0).max(f64::MIN_POSITIVE);
        let power = 10_f64.powf(rough.log10().floor());
        let factor = [1.0, 2.0, 5.0, 10.0]
            .into_iter()
            .find(|factor| factor * power >= rough);
        let step = factor.unwrap_or(10.0) * power;
        let step = if are_counts { step.max(1.0) } else { step };
        Self {
            least: (low / step).floor() * step,
            greatest: (high / step).ceil() * step,
            step,
        }
    }

    /// The ticks from the least to the greatest.
    pub fn ticks(self) -> impl Iterator<Item = f64> {
        let count = ((self.greatest - self.least) / self.step).round() as u32;
        (0..=count).map(move |index| self.least + f64::from(index) * self.step)
    }

    /// How far up a value stands, 0 to 1.
    pub fn part(self, value: f64) -> f64 {
        (value - self.least) / (self.greatest - self.least)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round_and_hold_all() {
        let ticks = |values: &[f64], are_counts| {
            Scale::over(values.iter().copied(), are_counts)
                .ticks()
                .collect::<Vec<_>>()
        };
        assert_eq!(ticks(&[3.0], true), [0.0, 1.0, 2.0, 3.0]);
        assert_eq!(ticks(&[1234.0, 7.0], true), [0.0, 500.0, 1000.0, 1500.0]);
        assert_eq!(ticks(&[-40.0, 100.0], true), [-50.0, 0.0, 50.0, 100.0]);
        assert_eq!(ticks(&[], true), [0.0, 1.0]);
        // There is no half ticket.
        assert_eq!(ticks(&[1.0], true), [0.0, 1.0]);
        assert_eq!(
            ticks(&[1.0], false),
            [0.0, 0.2, 0.4, 0.6000000000000001, 0.8, 1.0]
        );
        assert!(Scale::over([0.3].into_iter(), false).part(0.3) <= 1.0);
    }
}
