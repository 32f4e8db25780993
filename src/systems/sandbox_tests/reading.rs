//! What hangs on a ticket, as the common ticket shows it.

use reqwest::Method;

use super::desk::Desk;
use super::*;
use crate::directory::Directory;
use crate::systems::common::CommonTicket;
use crate::systems::query::Query;

/// The entity type of tickets (contract incidentiq §5).
const TICKETS: &str = "888891ac-91aa-e711-80c2-100dffa00001";

async fn shown(desk: &Desk) -> CommonTicket {
    let permit = Free::default();
    let found = desk.system.ticket(&desk.ticket.id, &permit);
    found.await.unwrap().unwrap()
}

fn is_hidden(ticket: &CommonTicket, field: &str) -> bool {
    ticket.not_shown.iter().any(|hidden| hidden.field == field)
}

#[tokio::test]
async fn devices_files_and_promises_belong_to_a_ticket() {
    for temper in TEMPERS {
        let desk = Desk::incidentiq(temper).await;
        let bare = shown(&desk).await;
        assert_eq!(bare.service, None, "{temper:?}: a shell is no promise");
        assert!(bare.attachments.is_empty() && !is_hidden(&bare, "service"));

        let asset = desk.first(Kind::Asset);
        desk.does(Operation::Update, &[("Assets", json!([asset]))])
            .await;
        let file = json!({"FileName": "dark.txt", "Content": "aGVsbG8=", "FileType": 0});
        let path = "/api/v1.0/files/base64/save";
        let saved = desk
            .raw(Method::POST, "incidentiq", path, Some(&file))
            .await;
        let file = saved["Item"]["FileId"].as_str().unwrap();
        let path = format!("/api/v1.0/files/{file}/entity/{TICKETS}/{}", desk.ticket.id);
        desk.raw(Method::POST, "incidentiq", &path, None).await;
        let levels = desk
            .raw(Method::GET, "incidentiq", "/api/v1.0/slas", None)
            .await;
        let level = &levels["Items"][0];
        desk.does(Operation::Assign, &[("SlaId", level["SlaId"].clone())])
            .await;

        let mut ticket = shown(&desk).await;
        ticket.fill_names(&Directory::new(desk.snapshot.clone()));
        let asset = &desk.snapshot.kinds[&Kind::Asset].entries[0];
        assert_eq!(ticket.devices[0].id.as_ref(), Some(&asset.id), "{temper:?}");
        assert_eq!(ticket.devices[0].label(), asset.name);
        assert_eq!(ticket.attachments[0].name, "dark.txt");
        assert_eq!(ticket.attachments[0].bytes, Some(5));
        assert!(ticket.attachments[0].at.is_some());
        let service = ticket.service.clone().unwrap();
        assert_eq!(service.name.as_deref(), level["Name"].as_str());
        let response = service.response.unwrap();
        assert_eq!(
            response.target,
            level["Metrics"][0]["ValueInMinutes"].as_f64()
        );
        assert_eq!(
            (response.minutes, response.is_running),
            (Some(0.0), Some(true))
        );
        assert_eq!(response.is_breached, Some(false));
        assert!(!is_hidden(&ticket, "service"));
        assert!(
            ["Assets", "Attachments", "Sla"]
                .iter()
                .all(|name| !ticket.other.contains_key(*name))
        );

        // A listing shows what was promised, and says that it does not show how it was kept.
        let mut rows = Vec::new();
        let query = Query::default();
        let mut take = |page: Vec<CommonTicket>| {
            rows.extend(page);
            ControlFlow::Continue(())
        };
        desk.system
            .search(&query, &Free::default(), &mut take)
            .await
            .unwrap();
        let row = rows.iter().find(|row| row.id == desk.ticket.id).unwrap();
        assert_eq!(row.devices.len(), 1);
        assert_eq!(row.attachments, ticket.attachments);
        let promised = row.service.as_ref().unwrap().response.as_ref().unwrap();
        assert_eq!((promised.target, promised.minutes), (response.target, None));
        assert!(is_hidden(row, "service"));
        desk.sandbox.stop().await.unwrap();
    }
}

#[tokio::test]
async fn a_request_tells_how_its_promises_were_kept() {
    for dialect in [Dialect::V1, Dialect::Rest] {
        let desk = Desk::open(Config::default(), SystemName::ClearFeed, Some(dialect)).await;
        assert_eq!(shown(&desk).await.service, None);
        desk.does(Operation::Close, &[]).await;
        let service = shown(&desk).await.service.unwrap();
        let resolution = service.resolution.unwrap();
        assert_eq!(
            (resolution.minutes, resolution.is_breached),
            (Some(0.0), Some(false))
        );
        assert_eq!(service.response, None);
        desk.sandbox.stop().await.unwrap();
    }
}
