//! Whose change is this: what a cell of an edited export is to do, by what it said when it was written and what the desk
//! says now.

use super::Value;

/// What becomes of a cell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Nobody has changed it: nothing is sent, whatever the desk says now.
    Untouched,
    /// The desk says the same already.
    InDesk,
    /// A person has changed it in the file, and nobody in the desk: it is sent.
    Send,
    /// It was changed on both sides, or nobody can tell.
    Conflict,
}

/// What the desk has in a field.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Desk<'v> {
    /// This.
    Has(&'v Value),
    /// The answer does not show it; whether the ticket was changed since the export, as far as that can be told.
    Hidden {
        /// `None`: nobody can tell.
        changed: Option<bool>,
    },
}

/// Whether a cell was changed by people: what is then to be compared with the desk.
pub(crate) fn is_edited(baseline: Option<&Value>, file: &Value) -> bool {
    baseline.is_none_or(|baseline| !baseline.is(file))
}

/// The verdict on a cell. `baseline`: what it said when it was written, where that is known; `changed`: whether the desk has
/// changed the ticket since, as far as that can be told.
pub(crate) fn judge(
    baseline: Option<&Value>,
    file: &Value,
    desk: Desk<'_>,
    changed: Option<bool>,
) -> Verdict {
    if !is_edited(baseline, file) {
        return Verdict::Untouched;
    }
    match (baseline, desk) {
        (_, Desk::Has(desk)) if desk.is(file) => Verdict::InDesk,
        (Some(baseline), Desk::Has(desk)) if desk.is(baseline) => Verdict::Send,
        (Some(_), Desk::Has(_)) => Verdict::Conflict,
        (None, Desk::Has(_)) => unless_changed(changed),
        (_, Desk::Hidden { changed }) => unless_changed(changed),
    }
}

fn unless_changed(changed: Option<bool>) -> Verdict {
    match changed {
        Some(false) => Verdict::Send,
        Some(true) | None => Verdict::Conflict,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn text(text: &str) -> Value {
        Value::text(text)
    }

    #[test]
    fn each_case_has_its_verdict() {
        let (a, b, c) = (text("a"), text("b"), text("c"));
        let no = Some(false);
        let of = |baseline, file, desk| judge(baseline, file, Desk::Has(desk), no);
        assert_eq!(of(Some(&a), &a, &b), Verdict::Untouched);
        assert_eq!(of(Some(&a), &b, &b), Verdict::InDesk);
        assert_eq!(of(Some(&a), &b, &a), Verdict::Send);
        assert_eq!(of(Some(&a), &b, &c), Verdict::Conflict);
        assert_eq!(of(None, &b, &b), Verdict::InDesk);
        assert_eq!(of(None, &b, &a), Verdict::Send);
        for changed in [Some(true), None] {
            let verdict = judge(None, &b, Desk::Has(&a), changed);
            assert_eq!(verdict, Verdict::Conflict, "{changed:?}");
            let hidden = judge(Some(&a), &b, Desk::Hidden { changed }, no);
            assert_eq!(hidden, Verdict::Conflict, "{changed:?}");
        }
        let hidden = judge(Some(&a), &b, Desk::Hidden { changed: no }, no);
        assert_eq!(hidden, Verdict::Send);
    }

    proptest! {
        /// What others have written into the desk is never replaced, and what nobody has written is never sent.
        #[test]
        fn nothing_of_others_is_ever_sent_over(baseline in 0..3_u8, file in 0..3_u8, desk in 0..3_u8, known: bool, changed: bool) {
            let value = |number: u8| text(&number.to_string().repeat(3));
            let (was, in_file, in_desk) = (value(baseline), value(file), value(desk));
            // The desk tells truly whether it was changed.
            let changed = changed || baseline != desk;
            let verdict = judge(known.then_some(&was), &in_file, Desk::Has(&in_desk), Some(changed));
            if verdict == Verdict::Send {
                prop_assert!(baseline == desk && file != desk);
            }
            if file == baseline || file == desk {
                prop_assert!(matches!(verdict, Verdict::Untouched | Verdict::InDesk) || !known);
            }
            if known && file != baseline && desk == baseline {
                prop_assert_eq!(verdict, Verdict::Send);
            }
        }
    }
}
