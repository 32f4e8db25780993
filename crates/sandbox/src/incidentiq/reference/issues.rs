//! Issues, their types and categories: category › type › issue (contract incidentiq §16).

use serde_json::json;

use super::{at_path, fresh, json_of, named, shown_after};
use crate::call::Call;
use crate::guid::Guid;
use crate::incidentiq::IncidentIq;
use crate::incidentiq::Row;
use crate::incidentiq::body::{self, object_or_empty};
use crate::incidentiq::book::{Book, Json, Kind};
use crate::incidentiq::deed::Order;
use crate::incidentiq::envelope;
use crate::incidentiq::metadata::{cut, one};
use crate::incidentiq::search::PAGED;
use crate::reply::{Answer, Refusal};
use crate::seed::District;
use crate::seed::district::{Issue, IssueType};

pub(super) const ROUTES: &[Row] = &[
    Row::read("GET|POST", "/issues", "issues", |iiq, call| {
        cut(iiq, call, &iiq.book().issues, 100)
    })
    .query(PAGED)
    .takes("{SiteScope text, Strategy text}")
    .gives("List(Issue)"),
    Row::read("GET", "/issues/site", "issues", |iiq, call| {
        // Ids and roles only, no names.
        let book = iiq.book();
        let issues = book.district.issues.iter();
        let items: Vec<_> = issues
            .map(|issue| json!({ "IssueId": issue.id, "EnabledRoles": [], "DisabledRoles": [] }))
            .collect();
        cut(iiq, call, &items, 100)
    })
    .query(PAGED)
    .gives("List({IssueId guid, EnabledRoles [any], DisabledRoles [any]})"),
    Row::read(
        "GET",
        "/issues/{issueId:guid}",
        "issue_read",
        |iiq, call| {
            one(&iiq.book(), call, "issueId", Kind::Issue, |book| {
                &book.issues
            })
        },
    )
    .gives("Item(Issue)"),
    Row::read("GET|POST", "/issues/types", "issue_types", types)
        .query(PAGED)
        .takes("object")
        .gives("List(IssueType)"),
    Row::read(
        "GET",
        "/categories/of/issues",
        "issue_categories",
        categories,
    )
    .query(PAGED)
    .gives("List(Category)"),
    Row::read("POST", "/categories/v2", "issue_categories", categories)
        .query(PAGED)
        .takes("object")
        .gives("List(Category)"),
    Row::create("POST", "/issues/new", "issue_save", |iiq, call| {
        shown_after(
            iiq,
            call,
            ("issue_save", fresh(iiq)),
            &object_or_empty(call)?,
            200,
            shown,
        )
    })
    .takes("{Name* text, IssueTypeId* guid}")
    .gives("Item(Issue)"),
    Row::write(
        "POST",
        "/issues/{issueId:guid}",
        "issue_save",
        |iiq, call| {
            let (id, body) = at_path(call, "issueId")?;
            if shown(&iiq.book(), id).is_none() {
                return Err(Refusal::not_found("The issue"));
            }
            shown_after(iiq, call, ("issue_save", id), &body, 200, shown)
        },
    )
    .takes("{Name text, IssueTypeId guid}")
    .gives("Item(Issue)"),
    Row::create(
        "POST",
        "/issues/types/new",
        "issue_type_save",
        |iiq, call| branch(iiq, call, "issue_type_save", "IssueTypeId"),
    )
    .takes("{Name* text, IssueCategoryId* guid}")
    .gives("Item(object)"),
    Row::create(
        "POST",
        "/categories/for/issue/new",
        "category_save",
        |iiq, call| branch(iiq, call, "category_save", "CategoryId"),
    )
    .takes("{Name* text}")
    .gives("Item(object)"),
];

fn shown(book: &Book, id: Guid) -> Option<&Json> {
    json_of(book, Kind::Issue, id, |book| &book.issues)
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

/// A new type or category: its id and its name come back.
fn branch(iiq: &IncidentIq, call: &Call, operation: &'static str, member: &str) -> Answer {
    let (id, body) = (fresh(iiq), object_or_empty(call)?);
    let mut state = iiq.state();
    iiq.obey_in(&mut state, call, operation, id, &body)?;
    let mut item = json!({ "Name": body::text(&body, "Name") });
    item[member] = json!(id);
    Ok(envelope::item(200, &item, Some(id)))
}

pub(super) fn issue(
    book: &Book,
    order: &Order<'_>,
    district: &mut District,
) -> Result<(), Refusal> {
    let place = book.find(Kind::Issue, order.target);
    let kind = body::optional(book, order.body, "IssueTypeId", Kind::IssueType)?;
    let kind = kind.map(|place| district.issue_types[place].clone());
    let own = kind
        .as_ref()
        .map(|kind| kind.id)
        .or(place.map(|place| district.issues[place].kind.0));
    let others = district
        .issues
        .iter()
        .filter(|one| one.id != order.target && Some(one.kind.0) == own);
    let name = named(
        order,
        "Name",
        place.is_none(),
        others.map(|one| one.name.clone()),
    )?;
    match (place, name, kind) {
        (Some(place), name, kind) => {
            let one = &mut district.issues[place];
            one.name = name.unwrap_or_else(|| one.name.clone());
            if let Some(kind) = kind {
                one.kind = (kind.id, kind.name);
                one.category = kind.category;
            }
        }
        (None, Some(name), Some(kind)) => district.issues.push(Issue {
            id: order.target,
            name,
            kind: (kind.id, kind.name),
            category: kind.category,
        }),
        _ => return Err(body::missing("IssueTypeId")),
    }
    Ok(())
}

pub(super) fn issue_type(
    book: &Book,
    order: &Order<'_>,
    district: &mut District,
) -> Result<(), Refusal> {
    let category = body::reference(book, order.body, "IssueCategoryId", Kind::Category)?;
    let category = district.categories[category].clone();
    let others = district
        .issue_types
        .iter()
        .filter(|one| one.category.0 == category.0);
    let name = named(order, "Name", true, others.map(|one| one.name.clone()))?;
    district.issue_types.push(IssueType {
        id: order.target,
        name: name.unwrap_or_default(),
        category,
    });
    Ok(())
}

pub(super) fn category(
    _: &Book,
    order: &Order<'_>,
    district: &mut District,
) -> Result<(), Refusal> {
    let others = district.categories.iter().map(|(_, name)| name.clone());
    let name = named(order, "Name", true, others)?;
    district
        .categories
        .push((order.target, name.unwrap_or_default()));
    Ok(())
}
