//! What was created since a moment, the newest first (contract incidentiq §4): the `createddate` facet knows whole days
//! only, so that the order tells where they end.

use std::collections::HashSet;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::IncidentIq;
use super::envelope::id;
use super::listing::{days, listed, search};
use super::paging::{Call, SIZE, granted};
use crate::error::Result;
use crate::systems::http::reader::Reader;
use crate::systems::{FAR_AHEAD, Listed, System, Window};

/// Lists them, at most so many pages; whether all of them were seen.
pub(super) async fn newest(
    system: &IncidentIq,
    since: Timestamp,
    pages: u32,
    reader: Reader<'_>,
    each: &mut (dyn FnMut(Vec<Listed>) + Send),
) -> Result<bool> {
    let zone = system.zone.clone().unwrap_or(TimeZone::UTC);
    let window = Window {
        from: since,
        to: (system.now_at_the_latest().max(since))
            .checked_add(FAR_AHEAD)
            .unwrap_or(Timestamp::MAX),
    };
    let (from, to) = days(window, &zone);
    let call = Call::tickets(search(from, to)).sorted("TicketCreatedDate desc");
    let mut seen = HashSet::new();
    let mut size = SIZE;
    let mut total = None;
    let mut last: Option<Timestamp> = None;
    let mut in_order = true;
    for index in 0..u64::from(pages) {
        let answer = call.page(reader, index, size).await?;
        if index == 0 {
            size = granted(&answer, SIZE);
            // What is made while the pages are read moves the others back, and is for the next look.
            total = answer.total;
        }
        let honoured = answer.index.is_none_or(|it| it == index);
        let fresh: Vec<Listed> = (answer.items.iter())
            .filter_map(|item| Some((id(item, "TicketId")?, item)))
            .filter(|(id, _)| seen.insert(id.clone()))
            .map(|(id, item)| listed(system, id, item))
            .collect();
        for row in &fresh {
            let at = row.created_at;
            in_order &= at.is_some() && last.is_none_or(|last| at.is_some_and(|at| at <= last));
            last = at.or(last);
        }
        let dry = fresh.is_empty() || !honoured;
        if !fresh.is_empty() {
            each(fresh);
        }
        let past = in_order && last.is_some_and(|last| last < since);
        if past || total.is_some_and(|total| seen.len() as u64 >= total) {
            return Ok(true);
        }
        if dry {
            return Ok(false);
        }
    }
    Ok(false)
}
