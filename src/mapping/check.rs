//! A mapping checked stage after stage, each going on with what the one before left good: all faults at once.

use std::sync::Arc;

use super::bind::BoundPlan;
use super::draft::Draft;
use super::example::{self, Example, Ran};
use super::file::Faults;
use super::load::Mapping;
use super::plan::{Plan, PlanOptions};
use crate::directory::Directory;
use crate::error::MappingFault;
use crate::source::Table;
use crate::systems::{self, Schema};

/// A mapping with all that is found wrong with it so far.
#[derive(Debug)]
pub struct Checked {
    plan: Option<Arc<Plan>>,
    examples: Arc<Vec<Example>>,
    faults: Faults,
    /// What a person should know about the check itself.
    note: Option<String>,
}

impl Checked {
    /// Checks a mapping against a system and its directory.
    pub fn new(
        draft: Draft,
        schema: Arc<dyn Schema>,
        directory: Arc<Directory>,
        options: &PlanOptions,
    ) -> Self {
        let Draft { mapping, faults } = draft;
        match mapping {
            Some(mapping) => Self::compile(&mapping, schema, directory, options, faults),
            None => Self::unread(faults),
        }
    }

    /// Checks a mapping with which nothing was wrong by itself.
    pub fn of(
        mapping: &Mapping,
        schema: Arc<dyn Schema>,
        directory: Arc<Directory>,
        options: &PlanOptions,
    ) -> Self {
        let faults = Faults::new(Arc::clone(&mapping.source));
        Self::compile(mapping, schema, directory, options, faults)
    }

    fn compile(
        mapping: &Mapping,
        schema: Arc<dyn Schema>,
        directory: Arc<Directory>,
        options: &PlanOptions,
        faults: Faults,
    ) -> Self {
        let (plan, faults) = Plan::draft(mapping, schema, directory, options, faults);
        Self {
            plan: Some(Arc::new(plan)),
            examples: Arc::clone(&mapping.examples),
            faults,
            note: None,
        }
    }

    /// Of a file that does not even say its system.
    fn unread(faults: Faults) -> Self {
        Self {
            plan: None,
            examples: Arc::default(),
            faults,
            note: None,
        }
    }

    /// Checks a mapping against what is known of its system without asking it: its fields, not its names. Of a
    /// system that is spelled in two ways only what is wrong in both counts.
    pub fn without_directory(draft: Draft, options: &PlanOptions) -> Self {
        let Some(mapping) = &draft.mapping else {
            return Self::unread(draft.faults);
        };
        let system = mapping.system;
        let mut all: Vec<Self> = Vec::new();
        for dialect in system.dialects() {
            // Every dialect that a system lists has a schema.
            let Ok(schema) = systems::schema(system, Some(*dialect)) else {
                continue;
            };
            let directory = Arc::new(Directory::absent(system, *dialect));
            let faults = draft.faults.clone();
            let (plan, faults) =
                Plan::draft(mapping, Arc::from(schema), directory, options, faults);
            all.push(Self {
                plan: Some(Arc::new(plan)),
                examples: Arc::clone(&mapping.examples),
                faults,
                note: None,
            });
        }
        let known = draft.faults.len();
        let clean = all.iter().position(|checked| checked.faults.len() == known);
        let several = all.len() > 1;
        let mut chosen = match clean {
            Some(position) => all.swap_remove(position),
            None => {
                let mut first = all.swap_remove(0);
                all.iter()
                    .for_each(|other| first.faults.keep_common(&other.faults, known));
                first
            }
        };
        if several
            && clean.is_some_and(|position| position > 0)
            && let Some(plan) = &chosen.plan
        {
            let dialect = plan.directory.snapshot().dialect;
            chosen.note = Some(format!(
                "{system} answers in one of two dialects; this mapping fits `{dialect}` alone"
            ));
        }
        chosen
    }

    /// What a person should know about the check itself.
    pub fn note(&self) -> Option<&str> {
        self.note.as_deref()
    }

    /// Finds the columns in the tables of an input. The plan can be run when nothing is wrong.
    pub fn bind(&mut self, tables: &[Table]) -> Option<BoundPlan> {
        let plan = self.plan.as_ref()?;
        let bound = BoundPlan::draft(Arc::clone(plan), tables, &mut self.faults);
        bound.check_foreign_key(tables, &mut self.faults);
        self.faults.is_empty().then_some(bound)
    }

    /// Runs the mapping's own tests, unless something is wrong with it already; those that fail are faults.
    pub fn run_tests(&mut self) -> Ran {
        let (Some(plan), true) = (&self.plan, self.faults.is_empty()) else {
            return Ran::default();
        };
        match example::run(plan, &self.examples, &mut self.faults) {
            Ok(ran) => ran,
            Err(why) => {
                self.note = Some(format!("the tests were not run: {why}"));
                Ran::default()
            }
        }
    }

    /// The plan, when nothing is wrong.
    pub fn plan(&self) -> Option<&Arc<Plan>> {
        self.plan.as_ref().filter(|_| self.faults.is_empty())
    }

    /// Everything that is wrong, in the order of the file.
    pub fn into_faults(self) -> Vec<MappingFault> {
        self.faults.into_list()
    }

    /// Whether nothing is.
    pub fn is_good(&self) -> bool {
        self.faults.is_empty()
    }
}
