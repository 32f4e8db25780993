//! Tickets by person: told apart by who they are, not by what they are called.
//!
//! A person is their id, else their e-mail address, else their name. Two of one name are two, and are shown with what
//! tells them apart.

use std::collections::HashMap;

use compact_str::CompactString;

use super::groups::{Ranked, Tally, rank};
use super::value::{Condition, Field, Test};
use crate::systems::common::Named;

/// What is counted by person.
#[derive(Debug)]
pub(super) struct People<T> {
    /// The columns of the tickets sheet that show them: name and address.
    fields: (Field, Field),
    by_key: HashMap<CompactString, Entry<T>, foldhash::fast::RandomState>,
    nobody: Option<T>,
}

#[derive(Debug)]
struct Entry<T> {
    id: CompactString,
    /// How tickets show them: name and address, as often as they differ.
    shown: Vec<(CompactString, CompactString)>,
    tally: T,
}

/// A person as a table shows them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Person {
    /// What they are called.
    pub(super) name: String,
    /// Their address, if it is known.
    pub(super) address: String,
    /// What tells them apart from others of that name; empty where nobody else is called so.
    apart: String,
    /// What a row of theirs on the tickets sheet fulfils, and none of anybody else's; `None`: nothing does.
    pub(super) conditions: Option<Vec<Condition>>,
}

impl Person {
    /// The name, with what tells them apart from others of that name.
    pub(super) fn label(&self) -> String {
        match self.apart.as_str() {
            "" => self.name.clone(),
            apart => format!("{} ({apart})", self.name),
        }
    }

    /// The name, where the address stands beside it.
    pub(super) fn name_beside_address(&self) -> String {
        match self.apart.starts_with("id ") {
            true => self.label(),
            false => self.name.clone(),
        }
    }
}

fn text(part: &Option<String>) -> &str {
    part.as_deref().map_or("", str::trim)
}

/// Who somebody is; `None`: nobody.
fn key(person: &Named) -> Option<CompactString> {
    person.key().map(CompactString::from)
}

impl<T: Tally> People<T> {
    pub(super) fn new(name: Field, address: Field) -> Self {
        Self {
            fields: (name, address),
            by_key: HashMap::default(),
            nobody: None,
        }
    }

    /// What is counted of a person.
    pub(super) fn of(&mut self, person: Option<&Named>) -> &mut T {
        let Some((person, key)) = person.and_then(|person| Some((person, key(person)?))) else {
            return self.nobody.get_or_insert_default();
        };
        let entry = self.by_key.entry(key).or_insert_with(|| Entry {
            id: text(&person.id).into(),
            shown: Vec::new(),
            tally: T::default(),
        });
        let (name, address) = (person.label(), text(&person.email));
        let is_known =
            |(one, other): &(CompactString, CompactString)| one == name && other == address;
        if !entry.shown.iter().any(is_known) {
            entry.shown.push((name.into(), address.into()));
        }
        &mut entry.tally
    }

    /// The people with the most, with what tells them apart.
    pub(super) fn ranked(mut self, most: usize) -> Ranked<T, Person> {
        self.join_addresses();
        let mut all: Vec<Entry<T>> = self.by_key.into_values().collect();
        // Whatever order a map has, the same people come out in the same order.
        all.sort_by(|one, other| (&one.shown, &one.id).cmp(&(&other.shown, &other.id)));
        let mut looks = Looks::default();
        all.iter().for_each(|entry| looks.add(&entry.shown));
        let people = all.into_iter().map(|entry| {
            let person = looks.person(&entry.shown, &entry.id, self.fields);
            (person, entry.tally)
        });
        let shown = rank(people.collect(), most);
        Ranked {
            nameless: self.nobody,
            ..shown
        }
    }

    /// Somebody who is known by an address alone is the one whose id has that address.
    fn join_addresses(&mut self) {
        let mut by_address: HashMap<String, Vec<CompactString>> = HashMap::new();
        for (key, entry) in self.by_key.iter().filter(|(key, _)| key.starts_with("i:")) {
            for (_, address) in entry
                .shown
                .iter()
                .filter(|(_, address)| !address.is_empty())
            {
                let keys = by_address
                    .entry(address.as_str().to_lowercase())
                    .or_default();
                if !keys.contains(key) {
                    keys.push(key.clone());
                }
            }
        }
        let lone: Vec<CompactString> = self
            .by_key
            .keys()
            .filter(|key| key.starts_with("e:"))
            .cloned()
            .collect();
        for key in lone {
            let Some([whole]) = by_address.get(&key[2..]).map(Vec::as_slice) else {
                continue;
            };
            if let Some(entry) = self.by_key.remove(&key)
                && let Some(whole) = self.by_key.get_mut(whole)
            {
                whole.tally.merge(entry.tally);
                for look in entry.shown {
                    if !whole.shown.contains(&look) {
                        whole.shown.push(look);
                    }
                }
            }
        }
    }
}

/// How many people are shown so, whatever the case of letters.
#[derive(Debug, Default)]
struct Looks {
    names: HashMap<String, u64>,
    addresses: HashMap<String, u64>,
    /// Names without an address beside them.
    bare: HashMap<String, u64>,
}

impl Looks {
    fn add(&mut self, shown: &[(CompactString, CompactString)]) {
        let distinct = |texts: Vec<String>| {
            let mut texts = texts;
            texts.sort_unstable();
            texts.dedup();
            texts
        };
        let names = shown
            .iter()
            .map(|(name, _)| name.as_str().to_lowercase())
            .collect();
        for name in distinct(names) {
            *self.names.entry(name).or_default() += 1;
        }
        let addresses = shown
            .iter()
            .map(|(_, address)| address.as_str().to_lowercase());
        for address in distinct(addresses.collect()) {
            *self.addresses.entry(address).or_default() += 1;
        }
        let bare = shown.iter().filter(|(_, address)| address.is_empty());
        for name in distinct(bare.map(|(name, _)| name.as_str().to_lowercase()).collect()) {
            *self.bare.entry(name).or_default() += 1;
        }
    }

    fn person(
        &self,
        shown: &[(CompactString, CompactString)],
        id: &str,
        (name_field, address_field): (Field, Field),
    ) -> Person {
        let name = shown.first().map_or("", |(name, _)| name.as_str());
        let mut addresses = shown.iter().map(|(_, address)| address.as_str());
        let address = addresses.find(|address| !address.is_empty()).unwrap_or("");
        let is_one = |counts: &HashMap<String, u64>, text: &str| {
            counts.get(&text.to_lowercase()) == Some(&1)
        };
        let same = |one: &str, other: &str| one.to_lowercase() == other.to_lowercase();
        let one_name = shown.iter().all(|(one, _)| same(one, name));
        let one_address = shown.iter().all(|(_, one)| same(one, address));
        let conditions = if one_name && is_one(&self.names, name) {
            Some(vec![name_field.is(name)])
        } else if one_address && !address.is_empty() && is_one(&self.addresses, address) {
            Some(vec![address_field.is(address)])
        } else if one_name && one_address && address.is_empty() && is_one(&self.bare, name) {
            Some(vec![name_field.is(name), address_field.test(Test::Empty)])
        } else {
            None
        };
        let apart = match is_one(&self.names, name) {
            true => String::new(),
            false if !address.is_empty() && is_one(&self.addresses, address) => address.to_owned(),
            false if id.is_empty() => "no address".to_owned(),
            false => format!("id {id}"),
        };
        Person {
            name: name.to_owned(),
            address: address.to_owned(),
            apart,
            conditions,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(id: &str, name: &str, email: &str) -> Option<Named> {
        let part = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        Some(Named {
            id: part(id),
            name: part(name),
            email: part(email),
        })
    }

    fn counted(people: &[Option<Named>]) -> Ranked<u64, Person> {
        let mut all = People::<u64>::new(Field::Requester, Field::RequesterEmail);
        for person in people {
            *all.of(person.as_ref()) += 1;
        }
        all.ranked(10)
    }

    #[test]
    fn two_of_one_name_are_two_with_their_addresses() {
        let (one, other) = (
            named("u1", "Maria Garcia", "mg@x.example"),
            named("u2", "Maria Garcia", "maria@x.example"),
        );
        let ranked = counted(&[one.clone(), other, one, named("U3", "Bo", ""), None]);
        let shown: Vec<_> = ranked
            .shown
            .iter()
            .map(|(person, count)| (person.label(), *count))
            .collect();
        assert_eq!(
            shown,
            [
                ("Maria Garcia (mg@x.example)".to_owned(), 2),
                ("Bo".to_owned(), 1),
                ("Maria Garcia (maria@x.example)".to_owned(), 1),
            ]
        );
        assert_eq!(ranked.nameless, Some(1));
        let first = ranked.shown[0].0.conditions.clone().unwrap();
        assert_eq!(first, [Field::RequesterEmail.is("mg@x.example")]);
    }

    #[test]
    fn one_without_an_address_is_not_counted_with_others_of_that_name() {
        let ranked = counted(&[
            named("", "Maria Garcia", ""),
            named("", "Maria Garcia", "mg@x.example"),
            named("", "Maria Garcia", "mg@x.example"),
        ]);
        let (person, count) = &ranked.shown[1];
        assert_eq!(
            (person.label().as_str(), *count),
            ("Maria Garcia (no address)", 1)
        );
        let empty = Field::RequesterEmail.test(Test::Empty);
        assert_eq!(
            person.conditions.as_deref(),
            Some(&[Field::Requester.is("Maria Garcia"), empty][..])
        );
    }

    #[test]
    fn who_changes_name_or_address_stays_one_and_has_no_formula_that_would_miss_some() {
        let ranked = counted(&[
            named("u1", "Ada Lovelace", "ada@x.example"),
            named("U1", "Ada King", ""),
            named("", "", "ADA@x.example"),
            named("u2", "Bo", ""),
            named("u3", "bo", ""),
        ]);
        let shown: Vec<_> = ranked
            .shown
            .iter()
            .map(|(person, count)| (person.label(), *count, person.conditions.is_some()))
            .collect();
        assert_eq!(
            shown,
            [
                ("Ada Lovelace".to_owned(), 3, false),
                ("Bo (id u2)".to_owned(), 1, false),
                ("bo (id u3)".to_owned(), 1, false),
            ]
        );
    }
}
