//! Headings that stand over several rows: `Contact` over `Name` and `E-mail` is `Contact Name` and `Contact E-mail`.

use super::parts::Area;

/// The headings of columns from the rows that make them, the upper ones first, each with its number from 1. A text is over
/// the columns of its merged area where the table has any in its row, else over the empty cells to its right.
pub(super) fn joined(
    upper: &[(u64, Vec<String>)],
    lower: Vec<String>,
    merged: &[Area],
) -> Vec<String> {
    let width = upper
        .iter()
        .map(|(_, cells)| cells.len())
        .fold(lower.len(), usize::max);
    let mut lower = lower;
    lower.resize(width, String::new());
    let mut headings = lower.clone();
    for (row, cells) in upper.iter().rev() {
        let over = spread(*row, cells, &lower, merged);
        for (heading, over) in headings.iter_mut().zip(over) {
            *heading = match (over.trim(), heading.trim()) {
                (over, "") => over.to_owned(),
                ("", below) => below.to_owned(),
                (over, below) if over == below => over.to_owned(),
                (over, below) => format!("{over} {below}"),
            };
        }
    }
    headings
}

/// The texts of an upper row, each over all of its columns.
fn spread(row: u64, cells: &[String], lower: &[String], merged: &[Area]) -> Vec<String> {
    let areas: Vec<&Area> = merged
        .iter()
        .filter(|area| u64::from(area.top) + 1 == row && area.right > area.left)
        .collect();
    let text = |column: usize| cells.get(column).map_or("", String::as_str);
    let mut last = "";
    (0..lower.len())
        .map(|column| {
            let own = text(column);
            if !own.trim().is_empty() {
                last = own;
                return own.to_owned();
            }
            let over = match areas.is_empty() {
                true => last,
                false => areas
                    .iter()
                    .find(|area| (area.left..=area.right).contains(&(column as u32)))
                    .map_or("", |area| text(area.left as usize)),
            };
            match lower[column].trim().is_empty() {
                true => String::new(),
                false => over.to_owned(),
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(upper: &[&str], lower: &[&str], merged: &[Area]) -> Vec<String> {
        let texts = |cells: &[&str]| cells.iter().map(|cell| (*cell).to_owned()).collect();
        joined(&[(2, texts(upper))], texts(lower), merged)
    }

    #[test]
    fn a_text_is_over_the_empty_cells_to_its_right() {
        assert_eq!(
            of(
                &["Id", "Contact", "", "Place", ""],
                &["", "Name", "E-mail", "Place", "Room"],
                &[]
            ),
            [
                "Id",
                "Contact Name",
                "Contact E-mail",
                "Place",
                "Place Room"
            ]
        );
        // A column without a heading of its own stays without one.
        assert_eq!(
            of(&["Contact", "", ""], &["Name", "", "x"], &[]),
            ["Contact Name", "", "Contact x"]
        );
        // An error file has all of it in the last row.
        assert_eq!(
            of(&[], &["Id", "Contact Name"], &[]),
            ["Id", "Contact Name"]
        );
    }

    #[test]
    fn a_merged_cell_says_how_far_it_goes() {
        let area = Area {
            top: 1,
            left: 0,
            bottom: 1,
            right: 1,
        };
        assert_eq!(
            of(
                &["Contact", "", "", "Z"],
                &["Name", "E-mail", "Title", ""],
                &[area]
            ),
            ["Contact Name", "Contact E-mail", "Title", "Z"]
        );
    }
}
