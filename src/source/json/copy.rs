//! JSON records once more, with members added to each.

use std::io::Write;

use super::{JsonPlan, Shape, object};
use crate::error::Result;
use crate::source::bytes::{Bytes, changed};
use crate::source::copy::{Beside, unwritable};

impl JsonPlan {
    /// Copies the records, each as it is written with further members at its end. Of a document what lies beside the array
    /// is left out.
    pub(in crate::source) fn copy(
        &self,
        bytes: &Bytes,
        index: usize,
        beside: &mut Beside<'_>,
        mut out: &mut dyn Write,
    ) -> Result<()> {
        let charset = self.encoded.charset;
        let mut put = |text: &str| charset.write(text, &mut out).map_err(unwritable);
        if self.encoded.bom {
            put("\u{feff}")?;
        }
        let (before, between, after) = match &self.shape {
            Shape::Lines | Shape::Sequence => (String::new(), "\n", "\n"),
            Shape::Document(None) => ("[\n".to_owned(), ",\n", "\n]\n"),
            Shape::Document(Some(member)) => {
                let member = serde_json::Value::from(member.as_str());
                (format!("{{{member}: [\n"), ",\n", "\n]}\n")
            }
        };
        put(&before)?;
        let mut texts = self.texts(bytes)?;
        let mut is_first = true;
        while let Some((number, text)) = texts.next()? {
            if !std::mem::take(&mut is_first) {
                put(between)?;
            }
            let is_object = object(&text).is_ok();
            let text = std::str::from_utf8(&text).map_err(|_| changed(&bytes.named))?;
            let text = text.trim_matches(|sign: char| sign == '\u{feff}' || sign.is_whitespace());
            let added = match is_object {
                true => beside.of(index, number)?,
                false => None,
            };
            let (Some(added), Some(inside)) = (added, text.strip_suffix('}')) else {
                put(text)?;
                continue;
            };
            let inside = inside.trim_end();
            let mut record = inside.to_owned();
            let mut is_empty = inside.ends_with('{');
            for (name, cell) in beside.headings.iter().zip(added) {
                if !std::mem::take(&mut is_empty) {
                    record.push_str(", ");
                }
                let value = serde_json::Value::from(cell);
                record.push_str(&format!("{}: {value}", serde_json::Value::from(*name)));
            }
            record.push('}');
            put(&record)?;
        }
        put(after)
    }
}
