//! Keys of one input that nobody can tell apart: they differ only by signs without a width, by how accents are put
//! together, or by the kind of their spaces. Each would make a ticket.

use std::path::Path;

use super::Digest;
use super::sort::{Fixed, Sorted, Sorter};
use super::verdict::{Spot, key_print};
use crate::error::Result;
use crate::unicode::plain;

/// How many pairs are shown.
const SHOWN: usize = 5;

/// A key as people see it, where it holds anything that they do not.
fn seen(key: &str) -> Option<String> {
    if key.is_ascii() {
        return None;
    }
    let seen: String = plain(key)
        .chars()
        .map(|sign| if sign.is_whitespace() { ' ' } else { sign })
        .collect();
    (seen != key).then_some(seen)
}

/// A key that is not what people see.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Hidden {
    seen: Digest,
    key: Digest,
    spot: Spot,
}

impl Fixed for Hidden {
    const SIZE: usize = 16 + 16 + 4 + 8;

    fn put(&self, bytes: &mut [u8]) {
        bytes[..16].copy_from_slice(&self.seen);
        bytes[16..32].copy_from_slice(&self.key);
        bytes[32..36].copy_from_slice(&self.spot.0.to_le_bytes());
        bytes[36..44].copy_from_slice(&self.spot.1.to_le_bytes());
    }

    fn take(bytes: &[u8]) -> Self {
        Self {
            seen: bytes[..16].try_into().expect("sixteen bytes were cut"),
            key: bytes[16..32].try_into().expect("sixteen bytes were cut"),
            spot: (
                u32::from_le_bytes(bytes[32..36].try_into().expect("four bytes were cut")),
                u64::from_le_bytes(bytes[36..44].try_into().expect("eight bytes were cut")),
            ),
        }
    }
}

/// Gathers the keys that are not what people see.
pub(super) struct HiddenKeys {
    sorter: Sorter<Hidden>,
}

impl HiddenKeys {
    pub(super) fn new(scratch: &Path, memory: usize) -> Self {
        Self {
            sorter: Sorter::new(scratch, memory / size_of::<Hidden>()),
        }
    }

    pub(super) fn add(&mut self, key: &str, spot: Spot) -> Result<()> {
        let Some(seen) = seen(key) else {
            return Ok(());
        };
        self.sorter.push(Hidden {
            seen: key_print(&seen),
            key: key_print(key),
            spot,
        })
    }

    pub(super) fn sorted(self) -> Result<Matching> {
        let mut sorted = self.sorter.sorted()?;
        let next = sorted.next()?;
        Ok(Matching {
            sorted,
            next,
            alike: Alike::default(),
        })
    }
}

/// What looks the same in two rows.
#[derive(Debug, Clone, Default)]
pub(super) struct Alike {
    pub(super) count: u64,
    /// The first pairs.
    pub(super) pairs: Vec<(Spot, Spot)>,
}

impl Alike {
    fn add(&mut self, one: Spot, other: Spot) {
        self.count += 1;
        if self.pairs.len() < SHOWN {
            self.pairs.push((one.min(other), one.max(other)));
        }
    }
}

/// Goes through the hidden keys beside all keys, both in order.
pub(super) struct Matching {
    sorted: Sorted<Hidden>,
    next: Option<Hidden>,
    alike: Alike,
}

impl Matching {
    /// Takes the next of all keys, with the first row that has it.
    pub(super) fn key(&mut self, key: &Digest, spot: Spot) -> Result<()> {
        while self.next.is_some_and(|next| next.seen < *key) {
            self.of_one(None)?;
        }
        if self.next.is_some_and(|next| next.seen == *key) {
            self.of_one(Some(spot))?;
        }
        Ok(())
    }

    /// All hidden keys that look like the next one, beside the row whose key is what is seen.
    fn of_one(&mut self, plain: Option<Spot>) -> Result<()> {
        let Some(first) = self.next else {
            return Ok(());
        };
        let mut last = plain.map(|spot| (first.seen, spot));
        while let Some(hidden) = self.next.filter(|next| next.seen == first.seen) {
            match last {
                Some((key, spot)) if key != hidden.key => self.alike.add(spot, hidden.spot),
                _ => {}
            }
            last = Some((hidden.key, hidden.spot));
            self.next = self.sorted.next()?;
        }
        Ok(())
    }

    pub(super) fn end(mut self) -> Result<Alike> {
        while self.next.is_some() {
            self.of_one(None)?;
        }
        Ok(self.alike)
    }
}
