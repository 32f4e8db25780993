//! Ids as IncidentIQ writes them: lowercase, compared without case (contract incidentiq §5).

use std::fmt;
use std::str::FromStr;

use serde::{Serialize, Serializer};
use uuid::Uuid;

/// An id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct Guid(Uuid);

/// The name space of the seed's ids.
const SEED: Uuid = Uuid::from_u128(0x5d3f_8a10_6c1b_4e57_9a41_0c8d_7e2b_4f60);

impl Guid {
    /// All zeros: none (contract incidentiq §5).
    pub const ZERO: Self = Self(Uuid::nil());

    /// The id of a thing by its kind and its name: the same for ever, whoever asks.
    pub fn seeded(kind: &str, name: &str) -> Self {
        Self(Uuid::new_v5(&SEED, format!("{kind}/{name}").as_bytes()))
    }

    /// The id of the nth thing made in an instance.
    pub fn nth(instance: Self, n: u64) -> Self {
        Self(Uuid::new_v5(&instance.0, &n.to_be_bytes()))
    }

    /// An id that nothing else has.
    pub fn random() -> Self {
        Self(Uuid::new_v4())
    }

    /// A well-known id of the contract.
    ///
    /// # Panics
    /// When the text is no id: it is for constants.
    pub fn known(text: &str) -> Self {
        text.parse().expect("a constant id of the contract")
    }
}

impl FromStr for Guid {
    type Err = uuid::Error;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Uuid::parse_str(text.trim()).map(Self)
    }
}

impl fmt::Display for Guid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.as_hyphenated().fmt(f)
    }
}

impl Serialize for Guid {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(
            self.0
                .as_hyphenated()
                .encode_lower(&mut Uuid::encode_buffer()),
        )
    }
}
