//! How severe a priority is, and its one colour in every chart, cell and page.

/// How severe a priority is, by the word that a desk has for it; the most severe first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// `critical`, `emergency`.
    Critical,
    /// `urgent`, `highest`.
    Urgent,
    /// `high`.
    High,
    /// `medium`, `normal`.
    Medium,
    /// `low`.
    Low,
    /// `lowest`.
    Lowest,
    /// No priority, or a word that is not known.
    Unset,
}

/// The words of the severities that have some.
const WORDS: [(Severity, &[&str]); 6] = [
    (Severity::Critical, &["critical", "emergency"]),
    (Severity::Urgent, &["urgent", "highest"]),
    (Severity::High, &["high"]),
    (Severity::Medium, &["medium", "normal"]),
    (Severity::Low, &["low"]),
    (Severity::Lowest, &["lowest"]),
];

impl Severity {
    /// All of them, the most severe first.
    pub const ALL: [Self; 7] = [
        Self::Critical,
        Self::Urgent,
        Self::High,
        Self::Medium,
        Self::Low,
        Self::Lowest,
        Self::Unset,
    ];

    /// How severe a priority of that name is: by the first of its words that is known, as in `1 - Critical`.
    pub fn of(name: &str) -> Self {
        let name = name.to_lowercase();
        let known = |word: &str| WORDS.iter().find(|(_, all)| all.contains(&word));
        let mut known = words_that_hold(&name).filter_map(known);
        known.next().map_or(Self::Unset, |(severity, _)| *severity)
    }

    /// The words by which it is known.
    pub fn words(self) -> &'static [&'static str] {
        let known = WORDS.iter().find(|(severity, _)| *severity == self);
        known.map_or(&[], |(_, words)| words)
    }

    /// Its colour, as red, green and blue: the more severe, the darker.
    pub fn colour(self) -> u32 {
        match self {
            Self::Critical => 0x8E0B17,
            Self::Urgent => 0xC62828,
            Self::High => 0xE86A17,
            Self::Medium => 0xF2B632,
            Self::Low => 0xA9C8DC,
            Self::Lowest => 0xC9D6DF,
            Self::Unset => 0xDCDCDC,
        }
    }

    /// The colour of a text on it.
    pub fn ink(self) -> u32 {
        match self {
            Self::Critical | Self::Urgent => 0xFFFFFF,
            _ => 0x1A1A1A,
        }
    }

    /// Its place in the scale, 0 for the most severe.
    pub fn rank(self) -> usize {
        self as usize
    }
}

/// The words of a name in small letters but for those that it denies: `not urgent`.
pub(crate) fn words_that_hold(name: &str) -> impl Iterator<Item = &str> {
    let mut is_denied = false;
    name.split(|sign: char| !sign.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .filter(move |word| {
            let is_word = !is_denied;
            is_denied = matches!(*word, "not" | "non" | "never");
            is_word
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_priority_is_known_by_a_word_of_its_name() {
        for (name, severity) in [
            ("Critical", Severity::Critical),
            ("1 - Critical", Severity::Critical),
            ("URGENT", Severity::Urgent),
            ("Highest", Severity::Urgent),
            ("high", Severity::High),
            ("P3 (normal)", Severity::Medium),
            ("lowest", Severity::Lowest),
            ("Slow", Severity::Unset),
            ("not urgent", Severity::Unset),
            ("Non-critical, low", Severity::Low),
            ("", Severity::Unset),
        ] {
            assert_eq!(Severity::of(name), severity, "{name}");
        }
    }

    #[test]
    fn the_more_severe_the_darker() {
        let luminance = |severity: Severity| {
            let colour = severity.colour();
            let part = |shift: u32| f64::from(colour >> shift & 0xFF);
            0.2126 * part(16) + 0.7152 * part(8) + 0.0722 * part(0)
        };
        let all = Severity::ALL.map(luminance);
        assert!(all.is_sorted(), "{all:?}");
    }
}
