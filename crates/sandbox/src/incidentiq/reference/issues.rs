//! Issues, their types and categories: category › type › issue (contract incidentiq §16).

use serde_json::json;

use crate::call::Call;
use crate::incidentiq::IncidentIq;
use crate::incidentiq::Row;
use crate::incidentiq::metadata::cut;
use crate::incidentiq::search::PAGED;
use crate::reply::Answer;

pub(super) const ROUTES: &[Row] = &[
    Row::read("GET|POST", "/issues", "issues", |iiq, call| {
        cut(iiq, call, &iiq.book().issues, 100)
    })
    .query(PAGED)
    .takes("{SiteScope text, Strategy text}")
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
