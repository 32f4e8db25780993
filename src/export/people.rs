//! Names of people that a system tells only when it is asked for them by their ids: those who were met while tickets were
//! read, remembered in the replica.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::replica::{Parts, Replica, Selection};
use crate::directory::{Directory, Entry, Kind};
use crate::error::Result;
use crate::systems::common::Named;
use crate::systems::{Permit, System};

/// How many are asked for at once.
const AT_ONCE: usize = 100;
/// After how long they are asked for again: names change.
const REMEMBERED: SignedDuration = SignedDuration::from_hours(7 * 24);
/// What is known of them.
const PEOPLE: &str = "people";

/// Somebody who was asked for; without a name where the system does not know the id.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Known {
    at: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    email: Option<String>,
}

/// The directory, with the people of these tickets whom it does not know yet.
///
/// # Errors
/// When they cannot be asked for, or the replica not be read.
pub async fn meet(
    system: &dyn System,
    permit: &dyn Permit,
    replica: &Mutex<Replica>,
    directory: &Arc<Directory>,
    with_comments: bool,
) -> Result<Arc<Directory>> {
    // Where nobody shows people, nobody misses their names.
    let shows_people = directory.snapshot().holds.has(Kind::User);
    if !shows_people || system.people(&[], permit).await?.is_none() {
        return Ok(Arc::clone(directory));
    }
    let now = Timestamp::now();
    let (unnamed, mut known) = tokio::task::block_in_place(|| {
        let replica = replica.lock().unwrap_or_else(PoisonError::into_inner);
        let unnamed = unnamed(&replica, directory, with_comments)?;
        let known = replica.fact(PEOPLE)?.unwrap_or_default();
        let known: BTreeMap<String, Known> = serde_json::from_str(&known).unwrap_or_default();
        Ok::<_, crate::error::Error>((unnamed, known))
    })?;
    let is_fresh = |one: &Known| now.duration_since(one.at) < REMEMBERED;
    let unnamed = unnamed.into_iter();
    let asked: Vec<String> = unnamed
        .filter(|id| !known.get(id).is_some_and(is_fresh))
        .collect();
    for some in asked.chunks(AT_ONCE) {
        let found = system.people(some, permit).await?.unwrap_or_default();
        for id in some {
            let person = found.iter().find(|person| person.id == *id);
            let was = known.get(id).cloned();
            let one = Known {
                at: now,
                name: person.map(|person| person.name.clone()),
                email: person.and_then(|person| person.properties.get("email").cloned()),
            };
            // Who has left is called as before.
            let one = match (person, was) {
                (None, Some(was)) => Known { at: now, ..was },
                _ => one,
            };
            known.insert(id.clone(), one);
        }
    }
    if !asked.is_empty() {
        let text = serde_json::to_string(&known).unwrap_or_default();
        let replica = replica.lock().unwrap_or_else(PoisonError::into_inner);
        replica.keep_fact(PEOPLE, &text)?;
    }
    let met: Vec<Entry> = known
        .into_iter()
        .filter(|(id, _)| directory.loaded_entry(Kind::User, id).is_none())
        .filter_map(|(id, one)| {
            let email = one.email.map(|email| ("email".to_owned(), email));
            Some(Entry {
                id,
                name: one.name?,
                properties: email.into_iter().collect(),
                parent: None,
            })
        })
        .collect();
    if met.is_empty() {
        return Ok(Arc::clone(directory));
    }
    let mut snapshot = directory.snapshot().clone();
    let users = snapshot.kinds.entry(Kind::User).or_default();
    users.entries.extend(met);
    Ok(Arc::new(
        Directory::new(snapshot).asked_for(directory.asked()),
    ))
}

/// The ids of people in the tickets whom nobody has named.
fn unnamed(
    replica: &Replica,
    directory: &Directory,
    with_comments: bool,
) -> Result<BTreeSet<String>> {
    let selection = Selection {
        query: None,
        parts: Parts {
            comments: with_comments,
            ..Parts::default()
        },
        directory,
    };
    let fields = &directory.snapshot().custom_fields;
    let is_person = |id: &Option<String>| {
        let mut fields = fields.iter();
        fields.any(|field| {
            field.kind == crate::directory::CustomType::User
                && id
                    .as_deref()
                    .is_some_and(|id| field.id.eq_ignore_ascii_case(id))
        })
    };
    let mut ids = BTreeSet::new();
    replica.each(selection, &mut |ticket| {
        let authors = ticket.comments.iter().map(|comment| &comment.author);
        let people = [&ticket.requester, &ticket.assignee]
            .into_iter()
            .chain(authors);
        let is_unnamed = |named: &&Named| named.name.is_none();
        let unnamed = people.flatten().filter(is_unnamed);
        ids.extend(unnamed.filter_map(|named| named.id.clone()));
        for value in ticket.custom.iter().filter(|value| is_person(&value.id)) {
            // A name took the place of an id that is known.
            let texts = match &value.value {
                serde_json::Value::Array(items) => items.iter().collect(),
                one => vec![one],
            };
            let texts = texts.into_iter().filter_map(serde_json::Value::as_str);
            let is_id = |text: &&str| !text.is_empty() && !text.contains(char::is_whitespace);
            ids.extend(texts.filter(is_id).map(str::to_owned));
        }
        Ok(())
    })?;
    Ok(ids)
}
