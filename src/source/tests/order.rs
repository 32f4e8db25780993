//! Workbooks whose cells come in no order: what is read is what a reader would give that puts each cell into its place.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::workbooks::archive;
use super::*;

const STYLES: &str = r#"<?xml version="1.0"?><styleSheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><numFmts count="1"><numFmt numFmtId="164" formatCode="00000"/></numFmts><cellXfs count="3"><xf numFmtId="0"/><xf numFmtId="164"/><xf numFmtId="1"/></cellXfs></styleSheet>"#;
const WORKBOOK: &str = r#"<?xml version="1.0"?><workbook xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main" xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"><sheets><sheet name="S" sheetId="1" r:id="rId1"/></sheets></workbook>"#;
const RELATIONS: &str = r#"<?xml version="1.0"?><Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/worksheet" Target="worksheets/sheet1.xml"/><Relationship Id="rId2" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/styles" Target="styles.xml"/></Relationships>"#;
const PACKAGE: &str = r#"<?xml version="1.0"?><Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument" Target="xl/workbook.xml"/></Relationships>"#;
const TWICE: &str = "! the cell is in the file twice, with different values";

#[derive(Debug, Clone)]
enum Content {
    Empty,
    Text(u8),
    Number(u8),
    /// An error that came after Excel 2007.
    Spill,
}

#[derive(Debug, Clone)]
struct Written {
    column: u32,
    has_address: bool,
    style: u8,
    content: Content,
}

/// The number of a row from 1, where it says one, and its cells.
type WrittenRow = (Option<u32>, Vec<Written>);

fn address(row: u32, column: u32) -> String {
    format!("{}{}", letters(column as usize), row + 1)
}

/// The sheet, and what a reader gives that puts each cell into its place.
fn sheet_of(rows: &[WrittenRow], shows: bool) -> (String, BTreeMap<u32, BTreeMap<u32, String>>) {
    let mut xml = String::new();
    let mut cells: BTreeMap<u32, BTreeMap<u32, String>> = BTreeMap::new();
    let mut row = 0;
    for (number, its) in rows {
        match number {
            Some(number) => {
                row = number - 1;
                write!(xml, r#"<row r="{number}">"#).unwrap();
            }
            None => xml.push_str("<row>"),
        }
        let (mut column, mut is_behind) = (0, false);
        for cell in its {
            // Behind such an error a cell without an address is refused: below.
            let has_address =
                cell.has_address || is_behind || matches!(cell.content, Content::Spill);
            is_behind = matches!(cell.content, Content::Spill);
            xml.push_str("<c");
            if has_address {
                column = cell.column;
                write!(xml, r#" r="{}""#, address(row, column)).unwrap();
            }
            if cell.style > 0 {
                write!(xml, r#" s="{}""#, cell.style).unwrap();
            }
            let text = match cell.content {
                Content::Empty => {
                    xml.push_str("/>");
                    None
                }
                Content::Text(at) => {
                    write!(xml, r#" t="inlineStr"><is><t>t{at}</t></is></c>"#).unwrap();
                    Some(format!("t{at}"))
                }
                Content::Number(at) => {
                    write!(xml, "><v>{at}</v></c>").unwrap();
                    Some(match cell.style == 1 && shows {
                        true => format!("{at:05}"),
                        false => at.to_string(),
                    })
                }
                Content::Spill => {
                    xml.push_str(r#" t="e"><f>A1:A9</f><v>#SPILL!</v></c>"#);
                    Some("! the cell shows the error `#SPILL!`".to_owned())
                }
            };
            if let Some(text) = text {
                let known = cells.entry(row).or_default().entry(column);
                known
                    .and_modify(|known| {
                        if *known != text {
                            TWICE.clone_into(known);
                        }
                    })
                    .or_insert(text);
            }
            column += 1;
        }
        xml.push_str("</row>");
        row += 1;
    }
    let sheet = format!(
        r#"<?xml version="1.0"?><worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>{xml}</sheetData></worksheet>"#
    );
    (sheet, cells)
}

fn opened(sheet: &str, shows: bool) -> Result<(TempDir, Input)> {
    let bytes = archive(&[
        ("_rels/.rels", PACKAGE),
        ("xl/workbook.xml", WORKBOOK),
        ("xl/_rels/workbook.xml.rels", RELATIONS),
        ("xl/styles.xml", STYLES),
        ("xl/worksheets/sheet1.xml", sheet),
    ]);
    let options = InputOptions {
        header_row: Some(0),
        numbers: shows.then_some(Numbers::Shown),
        ..InputOptions::default()
    };
    open("t.xlsx", &bytes, &options)
}

fn found(sheet: &str, shows: bool) -> BTreeMap<u32, BTreeMap<u32, String>> {
    let (_dir, input) = opened(sheet, shows).unwrap();
    let mut last = 0;
    let mut all = BTreeMap::new();
    for row in rows(&input) {
        let (Row::Record(record) | Row::Fault(record, _)) = row;
        assert!(record.place.row > last, "rows come in order, each once");
        last = record.place.row;
        let told = |cell: &Cell| match cell {
            Cell::Fault(why) => format!("! {why}"),
            cell => cell.text().into_owned(),
        };
        let cells = (0..).zip(&record.cells);
        let cells = cells.filter(|(_, cell)| !matches!(cell, Cell::Empty));
        let cells: BTreeMap<u32, String> = cells.map(|(at, cell)| (at, told(cell))).collect();
        all.insert(u32::try_from(last).unwrap() - 1, cells);
    }
    all
}

fn content() -> impl Strategy<Value = Content> {
    prop_oneof![
        1 => Just(Content::Empty),
        3 => (1_u8..5).prop_map(Content::Text),
        5 => (1_u8..5).prop_map(Content::Number),
        1 => Just(Content::Spill),
    ]
}

fn row() -> impl Strategy<Value = WrittenRow> {
    let cell = (0_u32..6, prop::bool::weighted(0.8), 0_u8..3, content()).prop_map(
        |(column, has_address, style, content)| Written {
            column,
            has_address,
            style,
            content,
        },
    );
    let number = prop::option::weighted(0.8, 1_u32..700);
    (number, prop::collection::vec(cell, 0..6))
}

/// Puts a sheet into order, as programs write it, once it is chosen whether rows and cells are.
fn in_order(mut rows: Vec<WrittenRow>) -> Vec<WrittenRow> {
    rows.retain(|(number, _)| number.is_some());
    rows.sort_by_key(|(number, _)| *number);
    rows.dedup_by_key(|(number, _)| *number);
    for (_, cells) in &mut rows {
        cells.sort_by_key(|cell| cell.column);
        cells.dedup_by_key(|cell| cell.column);
        for cell in cells {
            cell.has_address = true;
        }
    }
    rows
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn cells_in_any_order_are_put_into_their_places(
        rows in prop::collection::vec(row(), 1..8),
        is_in_order in prop::bool::weighted(0.3),
        shows in any::<bool>(),
    ) {
        let rows = if is_in_order { in_order(rows) } else { rows };
        let (sheet, expected) = sheet_of(&rows, shows);
        prop_assume!(!expected.is_empty());
        prop_assert_eq!(found(&sheet, shows), expected, "{}", sheet);
    }
}

#[test]
fn a_cell_without_an_address_behind_an_error_is_refused() {
    let sheet = r#"<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData><row r="1"><c r="A1" t="e"><v>#SPILL!</v></c><c><v>1</v></c><c><v>2</v></c></row></sheetData></worksheet>"#;
    let error = opened(sheet, false).unwrap_err();
    assert!(
        error.message().contains("a cell without an address"),
        "{error}"
    );
}

/// Two errors in a row, and one before a gap: calamine says of none where it stands.
#[test]
fn errors_that_the_reader_does_not_know_stand_where_they_are() {
    let cell = |column, content| Written {
        column,
        has_address: true,
        style: 0,
        content,
    };
    let rows = [
        (Some(1), vec![cell(0, Content::Text(1))]),
        (
            Some(2),
            vec![
                cell(0, Content::Spill),
                cell(1, Content::Spill),
                cell(5, Content::Number(3)),
            ],
        ),
        (Some(5), vec![cell(2, Content::Spill)]),
    ];
    let (sheet, expected) = sheet_of(&rows, false);
    assert_eq!(found(&sheet, false), expected);
}
