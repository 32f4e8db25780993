//! The tokens that the sandbox knows, and what those who hold them may do.

use super::call::Call;
use super::reply::Refusal;
use super::route::Access;
use super::{TOKEN, Temper};

/// Whom a token acts as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Token {
    /// The help desk's own account: may do everything.
    #[default]
    HelpDesk,
    /// Somebody who may see everything and change nothing.
    ReadOnly,
    /// Somebody who asks for help: sees and comments the own tickets and makes new ones.
    Requestor,
    /// Somebody who works on tickets and administers nothing.
    Agent,
    /// A token as many a production has it: tickets, and next to nothing of the directory.
    NoDirectory,
    /// Whoever changes tickets meanwhile ([`crate::Config::people`]).
    People,
}

/// What a row is, as far as a token is concerned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Demand {
    pub(super) access: Access,
    /// Whether somebody may call it who only asks for help.
    pub(super) is_for_all: bool,
    /// Whether it reads the directory.
    pub(super) is_directory: bool,
    /// Whether it is for those who administer the system.
    pub(super) is_for_admins: bool,
}

/// The token that was good once.
const EXPIRED: &str = "sandbox-expired";

impl Token {
    const ALL: [(Self, &'static str); 6] = [
        (Self::HelpDesk, TOKEN),
        (Self::ReadOnly, "sandbox-readonly"),
        (Self::Requestor, "sandbox-requestor"),
        (Self::Agent, "sandbox-agent"),
        (Self::NoDirectory, "sandbox-no-directory"),
        (Self::People, "sandbox-people"),
    ];

    /// The token of that text.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let known = Self::ALL.iter().find(|(_, own)| *own == text);
        known.map(|(token, _)| *token)
    }

    /// Its text, where it is not the usual one.
    pub(super) fn told(self) -> Option<&'static str> {
        Some(self.text()).filter(|text| *text != TOKEN)
    }

    /// The text that it is known by.
    pub(super) fn text(self) -> &'static str {
        let row = Self::ALL.iter().find(|(token, _)| *token == self);
        row.map_or(TOKEN, |(_, text)| *text)
    }

    /// The token that a call brings: `Bearer TOKEN`, and where the system takes more ways than that, the bare token,
    /// `Basic` with the token as its password, or the header `UserToken` (contract incidentiq §1).
    pub(super) fn of_call(call: &Call, takes_more: bool) -> Result<Self, Refusal> {
        let header = call.header("authorization").map(str::trim);
        let token = match header.map(|value| value.split_once(' ').unwrap_or(("", value))) {
            Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => {
                Some(token.trim().to_owned())
            }
            Some(("", token)) if takes_more => Some(token.to_owned()),
            Some((scheme, pair)) if takes_more && scheme.eq_ignore_ascii_case("basic") => {
                password(pair.trim())
            }
            Some(_) => None,
            None if takes_more => call.header("usertoken").map(str::to_owned),
            None => None,
        };
        let message = match token.as_deref() {
            Some(EXPIRED) => "The access token has expired.",
            Some(text) => match Self::parse(text) {
                Some(token) => return Ok(token),
                None => "The access token is not valid.",
            },
            None => "Authorization has been denied for this request.",
        };
        Err(Refusal::new(401, message))
    }

    /// Whether it may call a row at all.
    pub(super) fn may(self, demand: Demand) -> bool {
        match self {
            Self::HelpDesk | Self::People => true,
            Self::ReadOnly => demand.access == Access::Read,
            Self::Requestor => demand.is_for_all,
            Self::Agent => !demand.is_for_admins,
            Self::NoDirectory => !demand.is_for_admins && !demand.is_directory,
        }
    }

    /// Whether it works on tickets that are not its own.
    pub(super) fn works(self) -> bool {
        !matches!(self, Self::ReadOnly | Self::Requestor)
    }
}

/// The password of `user:password` in base64.
fn password(pair: &str) -> Option<String> {
    let pair = data_encoding::BASE64.decode(pair.as_bytes()).ok()?;
    let pair = String::from_utf8(pair).ok()?;
    Some(pair.split_once(':')?.1.to_owned())
}

/// Somebody may not do what was asked: the documents answer 403, live systems were met that answer 401 (contract
/// incidentiq §17).
pub(super) fn forbidden(temper: Temper) -> Refusal {
    let status = match temper {
        Temper::Lenient => 403,
        Temper::LiveLike => 401,
    };
    Refusal::new(status, "You do not have permission to perform this action.")
}
