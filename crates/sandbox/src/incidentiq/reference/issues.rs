//! Issues, their types and categories: category › type › issue (contract incidentiq §16).

use serde_json::json;

use super::{Facets, all_hold, wanted};
use crate::call::Call;
use crate::incidentiq::IncidentIq;
use crate::incidentiq::Row;
use crate::incidentiq::body::{get, object_or_empty};
use crate::incidentiq::book::Json;
use crate::incidentiq::metadata::cut;
use crate::incidentiq::search::PAGED;
use crate::reply::Answer;

pub(super) const ROUTES: &[Row] = &[
    Row::read("GET|POST", "/issues", "issues", listed)
        .query(PAGED)
        .takes("{SiteScope text, Strategy text, Filters [Filter]}")
        .gives("List(Issue)"),
    Row::read("GET", "/issues/types", "issue_types", types)
        .query(PAGED)
        .gives("List(IssueType)"),
    Row::read(
        "GET",
        "/categories/of/issues",
        "issue_categories",
        categories,
    )
    .query(PAGED)
    .gives("List(Category)"),
];

const FACETS: Facets = &[
    ("issue", true),
    ("issuetype", true),
    ("issuecategory", true),
    ("keyword", false),
];

fn listed(iiq: &IncidentIq, call: &Call) -> Answer {
    let asked = object_or_empty(call)?;
    let filters = wanted(get(&asked, "Filters"), FACETS, &[], iiq.rules.temper)?;
    let book = iiq.book();
    let issues = book.district.issues.iter().zip(&book.issues);
    let items: Vec<&Json> = issues
        .filter(|(issue, _)| {
            all_hold(&filters, |facet, value| match facet {
                "issue" => value.parse() == Ok(issue.id),
                "issuetype" => value.parse() == Ok(issue.kind.0),
                "issuecategory" => value.parse() == Ok(issue.category.0),
                _ => issue.name.to_lowercase().contains(value),
            })
        })
        .map(|(_, json)| json)
        .collect();
    cut(iiq, call, &items, 100)
}

fn types(iiq: &IncidentIq, call: &Call) -> Answer {
    let book = iiq.book();
    let types = book.district.issue_types.iter();
    let items: Vec<_> = types
        .map(|one| {
            json!({
                "IssueTypeId": one.id, "Name": one.name, "IssueCategoryId": one.category.0,
                "IssueCategoryName": one.category.1,
            })
        })
        .collect();
    cut(iiq, call, &items, 100)
}

fn categories(iiq: &IncidentIq, call: &Call) -> Answer {
    let book = iiq.book();
    let categories = book.district.categories.iter();
    let items: Vec<_> = categories
        .map(|(id, name)| json!({ "CategoryId": id, "Name": name }))
        .collect();
    cut(iiq, call, &items, 100)
}
