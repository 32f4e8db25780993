//! What stands in `deskferry.toml`, as serde reads it, and its checking.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::SignedDuration;
use jiff::civil::{Date, Weekday};
use jiff::tz::TimeZone;
use serde::Deserialize;

use super::secret::without_values;
use super::{Profile, Reserved, TokenRef, shown};
use crate::error::{Error, Result};
use crate::systems::{Dialect, SystemName};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawConfig {
    #[serde(default)]
    profiles: BTreeMap<String, RawProfile>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawProfile {
    system: String,
    url: Option<String>,
    dialect: Option<String>,
    site_id: Option<String>,
    tenant: Option<String>,
    token: RawToken,
    rate: Option<String>,
    concurrency: Option<usize>,
    timezone: Option<String>,
    timezone_from: Option<String>,
    week_starts: Option<String>,
    school_year_starts: Option<String>,
    commit_within: Option<String>,
    visible_within: Option<String>,
    timeout: Option<String>,
    live: Option<bool>,
    proxy: Option<String>,
    ca_file: Option<PathBuf>,
    retention: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawToken {
    env: Option<String>,
    file: Option<PathBuf>,
    command: Option<Vec<String>>,
}

/// Reads and checks the whole file.
pub(super) fn read(text: &str, path: &Path) -> Result<BTreeMap<String, Profile>> {
    let raw: RawConfig = toml::from_str(text).map_err(|error| {
        let span = error.span().unwrap_or(0..0);
        let line = text[..span.start].matches('\n').count() + 1;
        let at = format!("{}:{line}", path.display());
        // The parser's own text quotes what stands there, and a token written inline must never be printed.
        if sets_token(text, line) {
            Error::usage("`token` must say where the token is, never the token itself")
                .at(at)
                .hint("write token = { env = \"NAME\" }, { file = \"…\" } or { command = [\"…\"] }")
        } else {
            Error::usage(without_values(error.message())).at(at)
        }
    })?;
    raw.profiles
        .into_iter()
        .map(|(name, raw)| Ok((name.clone(), check(name, raw, path)?)))
        .collect()
}

/// Whether a line sets `token`, alone or within a table.
fn sets_token(text: &str, line: usize) -> bool {
    let line = text.lines().nth(line - 1).unwrap_or_default();
    line.match_indices("token").any(|(at, word)| {
        let before = line[..at].trim_end_matches(['"', '\'']);
        let after = line[at + word.len()..].trim_start_matches(['"', '\'']);
        let is_whole = !before.ends_with(|c: char| c.is_alphanumeric() || c == '_');
        is_whole && after.trim_start().starts_with(['=', '.'])
    })
}

fn check(name: String, raw: RawProfile, path: &Path) -> Result<Profile> {
    let wrong =
        |message: String| Error::usage(message).at(format!("{}, profile `{name}`", path.display()));
    if !matches!(Reserved::of(&name), Ok(None)) {
        return Err(wrong(
            "names that begin with `sandbox:` are the embedded sandbox's".to_owned(),
        )
        .hint("give the profile another name"));
    }
    let system = SystemName::parse(&raw.system).ok_or_else(|| {
        wrong(format!("no system {}", shown(&raw.system))).hint("`incidentiq` or `clearfeed`")
    })?;
    let url = raw
        .url
        .map(|text| check_url(&text))
        .transpose()
        .map_err(wrong)?;
    let dialect = match raw.dialect.as_deref() {
        None => None,
        Some("v1") => Some(Dialect::V1),
        Some("rest") => Some(Dialect::Rest),
        Some(other) => {
            return Err(wrong(format!("no dialect {}", shown(other)))
                .hint("`v1` or `rest`, or leave it out"));
        }
    };
    let rate = raw
        .rate
        .map(|text| parse_rate(&text))
        .transpose()
        .map_err(wrong)?;
    let concurrency = raw.concurrency.unwrap_or(Profile::CONCURRENCY);
    if !(1..=1024).contains(&concurrency) {
        return Err(wrong(format!(
            "concurrency `{concurrency}` is not between 1 and 1024"
        )));
    }
    let timezone = raw
        .timezone
        .map(|zone| {
            TimeZone::get(&zone).map_err(|_| {
                wrong(format!("no time zone {}", shown(&zone)))
                    .hint("a name such as `America/Chicago`")
            })
        })
        .transpose()?;
    let timezone_first = match raw.timezone_from.as_deref() {
        None | Some("site") => false,
        Some("profile") if timezone.is_some() => true,
        Some("profile") => {
            return Err(
                wrong("`timezone_from = \"profile\"` needs a `timezone`".to_owned())
                    .hint("add `timezone = \"America/Chicago\"`, or whichever it is"),
            );
        }
        Some(other) => {
            return Err(wrong(format!("no place of a time zone {}", shown(other)))
                .hint("`site` or `profile`"));
        }
    };
    let profile = Profile {
        system,
        dialect,
        site_id: raw.site_id,
        tenant: raw.tenant,
        token: check_token(raw.token, path).map_err(wrong)?,
        rate,
        concurrency,
        timezone,
        timezone_first,
        week_starts: raw
            .week_starts
            .map(|text| parse_weekday(&text))
            .transpose()
            .map_err(wrong)?,
        school_year_starts: raw
            .school_year_starts
            .map(|text| parse_day_of_year(&text))
            .transpose()
            .map_err(wrong)?,
        commit_within: raw
            .commit_within
            .map(|text| parse_duration(&text))
            .transpose()
            .map_err(wrong)?,
        visible_within: raw
            .visible_within
            .map(|text| parse_duration(&text))
            .transpose()
            .map_err(wrong)?,
        timeout: raw
            .timeout
            .map(|text| parse_timeout(&text))
            .transpose()
            .map_err(wrong)?,
        live: raw.live,
        proxy: raw
            .proxy
            .map(|text| check_proxy(&text))
            .transpose()
            .map_err(wrong)?,
        ca_file: raw
            .ca_file
            .map(|file| path.parent().unwrap_or(Path::new("")).join(file)),
        retention: raw
            .retention
            .map(|text| parse_retention(&text))
            .transpose()
            .map_err(wrong)?,
        url,
        name: name.clone(),
    };
    match system {
        SystemName::IncidentIq if profile.retention.is_some() => {
            Err(wrong("`retention` is for ClearFeed: IncidentIQ keeps the texts of tickets".to_owned()).hint("leave it out"))
        }
        SystemName::IncidentIq if profile.url.is_none() => {
            Err(wrong("`url` is missing".to_owned()).hint("the address of your site, such as \"https://district.incidentiq.com\""))
        }
        SystemName::ClearFeed if profile.tenant.is_none() => Err(wrong("`tenant` is missing".to_owned())
            .hint("a word for your workspace, such as \"acme\": the system names none, and keys belong to one")),
        _ => Ok(profile),
    }
}

fn check_url(text: &str) -> Result<url::Url, String> {
    let url =
        url::Url::parse(text).map_err(|error| format!("{} is no address: {error}", shown(text)))?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err("`url` must not carry a name or password".to_owned());
    }
    match url.scheme() {
        "https" => Ok(url),
        // Whether plain http may leave this machine is decided at sign-in, by a flag.
        "http" if url.host().is_some() => Ok(url),
        other => Err(format!(
            "{} is no scheme for `url`, write https://…",
            shown(other)
        )),
    }
}

/// A proxy as it is typed: `proxy.district.example:8080`, or with `http://`.
fn check_proxy(text: &str) -> Result<url::Url, String> {
    let whole = match text.contains("://") {
        true => text.to_owned(),
        false => format!("http://{text}"),
    };
    // Whatever is wrong with it, a password in it is not shown.
    if text.contains('@') {
        return Err(
            "`proxy` names a user or a password, which no configuration holds: leave `proxy` out, and put the whole address into the variable HTTPS_PROXY"
                .to_owned(),
        );
    }
    let url = url::Url::parse(&whole)
        .map_err(|error| format!("{} is no address of a proxy: {error}", shown(text)))?;
    match url.scheme() {
        "http" | "https" if url.host().is_some() => Ok(url),
        _ => Err(format!(
            "{} is no proxy that can be used: write `http://host:port`. SOCKS proxies and automatic configuration (PAC) are not supported",
            shown(text)
        )),
    }
}

/// How long the system keeps texts: `90d`, `12 months`, `1 year`. A month counts 30 days here and a year 365.
fn parse_weekday(text: &str) -> Result<Weekday, String> {
    let days = Weekday::Monday.cycle_forward().take(7);
    let mut named = days.filter(|day| format!("{day:?}").eq_ignore_ascii_case(text.trim()));
    named.next().ok_or_else(|| {
        format!(
            "no day of the week {}: write `monday` or `sunday`",
            shown(text)
        )
    })
}

fn parse_day_of_year(text: &str) -> Result<(i8, i8), String> {
    let parts = text.trim().split_once('-');
    let parts = parts.and_then(|(month, day)| Some((month.parse().ok()?, day.parse().ok()?)));
    // It comes in every year.
    let common = |(month, day): &(i8, i8)| Date::new(2023, *month, *day).is_ok();
    parts
        .filter(common)
        .ok_or_else(|| format!("no day of the year {}: write it as `08-15`", shown(text)))
}

fn parse_retention(text: &str) -> Result<Duration, String> {
    let wrong = || {
        format!(
            "{} is no time for `retention`, write `90d` or `1y`",
            shown(text)
        )
    };
    let span: jiff::Span = text.parse().map_err(|_| wrong())?;
    let days = i64::from(span.get_years()) * 365
        + i64::from(span.get_months()) * 30
        + i64::from(span.get_weeks()) * 7
        + i64::from(span.get_days());
    let hours = days * 24 + i64::from(span.get_hours());
    match u64::try_from(hours) {
        Ok(hours) if hours >= 24 => Ok(Duration::from_secs(hours * 3600)),
        Ok(_) => Err(format!(
            "`retention` is at least a day, {} is less",
            shown(text)
        )),
        Err(_) => Err(wrong()),
    }
}

fn check_token(raw: RawToken, path: &Path) -> Result<TokenRef, String> {
    match (raw.env, raw.file, raw.command) {
        (Some(name), None, None) => Ok(TokenRef::Env(name)),
        (None, Some(file), None) => {
            let folder = path.parent().unwrap_or(Path::new(""));
            Ok(TokenRef::File(folder.join(file)))
        }
        (None, None, Some(command)) if !command.is_empty() => Ok(TokenRef::Command(command)),
        _ => Err("`token` takes exactly one of `env`, `file`, `command`".to_owned()),
    }
}

/// A rate as people write it (`10/s`, `600/min`, `3000/h`, a bare number per second) in requests per second.
///
/// # Errors
/// A message for the user when it is none.
pub fn parse_rate(text: &str) -> Result<f64, String> {
    let wrong = || format!("{} is no rate, write `10/s` or `600/min`", shown(text));
    let (number, unit) = text.split_once('/').unwrap_or((text, "s"));
    let number: f64 = number.trim().parse().map_err(|_| wrong())?;
    let seconds = match unit.trim() {
        "s" | "sec" | "second" => 1.0,
        "m" | "min" | "minute" => 60.0,
        "h" | "hour" => 3600.0,
        _ => return Err(wrong()),
    };
    let rate = number / seconds;
    if rate.is_finite() && rate > 0.0 {
        Ok(rate)
    } else {
        Err(wrong())
    }
}

fn parse_duration(text: &str) -> Result<Duration, String> {
    let wrong = || format!("{} is no duration, write `60s` or `3m`", shown(text));
    let signed: SignedDuration = text.parse().map_err(|_| wrong())?;
    Duration::try_from(signed).map_err(|_| wrong())
}

/// A time-out: one of nothing would leave every row in doubt.
fn parse_timeout(text: &str) -> Result<Duration, String> {
    match parse_duration(text)? {
        short if short < Duration::from_millis(100) => Err(format!(
            "`timeout = \"{text}\"` gives the system no time to answer"
        )),
        timeout => Ok(timeout),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<BTreeMap<String, Profile>> {
        read(text, Path::new("deskferry.toml"))
    }

    #[test]
    fn rates() {
        assert_eq!(parse_rate("10/s"), Ok(10.0));
        assert_eq!(parse_rate("600/min"), Ok(10.0));
        assert_eq!(parse_rate("2.5"), Ok(2.5));
        for wrong in ["", "0/s", "-1/s", "x/s", "1/day", "inf", "NaN"] {
            assert!(parse_rate(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_whole_profile() {
        let profiles = parse(
            "[profiles.district]\nsystem = \"incidentiq\"\nurl = \"https://district.incidentiq.com\"\ntoken = { file = \"token\" }\n\
             rate = \"10/s\"\ntimezone = \"America/Chicago\"\ncommit_within = \"90s\"\ntimeout = \"20s\"\n",
        )
        .unwrap();
        let profile = &profiles["district"];
        assert_eq!(profile.rate, Some(10.0));
        assert_eq!(profile.commit_within, Some(Duration::from_secs(90)));
        assert_eq!(profile.timeout, Some(Duration::from_secs(20)));
        assert!(parse_timeout("0s").is_err());
        assert!(profile.is_live(false) && !profile.is_live(true));
    }

    #[test]
    fn an_inline_token_is_refused_and_never_printed() {
        let error =
            parse("[profiles.a]\nsystem = \"clearfeed\"\ntenant = \"a\"\ntoken = \"s3cret\"\n")
                .unwrap_err();
        assert!(error.to_string().contains("deskferry.toml:4"), "{error}");
        assert!(!format!("{error} {error:?}").contains("s3cret"));
    }

    #[test]
    fn a_token_in_a_wrong_place_is_never_printed() {
        let token = "Zx9-q8W7e6R5t4Y3";
        let head = "[profiles.a]\nsystem = \"clearfeed\"\ntenant = \"a\"\n";
        for text in [
            format!("{head}token = {{ env = \"T\" }}\nrate = \"{token}\"\n"),
            format!("{head}token = {{ env = \"T\" }}\nurl = \"{token}\"\n"),
            format!("{head}token = {{ env = \"T\" }}\ntimezone = \"{token}\"\n"),
            format!("{head}token = {{ env = \"T\" }}\ndialect = \"{token}\"\n"),
            format!("{head}token = {{ env = \"T\" }}\ntimeout = \"{token}\"\n"),
            format!("{head}token = {{ env = \"T\" }}\nconcurrency = \"{token}\"\n"),
            format!("{head}token = {{ env = \"T\" }}\nlive = \"{token}\"\n"),
            format!("{head}token = {{ env = \"T\" }}\n\"{token}\" = 1\n"),
            format!("{head}token = {{ \"{token}\" = 1 }}\n"),
            format!("{head}token = {{ command = \"{token}\" }}\n"),
            format!("{head}token = {token}\n"),
            format!("{head}token = \"\"\"\n{token}\"\"\"\n"),
            format!("{head}\"token\" = \"{token}\"\n"),
            format!("{head}bearer = \"{token}\"\n"),
            format!("profiles.a.token = \"{token}\"\n"),
            format!(
                "[profiles]\na = {{ system = \"clearfeed\", tenant = \"a\", token = \"{token}\" }}\n"
            ),
            format!("[profiles]\na = \"{token}\"\n"),
            format!("{token}\n"),
            format!("{token} = 1\n"),
        ] {
            let error = parse(&text).unwrap_err();
            let said = format!("{error} {:?} {error:?}", error.hints());
            assert!(!said.contains(token), "{text}: {said}");
        }
    }

    #[test]
    fn the_zone_of_the_profile_goes_first_where_it_says_so() {
        let head =
            "[profiles.a]\nsystem = \"clearfeed\"\ntenant = \"a\"\ntoken = { env = \"T\" }\n";
        let first = |lines: &str| {
            let all = parse(&format!("{head}{lines}\n"));
            all.map(|mut all| all.remove("a").unwrap().timezone_first)
        };
        let zone = "timezone = \"America/Chicago\"";
        assert!(!first(zone).unwrap());
        assert!(!first(&format!("{zone}\ntimezone_from = \"site\"")).unwrap());
        assert!(first(&format!("{zone}\ntimezone_from = \"profile\"")).unwrap());
        for line in ["timezone_from = \"profile\"", "timezone_from = \"moon\""] {
            first(line).unwrap_err();
        }
    }

    #[test]
    fn weeks_and_school_years_begin_where_the_profile_says() {
        let head =
            "[profiles.a]\nsystem = \"clearfeed\"\ntenant = \"a\"\ntoken = { env = \"T\" }\n";
        let one = |lines: &str| parse(&format!("{head}{lines}\n"));
        let profile = one("week_starts = \"Sunday\"\nschool_year_starts = \"08-15\"");
        let profile = profile.unwrap().remove("a").unwrap();
        assert_eq!(profile.week_starts, Some(Weekday::Sunday));
        assert_eq!(profile.school_year_starts, Some((8, 15)));
        for (line, said) in [
            ("week_starts = \"some day\"", "no day of the week"),
            ("school_year_starts = \"02-29\"", "no day of the year"),
            ("school_year_starts = \"August\"", "no day of the year"),
        ] {
            let error = one(line).unwrap_err();
            assert!(error.to_string().contains(said), "{line}: {error}");
        }
    }

    #[test]
    fn proxies_certificates_and_retention() {
        let head =
            "[profiles.a]\nsystem = \"clearfeed\"\ntenant = \"a\"\ntoken = { env = \"T\" }\n";
        let one = |lines: &str| {
            read(&format!("{head}{lines}"), Path::new("/etc/deskferry.toml"))
                .map(|mut all| all.remove("a").unwrap())
        };
        let profile = one(
            "proxy = \"proxy.district.example:8080\"\nca_file = \"ca.pem\"\nretention = \"90d\"\n",
        )
        .unwrap();
        assert_eq!(
            profile.proxy.unwrap().as_str(),
            "http://proxy.district.example:8080/"
        );
        assert_eq!(profile.ca_file.unwrap(), Path::new("/etc/ca.pem"));
        assert_eq!(profile.retention, Some(Duration::from_secs(90 * 86_400)));
        let year = one("retention = \"1 year\"\n").unwrap().retention;
        assert_eq!(year, Some(Duration::from_secs(365 * 86_400)));
        for (line, said) in [
            ("proxy = \"socks5://proxy:1080\"", "SOCKS"),
            ("proxy = \"http://\"", "proxy"),
            ("retention = \"soon\"", "no time"),
            ("retention = \"3h\"", "at least a day"),
        ] {
            let error = one(line).unwrap_err();
            assert!(error.to_string().contains(said), "{line}: {error}");
        }
        for proxy in [
            "http://ada:hush@proxy:8080",
            "ada:hush@proxy",
            "http://ada:hush@",
        ] {
            let error = one(&format!("proxy = \"{proxy}\""))
                .unwrap_err()
                .to_string();
            assert!(
                error.contains("HTTPS_PROXY") && !error.contains("hush"),
                "{error}"
            );
        }
        let error = parse("[profiles.a]\nsystem = \"incidentiq\"\nurl = \"https://a.example\"\ntoken = { env = \"T\" }\nretention = \"90d\"\n").unwrap_err();
        assert!(error.to_string().contains("ClearFeed"), "{error}");
    }

    #[test]
    fn what_is_missing_is_said_with_the_profile() {
        let error =
            parse("[profiles.a]\nsystem = \"clearfeed\"\ntoken = { env = \"T\" }\n").unwrap_err();
        assert!(
            error
                .to_string()
                .contains("profile `a`: `tenant` is missing"),
            "{error}"
        );
        let error = parse("[profiles.a]\nsystem = \"clearfeed\"\ntenant = \"a\"\ntoken = { env = \"T\", file = \"x\" }\n").unwrap_err();
        assert!(error.to_string().contains("exactly one"), "{error}");
    }
}
