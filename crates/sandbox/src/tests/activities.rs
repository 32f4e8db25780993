use serde_json::{Value, json};

use super::desk::Desk;
use crate::{Config, Rule};

fn comment(text: &str) -> Value {
    json!({
        "IsPublic": false,
        "ActivityItems": [{
            "TicketActivityTypeId": 6, "Comments": text,
            "$type": "Spark.Shared.Models.TicketActivityComment, Spark.Shared",
        }],
    })
}

fn texts(items: &[Value]) -> Vec<&str> {
    let texts = items
        .iter()
        .map(|one| one["ActivityItems"][0]["Comments"].as_str().unwrap());
    texts.collect()
}

#[tokio::test]
async fn comments_come_by_every_path_and_are_listed_by_every_other() {
    let desk = Desk::lenient().await;
    let id = desk.ticket("talk").await;
    let base = format!("POST /tickets/{id}/activities");
    for (path, text) in [("/new", "a"), ("/new/false", "b"), ("", "c")] {
        let made = desk.good(&format!("{base}{path}"), comment(text)).await;
        assert_eq!(made["Item"]["ActivityItems"][0]["IsPublic"], false);
        assert!(made["Item"]["ActivityItems"][0]["TicketActivityCommentId"].is_string());
    }
    let batch = desk
        .good(
            &format!("{base}/new-batch?sendActivityEmail=false"),
            json!([comment("d"), comment("e")]),
        )
        .await;
    assert_eq!(texts(batch.as_array().unwrap()), ["d", "e"]);
    let other = desk.ticket("other").await;
    desk.good(
        &format!("POST /tickets/{other}/activities/new"),
        comment("f"),
    )
    .await;
    let all = ["a", "b", "c", "d", "e"];
    assert_eq!(
        texts(
            &desk
                .items(&format!("GET /tickets/{id}/activities"), "")
                .await
        ),
        all
    );
    assert_eq!(
        texts(
            &desk
                .items(&format!("GET /tickets/activities/{id}?$s=2&$p=1"), "")
                .await
        ),
        ["c", "d"]
    );
    let many = desk
        .good(
            "POST /tickets/activities?$s=100",
            json!([id, other, desk.district.site]),
        )
        .await;
    assert_eq!(many["Paging"]["TotalRows"], 6);
    assert_eq!(many["Items"][5]["TicketId"], other.as_str());
    assert_eq!(
        desk.operations()
            .await
            .iter()
            .filter(|one| *one == "comment")
            .count(),
        6
    );
}

#[tokio::test]
async fn an_activity_is_changed_hidden_and_deleted() {
    let desk = Desk::lenient().await;
    let id = desk.ticket("edit").await;
    let made = desk
        .good(
            &format!("POST /tickets/{id}/activities/new"),
            comment("before"),
        )
        .await;
    let activity = made["Uid"].as_str().unwrap();
    let path = format!("/tickets/{id}/activities/{activity}");
    desk.good(&format!("POST {path}"), comment("after")).await;
    desk.good(&format!("POST {path}/visibility"), "true").await;
    let said = &desk
        .items(&format!("GET /tickets/{id}/activities"), "")
        .await[0];
    assert_eq!(said["ActivityItems"][0]["Comments"], "after");
    assert_eq!(
        (&said["IsPublic"], &said["ActivityItems"][0]["IsPublic"]),
        (&json!(true), &json!(true))
    );
    assert_eq!(
        desk.refused(&format!("POST {path}/visibility"), "{}").await,
        400
    );
    desk.good(&format!("DELETE /tickets/activities/{activity}"), "")
        .await;
    assert!(
        desk.items(&format!("GET /tickets/{id}/activities"), "")
            .await
            .is_empty()
    );
    desk.good(&format!("PUT /tickets/activities/{activity}/undelete"), "")
        .await;
    assert_eq!(
        desk.items(&format!("GET /tickets/{id}/activities"), "")
            .await
            .len(),
        1
    );
    assert_eq!(
        desk.refused(&format!("DELETE /tickets/activities/{id}"), "")
            .await,
        404
    );
}

#[tokio::test]
async fn what_an_activity_must_hold() {
    let desk = Desk::lenient().await;
    let (id, other) = (desk.ticket("a").await, desk.ticket("b").await);
    let line = format!("POST /tickets/{id}/activities/new");
    let mut untyped = comment("x");
    untyped["ActivityItems"][0]
        .as_object_mut()
        .unwrap()
        .remove("$type");
    let mut elsewhere = comment("x");
    elsewhere["TicketId"] = json!(other);
    let mut action = comment("x");
    action["ActivityItems"][0]["ResolutionActionId"] = json!(other);
    for body in [
        json!({}),
        json!({ "ActivityItems": [] }),
        untyped.clone(),
        elsewhere,
        action,
    ] {
        assert_eq!(desk.refused(&line, &body).await, 400, "{body}");
    }
    // One that is no good takes the whole batch with it.
    let batch = format!("POST /tickets/{id}/activities/new-batch");
    assert_eq!(
        desk.refused(&batch, json!([comment("good"), untyped]))
            .await,
        400
    );
    assert!(
        desk.items(&format!("GET /tickets/{id}/activities"), "")
            .await
            .is_empty()
    );
}

#[tokio::test]
async fn people_and_teams_follow_a_ticket() {
    let desk = Desk::lenient().await;
    let id = desk.ticket("follow").await;
    let (user, team) = (desk.district.users[9].id, desk.district.teams[2].id);
    let path = format!("/tickets/{id}/followers");
    for _ in 0..2 {
        desk.good(&format!("POST {path}/user/{user}"), "").await;
    }
    desk.good(&format!("POST {path}/team/{team}"), "").await;
    let followers = desk.items(&format!("GET {path}"), "").await;
    assert_eq!(followers.len(), 2);
    assert_eq!(desk.item(&id).await["TicketFollowerUserIds"], json!([user]));
    desk.good(&format!("DELETE {path}/user/{user}"), "").await;
    desk.good(&format!("DELETE {path}/team/{team}"), "").await;
    assert!(desk.items(&format!("GET {path}"), "").await.is_empty());
    assert_eq!(
        desk.refused(&format!("POST {path}/user/{id}"), "").await,
        400
    );
}

/// A district in which one rule runs.
async fn ruled(rule: Rule) -> Desk {
    Desk::start(Config {
        rules: vec![rule],
        ..Config::default()
    })
    .await
}

#[tokio::test]
async fn a_rule_reopens_a_closed_ticket_whatever_is_said_about_mails() {
    let desk = ruled(Rule::ReopenOnReply).await;
    let id = desk.ticket("ruled").await;
    let ticket = format!("/tickets/{id}");
    let close = json!({ "SkipCheckingNonMandatorySteps": true });
    desk.good(&format!("POST {ticket}/close"), &close).await;
    // The help desk says something: the rule is for who asked for help.
    desk.good(
        &format!("POST {ticket}/activities/new/false"),
        comment("done"),
    )
    .await;
    assert_eq!(desk.item(&id).await["IsClosed"], true);
    let mut reply = comment("it is broken again");
    reply["OwnerId"] = json!(desk.district.users[200].id);
    desk.good(&format!("POST {ticket}/activities/new/false"), &reply)
        .await;
    assert_eq!(desk.item(&id).await["IsClosed"], false);
    let timeline = desk.items(&format!("GET {ticket}/timeline"), "").await;
    let executed = timeline
        .iter()
        .any(|line| line.to_string().contains("Rule executed"));
    assert!(executed, "{timeline:?}");

    // A conversation that is brought over at once is no exception.
    let desk = ruled(Rule::ReopenOnComment).await;
    let id = desk.ticket("ruled").await;
    let ticket = format!("/tickets/{id}");
    desk.good(&format!("POST {ticket}/close"), &close).await;
    let line = format!("POST {ticket}/activities/new-batch?sendActivityEmail=false");
    desk.good(&line, json!([comment("old"), comment("older")]))
        .await;
    assert_eq!(desk.item(&id).await["IsClosed"], false);
}

#[tokio::test]
async fn a_rule_starts_the_work_where_something_was_done() {
    let desk = ruled(Rule::StartOnAction).await;
    let id = desk.ticket("ruled").await;
    let line = format!("POST /tickets/{id}/activities/new/false");
    desk.good(&line, comment("not yet")).await;
    let step = |item: Value| item["WorkflowStep"]["StepName"].clone();
    assert_eq!(step(desk.item(&id).await), "Submitted");
    let action = json!({ "ActivityItems": [{ "$type": "action", "TicketActivityTypeId": 8, "Notes": "a new screen" }] });
    desk.good(&line, action).await;
    assert_eq!(step(desk.item(&id).await), "In Progress");
}

#[tokio::test]
async fn no_rule_runs_unless_there_is_one_and_no_request_makes_one() {
    let desk = Desk::lenient().await;
    let id = desk.ticket("ruled").await;
    let ticket = format!("/tickets/{id}");
    desk.good(
        &format!("POST {ticket}/close"),
        json!({ "SkipCheckingNonMandatorySteps": true }),
    )
    .await;
    let mut said = comment("hello");
    said["_rules"] = json!(["reopen-on-comment"]);
    let _ = desk
        .send(&format!("POST {ticket}/activities/new"), said)
        .await;
    assert_eq!(desk.item(&id).await["IsClosed"], true);
}
