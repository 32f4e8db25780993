//! The styles of an ODS as far as they say how a sheet looks: widths of columns, and formats of numbers in the words of
//! an XLSX (ODF 1.2, 16.27).

use std::collections::HashMap;
use std::sync::Arc;

use super::xml::{attribute, is_closed, number};

/// So many styles are kept.
const MOST: usize = 65_536;

/// The styles by their names.
#[derive(Debug, Default)]
pub(super) struct Styles {
    /// In characters.
    widths: HashMap<String, f64>,
    /// The names of their formats.
    cells: HashMap<String, String>,
    /// Formats; `None`: one that an XLSX has not.
    formats: HashMap<String, Option<Arc<str>>>,
    /// The style of a column on its way, and the format.
    column: Option<String>,
    format: Option<Format>,
    /// Within a text of the format.
    is_text: bool,
}

/// A format on its way.
#[derive(Debug)]
struct Format {
    name: String,
    /// Percent signs are none of the text in a percentage.
    is_percentage: bool,
    /// Hours go on after 24.
    is_elapsed: bool,
    code: String,
    is_known: bool,
}

fn text_of(tag: &[u8], what: &[u8]) -> Option<String> {
    attribute(tag, what).map(|value| crate::html::decode_entities(&String::from_utf8_lossy(value)))
}

impl Styles {
    /// Takes a tag of styles by its local name.
    pub(super) fn tag(&mut self, is_end: bool, name: &[u8], tag: &[u8]) {
        match (is_end, name) {
            (false, b"style") => self.style(tag),
            (false, b"table-column-properties") => {
                let width = attribute(tag, b"style:column-width").and_then(characters);
                if let (Some(name), Some(width)) = (self.column.take(), width)
                    && self.widths.len() < MOST
                {
                    self.widths.insert(name, width);
                }
            }
            (
                false,
                b"number-style" | b"percentage-style" | b"currency-style" | b"date-style"
                | b"time-style",
            ) => {
                self.format = text_of(tag, b"style:name").map(|style| Format {
                    name: style,
                    is_percentage: name == b"percentage-style",
                    is_elapsed: attribute(tag, b"number:truncate-on-overflow")
                        .is_some_and(|value| value == b"false"),
                    code: String::new(),
                    is_known: true,
                });
                if is_closed(tag) {
                    self.end_format();
                }
            }
            (
                true,
                b"number-style" | b"percentage-style" | b"currency-style" | b"date-style"
                | b"time-style",
            ) => self.end_format(),
            // `text:text` is none of it: texts of formats stand in formats.
            (is_end, b"text" | b"currency-symbol") => {
                self.is_text = !is_end && !is_closed(tag) && self.format.is_some();
                // The sign of a currency that is not written is that of a country.
                if let (b"currency-symbol", true, Some(format)) =
                    (name, is_closed(tag), &mut self.format)
                {
                    format.is_known = false;
                }
            }
            (false, _) => {
                if let Some(format) = &mut self.format {
                    format.part(name, tag);
                }
            }
            (true, _) => {}
        }
    }

    fn style(&mut self, tag: &[u8]) {
        let name = text_of(tag, b"style:name");
        let family = attribute(tag, b"style:family");
        self.column = None;
        match (name, family) {
            (Some(name), Some(b"table-column")) => self.column = Some(name),
            (Some(name), Some(b"table-cell")) if self.cells.len() < MOST => {
                let own = text_of(tag, b"style:data-style-name");
                let parent = || {
                    let parent = text_of(tag, b"style:parent-style-name")?;
                    self.cells.get(&parent).cloned()
                };
                if let Some(format) = own.or_else(parent) {
                    self.cells.insert(name, format);
                }
            }
            _ => {}
        }
    }

    fn end_format(&mut self) {
        self.is_text = false;
        if let Some(format) = self.format.take()
            && self.formats.len() < MOST
        {
            let code = format.is_known.then(|| format.code.into());
            self.formats.insert(format.name, code);
        }
    }

    /// Takes a text; whether it belongs to a format.
    pub(super) fn text(&mut self, text: &[u8]) -> bool {
        match (&mut self.format, self.is_text) {
            (Some(format), true) => {
                let text = crate::html::decode_entities(&String::from_utf8_lossy(text));
                format.text(&text);
                true
            }
            _ => false,
        }
    }

    /// The width of a column of that style, in characters.
    pub(super) fn width(&self, style: &str) -> Option<f64> {
        self.widths.get(style).copied()
    }

    /// The format of cells of that style: empty where there is none, `None` where an XLSX has none like it.
    pub(super) fn format(&self, style: Option<&str>) -> Option<Arc<str>> {
        let format = style.and_then(|style| self.cells.get(style));
        match format.map(|format| self.formats.get(format)) {
            None => Some("".into()),
            Some(known) => known.cloned().flatten(),
        }
    }
}

impl Format {
    fn text(&mut self, text: &str) {
        if self.is_percentage && text.trim() == "%" {
            self.code.push_str(text);
            return;
        }
        match text {
            "-" | "/" | ":" | " " => self.code.push_str(text),
            "" => {}
            text if text.contains('"') => self.is_known = false,
            text => {
                self.code.push('"');
                self.code.push_str(text);
                self.code.push('"');
            }
        }
    }

    fn part(&mut self, name: &[u8], tag: &[u8]) {
        let is_long = attribute(tag, b"number:style").is_some_and(|style| style == b"long");
        let is_textual = attribute(tag, b"number:textual").is_some_and(|value| value == b"true");
        let of = |long: &'static str, short: &'static str| if is_long { long } else { short };
        let part = match name {
            b"number" => return self.number(tag),
            b"day" => of("dd", "d"),
            b"month" if is_textual => of("mmmm", "mmm"),
            b"month" => of("mm", "m"),
            b"year" => of("yyyy", "yy"),
            b"day-of-week" => of("dddd", "ddd"),
            b"hours" if self.is_elapsed => of("[hh]", "[h]"),
            b"hours" => of("hh", "h"),
            b"minutes" => of("mm", "m"),
            b"seconds" => {
                let places = attribute(tag, b"number:decimal-places").and_then(number);
                self.code.push_str(of("ss", "s"));
                let places = usize::try_from(places.unwrap_or(0)).unwrap_or(0).min(3);
                if places > 0 {
                    self.code.push('.');
                    self.code.push_str(&"0".repeat(places));
                }
                return;
            }
            b"am-pm" => "AM/PM",
            // Colours are none of the format of a cell.
            b"text-properties" => return,
            _ => {
                self.is_known = false;
                return;
            }
        };
        self.code.push_str(part);
    }

    fn number(&mut self, tag: &[u8]) {
        let count = |what: &[u8]| attribute(tag, what).and_then(number);
        let integers = count(b"number:min-integer-digits").unwrap_or(0).min(20) as usize;
        let places = count(b"number:decimal-places");
        let is_grouped = attribute(tag, b"number:grouping").is_some_and(|value| value == b"true");
        self.is_known &= attribute(tag, b"number:display-factor").is_none_or(|value| value == b"1");
        let Some(places) = places else {
            // So many places as the number has: that is no format.
            match is_grouped || integers > 1 {
                true => self.is_known = false,
                false => self.code.push_str("General"),
            }
            return;
        };
        let places = places.min(20) as usize;
        let least = count(b"number:min-decimal-places").map_or(places, |least| least as usize);
        let zeros = "0".repeat(integers);
        match (is_grouped, integers) {
            (false, 0) => self.code.push('#'),
            (false, _) => self.code.push_str(&zeros),
            (true, 0..=3) => {
                self.code.push_str("#,");
                self.code.push_str(&"#".repeat(3 - integers));
                self.code.push_str(&zeros);
            }
            (true, _) => self.is_known = false,
        }
        if places > 0 {
            self.code.push('.');
            for place in 0..places {
                self.code.push(if place < least { '0' } else { '#' });
            }
        }
    }
}

/// A length (`0.889in`) in characters of the default font: one is 7 of 96 pixels to an inch wide, and 5 are empty.
fn characters(length: &[u8]) -> Option<f64> {
    let length = std::str::from_utf8(length).ok()?;
    let at = length.find(|sign: char| sign.is_ascii_alphabetic())?;
    let (number, unit) = length.split_at(at);
    let inches = number.trim().parse::<f64>().ok()?
        / match unit {
            "in" => 1.0,
            "cm" => 2.54,
            "mm" => 25.4,
            "pt" => 72.0,
            "pc" => 6.0,
            "px" => 96.0,
            _ => return None,
        };
    let characters = ((inches * 96.0 - 5.0) / 7.0 * 100.0).round() / 100.0;
    (characters > 0.0).then_some(characters)
}

#[cfg(test)]
mod tests {
    use super::super::Stop;
    use super::super::xml::{Visit, name, scan};
    use super::*;

    impl Visit for Styles {
        fn tag(&mut self, tag: &[u8]) -> Result<(), Stop> {
            let (is_end, name) = name(tag);
            Styles::tag(self, is_end, name, tag);
            Ok(())
        }

        fn text(&mut self, text: &[u8]) -> Result<(), Stop> {
            Styles::text(self, text);
            Ok(())
        }
    }

    fn code(inner: &str, kind: &str) -> Option<String> {
        let xml = format!(
            r#"<number:{kind} style:name="N1">{inner}</number:{kind}><style:style style:name="ce1" style:family="table-cell" style:data-style-name="N1"/>"#
        );
        let mut styles = Styles::default();
        scan(xml.as_bytes(), &mut styles).unwrap();
        styles.format(Some("ce1")).map(|code| code.to_string())
    }

    #[test]
    fn formats_are_those_of_an_xlsx() {
        for (inner, kind, expected) in [
            (
                r#"<number:number number:min-integer-digits="1"/>"#,
                "number-style",
                Some("General"),
            ),
            (
                r#"<number:number number:decimal-places="0" number:min-integer-digits="5"/>"#,
                "number-style",
                Some("00000"),
            ),
            (
                r#"<number:text>INC</number:text><number:number number:decimal-places="0" number:min-decimal-places="0" number:min-integer-digits="7"/>"#,
                "number-style",
                Some("\"INC\"0000000"),
            ),
            (
                r#"<number:number number:decimal-places="3" number:min-decimal-places="1" number:min-integer-digits="1" number:grouping="true"/>"#,
                "number-style",
                Some("#,##0.0##"),
            ),
            (
                r#"<number:number number:decimal-places="1" number:min-decimal-places="1" number:min-integer-digits="1"/><number:text>%</number:text>"#,
                "percentage-style",
                Some("0.0%"),
            ),
            (
                r#"<number:year number:style="long"/><number:text>-</number:text><number:month number:style="long"/><number:text>-</number:text><number:day number:style="long"/>"#,
                "date-style",
                Some("yyyy-mm-dd"),
            ),
            (
                r#"<number:hours/><number:text>:</number:text><number:minutes number:style="long"/><number:text> </number:text><number:am-pm/>"#,
                "time-style",
                Some("h:mm AM/PM"),
            ),
            (
                r#"<number:number number:decimal-places="0" number:min-integer-digits="1"/><style:map style:condition="value()&gt;=0" style:apply-style-name="N1P0"/>"#,
                "number-style",
                None,
            ),
            (
                r#"<number:fraction number:min-integer-digits="0"/>"#,
                "number-style",
                None,
            ),
        ] {
            assert_eq!(code(inner, kind).as_deref(), expected, "{inner}");
        }
        assert_eq!(Styles::default().format(None).as_deref(), Some(""));
    }

    #[test]
    fn widths_are_characters() {
        // What LibreOffice writes for the 8.43 characters that Excel gives a column, and for 20.
        assert_eq!(characters(b"0.6667in"), Some(8.43));
        assert_eq!(characters(b"38.36mm"), Some(20.0));
        assert_eq!(characters(b"1.5"), None);
        assert_eq!(characters(b"wide"), None);
    }
}
