//! The delimiter of a CSV, found by how evenly it cuts the first records.

/// What is looked for, in order of preference.
const CANDIDATES: [u8; 4] = [b',', b';', b'\t', b'|'];

/// The delimiter that cuts the sample most evenly into most columns; a comma when none cuts it at all.
///
/// `header_row` tells how many records may stand above the first of full width.
pub(super) fn find(sample: &[u8], truncated: bool, header_row: usize) -> u8 {
    let mut best = (0.0, b',');
    for delimiter in CANDIDATES {
        let score = score(sample, truncated, header_row, delimiter);
        if score > best.0 {
            best = (score, delimiter);
        }
    }
    best.1
}

fn score(sample: &[u8], truncated: bool, header_row: usize, delimiter: u8) -> f64 {
    let mut counts: Vec<usize> = ::csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .delimiter(delimiter)
        .from_reader(sample)
        .byte_records()
        .map_while(Result::ok)
        .map(|record| record.len())
        .collect();
    if truncated && counts.len() > 1 {
        counts.pop();
    }
    let heading = counts.iter().take(header_row.max(1)).max().copied();
    let Some(heading) = heading.filter(|&count| count > 1) else {
        return 0.0;
    };
    let even = counts.iter().filter(|&&count| count == heading).count();
    let share = even as f64 / counts.len() as f64;
    // Many columns by a few ragged rows beat two columns by a mark that stands in every text.
    share * (1.0 - 1.0 / heading as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_delimiter_that_cuts_evenly_is_found() {
        for (sample, expected) in [
            ("a,b,c\n1,2,3\n", b','),
            ("a;b;c\n1,5;2,5;3,5\n", b';'),
            ("a\tb\n\"x, y, z\"\t2\n", b'\t'),
            ("a|b|c\n1|2|3\n", b'|'),
            ("only\none, two\n", b','),
            ("id,text\n1,\"a;b\nc;d\"\n2,\"e;f\"\n", b','),
            ("id;text\n1;\"a,b,c\"\n2;\"d\"\n", b';'),
            ("", b','),
        ] {
            assert_eq!(
                find(sample.as_bytes(), false, 1) as char,
                expected as char,
                "{sample:?}"
            );
        }
    }

    #[test]
    fn rows_above_the_headings_do_not_mislead() {
        let sample = b"Export of Monday, 3 June\n\nid;name;room\n1;a;b\n2;c;d\n";
        assert_eq!(find(sample, false, 3), b';');
    }
}
