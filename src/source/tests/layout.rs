//! What a sheet has besides its cells: hidden rows, merged cells, totals, formats, errors.

use super::*;

fn case(name: &str) -> Vec<u8> {
    fs::read(
        Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("tests/cases")
            .join(name),
    )
    .unwrap()
}

/// The rows and what was noticed.
fn read(name: &str, bytes: &[u8], options: &InputOptions) -> (Vec<Vec<String>>, Vec<String>) {
    let (_dir, input) = open(name, bytes, options).unwrap();
    let found = rows(&input).iter().map(texts).collect();
    (found, input.notices().iter().map(Notice::text).collect())
}

fn as_seen() -> InputOptions {
    InputOptions {
        numbers: Some(Numbers::Shown),
        hidden_rows: Some(Rule::Skip),
        merged: Some(Merged::Fill),
        total_rows: Some(Rule::Skip),
        ..InputOptions::default()
    }
}

/// Written by openpyxl and, from that, by LibreOffice.
#[test]
fn what_nobody_sees_is_read_and_told_in_every_format() {
    for format in ["xlsx", "ods", "xls"] {
        let name = format!("t.{format}");
        let bytes = case(&format!("05-old-workbooks/layout.{format}"));
        let (found, said) = read(&name, &bytes, &InputOptions::default());
        assert_eq!(found.len(), 6, "{format}: {found:?}");
        assert_eq!(
            found[0][..4],
            ["501", "Printer", "0.05", "North"],
            "{format}"
        );
        assert_eq!(found[1][3], "", "{format}");
        assert_eq!(found[4][6], "2024-06-21 22:43", "{format}");
        for part in [
            "1 row that is hidden is read too",
            "1 hidden column is read like others: `Secret`",
            "1 hidden sheet is not read: `Hidden`",
            "2 cells lie under a merged one and are read as empty",
            "1 row sums up other rows and is read like a ticket",
        ] {
            assert!(
                said.iter().any(|line| line.contains(part)),
                "{format}: no `{part}` in {said:#?}"
            );
        }
        let shown = "column `ID`: row 2 is shown as 00501, read as 501";
        assert!(
            said.iter().any(|line| line.contains(shown)),
            "{format}: {said:#?}"
        );
        let (found, said) = read(&name, &bytes, &as_seen());
        let groups: Vec<&str> = found.iter().map(|row| row[3].as_str()).collect();
        assert_eq!(groups, ["North", "North", "North", "South"], "{format}");
        assert!(
            said.iter()
                .any(|line| line.contains("left out, as hidden_rows")),
            "{format}: {said:#?}"
        );
        assert_eq!(found[0][..3], ["00501", "Printer", "5%"], "{format}");
        assert_eq!(found[3][..3], ["INC0000042", "Key", "12.5%"], "{format}");
    }
}

#[test]
fn cells_that_show_an_error_are_no_texts() {
    for format in ["xlsx", "ods", "xls"] {
        let bytes = case(&format!("05-old-workbooks/layout.{format}"));
        let (_dir, input) = open(&format!("t.{format}"), &bytes, &InputOptions::default()).unwrap();
        let found = rows(&input);
        let cell = |row: usize| match &found[row] {
            Row::Record(record) | Row::Fault(record, _) => record.cells[5].clone(),
        };
        // openpyxl stores no values: there all formulas are without one.
        if format == "xlsx" {
            assert!(matches!(cell(0), Cell::Fault(_)));
            continue;
        }
        assert_eq!(cell(0).error(), Some("#DIV/0!"), "{format}");
        assert_eq!(cell(1).error(), Some("#N/A"), "{format}");
        assert_eq!(cell(3).text(), "a", "{format}");
        assert!(cell(4).error().is_some(), "{format}: {:?}", cell(4));
    }
}

#[test]
fn the_cases_of_strangers() {
    let held = InputOptions::default();
    let (found, said) = read("t.xlsx", &case("17-number-formats/in.xlsx"), &held);
    assert!(
        said.iter()
            .any(|line| line.contains("shown as INC0000042, read as 42")),
        "{found:?} {said:#?}"
    );
    let (found, said) = read("t.xlsx", &case("17-number-formats/in.xlsx"), &as_seen());
    let all: Vec<&str> = found.iter().flatten().map(String::as_str).collect();
    for text in ["00501", "INC0000042", "5%"] {
        assert!(all.contains(&text), "no {text} in {found:?}, {said:?}");
    }
    let (_, said) = read("t.xlsx", &case("14-layout-unsaid/hidden.xlsx"), &held);
    assert!(
        said.iter()
            .any(|line| line.contains("is read too") && line.contains("row 3")),
        "{said:?}"
    );
    let (_, said) = read("t.xlsx", &case("14-layout-unsaid/hidcol.xlsx"), &held);
    assert!(
        said.iter().any(|line| line.contains("`Secret`")),
        "{said:?}"
    );
    let (_, said) = read("t.xlsx", &case("14-layout-unsaid/merged.xlsx"), &held);
    assert!(
        said.iter().any(|line| line.contains("under a merged one")),
        "{said:?}"
    );
    let (found, _) = read("t.xlsx", &case("14-layout-unsaid/merged.xlsx"), &as_seen());
    assert!(
        found
            .iter()
            .take(3)
            .all(|row| row.contains(&"North".to_owned())),
        "{found:?}"
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// Whatever is merged and hidden: rows keep their numbers, filled cells have the value at the top left, others are
    /// as they were.
    #[test]
    fn merged_and_hidden_rows_of_any_sheet(
        height in 3_u32..12,
        top in 1_u32..8,
        tall in 0_u32..4,
        left in 0_u16..3,
        wide in 0_u16..2,
        hidden in prop::collection::btree_set(1_u32..12, 0..5),
    ) {
        let mut book = rust_xlsxwriter::Workbook::new();
        let sheet = book.add_worksheet();
        for column in 0..5 {
            sheet.write_string(0, column, format!("h{column}")).unwrap();
        }
        let (bottom, right) = (top + tall, left + wide);
        let within = |row: u32, column: u16| (top..=bottom).contains(&row) && (left..=right).contains(&column);
        for row in 1..=height {
            for column in 0..5 {
                if !within(row, column) {
                    sheet.write_string(row, column, format!("{row}.{column}")).unwrap();
                }
            }
        }
        let is_merged = tall + u32::from(wide) > 0;
        if is_merged {
            let format = rust_xlsxwriter::Format::new();
            sheet.merge_range(top, left, bottom, right, "M", &format).unwrap();
        } else {
            sheet.write_string(top, left, "M").unwrap();
        }
        for row in &hidden {
            sheet.set_row_hidden(*row).unwrap();
        }
        let bytes = book.save_to_buffer().unwrap();
        let (_dir, input) = open("t.xlsx", &bytes, &as_seen()).unwrap();
        let mut expected = Vec::new();
        for row in (1..=height.max(bottom)).filter(|row| !hidden.contains(row)) {
            let is_blank = row > height && !within(row, left);
            if is_blank {
                continue;
            }
            // One cell over several columns, and nothing beside it: a note below the table.
            let is_note = row > height && row == top && left == 0 && wide > 0;
            let cells: Vec<String> = (0..5).map(|column| match within(row, column) {
                true if is_note && column > 0 => String::new(),
                true => "M".to_owned(),
                false if row > height => String::new(),
                false => format!("{row}.{column}"),
            }).collect();
            expected.push((u64::from(row) + 1, cells));
        }
        let found: Vec<(u64, Vec<String>)> = rows(&input).iter().map(|row| {
            let (Row::Record(record) | Row::Fault(record, _)) = row;
            (record.place.row, texts(row))
        }).collect();
        // A row of which all lies under a merged cell above it has no cell of its own.
        expected.retain(|(number, _)| *number <= u64::from(height) + 1 || found.iter().any(|(row, _)| row == number));
        prop_assert_eq!(found, expected);
    }
}

/// What a format shows for a number, held against LibreOffice. Each line of the sheet is a format, each column a number.
#[test]
fn numbers_are_shown_as_libreoffice_shows_them() {
    // Without `#.##`: for 1 Excel shows `1.`, as we do, and LibreOffice `1`.
    const FORMATS: [&str; 20] = [
        "00000",
        "\"INC\"0000000",
        "000-0000",
        "0",
        "0.0",
        "0.00",
        "#,##0",
        "#,##0.00",
        "0%",
        "0.0%",
        "0.00%",
        "\"#\"0",
        "0\" pcs\"",
        "0.0#",
        "0000\\-00",
        "\\R000",
        "$#,##0.00",
        "[Red]0.0",
        "0;\\-0",
        "0.0;(0.0)",
    ];
    // Commas, quotes, UTF-8, from the first line, American English, all cells quoted and as they are shown: without this
    // numbers are written as they are held.
    const AS_SHOWN: &str = "csv:Text - txt - csv (StarCalc):44,34,76,1,,1033,true,true";
    const NUMBERS: [f64; 9] = [
        1.0,
        42.0,
        501.0,
        1234.0,
        1_234_567.0,
        0.05,
        0.125,
        12.5,
        -7.0,
    ];
    let dir = TempDir::new().unwrap();
    let bytes = {
        let mut book = rust_xlsxwriter::Workbook::new();
        let sheet = book.add_worksheet();
        for column in 0..NUMBERS.len() {
            sheet
                .write_string(0, column as u16, format!("n{column}"))
                .unwrap();
        }
        for (row, code) in (1..).zip(FORMATS) {
            let format = rust_xlsxwriter::Format::new().set_num_format(code);
            for (column, number) in (0..).zip(NUMBERS) {
                sheet
                    .write_number_with_format(row, column, number, &format)
                    .unwrap();
            }
        }
        book.save_to_buffer().unwrap()
    };
    let path = file(&dir, "shown.xlsx", &bytes);
    let profile = format!(
        "-env:UserInstallation=file://{}/profile",
        dir.path().display()
    );
    let converted = std::process::Command::new("soffice")
        .args([&profile, "--headless", "--convert-to", AS_SHOWN, "--outdir"])
        .arg(dir.path())
        .arg(&path)
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::null())
        .status();
    if !converted.is_ok_and(|status| status.success()) {
        cannot_be_had("LibreOffice", "`soffice` is not here or does not run");
        return;
    }
    let theirs = fs::read(dir.path().join("shown.csv")).unwrap();
    let theirs: Vec<Vec<String>> = table("shown.csv", &theirs)
        .into_iter()
        .map(|row| row.1)
        .collect();
    let (ours, _) = read("t.xlsx", &bytes, &as_seen());
    let mut differ = Vec::new();
    for (code, (ours, theirs)) in FORMATS.iter().zip(ours.iter().zip(&theirs)) {
        for (number, (ours, theirs)) in NUMBERS.iter().zip(ours.iter().zip(theirs)) {
            if ours.trim() != theirs.trim() {
                differ.push(format!(
                    "{number} in `{code}`: {ours}, LibreOffice {theirs}"
                ));
            }
        }
    }
    assert!(differ.is_empty(), "{differ:#?}");
    assert_eq!(ours.len(), FORMATS.len());
}
