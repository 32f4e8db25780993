//! The way to the system: its name, the connection, the encryption; each by itself, so that one knows whom to call.

use std::time::Duration;

use tokio::net::{TcpStream, lookup_host};
use tokio::time::timeout;
use url::Url;

use super::remedy;
use crate::systems::examine::Finding;
use crate::systems::{self, Connection, Hop};

/// How long a name or a connection may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// What to do where no connection is made.
const BETWEEN: &str = "a firewall may be between: ask who runs the network, or name its HTTP proxy as `proxy` in the profile or in HTTPS_PROXY";

pub(super) async fn look(connection: &Connection) -> Vec<Finding> {
    let addresses = match systems::addresses(connection) {
        Ok(addresses) => addresses,
        Err(error) => {
            return vec![Finding::failed(
                "address",
                error.to_string(),
                remedy(&error),
            )];
        }
    };
    let several = addresses.len() > 1;
    let mut findings = Vec::new();
    let mut seen: Vec<String> = Vec::new();
    for address in &addresses {
        let host = address.host_str().unwrap_or_default().to_owned();
        // Both dialects may live behind one name.
        if !seen.contains(&host) {
            findings.extend(one(connection, address, &host, several).await);
            seen.push(host);
        }
    }
    findings
}

/// Where there are several addresses one is enough: what fails is a warning then, and the sign-in has the last word.
async fn one(connection: &Connection, address: &Url, host: &str, several: bool) -> Vec<Finding> {
    let wrong = |what: &str, detail: String, hint: &str| match several {
        true => Finding::warning(what, detail, hint),
        false => Finding::failed(what, detail, hint),
    };
    let mut findings = Vec::new();
    let is_near = systems::is_loopback(address);
    let way = match connection.route.way(address) {
        Ok(way) => way,
        Err(error) => {
            findings.push(Finding::failed("proxy", error.to_string(), remedy(&error)));
            return findings;
        }
    };
    if let Hop::Proxy { proxy, from } = &way {
        let detail = format!("requests to `{host}` go by `{proxy}` ({from})");
        findings.push(Finding::ok("proxy", detail));
        findings.push(match timeout(PATIENCE, TcpStream::connect(proxy)).await {
            Ok(Ok(_)) => Finding::ok("connection", format!("the proxy `{proxy}` takes calls")),
            Ok(Err(error)) => wrong(
                "connection",
                format!("the proxy `{proxy}`: {error}"),
                "is the address of the proxy right? ask who runs the network",
            ),
            Err(_) => wrong(
                "connection",
                format!("the proxy `{proxy}` does not answer"),
                "is the address of the proxy right? ask who runs the network",
            ),
        });
    } else {
        if let Hop::Direct {
            although: Some(name),
        } = way
        {
            let detail =
                format!("{name} is set, but requests to `{host}` go direct: NO_PROXY excepts it");
            findings.push(Finding::ok("proxy", detail));
        }
        let port = address.port_or_known_default().unwrap_or(443);
        let name = host.trim_matches(['[', ']']);
        match timeout(PATIENCE, lookup_host((name, port))).await {
            Ok(Ok(found)) => {
                let found: Vec<_> = found.collect();
                let shown: Vec<String> = found
                    .iter()
                    .take(3)
                    .map(|one| one.ip().to_string())
                    .collect();
                findings.push(Finding::ok(
                    "name",
                    format!("`{host}` is {}", shown.join(", ")),
                ));
                findings.push(
                    match timeout(PATIENCE, TcpStream::connect(&found[..])).await {
                        Ok(Ok(_)) => Finding::ok("connection", format!("port {port} takes calls")),
                        Ok(Err(error)) => wrong(
                            "connection",
                            format!("port {port} of `{host}`: {error}"),
                            BETWEEN,
                        ),
                        Err(_) => wrong(
                            "connection",
                            format!("port {port} of `{host}` does not answer"),
                            BETWEEN,
                        ),
                    },
                );
            }
            Ok(Err(error)) => findings.push(wrong(
                "name",
                format!("`{host}` is not known: {error}"),
                "is `url` in the profile spelled right, and is this computer on the network?",
            )),
            Err(_) => findings.push(wrong(
                "name",
                format!(
                    "nobody answered within {} s who `{host}` is",
                    PATIENCE.as_secs()
                ),
                "is this computer on the network? its name server does not answer",
            )),
        }
    }
    findings.push(
        match (address.scheme(), systems::reach(connection, address).await) {
            ("https", Ok(took)) => Finding::ok(
                "encryption",
                format!(
                    "TLS stands and the certificate is good ({} ms)",
                    took.as_millis()
                ),
            ),
            (_, Ok(_)) if is_near => {
                Finding::ok("encryption", "none, and none is needed on this computer")
            }
            (_, Ok(_)) => Finding::warning(
                "encryption",
                "none: everybody between here and the system can read the token",
                "write `https://` in the profile's `url`",
            ),
            (_, Err(error)) => wrong("encryption", error.to_string(), &remedy(&error)),
        },
    );
    findings
}
