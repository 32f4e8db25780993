//! Which parts of a directory somebody needs: only these are loaded.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::Kind;

/// The word for custom fields beside those of the kinds.
const CUSTOM_FIELDS: &str = "custom_field";

/// Some parts of a directory: kinds of things, and the custom fields.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash)]
pub struct Needs(u16);

impl Needs {
    /// Nothing.
    pub const NONE: Self = Self(0);
    /// The custom fields.
    pub const CUSTOM_FIELDS: Self = Self(1 << Kind::ALL.len());
    /// Everything.
    pub const ALL: Self = Self((1 << (Kind::ALL.len() + 1)) - 1);

    /// One kind.
    pub fn kind(kind: Kind) -> Self {
        let at = Kind::ALL.iter().position(|one| *one == kind);
        Self(1 << at.expect("every kind is in the list of all"))
    }

    /// These kinds.
    pub fn kinds(kinds: &[Kind]) -> Self {
        let kinds = kinds.iter().copied().map(Self::kind);
        kinds.fold(Self::NONE, Self::and)
    }

    /// These and those.
    #[must_use]
    pub fn and(self, others: Self) -> Self {
        Self(self.0 | others.0)
    }

    /// These without those.
    #[must_use]
    pub fn without(self, others: Self) -> Self {
        Self(self.0 & !others.0)
    }

    /// Whether all of those are among these.
    pub fn hold(self, others: Self) -> bool {
        others.without(self).is_empty()
    }

    /// Whether a kind is among them.
    pub fn has(self, kind: Kind) -> bool {
        self.hold(Self::kind(kind))
    }

    /// Whether custom fields are among them.
    pub fn has_custom_fields(self) -> bool {
        self.hold(Self::CUSTOM_FIELDS)
    }

    /// Whether there are none.
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Whether they are all.
    pub fn is_all(&self) -> bool {
        *self == Self::ALL
    }

    /// As bits, to be kept where several threads add some.
    pub(super) fn bits(self) -> u16 {
        self.0
    }

    /// Of such bits.
    pub(super) fn of_bits(bits: u16) -> Self {
        Self(bits)
    }

    fn words(self) -> impl Iterator<Item = &'static str> {
        let kinds = Kind::ALL.into_iter().filter(move |kind| self.has(*kind));
        let custom = self.has_custom_fields().then_some(CUSTOM_FIELDS);
        kinds.map(Kind::as_str).chain(custom)
    }
}

/// The words of its parts, with `+` between them.
impl fmt::Display for Needs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.words().collect::<Vec<_>>().join("+"))
    }
}

impl Serialize for Needs {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.words())
    }
}

impl<'de> Deserialize<'de> for Needs {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // A word of a later version is a part that this one knows nothing about.
        let words = Vec::<String>::deserialize(deserializer)?;
        let parts = words.iter().filter_map(|word| match word.as_str() {
            CUSTOM_FIELDS => Some(Self::CUSTOM_FIELDS),
            word => Kind::parse(word).map(Self::kind),
        });
        Ok(parts.fold(Self::NONE, Self::and))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_added_and_taken_away() {
        let people = Needs::kind(Kind::User);
        let some = Needs::kinds(&[Kind::Location, Kind::User]).and(Needs::CUSTOM_FIELDS);
        assert!(some.hold(people) && some.has_custom_fields());
        assert!(!people.hold(some));
        assert_eq!(some.without(people).to_string(), "location+custom_field");
        assert!(people.without(some).is_empty());
    }

    #[test]
    fn all_are_every_kind_and_the_custom_fields() {
        let all = Needs::kinds(&Kind::ALL);
        assert!(!all.is_all());
        assert!(all.and(Needs::CUSTOM_FIELDS).is_all());
    }

    #[test]
    fn they_are_kept_as_words() {
        let some = Needs::kind(Kind::CloseReason).and(Needs::CUSTOM_FIELDS);
        let text = serde_json::to_string(&some).unwrap();
        assert_eq!(text, r#"["close_reason","custom_field"]"#);
        assert_eq!(serde_json::from_str::<Needs>(&text).unwrap(), some);
        let later = serde_json::from_str::<Needs>(r#"["user","something new"]"#).unwrap();
        assert_eq!(later, Needs::kind(Kind::User));
    }
}
