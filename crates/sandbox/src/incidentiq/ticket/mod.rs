//! A ticket as it is kept: with its activities, subtasks, followers, next steps, approvals (contract incidentiq §6).

mod view;

pub(super) use self::view::sla;

use std::sync::Arc;

use jiff::Timestamp;
use serde_json::Value;

use super::files::File;
use crate::guid::Guid;

/// The score of a new ticket (contract §5).
pub(super) const NEW_PRIORITY: i64 = 100;
/// The web, a phone, the API: what a ticket without a word about it came from (contract §6, `SourceId`).
const SOURCE_API: i64 = 3;

/// A tag on a ticket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Tag {
    pub(super) id: Guid,
    pub(super) name: String,
}

/// Something said or done on a ticket.
#[derive(Debug, Clone)]
pub(super) struct Activity {
    pub(super) id: Guid,
    pub(super) owner: usize,
    pub(super) is_public: bool,
    pub(super) is_deleted: bool,
    /// The items as they came, each with an id and whether it is public.
    pub(super) items: Vec<Value>,
    pub(super) at: Timestamp,
}

/// A piece of the work on a ticket.
#[derive(Debug, Clone)]
pub(super) struct Subtask {
    pub(super) id: Guid,
    pub(super) subject: String,
    /// By whom and when.
    pub(super) completed: Option<(usize, Timestamp)>,
    /// To whom and when.
    pub(super) assigned: Option<(usize, Timestamp)>,
    pub(super) is_deleted: bool,
    pub(super) created: (usize, Timestamp),
    /// The ticket that was made of it.
    pub(super) ticket: Option<Guid>,
    pub(super) group: Option<Guid>,
    pub(super) order: i64,
}

/// Something to be done before a ticket is closed.
#[derive(Debug, Clone)]
pub(super) struct NextStep {
    pub(super) id: Guid,
    pub(super) name: String,
    pub(super) is_mandatory: bool,
    pub(super) is_resolved: bool,
}

/// What became of a request for approval.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    Awaited,
    Approved,
    Denied,
}

/// A request for approval.
#[derive(Debug, Clone)]
pub(super) struct Approval {
    pub(super) id: Guid,
    pub(super) approvers: Vec<usize>,
    pub(super) verdict: Verdict,
    pub(super) comments: Option<String>,
    pub(super) at: Timestamp,
}

/// Who is told of a ticket.
#[derive(Debug, Clone, Default)]
pub(super) struct Followers {
    pub(super) users: Vec<usize>,
    pub(super) teams: Vec<usize>,
}

/// The service level of a ticket, and since when.
#[derive(Debug, Clone, Copy)]
pub(super) struct Level {
    pub(super) sla: usize,
    pub(super) since: Timestamp,
}

/// A line of the timeline: the type of the activity (contract §11), when, by whom, what.
#[derive(Debug, Clone, Copy)]
pub(super) struct Logged {
    pub(super) kind: u8,
    pub(super) at: Timestamp,
    pub(super) by: usize,
    pub(super) what: &'static str,
}

/// A child ticket, and whether it is closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Child {
    pub(super) id: Guid,
    pub(super) is_closed: bool,
}

/// A ticket. People, places and the like are places in the district's lists.
#[derive(Debug, Clone)]
pub(super) struct Ticket {
    pub(super) id: Guid,
    pub(super) number: u64,
    pub(super) created: Timestamp,
    pub(super) modified: Timestamp,
    pub(super) started: Option<Timestamp>,
    /// When and by whom.
    pub(super) closed: Option<(Timestamp, usize)>,
    pub(super) due: Option<Timestamp>,
    pub(super) subject: String,
    pub(super) description: Option<String>,
    pub(super) location_details: Option<String>,
    pub(super) requestor: usize,
    pub(super) owner: usize,
    pub(super) assignee: Option<usize>,
    pub(super) team: Option<usize>,
    pub(super) location: usize,
    pub(super) room: Option<usize>,
    pub(super) issue: usize,
    pub(super) wizard_category: Option<Guid>,
    pub(super) step: usize,
    /// The step before that one.
    pub(super) step_before: usize,
    pub(super) close_reason: Option<usize>,
    pub(super) priority: i64,
    pub(super) source: i64,
    pub(super) is_urgent: bool,
    pub(super) is_sensitive: bool,
    pub(super) is_training: bool,
    pub(super) is_confirmed: bool,
    pub(super) is_deleted: bool,
    pub(super) level: Option<Level>,
    pub(super) workpackage: Option<Guid>,
    pub(super) parent: Option<Guid>,
    pub(super) children: Vec<Child>,
    pub(super) related: Vec<Guid>,
    pub(super) duplicate_of: Option<Guid>,
    pub(super) custom: Vec<(usize, String)>,
    pub(super) assets: Vec<usize>,
    /// Since when those hang on it.
    pub(super) assets_at: Timestamp,
    pub(super) tags: Vec<Tag>,
    pub(super) followers: Followers,
    pub(super) attachments: Vec<Arc<File>>,
    pub(super) activities: Vec<Activity>,
    pub(super) subtasks: Vec<Subtask>,
    pub(super) next_steps: Vec<NextStep>,
    pub(super) approvals: Vec<Approval>,
    pub(super) log: Vec<Logged>,
    /// What was mailed about it, and when.
    pub(super) mails: Vec<(Timestamp, &'static str)>,
}

impl Ticket {
    /// A ticket without anything.
    pub(super) fn blank(at: Timestamp) -> Self {
        Self {
            id: Guid::ZERO,
            number: 0,
            created: at,
            modified: at,
            started: None,
            closed: None,
            due: None,
            subject: String::new(),
            description: None,
            location_details: None,
            requestor: 0,
            owner: 0,
            assignee: None,
            team: None,
            location: 0,
            room: None,
            issue: 0,
            wizard_category: None,
            step: 0,
            step_before: 0,
            close_reason: None,
            priority: NEW_PRIORITY,
            source: SOURCE_API,
            is_urgent: false,
            is_sensitive: false,
            is_training: false,
            is_confirmed: false,
            is_deleted: false,
            level: None,
            workpackage: None,
            parent: None,
            children: Vec::new(),
            related: Vec::new(),
            duplicate_of: None,
            custom: Vec::new(),
            assets: Vec::new(),
            assets_at: at,
            tags: Vec::new(),
            followers: Followers::default(),
            attachments: Vec::new(),
            activities: Vec::new(),
            subtasks: Vec::new(),
            next_steps: Vec::new(),
            approvals: Vec::new(),
            log: Vec::new(),
            mails: Vec::new(),
        }
    }

    /// The subtasks that are there.
    pub(super) fn live_subtasks(&self) -> impl Iterator<Item = &Subtask> {
        self.subtasks.iter().filter(|one| !one.is_deleted)
    }

    /// Whether this person asked for it or handed it in.
    pub(super) fn concerns(&self, user: usize) -> bool {
        self.requestor == user || self.owner == user
    }

    /// The request for approval that nobody has answered yet.
    pub(super) fn awaited(&self) -> Option<&Approval> {
        let last = self.approvals.last();
        last.filter(|one| one.verdict == Verdict::Awaited)
    }
}
