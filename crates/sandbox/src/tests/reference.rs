use serde_json::json;

use super::desk::{API, Desk};

#[tokio::test]
async fn places_rooms_issues_people_teams_and_devices_are_made_and_changed() {
    let desk = Desk::lenient().await;
    let v2 = "/incidentiq/api/v2.0";
    let made = desk
        .bench
        .send(
            &format!("POST {v2}/locations/new"),
            json!({ "Name": "New School", "Abbreviation": "NS" }),
        )
        .await;
    assert_eq!(made.status, 201, "{}", made.text);
    let place = made.json()["Item"]["LocationId"]
        .as_str()
        .unwrap()
        .to_owned();
    desk.bench
        .send(
            &format!("POST {v2}/locations/{place}/update"),
            json!({ "Name": "Newer School" }),
        )
        .await;
    let read = desk.good(&format!("GET /locations/{place}"), "").await;
    assert_eq!(
        (&read["Item"]["Name"], &read["Item"]["Abbreviation"]),
        (&json!("Newer School"), &json!("NS"))
    );
    let room = desk
        .good(
            "POST /locations/rooms/new",
            json!({ "Name": "1", "LocationId": place }),
        )
        .await;
    assert_eq!(
        desk.items(&format!("GET /locations/{place}/rooms"), "")
            .await
            .len(),
        1
    );
    let category = desk
        .good(
            "POST /categories/for/issue/new",
            json!({ "Name": "Kitchen" }),
        )
        .await;
    let kind = json!({ "Name": "Oven", "IssueCategoryId": category["Item"]["CategoryId"] });
    let kind = desk.good("POST /issues/types/new", kind).await;
    let issue = json!({ "Name": "Cold", "IssueTypeId": kind["Item"]["IssueTypeId"] });
    let issue = desk.good("POST /issues/new", issue).await;
    assert_eq!(issue["Item"]["IssueCategoryName"], "Kitchen");
    let id = issue["Uid"].as_str().unwrap();
    desk.good(&format!("POST /issues/{id}"), json!({ "Name": "Too cold" }))
        .await;
    let user = json!({
        "FirstName": "Ada", "LastName": "King", "Email": "ada.king@district.example", "Password": "x",
        "LocationId": place, "RoleId": "6d5fee76-e05e-43c0-b8e9-b8447746e502",
    });
    let user = desk.good("POST /users/local/new", &user).await["Item"].clone();
    let user_id = user["UserId"].as_str().unwrap();
    desk.good(
        &format!("POST /users/{user_id}"),
        json!({ "LastName": "Lovelace" }),
    )
    .await;
    let site = desk.district.site;
    let read = desk
        .good(&format!("GET /users/by-username/{site}/ada.king"), "")
        .await;
    assert_eq!(read["Item"]["Name"], "Ada Lovelace");
    let team = desk
        .good("POST /teams/new", json!({ "TeamName": "Kitchens" }))
        .await;
    let team = team["Item"]["TeamId"].as_str().unwrap();
    desk.good(&format!("POST /teams/{team}/members/{user_id}"), "")
        .await;
    assert_eq!(
        desk.items(&format!("GET /teams/{team}/members"), "").await[0]["UserId"],
        user_id
    );
    let asset = json!({ "AssetTag": "KITCHEN-1", "ModelName": "Oven", "OwnerId": user_id });
    desk.good("POST /assets/new", &asset).await;
    assert_eq!(
        desk.items("GET /assets/assettag/search/kitchen*%7C000999", "")
            .await
            .len(),
        1
    );
    // A ticket of nothing but new things.
    let ticket = json!({
        "ForId": user_id, "IssueId": id, "LocationId": place, "LocationRoomId": room["Item"]["LocationRoomId"],
    });
    let ticket = desk.good("POST /tickets/create", ticket).await;
    assert_eq!(ticket["Item"]["Issue"]["Name"], "Too cold");
    desk.good(&format!("DELETE /users/{user_id}"), "").await;
    assert!(
        desk.items("GET /users/search/lovelace", "")
            .await
            .is_empty()
    );
    let gone = desk
        .items("POST /users", json!({ "OnlyShowDeleted": true }))
        .await;
    assert_eq!(gone.len(), 1);
    desk.good(&format!("PUT /users/{user_id}/undelete"), "")
        .await;
    assert_eq!(desk.items("GET /users/search/lovelace", "").await.len(), 1);
    for (line, body, status) in [
        (
            "POST /locations/new",
            json!({ "Name": "newer school" }),
            409,
        ),
        ("POST /locations/new", json!({}), 400),
        ("POST /locations/rooms/new", json!({ "Name": "1" }), 400),
        ("POST /issues/new", json!({ "Name": "x" }), 400),
        ("POST /users/local/new", json!({ "FirstName": "x" }), 400),
        ("POST /assets/new", json!({ "AssetTag": "kitchen-1" }), 409),
    ] {
        assert_eq!(desk.refused(line, &body).await, status, "{line} {body}");
    }
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
    assert_eq!(
        desk.good("GET /sites/district", "").await["Item"]["Domain"],
        "district"
    );
    assert_eq!(desk.refused("GET /sites/elsewhere", "").await, 404);
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
    let found = desk
        .good(
            "POST /search",
            json!({ "Query": "garcia", "Facets": 4, "Limit": 1 }),
        )
        .await;
    assert_eq!(found["Item"]["Users"].as_array().unwrap().len(), 1);
    assert_eq!(
        desk.refused("POST /search/v2", json!({ "Query": "x".repeat(201) }))
            .await,
        400
    );
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
    let room_total = district
        .rooms
        .iter()
        .filter(|room| room.location == 2)
        .count();
    for (line, total) in [
        (format!("POST {API}/issues?$s=1000"), district.issues.len()),
        (format!("GET {API}/locations/all/{site}"), 27),
        (format!("GET {API}/locations/all"), 27),
        (format!("POST {v2}/locations/all"), 27),
        (
            format!("GET {API}/locations/{}/rooms", district.locations[2].id),
            room_total,
        ),
        (
            format!("GET {API}/locations/rooms?$s=1000"),
            district.rooms.len(),
        ),
        (format!("POST {API}/users?$s=100&$p=3"), 2_000),
        (format!("GET {API}/users/agents"), 12),
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
    let user = bench
        .get(&format!(
            "{API}/users/by-email/{site}/HelpDesk%40district.example"
        ))
        .await
        .json();
    assert_eq!(user["Item"]["UserId"], district.users[0].id.to_string());
    for none in ["tickets/categories", "assets/counts", "tickets/x/comments"] {
        assert_eq!(
            bench.get(&format!("{API}/{none}")).await.status,
            404,
            "{none}"
        );
    }
}
