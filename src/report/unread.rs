//! Columns that nothing reads, in one line that a person reads to its end.

use super::words;

/// So many columns are named.
const NAMED: usize = 10;

/// Columns of one heading: `Log Work`, `Log Work[2]` … `Log Work[216]` are one.
struct Folded<'c> {
    base: &'c str,
    numbers: Vec<u64>,
    columns: u64,
    cells: u64,
}

impl Folded<'_> {
    fn text(&self) -> String {
        let cells = words::plural(self.cells, "cell", "cells");
        let (first, last) = (self.numbers.iter().min(), self.numbers.iter().max());
        match (first, last) {
            (Some(1), Some(1)) | (None, _) | (_, None) => format!("`{}` ({cells})", self.base),
            (Some(first), Some(last)) if first == last => {
                format!("`{}[{first}]` ({cells})", self.base)
            }
            (Some(first), Some(last)) => format!("`{}[{first}…{last}]` ({cells})", self.base),
        }
    }
}

/// The name without the number of its repeat, and that number.
fn parts(name: &str) -> (&str, u64) {
    let number = name
        .strip_suffix(']')
        .and_then(|rest| rest.rsplit_once('['))
        .and_then(|(base, number)| Some((base, number.parse().ok()?)));
    number.unwrap_or((name, 1))
}

/// `nothing reads …`: repeats of a heading as one, the columns with the most data, and how to see the others.
pub fn line(columns: &[(String, u64)]) -> String {
    let mut folded: Vec<Folded<'_>> = Vec::new();
    for (name, cells) in columns {
        let (base, number) = parts(name);
        match folded.iter_mut().find(|one| one.base == base) {
            Some(one) => {
                one.numbers.push(number);
                one.columns += 1;
                one.cells += cells;
            }
            None => folded.push(Folded {
                base,
                numbers: vec![number],
                columns: 1,
                cells: *cells,
            }),
        }
    }
    let mut ranked: Vec<usize> = (0..folded.len()).collect();
    ranked.sort_by_key(|at| std::cmp::Reverse(folded[*at].cells));
    let left: u64 = ranked
        .iter()
        .skip(NAMED)
        .map(|at| folded[*at].columns)
        .sum();
    ranked.truncate(NAMED);
    ranked.sort_unstable();
    let named: Vec<String> = ranked.iter().map(|at| folded[*at].text()).collect();
    let named = named.join(", ");
    match left {
        0 => format!("nothing reads {named}"),
        left => format!(
            "nothing reads {named} and {} with less data: `deskferry validate … --input … --format json` lists all",
            words::plural(left, "column", "columns")
        ),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn columns(names: &[(&str, u64)]) -> Vec<(String, u64)> {
        names
            .iter()
            .map(|(name, cells)| ((*name).to_owned(), *cells))
            .collect()
    }

    #[test]
    fn repeats_are_one_and_few_are_named() {
        let mut jira = columns(&[("Votes", 3), ("Log Work", 9)]);
        jira.extend((2..=216).map(|number| (format!("Log Work[{number}]"), 2)));
        assert_eq!(
            line(&jira),
            "nothing reads `Votes` (3 cells), `Log Work[1…216]` (439 cells)"
        );
        let many: Vec<_> = (1..=300)
            .map(|number| (format!("Custom {number}"), number))
            .collect();
        let line = line(&many);
        assert!(
            line.starts_with("nothing reads `Custom 291` (291 cells), `Custom 292`"),
            "{line}"
        );
        assert!(
            line.contains("`Custom 300` (300 cells) and 290 columns with less data: "),
            "{line}"
        );
    }

    #[test]
    fn few_columns_stay_in_their_order() {
        assert_eq!(
            line(&columns(&[("b", 1), ("a", 7), ("Comment[2]", 4)])),
            "nothing reads `b` (1 cell), `a` (7 cells), `Comment[2]` (4 cells)"
        );
        assert_eq!(
            line(&columns(&[("x[y]", 1)])),
            "nothing reads `x[y]` (1 cell)"
        );
    }

    proptest! {
        /// However many columns there are, the line is one that can be read, and each column is in it or counted.
        #[test]
        fn the_line_stays_short(counts in prop::collection::vec((0_usize..60, 1_u64..9), 1..400)) {
            let mut all: Vec<(String, u64)> = Vec::new();
            for (base, cells) in counts {
                let heading = format!("Heading {base}");
                let same = all.iter().filter(|(name, _)| parts(name).0 == heading).count();
                all.push(match same {
                    0 => (heading, cells),
                    same => (format!("{heading}[{}]", same + 1), cells),
                });
            }
            let line = line(&all);
            prop_assert!(line.len() < 600, "{}", line);
            prop_assert!(line.matches("cell").count() <= NAMED);
        }
    }
}
