//! Indexes over a snapshot: exact first, then folded (case, white space); never a guess.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicU16, Ordering};
use std::sync::{Arc, OnceLock};

// Every row looks names up, and whoever could choose them to collide has better ways to be slow.
use foldhash::{HashMap, HashMapExt};
use jiff::Timestamp;

use super::suggest::{Suggester, fold};
use super::{CustomField, Entry, Kind, Listing, Needs, Snapshot};
use crate::report::words;
use crate::systems::{Dialect, SystemName};

/// Between the parts of an issue's path.
pub const PATH_SEPARATOR: &str = " › ";

/// A snapshot with its indexes. It remembers which parts it was asked for: those that it does not hold can be loaded,
/// and then the question is asked again.
#[derive(Debug)]
pub struct Directory {
    snapshot: Snapshot,
    is_known: bool,
    /// [`Needs`] that were asked for, as bits.
    asked: AtomicU16,
    kinds: HashMap<Kind, KindIndex>,
    custom_exact: HashMap<String, Arc<CustomField>>,
    custom_folded: HashMap<String, Arc<CustomField>>,
}

/// What a look-up found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found<'a> {
    /// Exactly one entry.
    One(&'a Entry),
    /// More than one: never guessed.
    Ambiguous(Vec<&'a Entry>),
    /// None; the nearest names, best first, at most three.
    Missing(Vec<String>),
}

/// The entries of one kind by their properties.
#[derive(Debug)]
struct KindIndex {
    /// Property → its texts. `name` and the path's parts included; ids are in `ids`.
    properties: Vec<(String, Texts)>,
    /// The order in which properties are tried when the mapping names none.
    default_order: Vec<String>,
    /// Ids, folded to lower case: GUIDs are written both ways.
    ids: HashMap<String, Vec<u32>>,
    /// Made at the first miss.
    suggester: OnceLock<Suggester>,
}

/// The entries by the text of one property.
#[derive(Debug, Default)]
struct Texts {
    exact: HashMap<String, Vec<u32>>,
    folded: HashMap<String, Vec<u32>>,
}

impl Texts {
    fn add(&mut self, text: &str, index: u32) {
        if text.trim().is_empty() {
            return;
        }
        let put = |list: &mut Vec<u32>| {
            if list.last() != Some(&index) {
                list.push(index);
            }
        };
        put(self.exact.entry(text.to_owned()).or_default());
        put(self.folded.entry(fold(text)).or_default());
    }
}

/// Properties that say something of an entry and name none.
const ABOUT: [&str; 2] = ["role", "location"];

/// A path with parts left out before its leaf (`Hardware › Screen` for `Hardware › Laptop › Screen`): tried
/// after whole paths and their tails, since sheets often lack the middle level.
const SHORTENED: &str = "path, shortened";

impl KindIndex {
    fn new(listing: &Listing) -> Self {
        let mut properties: Vec<(String, Texts)> = Vec::new();
        let mut ids: HashMap<String, Vec<u32>> = HashMap::new();
        let mut seen = BTreeSet::new();
        for (index, entry) in listing.entries.iter().enumerate() {
            let index = u32::try_from(index).unwrap_or(u32::MAX);
            let listed = ids.entry(entry.id.to_ascii_lowercase()).or_default();
            listed.push(index);
            texts_of(&mut properties, "name").add(&entry.name, index);
            let is_name = |property: &&String| !ABOUT.contains(&property.as_str());
            for (property, text) in entry.properties.iter().filter(|(name, _)| is_name(name)) {
                seen.insert(property.clone());
                let texts = texts_of(&mut properties, property);
                texts.add(text, index);
                if property == "path" {
                    tails(text).for_each(|tail| texts.add(&tail, index));
                    let short = texts_of(&mut properties, SHORTENED);
                    shortened(text).for_each(|path| short.add(&path, index));
                }
            }
        }
        let mut default_order = vec!["name".to_owned()];
        if seen.remove("path") {
            default_order.extend(["path".to_owned(), SHORTENED.to_owned()]);
        }
        default_order.extend(seen);
        Self {
            properties,
            default_order,
            ids,
            suggester: OnceLock::new(),
        }
    }

    /// The entries by one property. There are few: comparing names beats hashing them.
    fn texts(&self, property: &str) -> Option<&Texts> {
        let found = self.properties.iter().find(|(name, _)| name == property);
        found.map(|(_, texts)| texts)
    }

    /// The texts that a person may have meant: names, and paths and e-mail addresses where there are some.
    fn suggester(&self, listing: &Listing) -> &Suggester {
        self.suggester.get_or_init(|| {
            let mut names = BTreeSet::new();
            for entry in &listing.entries {
                names.insert(entry.name.clone());
                for property in ["path", "email", "tag", "abbreviation", "username"] {
                    names.extend(entry.properties.get(property).cloned());
                }
            }
            names.remove("");
            Suggester::new(names)
        })
    }
}

/// The texts of a property, made when it is met first.
fn texts_of<'p>(properties: &'p mut Vec<(String, Texts)>, property: &str) -> &'p mut Texts {
    let position = properties.iter().position(|(name, _)| name == property);
    let position = position.unwrap_or_else(|| {
        properties.push((property.to_owned(), Texts::default()));
        properties.len() - 1
    });
    &mut properties[position].1
}

/// The tails of a path with at least two parts: `B › C` of `A › B › C`.
fn tails(path: &str) -> impl Iterator<Item = String> {
    let parts: Vec<String> = parts(path);
    (1..parts.len().saturating_sub(1)).map(move |from| parts[from..].join(PATH_SEPARATOR))
}

/// The path with some parts left out, the leaf and at least one other kept.
fn shortened(path: &str) -> impl Iterator<Item = String> {
    let mut parts: Vec<String> = parts(path);
    let leaf = parts.pop();
    // Deeper paths than any system has would double with every level.
    let levels = if parts.len() > 5 { 0 } else { parts.len() };
    (1_u32..1 << levels).filter_map(move |kept| {
        let kept = parts
            .iter()
            .enumerate()
            .filter(|(level, _)| kept & (1 << level) != 0)
            .map(|(_, part)| part.as_str())
            .chain(leaf.as_deref());
        Some(kept.collect::<Vec<_>>().join(PATH_SEPARATOR)).filter(|path| !path.is_empty())
    })
}

fn parts(path: &str) -> Vec<String> {
    path.split('›').map(|part| part.trim().to_owned()).collect()
}

impl Directory {
    /// Indexes a snapshot.
    pub fn new(snapshot: Snapshot) -> Self {
        let kinds = snapshot
            .kinds
            .iter()
            .map(|(kind, listing)| (*kind, KindIndex::new(listing)))
            .collect();
        let mut custom_exact = HashMap::new();
        let mut custom_folded = HashMap::new();
        for field in &snapshot.custom_fields {
            let field = Arc::new(field.clone());
            custom_folded
                .entry(fold(&field.name))
                .or_insert_with(|| Arc::clone(&field));
            custom_exact.entry(field.name.clone()).or_insert(field);
        }
        Self {
            snapshot,
            is_known: true,
            asked: AtomicU16::default(),
            kinds,
            custom_exact,
            custom_folded,
        }
    }

    /// No directory at all: names cannot be told right from wrong, and whoever asks must ask
    /// [`Directory::is_known`] first.
    pub fn absent(system: SystemName, dialect: Dialect) -> Self {
        let snapshot = Snapshot {
            version: Snapshot::VERSION,
            system,
            dialect,
            tenant: String::new(),
            pulled_at: Timestamp::UNIX_EPOCH,
            kinds: BTreeMap::new(),
            custom_fields: Vec::new(),
            custom_fields_note: None,
            holds: Needs::ALL,
            constants: BTreeMap::new(),
        };
        Self {
            is_known: false,
            ..Self::new(snapshot)
        }
    }

    /// Whether this is the directory of a tenant, not the absence of one.
    pub fn is_known(&self) -> bool {
        self.is_known
    }

    /// The snapshot: for what looks at all that was loaded, and asks for nothing more.
    pub fn snapshot(&self) -> &Snapshot {
        &self.snapshot
    }

    /// The parts that it was asked for and does not hold.
    pub fn wanted(&self) -> Needs {
        self.asked().without(self.snapshot.holds)
    }

    /// The parts that it was asked for. Names that are looked up and found are not counted: whoever looks names up asks
    /// [`Directory::can_resolve`] first.
    pub fn asked(&self) -> Needs {
        Needs::of_bits(self.asked.load(Ordering::Relaxed))
    }

    /// Does something with it, and gives the parts that this asks for.
    pub fn asked_by<T>(&self, work: impl FnOnce() -> T) -> (T, Needs) {
        let before = self.asked.swap(Needs::NONE.bits(), Ordering::Relaxed);
        let made = work();
        let asked = Needs::of_bits(self.asked.fetch_or(before, Ordering::Relaxed));
        (made, asked)
    }

    /// Asks for parts, without looking at them yet.
    pub fn ask(&self, needs: Needs) {
        self.asked.fetch_or(needs.bits(), Ordering::Relaxed);
    }

    /// A hash of the parts that it was asked for, with what they are: two of the same parts can be compared.
    pub fn fingerprint(&self) -> String {
        let asked = self.asked();
        format!("{asked}:{}", self.snapshot.fingerprint(asked))
    }

    /// The same, with what was asked of an earlier one of which this is more.
    #[must_use]
    pub fn asked_for(self, needs: Needs) -> Self {
        self.ask(needs);
        self
    }

    /// The custom fields of tickets.
    pub fn custom_fields(&self) -> &[CustomField] {
        self.ask(Needs::CUSTOM_FIELDS);
        &self.snapshot.custom_fields
    }

    /// All that is known of a kind; `None` where the system has no such thing.
    pub fn listing(&self, kind: Kind) -> Option<&Listing> {
        self.ask(Needs::kind(kind));
        self.snapshot.kinds.get(&kind)
    }

    /// Finds the entry of a kind by name: the properties of `by` in order (`name`, `id`, or one of the entry's;
    /// empty: `name`, then `path` and its tails, then the others), each exactly and then folded; an id given as
    /// an id is taken when it exists. `within` restricts to entries of that parent id.
    pub fn find(&self, kind: Kind, text: &str, by: &[String], within: Option<&str>) -> Found<'_> {
        match self.look_up(kind, text, by, within) {
            Found::Missing(_) => Found::Missing(self.nearest(kind, text, within)),
            found => found,
        }
    }

    /// As [`Directory::find`], but without searching for the nearest names: [`Found::Missing`] is always bare.
    /// For the hot path; ask [`Directory::nearest`] once for a value that is missing.
    pub fn look_up(
        &self,
        kind: Kind,
        text: &str,
        by: &[String],
        within: Option<&str>,
    ) -> Found<'_> {
        let (Some(index), Some(listing)) = (self.kinds.get(&kind), self.snapshot.kinds.get(&kind))
        else {
            self.ask(Needs::kind(kind));
            return Found::Missing(Vec::new());
        };
        let properties = if by.is_empty() {
            &index.default_order
        } else {
            by
        };
        let mut folded = None;
        for property in properties {
            if property == "id" {
                continue;
            }
            let Some(texts) = index.texts(property) else {
                continue;
            };
            if let Some(found) = choose(listing, texts.exact.get(text), within) {
                return found;
            }
            let folded: &String = folded.get_or_insert_with(|| fold(text));
            if let Some(found) = choose(listing, texts.folded.get(folded), within) {
                return found;
            }
        }
        let id = text.trim();
        index
            .ids
            .get(id)
            .or_else(|| index.ids.get(&id.to_ascii_lowercase()))
            .and_then(|ids| choose(listing, Some(ids), within))
            .unwrap_or(Found::Missing(Vec::new()))
    }

    /// The entry of that id.
    pub fn entry(&self, kind: Kind, id: &str) -> Option<&Entry> {
        if !self.kinds.contains_key(&kind) {
            self.ask(Needs::kind(kind));
        }
        self.loaded_entry(kind, id)
    }

    /// The same where the kind is loaded already: it is not asked for.
    pub fn loaded_entry(&self, kind: Kind, id: &str) -> Option<&Entry> {
        let (index, listing) = (self.kinds.get(&kind)?, self.snapshot.kinds.get(&kind)?);
        let found = index.ids.get(&id.to_ascii_lowercase())?.first()?;
        listing.entries.get(*found as usize)
    }

    /// The names of a kind that are nearest to a text, best first, at most three; with `within` only those of
    /// that parent.
    pub fn nearest(&self, kind: Kind, text: &str, within: Option<&str>) -> Vec<String> {
        let (Some(index), Some(listing)) = (self.kinds.get(&kind), self.snapshot.kinds.get(&kind))
        else {
            return Vec::new();
        };
        match within {
            None => index.suggester(listing).nearest(text),
            Some(parent) => {
                let children = listing
                    .entries
                    .iter()
                    .filter(|entry| is_child(entry, parent))
                    .map(|entry| entry.name.as_str());
                super::suggest::nearest(text, children)
            }
        }
    }

    /// The names of the properties by which entries of a kind can be found, `name` and `id` included.
    pub fn properties(&self, kind: Kind) -> Vec<&str> {
        let mut names = vec!["name", "id"];
        if let Some(index) = self.kinds.get(&kind) {
            let others = index.default_order.iter().map(String::as_str);
            names.extend(others.filter(|name| !matches!(*name, "name" | SHORTENED)));
        }
        names
    }

    /// The custom field of that name: exact, then folded.
    pub fn custom_field(&self, name: &str) -> Option<Arc<CustomField>> {
        self.ask(Needs::CUSTOM_FIELDS);
        self.custom_exact
            .get(name)
            .or_else(|| self.custom_folded.get(&fold(name)))
            .cloned()
    }

    /// Whether entries of this kind can be resolved at all: `Err` says why not (not listed, or a partial
    /// listing: a name that is unique among some may be ambiguous among all).
    ///
    /// # Errors
    /// The reason, for people.
    pub fn can_resolve(&self, kind: Kind) -> Result<(), String> {
        self.ask(Needs::kind(kind));
        let Some(listing) = self.snapshot.kinds.get(&kind) else {
            return Err(format!("{} lists no `{kind}`", self.snapshot.system));
        };
        let because = |note: &Option<String>| match note {
            Some(note) => format!(": {note}"),
            None => String::new(),
        };
        let listed = listing.entries.len() as u64;
        match listing.total {
            Some(total) if listed < total => Err(format!(
                "only {} of {} could be listed{}",
                words::count(listed),
                words::plural(total, kind.noun(), &kind.plural()),
                because(&listing.note)
            )),
            _ if listed == 0 && listing.note.is_some() => Err(format!(
                "no {} could be listed{}",
                kind.noun(),
                because(&listing.note)
            )),
            _ => Ok(()),
        }
    }
}

/// The one entry of a list, or the several; `None` for an empty list, so that the next property is tried.
fn choose<'a>(
    listing: &'a Listing,
    list: Option<&Vec<u32>>,
    within: Option<&str>,
) -> Option<Found<'a>> {
    let mut entries = list?
        .iter()
        .filter_map(|index| listing.entries.get(*index as usize))
        .filter(|entry| within.is_none_or(|parent| is_child(entry, parent)));
    let first = entries.next()?;
    let mut others: Vec<&Entry> = Vec::new();
    for entry in entries {
        // A page that came twice is no ambiguity.
        if !entry.id.eq_ignore_ascii_case(&first.id) {
            others.push(entry);
        }
    }
    if others.is_empty() {
        return Some(Found::One(first));
    }
    others.insert(0, first);
    Some(Found::Ambiguous(others))
}

fn is_child(entry: &Entry, parent: &str) -> bool {
    entry
        .parent
        .as_deref()
        .is_some_and(|own| own.eq_ignore_ascii_case(parent))
}

#[cfg(test)]
mod tests;
