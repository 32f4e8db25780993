//! What was said on the tickets that are there from the beginning.

use jiff::SignedDuration;

use crate::dice::Dice;

const ASKED: [&str; 4] = [
    "It happened again this morning.",
    "Any news? We need it on Thursday.",
    "It works in the other room.",
    "Thank you, that helped.",
];

const ANSWERED: [&str; 4] = [
    "We are on it and will be there tomorrow.",
    "Please restart it once and tell us what it shows.",
    "A part is ordered.",
    "Replaced the cable and checked it.",
];

const NOTED: [&str; 3] = [
    "The warranty ends next month: ask the vendor first.",
    "Second case this week: keep an eye on it.",
    "Spare is in cabinet 4.",
];

/// Something said on a ticket.
#[derive(Debug, Clone)]
pub struct Remark {
    /// Whether the one who asks for help says it, else who works on it.
    pub by_asker: bool,
    /// Whether the one who asks for help sees it.
    pub is_public: bool,
    /// How long after the ticket was made.
    pub after: SignedDuration,
    /// What is said, as plain text.
    pub text: String,
}

/// What was said on the nth ticket within a span of time: at most so many remarks, always the same ones. Some name an
/// earlier ticket by its number.
pub fn talk(nth: usize, most: usize, span: SignedDuration, earlier: &str) -> Vec<Remark> {
    let mut dice = Dice::new(0x7a_1c ^ (nth as u64) << 8);
    let count = dice.below(most + 1);
    let remark = |place: usize| {
        let after = span.as_secs() * (place as i64 + 1) / (count as i64 + 1);
        let (texts, by_asker, is_public): (&[&str], _, _) = match dice.below(3) {
            0 => (&ASKED, true, true),
            1 => (&ANSWERED, false, true),
            _ => (&NOTED, false, false),
        };
        let text = *dice.pick(texts);
        let text = match dice.chance(0.2) && !earlier.is_empty() {
            true => format!("{text} See {earlier}."),
            false => text.to_owned(),
        };
        Remark {
            by_asker,
            is_public,
            after: SignedDuration::from_secs(after),
            text,
        }
    };
    (0..count).map(remark).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_is_said_each_time_and_in_order() {
        let span = SignedDuration::from_hours(10);
        let texts = |nth| -> Vec<String> {
            let said = talk(nth, 4, span, "#7").into_iter();
            said.map(|remark| remark.text).collect()
        };
        assert_eq!(texts(3), texts(3));
        let all: Vec<_> = (0..40).flat_map(|nth| talk(nth, 4, span, "#7")).collect();
        assert!(all.iter().any(|remark| remark.text.ends_with("See #7.")));
        assert!(all.iter().any(|remark| !remark.is_public));
        let times: Vec<_> = talk(5, 9, span, "").iter().map(|one| one.after).collect();
        assert!(times.is_sorted(), "{times:?}");
        assert!(talk(5, 0, span, "").is_empty());
    }
}
