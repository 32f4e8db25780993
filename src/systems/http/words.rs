//! What transports and servers say, in words for people.

use std::error::Error as StdError;

use jiff::Timestamp;

/// What a body is that is no JSON, for people.
pub(super) fn describe(body: &[u8]) -> String {
    let text = String::from_utf8_lossy(body);
    let start = text.trim_start();
    if start.starts_with('<') {
        return match title(start) {
            Some(title) => format!("a web page titled `{title}`"),
            None => "a web page".to_owned(),
        };
    }
    if start.starts_with(['{', '[']) {
        return "an answer that is cut off or no JSON".to_owned();
    }
    format!("`{}` instead of JSON", shortened(start.trim_end()))
}

fn title(page: &str) -> Option<String> {
    let lower = page.to_ascii_lowercase();
    let start = lower.find("<title>")? + "<title>".len();
    let end = start + lower[start..].find("</title>")?;
    let title = page[start..end].split_whitespace().collect::<Vec<_>>();
    (!title.is_empty()).then(|| shortened(&title.join(" ")))
}

/// The start of a text that a server made up.
pub(crate) fn shortened(text: &str) -> String {
    const MOST: usize = 300;
    match text.char_indices().nth(MOST) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// The innermost cause: the outer layers repeat the address.
pub(super) fn root(error: &reqwest::Error) -> String {
    let mut cause: &dyn StdError = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    if std::ptr::addr_eq(std::ptr::from_ref(cause), std::ptr::from_ref(error)) {
        return "no reason was told".to_owned();
    }
    cause.to_string()
}

pub(super) fn connect_failure(host: &str, error: &reqwest::Error) -> String {
    let cause = root(error);
    match tls_failure(error) {
        Some(rustls::Error::InvalidCertificate(_)) => {
            return format!(
                "the certificate of `{host}` is not trusted: {cause} (if a filter of your network opens TLS, its certificate belongs in the operating system's trust store)"
            );
        }
        Some(_) => return format!("`{host}` does not speak TLS as it should: {cause}"),
        None => {}
    }
    if lacks_handles(error) {
        return format!("{NO_HANDLES} (too many open files)");
    }
    if error.is_dns() {
        return format!("the name `{host}` was not found: {cause}");
    }
    if error.is_timeout() {
        return format!("`{host}` did not take the connection in time");
    }
    format!("no connection to `{host}`: {cause}")
}

/// How it begins when our own machine is at its limit, and not the system's.
pub const NO_HANDLES: &str = "this computer has no file handle left";

/// Whether the process or the machine has as many open files and sockets as it may.
fn lacks_handles(error: &reqwest::Error) -> bool {
    let at_limit: &[i32] = if cfg!(windows) { &[10_024] } else { &[23, 24] };
    let mut cause: Option<&(dyn StdError + 'static)> = Some(error);
    while let Some(current) = cause {
        let code = current
            .downcast_ref::<std::io::Error>()
            .and_then(std::io::Error::raw_os_error);
        if code.is_some_and(|code| at_limit.contains(&code)) {
            return true;
        }
        cause = current.source();
    }
    false
}

/// What TLS found wrong, wherever in the chain of causes it stands.
fn tls_failure(error: &reqwest::Error) -> Option<&rustls::Error> {
    let mut cause: Option<&(dyn StdError + 'static)> = Some(error);
    while let Some(current) = cause {
        if let Some(found) = current.downcast_ref() {
            return Some(found);
        }
        // An I/O error passes by what it wraps when it is asked for its source.
        let wrapped = current
            .downcast_ref::<std::io::Error>()
            .and_then(std::io::Error::get_ref);
        cause = match wrapped {
            Some(wrapped) => Some(wrapped),
            None => current.source(),
        };
    }
    None
}

/// An HTTP date.
pub(crate) fn http_date(text: &str) -> Option<Timestamp> {
    jiff::fmt::rfc2822::DateTimeParser::new()
        .parse_timestamp(text.trim())
        .ok()
}
