//! Entries that share a name, told apart: `Maria Lopez (mlopez@district.example · Faculty · Lincoln High School)`.

use super::suggest::fold;
use super::{Directory, Entry, Found, Kind};

/// Between the parts that tell an entry from its namesakes.
const BETWEEN: &str = " · ";
/// What tells namesakes apart, the best first: one of the first, then what they are and where.
const UNIQUE: [&str; 5] = ["email", "number", "username", "abbreviation", "tag"];

impl Directory {
    /// An entry by a text that tells it from all others of its kind.
    pub fn label(&self, kind: Kind, entry: &Entry) -> String {
        let property = |name: &str| entry.properties.get(name).map(String::as_str);
        if let Some(path) = property("path") {
            return path.to_owned();
        }
        let mut parts: Vec<&str> = UNIQUE.into_iter().find_map(property).into_iter().collect();
        parts.extend(property("role"));
        let parent = entry.parent.as_deref();
        let place = parent.and_then(|id| self.loaded_entry(Kind::Location, id));
        let place = place.map(|place| place.name.as_str());
        parts.extend(property("location").or(place.filter(|_| kind != Kind::Location)));
        parts.retain(|part| !part.is_empty() && *part != entry.name);
        if parts.is_empty() {
            parts.push(&entry.id);
        }
        format!("{} ({})", entry.name, parts.join(BETWEEN))
    }

    /// The entry that such a text means, also where what is in the brackets beside its address or number has changed; within
    /// an entry, where one is named.
    pub fn labelled(&self, kind: Kind, text: &str, within: Option<&str>) -> Option<&Entry> {
        let inside = text.trim().strip_suffix(')')?;
        let (name, inside) = inside.rsplit_once(" (")?;
        let by_name = ["name".to_owned()];
        let entries = match self.look_up(kind, name, &by_name, within) {
            Found::One(entry) => vec![entry],
            Found::Ambiguous(entries) => entries,
            Found::Missing(_) => return None,
        };
        let parts: Vec<String> = inside.split(BETWEEN).map(fold).collect();
        let only = |is_it: &dyn Fn(&Entry) -> bool| {
            let mut found = entries.iter().filter(|entry| is_it(entry));
            let first = found.next()?;
            found.next().is_none().then_some(*first)
        };
        let whole = fold(text);
        // Only what a label shows to tell it: a mere number in brackets may belong to a name that nothing has.
        let has_one = |entry: &Entry| {
            let own = UNIQUE
                .into_iter()
                .find_map(|name| entry.properties.get(name));
            own.is_some_and(|own| {
                (parts.len() > 1 || own.contains('@')) && parts.contains(&fold(own))
            })
        };
        only(&|entry| fold(&self.label(kind, entry)) == whole).or_else(|| only(&has_one))
    }

    /// What a person may have meant by a name, as texts that are understood: of namesakes each with what tells it apart.
    pub fn meant(&self, kind: Kind, text: &str) -> Vec<String> {
        let told = |name: &str| match self.look_up(kind, name, &[], None) {
            Found::Ambiguous(entries) => {
                let labels = entries.iter().map(|entry| self.label(kind, entry));
                labels.collect::<Vec<String>>()
            }
            _ => vec![name.to_owned()],
        };
        match self.look_up(kind, text, &[], None) {
            Found::Ambiguous(_) => told(text),
            _ => {
                let nearest = self.nearest(kind, text, None);
                nearest.first().map(|name| told(name)).unwrap_or_default()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use jiff::Timestamp;

    use super::super::{Listing, Needs, Snapshot};
    use super::*;
    use crate::systems::{Dialect, SystemName};

    fn entry(id: &str, name: &str, properties: &[(&str, &str)], parent: Option<&str>) -> Entry {
        let properties = properties.iter();
        Entry {
            id: id.to_owned(),
            name: name.to_owned(),
            properties: properties
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                .collect(),
            parent: parent.map(str::to_owned),
        }
    }

    fn directory() -> Directory {
        let listing = |entries: Vec<Entry>| Listing {
            entries,
            ..Listing::default()
        };
        let maria = |id: &str, email: &str, role: &str| {
            let properties = [
                ("email", email),
                ("role", role),
                ("location", "Lincoln High School"),
            ];
            entry(id, "Maria Lopez", &properties, None)
        };
        let kinds = BTreeMap::from([
            (
                Kind::User,
                listing(vec![
                    maria("u1", "mlopez@district.example", "Student"),
                    maria("u2", "maria.lopez@district.example", "Faculty"),
                ]),
            ),
            (
                Kind::Location,
                listing(vec![
                    entry(
                        "l1",
                        "Lincoln High School",
                        &[("abbreviation", "LHS")],
                        None,
                    ),
                    entry("l2", "Tubman", &[], None),
                ]),
            ),
            (
                Kind::Room,
                listing(vec![
                    entry("r1", "101", &[], Some("l1")),
                    entry("r2", "101", &[], Some("l2")),
                ]),
            ),
        ]);
        Directory::new(Snapshot {
            version: Snapshot::VERSION,
            system: SystemName::IncidentIq,
            dialect: Dialect::Only,
            tenant: "t".to_owned(),
            pulled_at: Timestamp::UNIX_EPOCH,
            kinds,
            custom_fields: Vec::new(),
            custom_fields_note: None,
            holds: Needs::ALL,
            constants: BTreeMap::new(),
        })
    }

    #[test]
    fn namesakes_are_told_apart_and_what_is_offered_is_understood() {
        let directory = directory();
        let offered = directory.meant(Kind::User, "Maria Lopez");
        assert_eq!(
            offered,
            [
                "Maria Lopez (mlopez@district.example · Student · Lincoln High School)",
                "Maria Lopez (maria.lopez@district.example · Faculty · Lincoln High School)",
            ]
        );
        // A slip in a name that two people have.
        assert_eq!(directory.meant(Kind::User, "Maria Lopes"), offered);
        let ids = offered.iter().map(|text| {
            directory
                .labelled(Kind::User, text, None)
                .unwrap()
                .id
                .clone()
        });
        assert_eq!(ids.collect::<Vec<_>>(), ["u1", "u2"]);
        let rooms = directory.meant(Kind::Room, "101");
        assert_eq!(rooms, ["101 (Lincoln High School)", "101 (Tubman)"]);
        let ids = rooms.iter().map(|text| {
            directory
                .labelled(Kind::Room, text, None)
                .unwrap()
                .id
                .clone()
        });
        assert_eq!(ids.collect::<Vec<_>>(), ["r1", "r2"]);
        // A room of another building than the row's is no answer, nor what a number in brackets may mean.
        let within = |text: &str, place: &str| directory.labelled(Kind::Room, text, Some(place));
        let lincoln = directory
            .entry(Kind::Room, "r1")
            .unwrap()
            .parent
            .clone()
            .unwrap();
        assert_eq!(
            within("101 (Lincoln High School)", &lincoln).unwrap().id,
            "r1"
        );
        assert!(within("101 (Tubman)", &lincoln).is_none());
        assert!(directory.labelled(Kind::Room, "101 (r1)", None).is_none());
        // The role has changed since the sheet was written.
        let old = "Maria Lopez (maria.lopez@district.example · Staff · Lincoln High School)";
        assert_eq!(directory.labelled(Kind::User, old, None).unwrap().id, "u2");
        assert!(
            directory
                .labelled(Kind::User, "Maria Lopez (Faculty)", None)
                .is_none()
        );
        assert!(directory.labelled(Kind::User, "Max (x)", None).is_none());
    }
}
