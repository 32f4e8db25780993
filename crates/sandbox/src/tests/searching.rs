use serde_json::{Value, json};

use super::desk::Desk;

/// A desk with one ticket that differs from the other in everything, and its id.
async fn two() -> (Desk, String) {
    let desk = Desk::lenient().await;
    desk.ticket("plain").await;
    let district = &desk.district;
    let room = district
        .rooms
        .iter()
        .find(|room| room.location == 7)
        .unwrap();
    let body = json!({
        "Subject": "Special", "ForId": district.users[700].id, "IssueId": district.issues[40].id,
        "LocationId": district.locations[7].id, "LocationRoomId": room.id, "IsUrgent": true,
        "HasSensitiveInformation": true, "SourceId": 2, "Assets": [{ "AssetId": district.assets[8].id }],
        "CustomFieldValues": [
            { "CustomFieldTypeId": district.custom_fields[0].id, "Value": "L-9" },
            { "CustomFieldTypeId": district.custom_fields[2].id, "Value": "120" },
            { "CustomFieldTypeId": district.custom_fields[3].id, "Value": "2030-05-06" },
            { "CustomFieldTypeId": district.custom_fields[4].id, "Value": "yes" },
            { "CustomFieldTypeId": district.custom_fields[5].id, "Value": "A building" },
            { "CustomFieldTypeId": district.custom_fields[6].id, "Value": "[\"Laptop\",\"Phone\"]" },
        ],
    });
    let id = desk.made(&body).await;
    let ticket = format!("POST /tickets/{id}");
    desk.good(&format!("{ticket}/priority"), json!({ "Priority": 200 }))
        .await;
    desk.good(
        &format!("{ticket}/tags"),
        json!([{ "TagId": district.tags[2].0 }]),
    )
    .await;
    desk.good(
        &format!("{ticket}/followers/user/{}", district.users[0].id),
        "",
    )
    .await;
    desk.good(
        &format!("{ticket}/due-dates"),
        json!({ "Type": 3, "CustomDate": "01/02/2020" }),
    )
    .await;
    let assign = json!({
        "AssignToUserId": district.users[5].id, "AssignToTeamId": district.teams[3].id,
        "AssignToSlaId": district.slas[2].id, "AssignToWorkpackageId": district.site,
    });
    desk.good(&format!("{ticket}/assign"), assign).await;
    let done = json!({ "ActivityItems": [{
        "$type": "Spark.Shared.Models.TicketActivityAction, Spark.Shared", "ResolutionActionId": district.actions[1].0,
    }] });
    desk.good(&format!("{ticket}/activities/new"), done).await;
    desk.good(&format!("{ticket}/start"), "").await;
    (desk, id)
}

#[tokio::test]
async fn every_facet_finds_what_it_names_and_leaves_the_rest() {
    let (desk, id) = two().await;
    let d = &desk.district;
    let user = &d.users[700];
    let by_id = |facet: &str, id: crate::Guid| json!({ "Facet": facet, "Id": id });
    let by_value = |facet: &str, value: &str| json!({ "Facet": facet, "Value": value });
    let custom = |kind: &str, field: usize, value: &str| json!({ "Facet": format!("customfield{kind}"), "CustomFieldTypeId": d.custom_fields[field].id, "Value": value });
    let filters = [
        by_id("Ticket", id.parse().unwrap()),
        by_id("asset", d.assets[8].id),
        by_id("model", crate::Guid::seeded("model", &d.assets[8].model)),
        by_id("tag", d.tags[2].0),
        by_id("workpackage", d.site),
        by_id("agent", d.users[5].id),
        by_id("user", user.id),
        by_id("for", user.id),
        by_id("onbehalfof", user.id),
        by_id("team", d.teams[3].id),
        by_id("location", d.locations[7].id),
        by_id("sla", d.slas[2].id),
        by_id("issue", d.issues[40].id),
        by_id("issuetype", d.issues[40].kind.0),
        by_id("issuecategory", d.issues[40].category.0),
        by_id("status", d.statuses[1].step),
        by_id("status", d.statuses[1].status),
        by_id("workflowstep", d.statuses[1].step),
        by_id("previousstatus", d.statuses[0].step),
        by_id("prioritylevel", d.priorities[3].id),
        by_id("resolutionaction", d.actions[1].0),
        by_id(
            "role",
            "6d5fee76-e05e-43c0-b8e9-b8447746e501".parse().unwrap(),
        ),
        by_value("keyword", "special"),
        by_value("ticketnumber", "10002"),
        by_value("assettag", &d.assets[8].tag),
        by_value("assetserialnumber", &d.assets[8].serial),
        by_value("schoolidnumber", &user.number),
        by_value("source", "mobile"),
        by_value("isurgent", "yes"),
        json!({ "Facet": "sensitiveinfo", "Name": "yes" }),
        by_value("unassigned", "false"),
        by_value("ispastdue", "true"),
        by_value("hasassetattached", "yes"),
        by_value("isticketfollower", "yes"),
        by_value("priorityrange", "numoperator:greaterthan:150"),
        by_value("duedate", "date<01/01/2021"),
        by_value("activitydate", "range:today"),
        custom("text", 0, "l-9"),
        custom("number", 2, "numoperator:lessthanequal:120"),
        custom("date", 3, "date:05/06/2030"),
        custom("yesno", 4, "true"),
        custom("select", 5, &d.custom_fields[5].options[2].0.to_string()),
        custom("multiselect", 6, "Phone"),
    ];
    for filter in filters {
        let search = json!({ "Filters": [filter] });
        let found = desk.items("POST /tickets", &search).await;
        let subjects: Vec<_> = found
            .iter()
            .map(|one| one["Subject"].as_str().unwrap())
            .collect();
        assert_eq!(subjects, ["Special"], "{filter}");
        let count = desk.good("POST /tickets/count", &search).await;
        assert_eq!(count["Item"], 1, "{filter}");
        let mut negative = filter;
        negative["Negative"] = json!(true);
        let rest = desk
            .items("POST /tickets", json!({ "Filters": [negative] }))
            .await;
        assert_eq!(rest.len(), 1, "not {negative}");
        assert_eq!(rest[0]["Subject"], "plain", "not {negative}");
    }
}

#[tokio::test]
async fn facets_join_within_a_group_and_groups_add_up() {
    let (desk, _) = two().await;
    let urgent = json!({ "Facet": "isurgent", "Value": "yes" });
    let place = json!({ "Facet": "location", "Id": desk.district.locations[2].id });
    let count = async |filters: Value| {
        desk.good("POST /tickets/count", json!({ "Filters": filters }))
            .await["Item"]
            .clone()
    };
    assert_eq!(count(json!([urgent, place])).await, 0);
    let mut other = place.clone();
    other["GroupIndex"] = json!(1);
    assert_eq!(count(json!([urgent, other])).await, 2);
    for (state, total) in [
        ("open", 2),
        ("closed", 0),
        ("11111111-1111-1111-1111-111111111111", 0),
    ] {
        let facet = json!([{ "Facet": "ticketstate", "Id": state, "Value": state }]);
        assert_eq!(count(facet).await, total, "{state}");
    }
}

#[tokio::test]
async fn searches_have_schemas_products_and_views() {
    let (desk, id) = two().await;
    let count = async |body: Value| desk.good("POST /tickets/count", body).await["Item"].clone();
    for (schema, total) in [
        ("All", 2),
        ("Open", 2),
        ("Closed", 0),
        ("Unassigned", 1),
        ("OpenFollowing", 1),
        ("Deleted", 0),
        ("ByMeForOthers", 2),
    ] {
        assert_eq!(count(json!({ "Schema": schema })).await, total, "{schema}");
    }
    assert_eq!(
        desk.refused("POST /tickets", json!({ "Schema": "Everything" }))
            .await,
        400
    );
    let other = json!({ "FilterByProduct": true, "ProductId": desk.district.site });
    assert_eq!(count(other).await, 0);
    let views = desk.items("GET /tickets/views", "").await;
    let unassigned = &views[1]["ViewId"];
    assert_eq!(
        count(json!({ "Filters": [{ "Facet": "View", "Id": unassigned }] })).await,
        1
    );
    let path = format!(
        "POST /services/tickets/view/{}/All",
        unassigned.as_str().unwrap()
    );
    assert_eq!(desk.items(&path, "{}").await[0]["Subject"], "plain");
    let levels = desk
        .items(
            "POST /tickets/slas",
            json!({ "Filters": [{ "Facet": "ticket", "Id": id }] }),
        )
        .await;
    assert_eq!(levels[0]["Sla"]["Name"], "Summer project");
    let similar = desk
        .items(
            "POST /tickets/get-similar-tickets",
            json!({ "TicketId": id }),
        )
        .await;
    assert!(similar.is_empty());
    let same = json!({ "IssueId": desk.district.issues[40].id });
    assert_eq!(
        desk.items("POST /tickets/get-similar-tickets", same).await[0]["TicketId"],
        id.as_str()
    );
}

#[tokio::test]
async fn tickets_are_sorted_by_the_fields_of_the_documents() {
    let (desk, _) = two().await;
    let first = async |order: &str| {
        let line = format!("POST /tickets?$s=1&{order}");
        desk.items(&line, "{}").await[0]["Subject"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    for (order, subject) in [
        ("$o=TicketCreatedDate%20asc", "plain"),
        ("$o=TicketPriority%20descending", "Special"),
        ("%24o=TicketSubject&%24d=Descending", "Special"),
        ("o=TicketIsUrgent&d=1", "Special"),
        ("$o=TicketDueDate", "plain"),
        ("$o=LocationName%20desc", "Special"),
        ("$o=WorkflowStepName%20desc", "plain"),
        ("$o=Nonsense%20asc", "Special"),
    ] {
        assert_eq!(first(order).await, subject, "{order}");
    }
}

#[tokio::test]
async fn pages_have_their_edges() {
    let desk = Desk::start(crate::Config {
        max_page: 3,
        ..crate::Config::default()
    })
    .await;
    for n in 0..5 {
        desk.ticket(&format!("P{n}")).await;
    }
    for (query, size, rows) in [
        ("$s=500", 3, 3),
        ("$s=-1", 3, 3),
        ("$s=0", 1, 1),
        ("$s=2&$p=2", 2, 1),
        ("$p=7", 3, 0),
    ] {
        let page = desk.good(&format!("POST /tickets?{query}"), "{}").await;
        assert_eq!(page["Paging"]["TotalRows"], 5, "{query}");
        assert_eq!(page["Paging"]["PageSize"], size, "{query}");
        assert_eq!(page["ItemCount"], rows, "{query}");
    }
    // Newest first: what is made between two pages pushes a row onto the next one.
    let newest = async |page: usize| {
        let line = format!("POST /tickets?$s=2&$p={page}&unknown=1&$v=2");
        let items = desk.items(&line, "{}").await.into_iter();
        items
            .map(|one| one["Subject"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(newest(0).await, ["P4", "P3"]);
    desk.ticket("P5").await;
    assert_eq!(newest(1).await, ["P3", "P2"]);
    let old = json!({ "$paging": { "$pageSize": 1, "$pageIndex": 5 } });
    assert_eq!(
        desk.items("POST /tickets/search", old).await[0]["Subject"],
        "P0"
    );
}
