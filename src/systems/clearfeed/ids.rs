//! The spelling of a request's id (contract clearfeed, the table of dialects): `req_272` in `v1`, `272` in `rest`. Both
//! name the same request, whichever an answer uses.

use crate::systems::Dialect;

const PREFIX: &str = "req_";

/// An id without the prefix, where what follows is a number; other ids have one spelling.
pub(super) fn bare(id: &str) -> &str {
    let id = id.trim();
    let is_number = |id: &str| !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_digit());
    match id.split_at_checked(PREFIX.len()) {
        Some((prefix, rest)) if prefix.eq_ignore_ascii_case(PREFIX) && is_number(rest) => rest,
        _ => id,
    }
}

/// Whether a name has one of the forms that ids have.
pub(super) fn is_known_form(name: &str) -> bool {
    let starts = name
        .trim()
        .get(..PREFIX.len())
        .is_some_and(|start| start.eq_ignore_ascii_case(PREFIX));
    starts || bare(name).bytes().all(|byte| byte.is_ascii_digit())
}

/// Whether two spellings name one request.
pub(super) fn is_same(one: &str, other: &str) -> bool {
    bare(one) == bare(other)
}

/// The spelling by which a request is kept; `numbers`: whether the workspace spells its ids as numbers whatever the
/// dialect.
pub(super) fn canonical(dialect: Dialect, numbers: bool, id: &str) -> String {
    let bare = bare(id);
    let is_number = bare.bytes().all(|byte| byte.is_ascii_digit());
    match dialect == Dialect::Rest || numbers || !is_number || bare.is_empty() {
        true => bare.to_owned(),
        false => format!("{PREFIX}{bare}"),
    }
}

/// Every spelling of the request, the canonical one first.
pub(super) fn spellings(dialect: Dialect, numbers: bool, id: &str) -> Vec<String> {
    let bare = bare(id).to_owned();
    let mut all = vec![canonical(dialect, numbers, id)];
    if bare.bytes().all(|byte| byte.is_ascii_digit()) {
        all.extend([format!("{PREFIX}{bare}"), bare]);
    }
    let canonical = all[0].clone();
    let mut first = true;
    all.retain(|id| std::mem::take(&mut first) || *id != canonical);
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_request_has_one_spelling() {
        for id in ["272", "req_272", "REQ_272", " 272 "] {
            assert_eq!(canonical(Dialect::V1, false, id), "req_272");
            assert_eq!(canonical(Dialect::Rest, false, id), "272");
            assert_eq!(canonical(Dialect::V1, true, id), "272");
            assert!(is_same(id, "req_272"));
        }
        assert_eq!(canonical(Dialect::V1, false, "req_xyz789"), "req_xyz789");
        assert_eq!(canonical(Dialect::Rest, false, "req_xyz789"), "req_xyz789");
        assert!(!is_same("req_xyz789", "xyz789"));
        assert_eq!(spellings(Dialect::V1, false, "272"), ["req_272", "272"]);
        assert_eq!(
            spellings(Dialect::Rest, false, "req_272"),
            ["272", "req_272"]
        );
        assert_eq!(spellings(Dialect::V1, false, "req_x"), ["req_x"]);
    }
}
