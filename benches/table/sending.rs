//! An import beside clients that only send: no ledger, no mapping, no report. All of them talk to one sandbox in a process of
//! its own, with its limit off, on the machine that they share with it.

use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use reqwest::header::{AUTHORIZATION, CONTENT_TYPE};

use crate::support::{Names, Sandbox, command_of, measure, measured_program, write_csv};
use crate::{Cost, Line, QUIET, support, timed};

const ROWS: u64 = 10_000;
const CONCURRENCY: usize = 64;

pub(crate) fn lines(folder: &Path) {
    let sandbox = Sandbox::start(folder, "0");
    sandbox.profiles(folder, "rate = \"1000000/s\"");
    write_csv(
        folder,
        ROWS,
        &Names::pull(folder, &["--profile", "district"]),
    );
    let rounds = AtomicU64::new(0);
    let import = |program: &Path| import(program, folder, rounds.fetch_add(1, Ordering::Relaxed));
    import(&measured_program());
    let target = Target::of(&sandbox, folder);
    Line::measure("import", "reqwest", ROWS, import, || {
        timed(|| target.reqwest())
    });
    match Command::new("oha").arg("--version").output() {
        Ok(_) => Line::measure("import", "oha", ROWS, import, || target.oha(folder)),
        Err(_) => println!("oha is not here: `cargo install oha` brings it"),
    }
    let has_aiohttp = Command::new("python3")
        .args(["-c", "import aiohttp"])
        .output();
    match has_aiohttp.is_ok_and(|output| output.status.success()) {
        true => Line::measure("import", "aiohttp", ROWS, import, || target.aiohttp(folder)),
        false => println!("aiohttp is not here: `pip install aiohttp` brings it"),
    }
}

/// An import under a scope of its own, with a ledger of its own: the same rows done under another scope stop a run.
fn import(program: &Path, folder: &Path, round: u64) -> Cost {
    let scope = format!("scope = \"bench-{round}\"");
    let mapping = support::MAPPING.replace("scope = \"bench\"", &scope);
    std::fs::write(folder.join("map.toml"), mapping).expect("the folder can be written");
    let at_once = CONCURRENCY.to_string();
    let words = [
        "import",
        "tickets.csv",
        "--mapping",
        "map.toml",
        "--profile",
        "district",
        "--concurrency",
        &at_once,
    ];
    let mut command = command_of(
        program,
        folder,
        &[&words[..], &["--confirm", "district"], QUIET].concat(),
    );
    command.env("DESKFERRY_STATE", folder.join(format!("state-{round}")));
    let measured = measure(command);
    let summary: serde_json::Value = serde_json::from_str(&measured.stdout).expect("a summary");
    assert_eq!(summary["created"], ROWS, "{summary:#}");
    Cost::of(measured)
}

/// Where the bare clients send, and what.
struct Target {
    url: String,
    site: String,
    token: String,
    /// The body of one of the import's requests.
    body: String,
}

impl Target {
    fn of(sandbox: &Sandbox, folder: &Path) -> Self {
        let audit = sandbox.ask("audit");
        let last = audit.lines().next_back().expect("it holds something");
        let last: serde_json::Value = serde_json::from_str(last).expect("JSON");
        let body = last["body"].to_string();
        std::fs::write(folder.join("body.json"), &body).expect("the folder can be written");
        Self {
            url: format!("{}/api/v1.0/tickets/new", sandbox.told("incidentiq")),
            site: sandbox.told("site_id").to_owned(),
            token: sandbox.told("token").to_owned(),
            body,
        }
    }

    /// A loop around the HTTP client that the program uses, with its settings.
    fn reqwest(&self) {
        let client = reqwest::Client::builder()
            .no_proxy()
            .tls_certs_only([])
            .tcp_nodelay(true)
            .pool_max_idle_per_host(CONCURRENCY)
            .build()
            .expect("a client without encryption needs nothing");
        let left = Arc::new(AtomicU64::new(ROWS));
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .enable_all()
            .build()
            .expect("a runtime starts");
        runtime.block_on(async {
            let mut workers = tokio::task::JoinSet::new();
            for _ in 0..CONCURRENCY {
                let (client, left, body) = (client.clone(), Arc::clone(&left), self.body.clone());
                let request = client
                    .post(&self.url)
                    .header(AUTHORIZATION, format!("Bearer {}", self.token))
                    .header("client", "ApiClient")
                    .header("siteid", &self.site)
                    .header(CONTENT_TYPE, "application/json");
                workers.spawn(async move {
                    let take = |left: u64| left.checked_sub(1);
                    while left
                        .fetch_update(Ordering::Relaxed, Ordering::Relaxed, take)
                        .is_ok()
                    {
                        let request = request
                            .try_clone()
                            .expect("it has no body yet")
                            .body(body.clone());
                        let answer = request.send().await.expect("the sandbox answers");
                        assert!(answer.status().is_success(), "{}", answer.status());
                        answer.bytes().await.expect("the answer is whole");
                    }
                });
            }
            while let Some(ended) = workers.join_next().await {
                ended.expect("no worker fails");
            }
        });
    }

    fn oha(&self, folder: &Path) -> Cost {
        let (rows, at_once) = (ROWS.to_string(), CONCURRENCY.to_string());
        let mut command = Command::new("oha");
        command.current_dir(folder).args([
            "--no-tui",
            "--output-format",
            "json",
            "-n",
            &rows,
            "-c",
            &at_once,
        ]);
        command.args([
            "-m",
            "POST",
            "-D",
            "body.json",
            "-T",
            "application/json",
            "-H",
            "client: ApiClient",
        ]);
        command.args([
            "-H",
            &format!("authorization: Bearer {}", self.token),
            "-H",
            &format!("siteid: {}", self.site),
        ]);
        let measured = measure({
            command.arg(&self.url);
            command
        });
        let report: serde_json::Value =
            serde_json::from_str(&measured.stdout).expect("oha reports JSON");
        assert_eq!(report["statusCodeDistribution"]["201"], ROWS, "{report:#}");
        Cost::of(measured)
    }

    fn aiohttp(&self, folder: &Path) -> Cost {
        let mut command = Command::new("python3");
        command
            .current_dir(folder)
            .args(["-c", AIOHTTP, &self.url, &self.token, &self.site]);
        command.args([ROWS.to_string(), CONCURRENCY.to_string()]);
        let measured = measure(command);
        assert_eq!(measured.stdout.trim(), ROWS.to_string());
        Cost::of(measured)
    }
}

/// The same with Python's usual asynchronous client.
const AIOHTTP: &str = r#"
import asyncio, sys, aiohttp
url, token, site, rows, at_once = *sys.argv[1:4], int(sys.argv[4]), int(sys.argv[5])
headers = {"authorization": f"Bearer {token}", "client": "ApiClient", "siteid": site, "content-type": "application/json"}
body = open("body.json", "rb").read()
async def main():
    left, done = iter(range(rows)), 0
    async with aiohttp.ClientSession(headers=headers, connector=aiohttp.TCPConnector(limit=at_once)) as session:
        async def worker():
            nonlocal done
            for _ in left:
                async with session.post(url, data=body) as answer:
                    answer.raise_for_status()
                    await answer.read()
                    done += 1
        await asyncio.gather(*(worker() for _ in range(at_once)))
    print(done)
asyncio.run(main())
"#;
