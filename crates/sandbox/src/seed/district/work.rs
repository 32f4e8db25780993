//! What tickets are about and what becomes of them: issues, custom fields, the workflow, priorities, service levels.

use super::{CustomField, Issue, IssueType, Priority, Sla, Status};
use crate::guid::Guid;
use crate::seed::issues::TREE;

pub(super) fn named(kind: &str, names: &[&'static str]) -> Vec<(Guid, &'static str)> {
    names
        .iter()
        .map(|name| (Guid::seeded(kind, name), *name))
        .collect()
}

pub(super) fn issues() -> Vec<Issue> {
    TREE.iter()
        .flat_map(|(category, kind, names)| {
            names.iter().map(move |name| Issue {
                id: Guid::seeded("issue", &format!("{category}/{kind}/{name}")),
                name: (*name).to_owned(),
                kind: (
                    Guid::seeded("issue-type", &format!("{category}/{kind}")),
                    (*kind).to_owned(),
                ),
                category: (Guid::seeded("category", category), (*category).to_owned()),
            })
        })
        .collect()
}

pub(super) fn custom_fields() -> Vec<CustomField> {
    let field = |name: &'static str, editor, options: &[&'static str]| CustomField {
        id: Guid::seeded("custom-field", name),
        name,
        editor,
        options: options
            .iter()
            .map(|option| (Guid::seeded("option", &format!("{name}/{option}")), *option))
            .collect(),
    };
    vec![
        field("Legacy ID", 1, &[]),
        field("Asset Tag", 1, &[]),
        field("Estimated Cost", 4, &[]),
        field("Needed By", 6, &[]),
        field("Loaner Issued", 8, &[]),
        field(
            "Impact",
            9,
            &["One person", "One classroom", "A building", "The district"],
        ),
        field(
            "Affected Devices",
            10,
            &[
                "Laptop",
                "Chromebook",
                "Tablet",
                "Printer",
                "Projector",
                "Phone",
            ],
        ),
    ]
}

pub(super) fn statuses() -> Vec<Status> {
    let status = |n: u8, name: &'static str, is_closed| Status {
        step: Guid::seeded("step", name),
        status: Guid::known(&format!("c7932b63-7bf4-49f9-a2a3-ea739e7e000{n}")),
        name,
        is_closed,
    };
    vec![
        status(1, "Submitted", false),
        status(2, "In Progress", false),
        status(4, "Waiting on Requestor", false),
        status(3, "Resolved", true),
        status(5, "Canceled", true),
    ]
}

pub(super) fn priorities() -> Vec<Priority> {
    [
        ("Low", (0, 50)),
        ("Medium", (51, 93)),
        ("High", (94, 150)),
        ("Critical", (151, 1_000)),
    ]
    .into_iter()
    .map(|(name, band)| Priority {
        id: Guid::seeded("priority", name),
        name,
        band,
    })
    .collect()
}

/// Names of the tree of issues, each once, in its order.
pub(super) fn issue_types(issues: &[Issue]) -> Vec<IssueType> {
    let mut types: Vec<_> = issues
        .iter()
        .map(|issue| IssueType {
            id: issue.kind.0,
            name: issue.kind.1.clone(),
            category: issue.category.clone(),
        })
        .collect();
    types.dedup_by_key(|one| one.id);
    types
}

pub(super) fn categories(issues: &[Issue]) -> Vec<(Guid, String)> {
    let mut categories: Vec<_> = issues.iter().map(|issue| issue.category.clone()).collect();
    categories.dedup();
    categories
}

pub(super) fn slas() -> Vec<Sla> {
    [
        ("Standard", [480, 2_400]),
        ("Classroom down", [30, 240]),
        ("Summer project", [2_400, 19_200]),
    ]
    .map(|(name, [response, resolution])| Sla {
        id: Guid::seeded("sla", name),
        name,
        metrics: [("Response Time", response), ("Resolution Time", resolution)],
    })
    .to_vec()
}
