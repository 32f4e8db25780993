use serde_json::json;

use super::desk::{API, Desk};

#[tokio::test]
async fn a_person_is_changed_and_everything_shows_it() {
    let desk = Desk::lenient().await;
    let (user, place) = (&desk.district.users[200], &desk.district.locations[5]);
    let ticket = desk.ticket("of one who marries").await;
    let line = format!("POST /users/{}", user.id);
    let change = json!({ "LastName": "Lovelace", "Email": "Ada.Lovelace@district.example", "LocationId": place.id });
    let changed = desk.good(&line, change).await;
    assert_eq!(changed["Uid"], user.id.to_string());
    let read = desk.good(&format!("GET /users/{}", user.id), "").await["Item"].clone();
    assert_eq!(read, changed["Item"]);
    let name = format!("{} Lovelace", user.first);
    assert_eq!(
        (&read["Name"], &read["Email"], &read["LocationName"]),
        (
            &json!(name),
            &json!("ada.lovelace@district.example"),
            &json!(place.name)
        )
    );
    assert_eq!(desk.item(&ticket).await["For"]["Name"], name);
    let found = json!({ "Filters": [{ "Facet": "keyword", "Value": "lovelace" }] });
    assert_eq!(desk.items("POST /users", found).await.len(), 1);
    let taken = json!({ "Email": "helpdesk@district.example" });
    assert_eq!(desk.refused(&line, taken).await, 409);
    let nobody = format!("POST /users/{}", desk.district.site);
    assert_eq!(desk.refused(&nobody, "{}").await, 404);
    let gone = json!({ "OnlyShowDeleted": true });
    assert!(desk.items("POST /users", gone).await.is_empty());
}

#[tokio::test]
async fn the_second_version_filters_under_its_options_and_breaks_on_the_other_grammar() {
    let desk = Desk::lenient().await;
    let send = async |filter: serde_json::Value| {
        let body =
            json!({ "RequestOptions": { "Filters": [filter], "Paging": { "PageSize": 50 } } });
        desk.bench
            .send("POST /incidentiq/api/v2.0/locations/all", body)
            .await
    };
    let one = send(
        json!({ "Facet": "location", "Op": "Equal", "Values": [desk.district.locations[4].id] }),
    )
    .await;
    assert_eq!(one.json()["Paging"]["TotalRows"], 1);
    let schools = send(json!({ "Facet": "keyword", "Value": "high school" })).await;
    assert_eq!(schools.json()["Paging"]["TotalRows"], 4);
    assert_eq!(
        send(json!({ "Facet": "createddate", "Value": "range:today" }))
            .await
            .status,
        500
    );
    let place = desk.district.locations[2].id;
    let rooms = desk.district.rooms.iter();
    let rooms = rooms.filter(|room| room.location == 2).count();
    let line = "POST /incidentiq/api/v2.0/locations/rooms/query";
    let listed = desk.bench.send(line, json!({ "LocationId": place })).await;
    assert_eq!(listed.json()["Paging"]["TotalRows"], rooms);
    let top = json!({ "Filters": [{ "Facet": "location", "Id": desk.district.locations[4].id }] });
    let ignored = desk
        .bench
        .send("POST /incidentiq/api/v2.0/locations/all", top)
        .await;
    assert_eq!(ignored.json()["Paging"]["TotalRows"], 27);
}

#[tokio::test]
async fn metadata_has_every_shape_of_the_documents() {
    let desk = Desk::lenient().await;
    let d = &desk.district;
    for (line, total) in [
        (format!("GET /tickets/{}/statuses", d.workflow), 5),
        (format!("GET /workflows/{}/steps", d.workflow), 5),
        ("GET /workflows/steps".to_owned(), 5),
        ("GET /workflows".to_owned(), 1),
        (format!("GET /workflows/allproducts/site/{}", d.site), 1),
        ("GET /tickets/fields".to_owned(), 8),
        ("GET /tickets/sources".to_owned(), 3),
        ("GET /tickets/wizards".to_owned(), 7),
        (format!("GET /tickets/wizards/site/{}?$s=9999", d.site), 7),
        ("GET /resolutions/actions".to_owned(), 4),
        ("GET /slas".to_owned(), 3),
        ("GET /custom-fields/types".to_owned(), 7),
        (
            "GET /filters/for/entitytype/888891ac-91aa-e711-80c2-100dffa00001".to_owned(),
            14,
        ),
        ("GET /locations/types".to_owned(), 4),
    ] {
        assert_eq!(desk.items(&line, "").await.len(), total, "{line}");
    }
    let reasons = desk.good("GET /resolutions/close-reason-types", "").await;
    assert_eq!(reasons["Item"].as_array().unwrap().len(), 4);
    let status = desk
        .good(
            &format!("GET /tickets/statuses/{}", d.statuses[2].status),
            "",
        )
        .await;
    assert_eq!(status["Item"]["StatusName"], "Waiting on Requestor");
    let (a, b) = (desk.ticket("a").await, desk.ticket("b").await);
    let field = d.custom_fields[0].id;
    let value = |ticket: &str, text: &str| json!({ "TicketId": ticket, "CustomFieldTypeId": field, "Value": text });
    desk.good(
        "POST /custom-fields/values/for/tickets",
        json!([value(&a, "1"), value(&b, "2")]),
    )
    .await;
    let values = desk
        .items(&format!("GET /custom-fields/values/for/ticket/{b}"), "")
        .await;
    assert_eq!(values[0]["Value"], "2");
    let wrong = json!([value(&a, "9"), value(&d.site.to_string(), "3")]);
    assert_eq!(
        desk.refused("POST /custom-fields/values/for/tickets", wrong)
            .await,
        404
    );
    assert_eq!(desk.item(&a).await["CustomFieldValues"][0]["Value"], "1");
    let named = desk
        .items(
            "POST /filters",
            json!({ "Facets": ["team"], "Query": "net" }),
        )
        .await;
    assert_eq!(named[0]["Name"], "Network");
}

#[tokio::test]
async fn the_directory_can_be_listed_whole() {
    let desk = Desk::lenient().await;
    let (bench, district) = (&desk.bench, &desk.district);
    let (site, v2) = (district.site, "/incidentiq/api/v2.0");
    for (line, total) in [
        (format!("POST {API}/issues?$s=1000"), district.issues.len()),
        (format!("GET {API}/locations/all/{site}"), 27),
        (format!("GET {API}/locations/all"), 27),
        (format!("POST {v2}/locations/all"), 27),
        (
            format!("GET {API}/locations/rooms?$s=1000"),
            district.rooms.len(),
        ),
        (format!("POST {API}/users?$s=100&$p=3"), 2_000),
        (format!("GET {API}/teams/all?$s=1000"), 5),
        (format!("POST {API}/assets?$s=100"), 1_500),
        (format!("POST {API}/custom-fields/for/ticket"), 7),
        (format!("GET {API}/tickets/statuses"), 5),
        (format!("GET {API}/tickets/priorities"), 4),
        (format!("GET {API}/issues/types"), 17),
        (format!("GET {API}/categories/of/issues"), 7),
    ] {
        let answer = bench.send(&line, "{}").await;
        assert_eq!(
            answer.json()["Paging"]["TotalRows"],
            total,
            "{line}: {}",
            answer.text
        );
    }
    let tag = &district.assets[9];
    let assets = bench
        .get(&format!("{API}/assets/assettag/{}", tag.tag))
        .await
        .json();
    assert_eq!(assets["Items"][0]["AssetId"], tag.id.to_string());
    let pair = format!("{}%7C{}", tag.tag, district.assets[10].tag);
    assert_eq!(
        desk.items(&format!("GET /assets/assettag/search/{pair}"), "")
            .await
            .len(),
        2
    );
    for none in ["tickets/categories", "assets/counts", "tickets/x/comments"] {
        assert_eq!(
            bench.get(&format!("{API}/{none}")).await.status,
            404,
            "{none}"
        );
    }
}
