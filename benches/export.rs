//! An export against the bare requests for the same pages, both on the sandbox in another process with its limit off, and
//! what is written from the replica then: `cargo bench --bench export -- 200000`.

#[expect(dead_code, reason = "each measurement needs its own part of it")]
mod support;

use std::time::Instant;

use futures::{StreamExt, stream};
use serde_json::{Value, json};
use support::{Sandbox, measure, program, sizes};

/// As the export reads.
const PAGE: u64 = 1_000;
const UNDER_WAY: usize = 4;

fn main() {
    for tickets in sizes() {
        let folder = tempfile::tempdir().expect("there is room for a folder");
        let folder = folder.path();
        let sandbox = Sandbox::start_with(folder, "0", &["--tickets", &tickets.to_string()]);
        sandbox.profiles(folder, "rate = \"1000000/s\"");
        let bare = tickets as f64 / bare_pages(&sandbox, tickets);
        println!("{tickets} tickets: the bare pages {bare:.0}/s");

        let export = |file: &str| {
            let arguments = [
                "export",
                "-o",
                file,
                "--incremental",
                "--profile",
                "district",
                "--format",
                "json",
                "--quiet",
            ];
            let measured = measure(program(folder, &arguments));
            let told: Value = serde_json::from_str(&measured.stdout).expect("a summary");
            assert_eq!(told["tickets"], tickets, "{told:#}");
            let number = |value: &Value| value.as_f64().expect("it tells its seconds");
            let (all, read) = (number(&told["seconds"]), number(&told["read"]["seconds"]));
            (
                tickets as f64 / read,
                tickets as f64 / (all - read),
                measured.peak_mb,
            )
        };
        let (read, _, peak) = export("first.jsonl");
        println!(
            "  read     {read:.0}/s, {:.0} % of the bare pages, {:.0} MB",
            100.0 * read / bare,
            peak.unwrap_or_default(),
        );
        let (_, written, peak) = export("second.jsonl");
        println!(
            "  written  {written:.0}/s, {:.0} MB",
            peak.unwrap_or_default()
        );
    }
}

/// Asks for all pages, as many at a time as the export does, and throws them away; the seconds it took.
fn bare_pages(sandbox: &Sandbox, tickets: u64) -> f64 {
    // An `Err` only says that a provider is installed already.
    _ = rustls::crypto::ring::default_provider().install_default();
    let client = reqwest::Client::builder()
        .no_proxy()
        .tls_certs_only([])
        .build()
        .expect("a client without encryption needs nothing");
    let address = format!(
        "{}/api/v1.0/tickets",
        sandbox.told("incidentiq").trim_end_matches('/')
    );
    let fetch = |index: u64| {
        let request = client
            .post(format!(
                "{address}?$s={PAGE}&$p={index}&$o=TicketCreatedDate%20asc"
            ))
            .bearer_auth(sandbox.told("token"))
            .header("content-type", "application/json")
            .body(json!({"Schema": "All", "IncludeDeleted": true, "Filters": []}).to_string());
        async { request.send().await?.bytes().await }
    };
    let started = Instant::now();
    let pages = stream::iter((0..tickets.div_ceil(PAGE)).map(fetch)).buffer_unordered(UNDER_WAY);
    let all = pages.for_each(|page| async { drop(page.expect("the sandbox answers")) });
    tokio::runtime::Runtime::new()
        .expect("a runtime starts")
        .block_on(all);
    started.elapsed().as_secs_f64()
}
