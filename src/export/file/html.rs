//! Tickets and analyses as one page.

use super::target::Target;
use super::{About, Options, Sink, Written, unwritable};
use crate::error::{Error, Result};
use crate::export::columns::{Cell, Column, Kind, Plan};
use crate::export::html::{self, Listing, Page};
use crate::export::replica::Parts;
use crate::export::sheets::{Sheet, Value};
use crate::systems::common::{CommonTicket, Named};

pub(super) struct PageSink {
    target: Target,
    plan: Plan,
    about: About,
    sheets: Vec<Sheet>,
    tickets: Listing,
    /// What was said, where that is written too.
    comments: Option<Listing>,
}

impl PageSink {
    pub(super) fn start(options: Options) -> Result<Self> {
        let Some(plan) = options.plan else {
            return Err(Error::usage("a page needs columns"));
        };
        let headings = plan.columns().iter().map(|column| column.heading.clone());
        Ok(Self {
            target: options.placing.target(options.path, html::is_ours),
            tickets: Listing {
                headings: headings.collect(),
                ..Listing::default()
            },
            comments: options.comments.then(|| Listing {
                headings: COMMENT_HEADINGS.map(str::to_owned).to_vec(),
                ..Listing::default()
            }),
            plan,
            about: options.about,
            sheets: options.sheets,
        })
    }
}

/// What stands above the comments.
const COMMENT_HEADINGS: [&str; 5] = ["Ticket", "Time", "Author", "Public", "Comment"];

impl PageSink {
    fn note_comments(&mut self, ticket: &CommonTicket) {
        let Some(listing) = &mut self.comments else {
            return;
        };
        let text = ticket.number.as_ref().unwrap_or(&ticket.id).clone();
        let number = match &ticket.url {
            Some(url) => Value::Link {
                text,
                url: url.clone(),
            },
            None => Value::Text(text),
        };
        for comment in &ticket.comments {
            listing.all += 1;
            if !listing.has_room() {
                continue;
            }
            let author = comment.author.as_ref().map_or("", Named::label);
            let public = comment
                .public
                .map(|public| if public { "yes" } else { "no" });
            listing.rows.push(vec![
                number.clone(),
                comment.at.map_or(Value::Empty, |at| {
                    Value::Time(self.plan.zone().to_datetime(at))
                }),
                Value::Text(author.to_owned()),
                public.map_or(Value::Empty, |public| Value::Text(public.to_owned())),
                Value::Text(comment.text.clone()),
            ]);
        }
    }
}

impl Sink for PageSink {
    fn parts(&self) -> Parts {
        self.plan.parts(self.comments.is_some())
    }

    fn ticket(&mut self, ticket: &CommonTicket) -> Result<()> {
        self.note_comments(ticket);
        self.tickets.all += 1;
        if !self.tickets.has_room() {
            return Ok(());
        }
        let mut cells = Vec::with_capacity(self.plan.columns().len());
        self.plan.cells(ticket, &mut cells)?;
        self.tickets
            .rows
            .push(cells.iter().zip(self.plan.columns()).map(value).collect());
        Ok(())
    }

    fn finish(self: Box<Self>) -> Result<Written> {
        let read = self.plan.zone().to_datetime(self.about.read_at);
        let zone = self.plan.zone().iana_name().unwrap_or("UTC");
        let about = [
            format!("{} ({})", self.about.system, self.about.source),
            format!("What was asked for: {}", self.about.filter),
            format!("Read on {} ({zone})", read.strftime("%a %-d %b %Y, %H:%M")),
        ];
        let page = Page {
            title: &format!("Tickets of {}", self.about.source),
            about: &about,
            sheets: &self.sheets,
            tickets: Some(&self.tickets),
            comments: self.comments.as_ref(),
            signature: None,
        };
        let mut out = self.target.draft()?;
        html::write(&page, &mut out).map_err(unwritable)?;
        let whole = out.whole().map_err(unwritable)?;
        let mut written = Written {
            tickets: self.tickets.all,
            ..Written::default()
        };
        let path = self.target.place(whole, &mut written.notes)?;
        written.files.push(path);
        written.plan = Some(self.plan);
        Ok(written)
    }
}

fn value((cell, column): (&Cell<'_>, &Column)) -> Value {
    match cell {
        Cell::Empty => Value::Empty,
        Cell::Text(text) if column.shows() == Some("priority") => Value::Priority(text.to_string()),
        Cell::Text(text) => Value::Text(text.to_string()),
        Cell::Number(number) if number.fract() == 0.0 => Value::Count(*number as i64),
        Cell::Number(number) => Value::Number(*number),
        Cell::Formatted(shown) => Value::Text(shown.text.clone()),
        Cell::Truth(truth) => Value::Text(if *truth { "yes" } else { "no" }.to_owned()),
        Cell::Time(at) if column.kind == Kind::Day => Value::Day(at.civil().date()),
        Cell::Time(at) => Value::Time(at.civil()),
        Cell::Link { url, text } => Value::Link {
            text: text.to_string(),
            url: url.to_string(),
        },
    }
}
