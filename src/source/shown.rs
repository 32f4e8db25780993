//! Numbers as a spreadsheet program shows them: `501` in the format `00000` is `00501`.
//!
//! `ssfmt` computes what is shown. It is young: what it does not know, and a number that shows nothing at all, is held to
//! be shown as it is stored, and the tests hold it against LibreOffice.

use calamine::ExcelDateTimeType;
use ssfmt::{FormatOptions, NumberFormat};

use crate::record::{Cell, ShownNumber};

/// Whether a format shows a number as it is: none, `General`, text.
pub(crate) fn is_general_format(code: &str) -> bool {
    let code = code.trim();
    code.is_empty()
        || code.eq_ignore_ascii_case("general")
        || code == "@"
        || code.eq_ignore_ascii_case("standard")
}

/// Whether a format shows a date, a time or a duration.
pub(crate) fn is_date_format(code: &str) -> bool {
    is_date(code).is_some()
}

/// Whether a format shows a date or time, or a duration, by its first section.
pub(super) fn is_date(code: &str) -> Option<ExcelDateTimeType> {
    let (mut escaped, mut quoted) = (false, false);
    let mut bracket: Option<String> = None;
    for sign in code.chars() {
        if escaped {
            escaped = false;
            continue;
        }
        if let Some(inner) = &mut bracket {
            if sign != ']' {
                inner.push(sign.to_ascii_lowercase());
                continue;
            }
            let is_elapsed = ["h", "m", "s"].iter().any(|unit| {
                !inner.is_empty() && inner.chars().all(|sign| sign.to_string() == *unit)
            });
            if is_elapsed {
                return Some(ExcelDateTimeType::TimeDelta);
            }
            bracket = None;
            continue;
        }
        match sign {
            '"' => quoted = !quoted,
            _ if quoted => {}
            '\\' | '_' | '*' => escaped = true,
            '[' => bracket = Some(String::new()),
            ';' => return None,
            'd' | 'm' | 'y' | 'h' | 's' | 'D' | 'M' | 'Y' | 'H' | 'S'
                if !code.trim().eq_ignore_ascii_case("general") =>
            {
                return Some(ExcelDateTimeType::DateTime);
            }
            _ => {}
        }
    }
    None
}

/// Whether a format only adds zeros before a number, and signs around it: then what is shown is as exact as what is held.
fn is_exact(code: &str, number: f64) -> bool {
    let (mut escaped, mut quoted, mut has_digit) = (false, false, false);
    for sign in code.chars() {
        if std::mem::take(&mut escaped) {
            continue;
        }
        match sign {
            '"' => quoted = !quoted,
            _ if quoted => {}
            '\\' => escaped = true,
            ';' => break,
            '0' => has_digit = true,
            '#' | '?' | '.' | ',' | '%' | '[' | '@' | '*' | '_' | 'E' | 'e' => return false,
            _ => {}
        }
    }
    has_digit && number.fract() == 0.0 && (0.0..1e15).contains(&number)
}

/// A number in a format as a cell: one that is shown in another way than it is held has both.
pub(super) fn cell(number: f64, code: &str) -> Cell {
    let held = Cell::Number(number);
    if is_general_format(code) || is_date(code).is_some() {
        return held;
    }
    let Ok(format) = NumberFormat::parse(code) else {
        return held;
    };
    let text = format.format(number, &FormatOptions::default());
    let text = text.trim();
    if text.is_empty() || text.contains('\u{fffd}') || held.text() == text {
        return held;
    }
    // `Yes` for 1 and `-` for 0 are words for a number, and no id.
    let has_digit = text.contains(|sign: char| sign.is_ascii_digit());
    Cell::Shown(Box::new(ShownNumber {
        number,
        text: text.into(),
        is_exact: has_digit && is_exact(code, number),
        format: code.into(),
    }))
}

/// A number with what a file says is shown for it; `None` where that is what is held. A format that is known is the judge:
/// programs other than LibreOffice need not keep what they once wrote beside the number.
pub(super) fn of_file(number: f64, code: Option<&str>, text: &str) -> Option<ShownNumber> {
    let digits = |text: &str| -> String { text.chars().filter(char::is_ascii_digit).collect() };
    let Some(code) = code else {
        let is_shown = !text.is_empty() && Cell::Number(number).text() != text;
        return is_shown.then(|| ShownNumber {
            number,
            text: text.into(),
            is_exact: false,
            format: "General".into(),
        });
    };
    let Cell::Shown(mut shown) = cell(number, code) else {
        return None;
    };
    // Points and commas stand as where the file is from.
    if !text.is_empty() && digits(text) == digits(&shown.text) {
        shown.text = text.into();
    }
    Some(*shown)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn shown(number: f64, code: &str) -> (String, bool) {
        match cell(number, code) {
            Cell::Shown(shown) => (shown.text.to_string(), shown.is_exact),
            other => (other.text().into_owned(), false),
        }
    }

    #[test]
    fn numbers_are_shown_as_people_see_them() {
        for (number, code, text, is_exact) in [
            (501.0, "00000", "00501", true),
            (42.0, "\"INC\"0000000", "INC0000042", true),
            (0.05, "0%", "5%", false),
            (1234.5, "#,##0.00", "1,234.50", false),
            (1234.0, "General", "1234", false),
            (1234.0, "0", "1234", false),
            (7.0, "\\R\\-000", "R-007", true),
            (5.4, "000", "005", false),
            (-5.0, "000", "-005", false),
            (3.0, ";;;", "3", false),
            (0.0, "0;-0;\"none\"", "none", false),
            (1.0, "[=1]\"Yes\";[=0]\"No\";0", "Yes", false),
            (0.0, "[=1]\"Yes\";[=0]\"No\";0", "No", false),
            (
                0.0,
                "_(* #,##0.00_);_(* \\(#,##0.00\\);_(* \"-\"??_);_(@_)",
                "-",
                false,
            ),
            (150.0, "[>100]\"big\";0", "big", false),
            (45464.0, "yyyy-mm-dd", "45464", false),
        ] {
            assert_eq!(
                shown(number, code),
                (text.to_owned(), is_exact),
                "{number} in {code}"
            );
        }
    }

    #[test]
    fn what_a_file_shows_is_believed_as_far_as_its_format_goes() {
        let text = |number, code, text| of_file(number, code, text).map(|shown| shown.text);
        assert_eq!(
            text(501.0, Some("00000"), "00501").as_deref(),
            Some("00501")
        );
        assert_eq!(
            text(1234.5, Some("#,##0.00"), "1.234,50").as_deref(),
            Some("1.234,50")
        );
        assert_eq!(text(501.0, Some("00000"), "99").as_deref(), Some("00501"));
        assert_eq!(text(501.0, Some("00000"), "").as_deref(), Some("00501"));
        assert_eq!(text(501.0, Some(""), "0501"), None);
        assert_eq!(text(0.5, None, "1/2").as_deref(), Some("1/2"));
        assert_eq!(text(0.5, None, ""), None);
        assert_eq!(text(1.0, None, "Yes").as_deref(), Some("Yes"));
        assert_eq!(text(0.0, Some("0;-0;\"-\""), "").as_deref(), Some("-"));
    }

    #[test]
    fn dates_are_told_from_numbers() {
        for code in ["yyyy-mm-dd", "h:mm AM/PM", "d/m/yy", "[$-409]mmm d"] {
            assert_eq!(is_date(code), Some(ExcelDateTimeType::DateTime), "{code}");
        }
        assert_eq!(is_date("[h]:mm"), Some(ExcelDateTimeType::TimeDelta));
        for code in [
            "General",
            "GENERAL",
            "0.00",
            "\"day\" 0",
            "[Red]0",
            "0\\d",
            "#,##0 ;(#,##0)",
            "_($* #,##0_)",
        ] {
            assert_eq!(is_date(code), None, "{code}");
        }
    }

    proptest! {
        #[test]
        fn no_format_panics_and_ids_keep_their_digits(
            number in 0_u32..2_000_000,
            width in 1_usize..12,
            before in "[A-Z]{0,4}",
            code in "[0#?.,%;\"\\\\\\[\\]@*_EeGa-z$ -]{0,12}",
        ) {
            let text = shown(f64::from(number), &format!("\"{before}\"{}", "0".repeat(width))).0;
            prop_assert_eq!(text, format!("{before}{number:0width$}"));
            cell(f64::from(number) / 7.0, &code);
        }
    }
}
