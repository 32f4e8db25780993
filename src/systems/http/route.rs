//! The way to a system: direct or by a proxy, and whose certificates are believed besides the operating system's.
//!
//! A proxy is what the profile names, else what `HTTPS_PROXY`, `ALL_PROXY` and `NO_PROXY` say, else what Windows and macOS
//! have set by hand. Not supported: automatic configuration (PAC, WPAD), SOCKS, and proxies that want NTLM or Kerberos.

use std::path::{Path, PathBuf};

use hyper_util::client::proxy::matcher::Matcher;
use reqwest::{Certificate, ClientBuilder, Proxy};
use url::Url;

use super::is_loopback;
use crate::error::{Error, Result};
use crate::infile;

/// How a system is reached.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Route {
    /// The proxy that the profile names.
    pub proxy: Option<Url>,
    /// A PEM file with further certificates that are believed.
    pub ca_file: Option<PathBuf>,
}

/// Which way requests to an address go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Hop {
    /// Straight there; a proxy is set that is not for this address, where one is named.
    Direct {
        /// The variable that is set and does not apply.
        although: Option<&'static str>,
    },
    /// By a proxy.
    Proxy {
        /// Its host and port.
        proxy: String,
        /// Who says so, for people.
        from: String,
    },
}

/// What is not supported, for people.
const UNSUPPORTED: &str = "only HTTP proxies are supported, with a name and password in HTTPS_PROXY where they want one; SOCKS, automatic configuration (PAC) and NTLM are not: ask who runs the network for an HTTP proxy";

impl Route {
    /// The way to an address, as the HTTP client will go.
    ///
    /// # Errors
    /// When a variable names a proxy in a way that cannot be read: to go without it may be to go where nobody may.
    pub fn way(&self, address: &Url) -> Result<Hop> {
        let variable = |name: &str| std::env::var(name).ok();
        self.decide(address, &variable, &Matcher::from_system())
    }

    fn decide(
        &self,
        address: &Url,
        variable: &dyn Fn(&str) -> Option<String>,
        matcher: &Matcher,
    ) -> Result<Hop> {
        // A proxy for the world has no business with this machine.
        if is_loopback(address) {
            return Ok(Hop::Direct { although: None });
        }
        if let Some(proxy) = &self.proxy {
            return Ok(Hop::Proxy {
                proxy: place(proxy.host_str(), proxy.port_or_known_default()),
                from: "`proxy` in the profile".to_owned(),
            });
        }
        let named = named(address, variable);
        if let Some((name, value)) = &named
            && !is_readable(value)
        {
            // The value is not shown: it may hold a password.
            return Err(
                Error::usage(format!("{name} is set and is no address of a proxy"))
                    .hint(format!("write it as {name}=http://host:port, or unset it"))
                    .hint(UNSUPPORTED),
            );
        }
        let name = named.map(|(name, _)| name);
        let target = address.as_str().parse().ok();
        let Some(taken) = target.and_then(|target| matcher.intercept(&target)) else {
            return Ok(Hop::Direct { although: name });
        };
        let proxy = taken.uri();
        let scheme = proxy.scheme_str().unwrap_or_default();
        let from = name.map_or_else(
            || "the operating system's settings".to_owned(),
            str::to_owned,
        );
        if scheme.starts_with("socks") {
            return Err(Error::usage(format!(
                "{from} names a SOCKS proxy, which is not supported"
            ))
            .hint(UNSUPPORTED));
        }
        let port = proxy.port_u16().or(match scheme {
            "https" => Some(443),
            _ => Some(80),
        });
        Ok(Hop::Proxy {
            proxy: place(proxy.host(), port),
            from,
        })
    }

    /// Sets the client up for it.
    ///
    /// # Errors
    /// When a proxy or the file of certificates cannot be read.
    pub(super) fn apply(&self, builder: ClientBuilder, base: &Url) -> Result<ClientBuilder> {
        let way = self.way(base)?;
        let builder = match (&self.proxy, is_loopback(base)) {
            (_, true) => builder.no_proxy(),
            (Some(proxy), false) => builder.proxy(Proxy::all(proxy.clone()).map_err(|error| {
                Error::usage("`proxy` in the profile cannot be used")
                    .caused_by(error)
                    .hint(UNSUPPORTED)
            })?),
            (None, false) => {
                tracing::debug!(?way, host = base.host_str(), "the way");
                builder
            }
        };
        // Where nothing is encrypted no certificate need be read.
        if base.scheme() == "http" {
            return Ok(builder.tls_certs_only([]));
        }
        match &self.ca_file {
            Some(file) => Ok(builder.tls_certs_merge(certificates(file)?)),
            None => Ok(builder),
        }
    }
}

/// The variable that counts for an address, and what it says. One that is empty is not set.
fn named(
    address: &Url,
    variable: &dyn Fn(&str) -> Option<String>,
) -> Option<(&'static str, String)> {
    let of_scheme = match address.scheme() {
        "https" => ["HTTPS_PROXY", "https_proxy"],
        _ => ["HTTP_PROXY", "http_proxy"],
    };
    // The first that is there counts, even an empty one; then that for everything.
    let first = |names: [&'static str; 2]| {
        names
            .into_iter()
            .find_map(|name| Some((name, variable(name)?)))
            .filter(|(_, value)| !value.is_empty())
    };
    first(of_scheme).or_else(|| first(["ALL_PROXY", "all_proxy"]))
}

/// Whether the HTTP client sees a proxy in a value; it says nothing of one that it cannot read.
fn is_readable(value: &str) -> bool {
    let probe = "https://probe.example".parse().ok();
    let matcher = Matcher::builder().all(value).build();
    probe.is_some_and(|probe| matcher.intercept(&probe).is_some())
}

fn place(host: Option<&str>, port: Option<u16>) -> String {
    let host = host.unwrap_or_default();
    match port {
        Some(port) => format!("{host}:{port}"),
        None => host.to_owned(),
    }
}

fn certificates(file: &Path) -> Result<Vec<Certificate>> {
    let wrong = |what: &str| {
        Error::usage(format!("`ca_file` in the profile {what}"))
            .at(file.display())
            .hint("it is a text file with `-----BEGIN CERTIFICATE-----`: ask who runs the network for it in PEM form")
    };
    let bytes = infile::read(file, infile::MOST_SECRET)
        .map_err(|error| wrong("cannot be read").caused_by(error))?;
    let all = Certificate::from_pem_bundle(&bytes)
        .map_err(|error| wrong("holds something that is no certificate").caused_by(error))?;
    match all.is_empty() {
        true => Err(wrong("holds no certificate")),
        false => Ok(all),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn way(variables: &[(&str, &str)], address: &str) -> Result<Hop> {
        let variable = |name: &str| {
            let found = variables.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| (*value).to_owned())
        };
        let first = |names: [&str; 2]| names.into_iter().find_map(variable).unwrap_or_default();
        let matcher = Matcher::builder()
            .all(first(["ALL_PROXY", "all_proxy"]))
            .http(first(["HTTP_PROXY", "http_proxy"]))
            .https(first(["HTTPS_PROXY", "https_proxy"]))
            .no(first(["NO_PROXY", "no_proxy"]))
            .build();
        Route::default().decide(&Url::parse(address).unwrap(), &variable, &matcher)
    }

    fn by(proxy: &str, from: &str) -> Hop {
        Hop::Proxy {
            proxy: proxy.to_owned(),
            from: from.to_owned(),
        }
    }

    const SITE: &str = "https://district.example";

    #[test]
    fn the_way_is_the_one_that_the_client_goes() {
        let direct = |although| Hop::Direct { although };
        for (variables, address, expected) in [
            (&[][..], SITE, direct(None)),
            // It is for `http://` alone.
            (&[("HTTP_PROXY", "http://p:1")][..], SITE, direct(None)),
            (
                &[("HTTPS_PROXY", "http://p:1")][..],
                SITE,
                by("p:1", "HTTPS_PROXY"),
            ),
            (
                &[("https_proxy", "p.example:3128")][..],
                SITE,
                by("p.example:3128", "https_proxy"),
            ),
            (
                &[("ALL_PROXY", "http://u:secret@p")][..],
                SITE,
                by("p:80", "ALL_PROXY"),
            ),
            (
                &[("HTTPS_PROXY", ""), ("ALL_PROXY", "http://p:2")][..],
                SITE,
                by("p:2", "ALL_PROXY"),
            ),
            (
                &[
                    ("HTTPS_PROXY", "http://p:1"),
                    ("NO_PROXY", "district.example"),
                ][..],
                SITE,
                direct(Some("HTTPS_PROXY")),
            ),
            (
                &[("HTTPS_PROXY", "http://p:1")][..],
                "http://127.0.0.1:9",
                direct(None),
            ),
        ] {
            assert_eq!(way(variables, address).unwrap(), expected, "{variables:?}");
        }
        let profile = Route {
            proxy: Some(Url::parse("http://q:8080").unwrap()),
            ca_file: None,
        };
        let told = profile.decide(
            &Url::parse(SITE).unwrap(),
            &|_| None,
            &Matcher::builder().build(),
        );
        assert_eq!(told.unwrap(), by("q:8080", "`proxy` in the profile"));
    }

    #[test]
    fn a_proxy_that_cannot_be_read_or_used_is_an_error_without_its_password() {
        for (value, said) in [
            ("http://u:secret@", "no address of a proxy"),
            ("ht!tp://u:secret@p:1", "no address of a proxy"),
            ("socks5://u:secret@p:1080", "SOCKS"),
            ("gopher://u:secret@p", "no address of a proxy"),
        ] {
            let error = way(&[("HTTPS_PROXY", value)], SITE).unwrap_err();
            let text = format!("{error} {:?} {error:?}", error.hints());
            assert!(
                text.contains(said) && !text.contains("secret"),
                "{value}: {text}"
            );
        }
    }

    #[test]
    fn a_file_of_certificates_is_read_or_refused_with_its_place() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ca.pem");
        assert!(
            certificates(&path)
                .unwrap_err()
                .message()
                .contains("cannot be read")
        );
        std::fs::write(&path, "no certificate at all\n").unwrap();
        assert!(
            certificates(&path)
                .unwrap_err()
                .message()
                .contains("no certificate")
        );
    }
}
