//! Faults of a mapping for people: the place, the line with the part that is to blame underlined, what to do.

use std::fmt;

use miette::{
    Diagnostic, GraphicalReportHandler, GraphicalTheme, LabeledSpan, MietteError,
    MietteSpanContents, SourceCode, SourceSpan, SpanContents,
};
use serde_json::{Value, json};

use crate::error::MappingFault;

/// How wide a line is before a message is broken, where nobody says.
const WIDTH: usize = 120;

/// How faults are drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Look {
    /// With box signs and colours, for a terminal.
    Colour,
    /// With box signs, for a terminal that wants no colour.
    Drawn,
    /// Plain signs, for files and logs.
    Plain,
}

impl Look {
    /// The same for standard output.
    pub fn of_stdout() -> Self {
        use std::io::IsTerminal;
        match (std::io::stdout().is_terminal(), console::colors_enabled()) {
            (true, true) => Self::Colour,
            (true, false) => Self::Drawn,
            (false, _) => Self::Plain,
        }
    }

    /// What fits standard error: a terminal or not, and whether colour is wanted there (`NO_COLOR`).
    pub fn of_stderr() -> Self {
        use std::io::IsTerminal;
        match (
            std::io::stderr().is_terminal(),
            console::colors_enabled_stderr(),
        ) {
            (true, true) => Self::Colour,
            (true, false) => Self::Drawn,
            (false, _) => Self::Plain,
        }
    }
}

/// All faults, one after the other.
pub fn render(faults: &[MappingFault], look: Look) -> String {
    let theme = match look {
        Look::Colour => GraphicalTheme::unicode(),
        Look::Drawn => GraphicalTheme::unicode_nocolor(),
        Look::Plain => GraphicalTheme::none(),
    };
    let width = match look {
        Look::Plain => usize::MAX,
        _ => usize::from(console::Term::stderr().size().1).clamp(60, WIDTH),
    };
    let handler = GraphicalReportHandler::new_themed(theme)
        .with_links(false)
        .with_width(width)
        .with_wrap_lines(look != Look::Plain)
        .with_context_lines(1);
    let mut text = String::new();
    for (number, fault) in faults.iter().enumerate() {
        if number > 0 {
            text.push('\n');
        }
        // A String takes whatever is written.
        let _ = handler.render_report(&mut text, &Shown::of(fault));
    }
    text
}

/// One fault for programs: places from 1, offsets in bytes of the file.
pub fn to_json(fault: &MappingFault) -> Value {
    let offset = |pick: fn(&crate::error::Snippet) -> usize| {
        let snippet = fault.snippet.as_ref()?;
        Some(pick(snippet) + snippet.before)
    };
    json!({
        "file": fault.file,
        "line": fault.line,
        "column": fault.column,
        "start": offset(|snippet| snippet.span.start),
        "end": offset(|snippet| snippet.span.end),
        "message": fault.message,
        "hint": fault.hint,
    })
}

/// A fault as miette takes it.
#[derive(Debug)]
struct Shown<'f> {
    fault: &'f MappingFault,
    source: Option<Line<'f>>,
}

/// The one line of a file that is shown, whatever stands around it.
#[derive(Debug)]
struct Line<'f> {
    file: &'f str,
    text: &'f str,
}

impl SourceCode for Line<'_> {
    fn read_span<'a>(
        &'a self,
        span: &SourceSpan,
        lines_before: usize,
        _: usize,
    ) -> Result<Box<dyn SpanContents<'a> + 'a>, MietteError> {
        let text = self.text;
        let at = span.offset().min(text.len());
        let start = text[..at].rfind('\n').map_or(0, |newline| newline + 1);
        let number = text[..start].matches('\n').count();
        let column = text[start..at].chars().count();
        let end = text[at..]
            .find('\n')
            .map_or(text.len(), |length| at + length);
        let line = (start, end - start);
        // Without lines around it only its place is asked for.
        let (shown, column) = match lines_before {
            0 => (*span, column),
            _ => (SourceSpan::from(line), 0),
        };
        let data = &text.as_bytes()[line.0..end];
        Ok(Box::new(MietteSpanContents::new_named(
            self.file.to_owned(),
            data,
            shown,
            number,
            column,
            1,
        )))
    }
}

impl<'f> Shown<'f> {
    fn of(fault: &'f MappingFault) -> Self {
        let source = fault.snippet.as_ref().map(|snippet| Line {
            file: &fault.file,
            text: &snippet.text,
        });
        Self { fault, source }
    }

    /// The part that is underlined: never more than the rest of its first line.
    fn span(&self) -> Option<SourceSpan> {
        let snippet = self.fault.snippet.as_ref()?;
        let start = snippet.span.start.min(snippet.text.len());
        let rest = &snippet.text.as_bytes()[start..];
        let line = memchr::memchr(b'\n', rest).unwrap_or(rest.len());
        match snippet.span.len().min(line) {
            // The end of a line: what stands before it is shown.
            0 if !snippet.text[..start].ends_with('\n') && start > 0 => {
                let before = snippet.text[..start].char_indices().next_back();
                let at = before.map_or(start, |(at, _)| at);
                Some(SourceSpan::from((at, start - at)))
            }
            length => Some(SourceSpan::from((start, length))),
        }
    }
}

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.source.is_none() {
            write!(f, "{}: ", self.fault.file)?;
        }
        f.write_str(&self.fault.message)
    }
}

impl std::error::Error for Shown<'_> {}

impl Diagnostic for Shown<'_> {
    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        let hint = self.fault.hint.as_ref()?;
        Some(Box::new(hint))
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        self.source.as_ref().map(|source| source as &dyn SourceCode)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        let span = self.span()?;
        Some(Box::new(std::iter::once(LabeledSpan::new_with_span(
            None, span,
        ))))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::error::Snippet;

    fn fault(text: &str, span: std::ops::Range<usize>, before: usize) -> MappingFault {
        MappingFault {
            file: "m.toml".to_owned(),
            line: Some(1),
            column: Some(1),
            snippet: Some(Snippet {
                text: Arc::from(text),
                span,
                before,
            }),
            message: "the mapping has no key `unmaped`".to_owned(),
            hint: Some("did you mean `unmapped`?".to_owned()),
        }
    }

    #[test]
    fn the_part_that_is_to_blame_is_underlined() {
        let text = "version = 1\nunmaped = \"warn\"\n";
        insta::assert_snapshot!(render(&[fault(text, 12..19, 0)], Look::Plain));
        insta::assert_snapshot!(render(&[fault(text, 12..19, 0)], Look::Drawn));
        assert!(render(&[fault(text, 12..19, 0)], Look::Colour).contains("\u{1b}["));
    }

    #[test]
    fn what_has_no_place_has_its_file() {
        let fault = MappingFault {
            snippet: None,
            line: None,
            column: None,
            file: "--where".to_owned(),
            ..fault("", 0..0, 0)
        };
        assert!(render(&[fault], Look::Plain).contains("--where: the mapping has no key"));
    }

    #[test]
    fn offsets_count_the_byte_order_mark() {
        let json = to_json(&fault("unmaped = 1", 0..7, 3));
        assert_eq!((&json["start"], &json["end"]), (&json!(3), &json!(10)));
    }
}
