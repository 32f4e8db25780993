//! The same tickets as a workbook, as Excel stores such things, with the wrong cells that such files have.

use std::error::Error;
use std::path::Path;

use deskferry::sandbox::Dice;
use jiff::civil::DateTime;
use rust_xlsxwriter::{
    DocProperties, ExcelDateTime, Format, Formula, Workbook, Worksheet, XlsxError,
};

use crate::tickets::{COLUMNS, Ticket, vip};

/// Rows as Excel numbers them (the header is row 1): a building that does not exist.
const MISSPELT: [u32; 5] = [58, 311, 312, 640, 1_103];
/// Rows without a title.
const UNTITLED: [u32; 3] = [17, 204, 991];
/// The row whose asset is a formula that failed.
const FAILED: u32 = 477;
/// Every so many rows, from the first on, somebody who has left: 37 in all.
const LEFT_EVERY: u32 = 32;
const LEFT_FROM: u32 = 20;
const LEFT_COUNT: u32 = 37;

fn has_left(row: u32) -> bool {
    row >= LEFT_FROM
        && (row - LEFT_FROM).is_multiple_of(LEFT_EVERY)
        && (row - LEFT_FROM) / LEFT_EVERY < LEFT_COUNT
}

/// Writes the workbook.
pub(crate) fn write(tickets: &[Ticket], path: &Path) -> Result<(), Box<dyn Error>> {
    let mut workbook = Workbook::new();
    let made = ExcelDateTime::from_ymd(2024, 7, 1)?;
    workbook.set_properties(&DocProperties::new().set_creation_datetime(&made));
    let sheet = workbook.add_worksheet();
    sheet.set_name("Tickets")?;
    write_tickets(sheet, tickets)?;
    let sheet = workbook.add_worksheet();
    sheet.set_name("Ticket Comments")?;
    write_comments(sheet, tickets)?;
    workbook.save(path)?;
    Ok(())
}

fn write_tickets(sheet: &mut Worksheet, tickets: &[Ticket]) -> Result<(), XlsxError> {
    let bold = Format::new().set_bold();
    let moment = Format::new().set_num_format("mm/dd/yyyy hh:mm");
    let day = Format::new().set_num_format("mm/dd/yyyy");
    for (column, name) in (0..).zip(COLUMNS) {
        sheet.write_with_format(0, column, name, &bold)?;
    }
    sheet.set_freeze_panes(1, 0)?;
    for (place, ticket) in (1..).zip(tickets) {
        let row = place + 1;
        sheet.write(place, 0, ticket.number)?;
        if !UNTITLED.contains(&row) {
            sheet.write(place, 1, &ticket.title)?;
        }
        sheet.write(place, 2, &ticket.description)?;
        sheet.write(place, 3, &ticket.category)?;
        sheet.write(place, 4, &ticket.problem)?;
        let building = if MISSPELT.contains(&row) {
            "Linclon HS"
        } else {
            &ticket.building
        };
        sheet.write(place, 5, building)?;
        // Excel takes a room's number for a number.
        match ticket.room.parse::<u32>() {
            Ok(number) => sheet.write(place, 6, number)?,
            Err(_) => write_text(sheet, place, 6, &ticket.room)?,
        };
        sheet.write(place, 7, &ticket.requester)?;
        let email = if has_left(row) {
            format!("left.{row}@district.example")
        } else {
            ticket.email.clone()
        };
        sheet.write(place, 8, email)?;
        write_text(sheet, place, 9, ticket.prio)?;
        write_text(sheet, place, 10, vip(ticket))?;
        sheet.write_with_format(place, 11, excel_time(ticket.opened)?, &moment)?;
        sheet.write(place, 12, ticket.status)?;
        if row == FAILED {
            sheet.write(
                place,
                13,
                Formula::new("=VLOOKUP(A477,Assets,2,FALSE)").set_result("#N/A"),
            )?;
        } else {
            write_text(sheet, place, 13, &ticket.asset)?;
        }
        write_text(sheet, place, 14, ticket.devices)?;
        if let Some(cost) = ticket.cost {
            sheet.write(place, 15, cost)?;
        }
        if let Some(date) = ticket.needed_by {
            sheet.write_with_format(place, 16, excel_time(date.at(0, 0, 0, 0))?, &day)?;
        }
        write_text(sheet, place, 17, &ticket.notes)?;
    }
    Ok(())
}

fn excel_time(at: DateTime) -> Result<ExcelDateTime, XlsxError> {
    let year = u16::try_from(at.year()).unwrap_or_default();
    let [month, day, hour, minute] =
        [at.month(), at.day(), at.hour(), at.minute()].map(i8::unsigned_abs);
    ExcelDateTime::from_ymd(year, month, day)?.and_hms(u16::from(hour), minute, 0)
}

/// A cell without a text is no cell.
fn write_text<'a>(
    sheet: &'a mut Worksheet,
    row: u32,
    column: u16,
    text: &str,
) -> Result<&'a mut Worksheet, XlsxError> {
    if text.is_empty() {
        Ok(sheet)
    } else {
        sheet.write(row, column, text)
    }
}

fn write_comments(sheet: &mut Worksheet, tickets: &[Ticket]) -> Result<(), XlsxError> {
    let bold = Format::new().set_bold();
    let moment = Format::new().set_num_format("mm/dd/yyyy hh:mm");
    for (column, name) in (0..).zip(["Ticket #", "Date", "Author", "Comment"]) {
        sheet.write_with_format(0, column, name, &bold)?;
    }
    let mut dice = Dice::new(0xc0_33e7);
    let mut row = 0;
    for ticket in tickets {
        for nth in 0..dice.below(3) {
            row += 1;
            let hours = 2 + 20 * nth as i64;
            let at = ticket.opened.checked_add(jiff::Span::new().hours(hours));
            let at = at.expect("a time of this century");
            sheet.write(row, 0, ticket.number)?;
            sheet.write_with_format(row, 1, excel_time(at)?, &moment)?;
            let author = if nth == 0 {
                "Help Desk"
            } else {
                &ticket.requester
            };
            sheet.write(row, 2, author)?;
            let text = *dice.pick(&[
                "Thank you, we will have a look.",
                "Is it still the case?",
                "Yes, still the same.",
                "Came by at 10:15, the room was locked.",
                "Works again, thank you!",
            ]);
            sheet.write(row, 3, text)?;
        }
    }
    Ok(())
}
