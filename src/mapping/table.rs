//! Reads the table step: `map` in the mapping itself, or `map_file` beside it.

use std::collections::HashMap;

use super::field::{read_instead, scalar};
use super::file::{At, Faults, Section, in_order};
use super::load::Reading;
use super::shape::{Instead, TableRule};
use super::table_key;
use crate::directory::suggest::fold;
use crate::infile;

/// Reads `map` or `map_file`, and `else`.
pub(super) fn read_table(
    section: &Section<'_, '_>,
    reading: &mut Reading,
    faults: &mut Faults,
) -> Option<TableRule> {
    let actions = [
        ("error", Instead::Error),
        ("keep", Instead::Keep),
        ("skip_item", Instead::SkipItem),
        ("skip_field", Instead::SkipField),
        ("skip_row", Instead::SkipRow),
    ];
    let otherwise = read_instead(section, "else", &actions, faults).unwrap_or(Instead::Error);
    let mut rule = TableRule {
        map: HashMap::new(),
        written: Vec::new(),
        otherwise,
    };
    if section.has("map") && section.has("map_file") {
        faults.hint(
            section.key_at("map_file"),
            "a field has `map` or `map_file`, not both",
            "move the rows of the one into the other",
        );
    }
    if let Some((table, _)) = section.table("map", faults) {
        for (key, span, raw) in in_order(table) {
            match scalar(raw.get_ref()) {
                Some(text) => rule.add(key, At::new(text, raw.span().start), span.start, faults),
                None => {
                    section.wrong::<()>("map", raw, "a table from words to words", faults);
                }
            }
        }
    }
    if let Some(file) = section.text("map_file", faults) {
        read_map_file(&mut rule, &file, reading, faults);
    }
    (section.has("map") || section.has("map_file")).then_some(rule)
}

impl TableRule {
    fn add(&mut self, key: &str, to: At<String>, at: usize, faults: &mut Faults) {
        self.written.push(key.trim().to_owned());
        let folded = table_key(key).into_owned();
        if let Some(before) = self.map.get(&folded)
            && before.value != to.value
        {
            let message = format!(
                "`{key}` stands twice in the table, as `{}` and `{}`",
                before.value, to.value
            );
            faults.hint(at, message, "keys match without case and outer space");
        }
        self.map.insert(folded, to);
    }
}

/// Two columns, from and to; a first row `from,to` is a heading.
fn read_map_file(
    rule: &mut TableRule,
    file: &At<String>,
    reading: &mut Reading,
    faults: &mut Faults,
) {
    let Some(path) = reading.place(file, faults) else {
        return;
    };
    reading.beside.push(path.clone());
    let bytes = match infile::read(&path, infile::MOST_WORDS) {
        Ok(bytes) => bytes,
        Err(error) => {
            let reason = match error.kind() {
                std::io::ErrorKind::NotFound => "there is no such file".to_owned(),
                _ => error.to_string(),
            };
            let message = format!("`{}` cannot be read: {reason}", file.value);
            faults.hint(
                file.at,
                message,
                "a path is taken from the folder of the mapping",
            );
            return;
        }
    };
    reading.digest.update(&bytes);
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&bytes);
    let first = bytes
        .split(|byte| *byte == b'\n')
        .next()
        .unwrap_or_default();
    let delimiter = [b',', b';', b'\t']
        .into_iter()
        .max_by_key(|sign| first.iter().filter(|byte| *byte == sign).count())
        .unwrap_or(b',');
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .delimiter(delimiter)
        .from_reader(bytes);
    for (number, row) in reader.records().enumerate() {
        let number = number + 1;
        let row = match row {
            Ok(row) => row,
            Err(error) => {
                let message = format!("`{}`, row {number}: {error}", file.value);
                faults.hint(file.at, message, "fix that row");
                return;
            }
        };
        let (from, to) = (row.get(0).unwrap_or_default(), row.get(1));
        let heading = number == 1 && fold(from) == "from" && to.map(fold).as_deref() == Some("to");
        match to {
            _ if heading || from.trim().is_empty() => {}
            Some(to) => rule.add(
                from,
                At::new(to.trim().to_owned(), file.at),
                file.at,
                faults,
            ),
            None => faults.hint(
                file.at,
                format!(
                    "`{}`, row {number}: `{from}` has no second column",
                    file.value
                ),
                "each row is a word of the sheet and what it becomes",
            ),
        }
    }
}
