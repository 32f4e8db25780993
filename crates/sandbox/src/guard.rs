//! Who may call at all: nobody from a page of another site, and `/_sandbox` beyond this machine only with a token of its own.
//!
//! A sandbox has no secrets, but its tokens are known to everybody. A page in the browser of somebody who runs one could
//! give its own name this machine's address (DNS rebinding) and then read and write here. Its `Host` and its `Origin`
//! give it away.

use std::net::{IpAddr, SocketAddr};

use axum::http::{HeaderMap, Uri, header};

use super::Config;
use super::guid::Guid;

/// What is let in.
#[derive(Debug)]
pub(super) struct Guard {
    listen: IpAddr,
    admin_token: Option<String>,
}

impl Guard {
    /// Beyond this machine there is always a token for `/_sandbox`.
    pub(super) fn new(config: &Config) -> Self {
        let typed = config.admin_token.clone();
        let made = || (!is_loopback(config.listen)).then(|| Guid::random().to_string());
        Self {
            listen: config.listen.ip(),
            admin_token: typed.or_else(made),
        }
    }

    /// The token that `/_sandbox` wants, if it wants one.
    pub(super) fn admin_token(&self) -> Option<&str> {
        self.admin_token.as_deref()
    }

    /// Whether the call was made to this machine by its own name or address, and from no page of another site.
    pub(super) fn admits(&self, uri: &Uri, headers: &HeaderMap) -> bool {
        let is_ours = |name| {
            let mut values = headers.get_all(name).iter();
            values.all(|value| value.to_str().is_ok_and(|text| self.is_ours(text)))
        };
        uri.host().is_none_or(|host| self.is_ours(host))
            && is_ours(header::HOST)
            && is_ours(header::ORIGIN)
    }

    /// Whether a call may use `/_sandbox`.
    pub(super) fn may_administer(&self, authorization: Option<&str>) -> bool {
        let bears = |token: &str| {
            let (scheme, own) = authorization?.trim().split_once(' ')?;
            Some(scheme.eq_ignore_ascii_case("bearer") && own.trim() == token)
        };
        self.admin_token
            .as_deref()
            .is_none_or(|token| bears(token) == Some(true))
    }

    /// `localhost`, `localhost:8700`, `http://[::1]:8700`, or an address at which the sandbox listens.
    fn is_ours(&self, text: &str) -> bool {
        let authority = text.split_once("://").map_or(text, |(_, rest)| rest);
        let host = match authority.rsplit_once(':') {
            Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => host,
            _ => authority,
        };
        let host = host.trim_start_matches('[').trim_end_matches(']');
        match host.parse::<IpAddr>() {
            // A name can be given any address, but no page has an address as its name unless it was fetched from there.
            Ok(address) => {
                address.to_canonical().is_loopback()
                    || self.listen.is_unspecified()
                    || address.to_canonical() == self.listen.to_canonical()
            }
            Err(_) => {
                let host = host.to_ascii_lowercase();
                host == "localhost" || host.ends_with(".localhost")
            }
        }
    }
}

/// Whether only this machine reaches an address.
pub(super) fn is_loopback(address: SocketAddr) -> bool {
    address.ip().to_canonical().is_loopback()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn guard(listen: &str, admin_token: Option<&str>) -> Guard {
        Guard::new(&Config {
            listen: listen.parse().unwrap(),
            admin_token: admin_token.map(str::to_owned),
            ..Config::default()
        })
    }

    #[test]
    fn names_of_other_sites_are_refused() {
        let near = guard("127.0.0.1:0", None);
        for ours in [
            "localhost",
            "LOCALHOST:8700",
            "a.localhost",
            "127.0.0.1:1",
            "[::1]:8700",
            "http://localhost:3000",
            "https://127.0.0.1",
            "[::ffff:127.0.0.1]",
        ] {
            assert!(near.is_ours(ours), "{ours}");
        }
        for foreign in [
            "evil.example",
            "localhost.evil.example",
            "http://evil.example:8700",
            "null",
            "",
            "192.168.1.5",
            "[::2]:1",
            "localhost@evil.example",
            "evil-localhost",
        ] {
            assert!(!near.is_ours(foreign), "{foreign}");
        }
        let far = guard("192.168.1.5:0", None);
        assert!(far.is_ours("192.168.1.5:8700") && !far.is_ours("192.168.1.6"));
        let everywhere = guard("0.0.0.0:0", None);
        assert!(everywhere.is_ours("192.168.1.6") && !everywhere.is_ours("evil.example"));
    }

    #[test]
    fn beyond_this_machine_the_sandbox_is_administered_with_a_token() {
        let near = guard("127.0.0.1:0", None);
        assert!(near.may_administer(None));
        let typed = guard("[::1]:0", Some("mine"));
        assert!(typed.may_administer(Some("bearer mine")) && !typed.may_administer(None));
        let far = guard("0.0.0.0:0", None);
        let token = far.admin_token().unwrap();
        assert!(token.len() > 30);
        assert!(far.may_administer(Some(&format!("Bearer {token}"))));
        for wrong in [None, Some("Bearer sandbox"), Some(token), Some("Basic x")] {
            assert!(!far.may_administer(wrong), "{wrong:?}");
        }
    }
}
