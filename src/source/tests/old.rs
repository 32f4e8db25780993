//! Old workbooks that no program of today writes so: formats under any number, texts that go on in further records.

use super::*;

/// A record of BIFF8.
fn record(kind: u16, data: &[u8]) -> Vec<u8> {
    let length = u16::try_from(data.len()).unwrap();
    [&kind.to_le_bytes()[..], &length.to_le_bytes(), data].concat()
}

fn words(words: &[u16]) -> Vec<u8> {
    words.iter().flat_map(|word| word.to_le_bytes()).collect()
}

/// A text with its length and a byte that says that its characters have eight bits.
fn text(text: &str) -> Vec<u8> {
    [
        &words(&[u16::try_from(text.len()).unwrap()])[..],
        &[0],
        text.as_bytes(),
    ]
    .concat()
}

fn label(row: u16, column: u16, of: &str) -> Vec<u8> {
    record(0x0204, &[words(&[row, column, 0]), text(of)].concat())
}

fn number(row: u16, column: u16, xf: u16, value: f64) -> Vec<u8> {
    record(
        0x0203,
        &[words(&[row, column, xf]), value.to_le_bytes().to_vec()].concat(),
    )
}

fn begin(kind: u16) -> Vec<u8> {
    record(0x0809, &words(&[0x0600, kind, 0x0dbb, 0x07cc, 0, 0, 6, 0]))
}

/// A compound file with streams that are long enough to lie in sectors of their own.
fn compound(streams: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let whole = |stream: &Vec<u8>| stream.len().max(4096).next_multiple_of(512);
    let sectors = |stream: &Vec<u8>| u32::try_from(whole(stream) / 512).unwrap();
    let all: u32 = streams.iter().map(|(_, stream)| sectors(stream)).sum();
    assert!(all < 120, "one sector of the table is enough for a test");
    let mut header = vec![0_u8; 512];
    header[..8].copy_from_slice(&[0xd0, 0xcf, 0x11, 0xe0, 0xa1, 0xb1, 0x1a, 0xe1]);
    for (at, value) in [(24, 0x3e_u16), (26, 3), (28, 0xfffe), (30, 9), (32, 6)] {
        header[at..at + 2].copy_from_slice(&value.to_le_bytes());
    }
    let mut put = |at: usize, value: u32| header[at..at + 4].copy_from_slice(&value.to_le_bytes());
    // The table is sector 0, the directory sector 1, the streams follow.
    put(44, 1);
    put(48, 1);
    put(56, 4096);
    put(60, u32::MAX - 1);
    put(68, u32::MAX - 1);
    put(76, 0);
    (1..109).for_each(|at| put(76 + 4 * at, u32::MAX));
    let mut table = vec![u32::MAX - 2, u32::MAX - 1];
    for (_, stream) in streams {
        let first = u32::try_from(table.len()).unwrap();
        table.extend((1..sectors(stream)).map(|sector| first + sector));
        table.push(u32::MAX - 1);
    }
    table.resize(128, u32::MAX);
    let entry = |name: &str, kind: u8, child: u32, first: u32, size: u32| {
        let mut entry = vec![0_u8; 128];
        let units: Vec<u8> = name.encode_utf16().flat_map(u16::to_le_bytes).collect();
        entry[..units.len()].copy_from_slice(&units);
        entry[64] = u8::try_from(units.len() + 2).unwrap();
        (entry[66], entry[67]) = (kind, 1);
        entry[68..76].fill(0xff);
        entry[76..80].copy_from_slice(&child.to_le_bytes());
        entry[116..120].copy_from_slice(&first.to_le_bytes());
        entry[120..124].copy_from_slice(&size.to_le_bytes());
        entry
    };
    let mut directory = entry("Root Entry", 5, 1, u32::MAX - 1, 0);
    let (mut first, mut content) = (2, Vec::new());
    for (name, stream) in streams {
        let size = u32::try_from(whole(stream)).unwrap();
        directory.extend(entry(name, 2, u32::MAX, first, size));
        first += sectors(stream);
        content.extend_from_slice(stream);
        content.resize(
            content
                .len()
                .next_multiple_of(512)
                .max(first as usize * 512 - 1024),
            0,
        );
    }
    directory.resize(512, 0);
    let table = table
        .iter()
        .flat_map(|sector| sector.to_le_bytes())
        .collect();
    [header, table, directory, content].concat()
}

/// A workbook with one sheet: formats by their numbers, the formats of cells, the records of the sheet.
fn xls(formats: &[(u16, &str)], xfs: &[u16], sheet: &[Vec<u8>]) -> Vec<u8> {
    compound(&[("Workbook", stream(formats, xfs, sheet))])
}

fn stream(formats: &[(u16, &str)], xfs: &[u16], sheet: &[Vec<u8>]) -> Vec<u8> {
    let mut globals = begin(5);
    for (number, code) in formats {
        globals.extend(record(0x041e, &[words(&[*number]), text(code)].concat()));
    }
    for format in xfs {
        let mut data = words(&[0, *format]);
        data.resize(20, 0);
        globals.extend(record(0x00e0, &data));
    }
    let name = "Sheet1";
    let bound = |position: u32| {
        let mut data = position.to_le_bytes().to_vec();
        data.extend([0, 0, u8::try_from(name.len()).unwrap(), 0]);
        data.extend(name.bytes());
        record(0x0085, &data)
    };
    let end = record(0x000a, &[]);
    let position = globals.len() + bound(0).len() + end.len();
    globals.extend(bound(u32::try_from(position).unwrap()));
    globals.extend(&end);
    let mut stream = [globals, begin(0x10)].concat();
    stream.extend(sheet.concat());
    stream.extend(end);
    stream
}

fn read(bytes: &[u8]) -> Vec<Row> {
    let (_dir, input) = open("t.xls", bytes, &InputOptions::default()).unwrap();
    rows(&input)
}

#[test]
fn formats_under_any_number_are_what_they_say() {
    // 50 is a date of East Asia where the file says nothing of it, and 100 is nothing.
    let bytes = xls(
        &[
            (50, "GENERAL"),
            (100, "yyyy\\-mm\\-dd"),
            (164, "yyyy\\-mm\\-dd"),
            (57, "0.00"),
        ],
        &[0, 50, 100, 164, 57],
        &[
            label(0, 0, "ID"),
            label(0, 1, "At"),
            label(0, 2, "Known"),
            label(0, 3, "N"),
            number(1, 0, 1, 1.0),
            number(1, 1, 2, 45464.0),
            number(1, 2, 3, 45464.0),
            number(1, 3, 4, 2.5),
            number(2, 0, 1, 2.0),
            number(2, 1, 2, 45465.0),
            number(2, 2, 3, 45465.0),
            number(2, 3, 4, 3.5),
        ],
    );
    let found: Vec<_> = read(&bytes).iter().map(texts).collect();
    assert_eq!(
        found,
        [
            ["1", "2024-06-21", "2024-06-21", "2.5"],
            ["2", "2024-06-22", "2024-06-22", "3.5"]
        ]
    );
}

/// What is known of a workbook is read where its cells are: in the newer one of two streams, however its name is written.
#[test]
fn the_stream_of_the_cells_says_what_they_show() {
    let sheet = |row: u16| {
        [
            label(0, 0, "ID"),
            label(0, 1, "x"),
            number(row, 0, 1, 501.0),
        ]
    };
    let is_right = stream(&[(164, "00000")], &[0, 164], &sheet(1));
    let other = stream(&[(164, "0.000")], &[0, 164], &sheet(2));
    for streams in [
        vec![("Workbook", is_right.clone())],
        vec![("WORKBOOK", is_right.clone())],
        vec![("Book", other), ("Workbook", is_right)],
    ] {
        let options = InputOptions {
            numbers: Some(Numbers::Shown),
            ..InputOptions::default()
        };
        let (_dir, input) = open("t.xls", &compound(&streams), &options).unwrap();
        let found: Vec<_> = rows(&input)
            .iter()
            .map(|row| texts(row)[0].clone())
            .collect();
        let names: Vec<_> = streams.iter().map(|(name, _)| *name).collect();
        assert_eq!(found, ["00501"], "{names:?}");
    }
}

/// What the records of cells say is put into place, whatever their order; of a cell that comes twice the last one counts.
#[test]
fn records_in_any_order_are_put_into_their_places() {
    let bytes = xls(
        &[(100, "yyyy\\-mm\\-dd")],
        &[0, 100],
        &[
            number(2, 0, 1, 45464.0),
            label(0, 0, "At"),
            number(1, 0, 1, 45465.0),
            number(2, 0, 0, 7.0),
            number(3, 0, 1, 45466.0),
            label(3, 0, "x"),
        ],
    );
    let found: Vec<_> = read(&bytes).iter().map(texts).collect();
    assert_eq!(found, [["2024-06-22"], ["7"], ["x"]]);
}

/// A formula whose result is a text, in one record and as many more as it takes.
fn formula(row: u16, column: u16, result: &str, piece: usize) -> Vec<Vec<u8>> {
    let mut data = words(&[row, column, 0]);
    data.extend([0, 0, 0, 0, 0, 0, 0xff, 0xff]);
    data.extend([0; 6]);
    // `=""`, the shortest formula there is.
    data.extend(words(&[3]));
    data.extend([0x17, 0, 0]);
    let (first, rest) = result.split_at(result.len().min(piece));
    let mut string = words(&[u16::try_from(result.len()).unwrap()]);
    string.push(0);
    string.extend(first.bytes());
    let mut records = vec![record(0x0006, &data), record(0x0207, &string)];
    for piece in rest.as_bytes().chunks(piece) {
        records.push(record(0x003c, &[&[0][..], piece].concat()));
    }
    records
}

#[test]
fn a_long_text_of_a_formula_is_whole() {
    for length in [10, 8_000, 8_221, 20_000, 32_767] {
        let long: String = ('a'..='z').cycle().take(length).collect();
        let mut sheet = vec![label(0, 0, "ID"), label(0, 1, "Text"), number(1, 0, 0, 1.0)];
        sheet.extend(formula(1, 1, &long, 8_220));
        let found = texts(&read(&xls(&[], &[0], &sheet))[0]);
        assert_eq!(found[1].len(), length);
        assert_eq!(found[1], long);
    }
}

#[test]
fn a_text_with_a_nul_is_refused_with_its_place() {
    let bytes = xls(
        &[],
        &[0],
        &[
            label(0, 0, "ID"),
            label(0, 1, "T"),
            label(1, 0, "1"),
            label(1, 1, "a\0b"),
        ],
    );
    let found = read(&bytes);
    let Row::Record(record) = &found[0] else {
        panic!("{found:?}")
    };
    assert!(
        matches!(&record.cells[1], Cell::Fault(why) if why.contains("NUL")),
        "{record:?}"
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    /// Whatever number a format has: a date is a date, and a number a number.
    #[test]
    fn any_number_of_a_format_is_read_right(id in 1_u16..400, is_date in any::<bool>(), day in 100_u32..50_000) {
        let code = if is_date { "dd/mm/yyyy" } else { "0.000" };
        let bytes = xls(
            &[(id, code)],
            &[0, id],
            &[label(0, 0, "V"), label(0, 1, "x"), number(1, 0, 1, f64::from(day)), label(1, 1, "y")],
        );
        let found = read(&bytes);
        let Row::Record(record) = &found[0] else { panic!("{found:?}") };
        match is_date {
            true => prop_assert!(matches!(record.cells[0], Cell::Date(_)), "{:?}", record.cells[0]),
            false => prop_assert_eq!(&record.cells[0], &Cell::Number(f64::from(day))),
        }
    }
}
