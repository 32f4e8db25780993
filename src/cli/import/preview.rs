//! What a dry run shows: the first tickets as people know them, all of them as a file, what would change.

use std::path::Path;
use std::sync::Arc;

use super::super::connect::Target;
use super::Import;
use crate::error::Result;
use crate::mapping::BoundPlan;
use crate::outfile::Records;
use crate::report::preview::{Form, Preview};
use crate::run::Keep;
use crate::systems::Operation;

pub(super) use crate::report::preview::SHOWN;

impl Import<'_> {
    /// Whether the tickets are read that would be changed: a dry run of updates does so by itself, unless it is offline.
    pub(super) fn differs(&self) -> bool {
        let sets = matches!(
            self.mapping.operation(),
            Operation::Update | Operation::Upsert | Operation::Assign | Operation::SetStatus
        );
        let by_itself = self.args.dry_run && sets && self.connected.is_some();
        self.args.diff || (by_itself && self.args.show.is_none() && self.args.payloads.is_none())
    }

    /// How many tickets a dry run reads to say how they would change: all of them only where that is asked for, since each is
    /// a request at least.
    pub(super) fn read_at_most(&self) -> usize {
        let is_asked = self.args.diff || self.args.preview.is_some();
        match (self.differs(), is_asked) {
            (false, _) => 0,
            (true, false) => SHOWN,
            (true, true) => usize::MAX,
        }
    }

    /// Of which records the requests are kept.
    pub(super) fn keep(&self) -> Keep {
        let args = self.args;
        let all = args.payloads.is_some() || args.preview.is_some() || self.differs();
        match all {
            true => Keep::All,
            false => Keep::First(args.show.unwrap_or(SHOWN)),
        }
    }

    /// The file that takes the requests.
    pub(super) fn payloads(&self) -> Result<Option<&Path>> {
        match self.args.preview.as_deref() {
            Some(path) if Form::of(path)? == Form::Requests => Ok(Some(path)),
            _ => Ok(self.args.payloads.as_deref()),
        }
    }

    pub(super) fn preview(&self, plan: &Arc<BoundPlan>) -> Result<Option<Preview>> {
        if !self.args.dry_run {
            return Ok(None);
        }
        let shown = if self.args.show.is_some() { 0 } else { SHOWN };
        let preview = Preview::new(Arc::clone(plan), self.input.tables(), shown);
        let Some(path) = &self.args.preview else {
            return Ok(Some(preview));
        };
        let around = (self.global.readers(), Records::of(self.state.path()));
        let about = [
            format!(
                "{} ({})",
                self.mapping.system(),
                self.target.map_or("snapshot", Target::name)
            ),
            format!("mapping {}", self.mapping.name()),
            format!(
                "dry run of {}",
                jiff::Zoned::now().strftime("%Y-%m-%d %H:%M")
            ),
        ];
        preview
            .into_file(path, Form::of(path)?, &about, around)
            .map(Some)
    }
}
