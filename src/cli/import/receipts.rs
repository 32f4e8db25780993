//! `--receipts`: the person's own file once more when the run has ended, with what became of each row beside it.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::super::receipts::{Of, targets, write};
use super::super::run_report;
use super::{Import, Pass};
use crate::error::Result;
use crate::intake::{self, Selection};
use crate::ledger::Ledger;
use crate::outfile::Records;
use crate::report::receipts::{Around, Written};
use crate::run::Totals;

impl Import<'_> {
    /// The files of the input with the copies that are asked for.
    pub(super) fn receipt_files(&self) -> Result<Vec<(String, PathBuf)>> {
        match &self.args.receipts {
            Some(to) => targets(self.input, Some(to)),
            None => Ok(Vec::new()),
        }
    }

    /// What this attempt has done on tickets besides making or changing them.
    pub(super) async fn steps(
        &self,
        ledger: &Ledger,
        totals: &Totals,
    ) -> Result<BTreeMap<String, u64>> {
        match &totals.run {
            Some(run) if totals.requests > 0 => {
                ledger.steps_done(run, self.mapping.operation()).await
            }
            _ => Ok(BTreeMap::new()),
        }
    }

    /// Writes the report of the run that this attempt belongs to.
    pub(super) async fn report(
        &self,
        ledger: &Ledger,
        run: Option<&str>,
    ) -> Result<Option<Written>> {
        let (Some(run), Some(path)) = (run, &self.args.report) else {
            return Ok(None);
        };
        let attempt = ledger.whole_run(run).await?;
        let run = ledger.whole_run(&attempt.last().job).await?;
        let around = (self.global.readers(), Records::of(self.state.path()));
        let (path, note) = run_report::write(ledger, &run, path, around).await?;
        Ok(Some(Written {
            path,
            rows: 0,
            note,
        }))
    }

    /// Writes the copies, of all rows of the input, whichever of them this attempt was about.
    pub(super) async fn receipts(
        &self,
        ledger: &Ledger,
        pass: &Pass<'_>,
        run: Option<&str>,
    ) -> Result<Vec<Written>> {
        let (Some(run), files) = (run, self.receipt_files()?) else {
            return Ok(Vec::new());
        };
        if files.is_empty() {
            return Ok(Vec::new());
        }
        let attempt = ledger.whole_run(run).await?;
        let run = ledger.whole_run(&attempt.last().job).await?;
        // A selection leaves out rows of which an earlier attempt may have made tickets.
        let whole = match self.args.rows {
            Some(_) => Some(tokio::task::block_in_place(|| {
                intake::survey(
                    self.input,
                    pass.plan,
                    &Selection::default(),
                    self.state.path(),
                )
            })?),
            None => None,
        };
        let survey = whole.as_ref().unwrap_or(pass.survey);
        let of = Of {
            ledger,
            run: &run,
            input: self.input,
            items: survey.items(self.input, pass.plan)?,
            not_kept: match self.mapping.baseline() {
                Some(_) => "unchanged, or in conflict with the desk",
                None => "not sent",
            },
        };
        let around = Around {
            records: &Records::of(self.state.path()),
            readers: self.global.readers(),
            claims: &self.claims()?,
        };
        write(of, &files, &around).await
    }
}
