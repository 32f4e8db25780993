//! The JSON Schema and the loader call the same forms right and wrong: mappings made at random of the table of keys, most of
//! them nearly right.

use std::fmt::Write as _;

use crate::mapping::draft::Draft;
use crate::mapping::keys::{Demand, Key, Keys, TOP, Takes};
use crate::systems::fields::Setting;

use super::*;

/// Numbers that look random and are the same in every run.
struct Dice(u64);

impl Dice {
    fn below(&mut self, most: usize) -> usize {
        // SplitMix64.
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((mixed ^ (mixed >> 31)) % most as u64) as usize
    }

    /// So often in a thousand.
    fn hits(&mut self, often: usize) -> bool {
        self.below(1000) < often
    }

    fn pick<'t, T>(&mut self, some: &'t [T]) -> &'t T {
        &some[self.below(some.len())]
    }
}

/// A value of TOML.
#[derive(Debug, Clone)]
enum Node {
    Text(String),
    Whole(i64),
    Float(f64),
    Truth(bool),
    Date,
    List(Vec<Node>),
    Table(Vec<(String, Node)>),
}

impl Node {
    fn toml(&self, out: &mut String) {
        match self {
            Self::Text(text) => write!(out, "{:?}", text).unwrap(),
            Self::Whole(number) => write!(out, "{number}").unwrap(),
            Self::Float(number) => write!(out, "{number:?}").unwrap(),
            Self::Truth(truth) => write!(out, "{truth}").unwrap(),
            Self::Date => out.push_str("2024-06-21"),
            Self::List(items) => {
                out.push('[');
                for item in items {
                    item.toml(out);
                    out.push(',');
                }
                out.push(']');
            }
            Self::Table(members) => {
                out.push('{');
                for (at, (name, value)) in members.iter().enumerate() {
                    let comma = if at > 0 { ", " } else { "" };
                    write!(out, "{comma}{name:?} = ").unwrap();
                    value.toml(out);
                }
                out.push('}');
            }
        }
    }

    fn json(&self) -> Value {
        match self {
            Self::Text(text) => Value::from(text.as_str()),
            Self::Whole(number) => Value::from(*number),
            Self::Float(number) => Value::from(*number),
            Self::Truth(truth) => Value::from(*truth),
            // As editors hand it on.
            Self::Date => Value::from("2024-06-21"),
            Self::List(items) => items.iter().map(Self::json).collect(),
            Self::Table(members) => {
                let members = members.iter();
                let members = members.map(|(name, value)| (name.clone(), value.json()));
                Value::Object(members.collect())
            }
        }
    }
}

/// Any value, for a place that takes another one.
fn any(dice: &mut Dice) -> Node {
    match dice.below(9) {
        0 => Node::Whole(dice.below(5) as i64),
        1 => Node::Float(*dice.pick(&[1.5, 2.0])),
        2 => Node::Truth(dice.hits(500)),
        3 => Node::Date,
        4 => Node::List(Vec::new()),
        5 => Node::List(vec![Node::Text("x".to_owned()), Node::Whole(1)]),
        6 => Node::Table(Vec::new()),
        7 => Node::Table(vec![("x".to_owned(), Node::Text("y".to_owned()))]),
        _ => Node::Text("x".to_owned()),
    }
}

/// A text that means something under this key.
fn text(key: &str, dice: &mut Dice) -> Node {
    if dice.hits(20) {
        return Node::Date;
    }
    let text = match key {
        "timezone" => "UTC",
        "where" | "when" | "where_group" => "Title != ''",
        "template" => "{{ Title }}",
        "extract" => "(x+)",
        "encoding" => "utf-8",
        "delimiter" => ";",
        "formats" => "%Y-%m-%d",
        "operation" => "comment",
        "read_at" => "2026-11-29T08:30:00Z",
        _ => *dice.pick(&["Title", "Id", "a b"]),
    };
    Node::Text(text.to_owned())
}

fn scalar(dice: &mut Dice) -> Node {
    match dice.below(8) {
        0 => Node::Whole(7),
        1 => Node::Truth(true),
        2 => Node::Date,
        _ => Node::Text("High".to_owned()),
    }
}

fn list(most: usize, dice: &mut Dice, one: impl Fn(&mut Dice) -> Node) -> Node {
    let count = dice.below(most + 1);
    Node::List((0..count).map(|_| one(dice)).collect())
}

fn value(key: &Key, fields: &[&str], dice: &mut Dice) -> Node {
    if dice.hits(12) {
        return any(dice);
    }
    let word = |words: &[&str], dice: &mut Dice| match dice.hits(15) {
        true => Node::Text("nonesuch".to_owned()),
        false => Node::Text((*dice.pick(words)).to_owned()),
    };
    let named = |keys: &'static Keys, dice: &mut Dice| {
        let names: &[&str] = if fields.is_empty() {
            &["Id", "Title"]
        } else {
            fields
        };
        let some = names.iter().filter(|_| dice.hits(400)).collect::<Vec<_>>();
        some.into_iter()
            .map(|name| ((*name).to_owned(), table(keys, dice)))
            .collect::<Vec<_>>()
    };
    match key.takes {
        Takes::Version(_) => Node::Whole(1 + dice.below(2) as i64),
        Takes::Text => text(key.name, dice),
        Takes::Texts | Takes::Some => match dice.hits(600) {
            true => text(key.name, dice),
            false => list(2, dice, |dice| text(key.name, dice)),
        },
        Takes::Bool => Node::Truth(dice.hits(700)),
        Takes::Count => match dice.hits(50) {
            true => Node::Float(3.0),
            false => Node::Whole(dice.below(9) as i64),
        },
        Takes::Number => Node::Float(dice.below(9) as f64 / 2.0),
        Takes::Constant => match dice.hits(200) {
            true => list(2, dice, scalar),
            false => scalar(dice),
        },
        Takes::Word(words) => word(words, dice),
        Takes::WordOr(words, keys) => match dice.hits(500) {
            true => word(words, dice),
            false => table(keys, dice),
        },
        Takes::Instead(words) => match dice.hits(500) {
            true => scalar(dice),
            false => {
                let does = ("do".to_owned(), word(words, dice));
                Node::Table(vec![does; usize::from(!dice.hits(50))])
            }
        },
        Takes::Rows => match dice.hits(600) {
            true => Node::Whole(dice.below(4) as i64),
            false => list(2, dice, |dice| Node::Whole(dice.below(4) as i64)),
        },
        Takes::Sheet => match dice.below(3) {
            0 => Node::Text("*".to_owned()),
            1 => Node::Whole(dice.below(3) as i64),
            _ => list(2, dice, |dice| Node::Whole(1 + dice.below(3) as i64)),
        },
        Takes::Pairs => list(2, dice, |dice| {
            let count = if dice.hits(50) { 1 + dice.below(3) } else { 2 };
            Node::List(vec![Node::Text("x".to_owned()); count])
        }),
        Takes::Words => {
            let count = dice.below(3);
            let words = (0..count).map(|at| (format!("w{at}"), scalar(dice)));
            Node::Table(words.collect())
        }
        Takes::Table(keys) => table(keys, dice),
        Takes::Named(keys) => Node::Table(named(keys, dice)),
        Takes::Fields(keys) => {
            let mut members = named(keys, dice);
            if dice.hits(100) {
                let custom = vec![("Asset Tag".to_owned(), table(keys, dice))];
                members.push(("custom".to_owned(), Node::Table(custom)));
            }
            Node::Table(members)
        }
        Takes::Tables(keys) => list(1, dice, |dice| table(keys, dice)),
        Takes::Parts(keys) => match dice.below(3) {
            0 => text("key", dice),
            1 => table(keys, dice),
            _ => list(2, dice, |dice| match dice.hits(500) {
                true => text("key", dice),
                false => table(keys, dice),
            }),
        },
        Takes::Values => {
            let mut members = vec![("Title".to_owned(), scalar(dice))];
            if dice.hits(150) {
                members.push(("custom".to_owned(), any(dice)));
            }
            Node::Table(members)
        }
        Takes::Cells => {
            let row = |dice: &mut Dice| {
                let cell = match dice.hits(200) {
                    true => list(2, dice, scalar),
                    false => scalar(dice),
                };
                Node::Table(vec![("Title".to_owned(), cell)])
            };
            match dice.hits(700) {
                true => row(dice),
                false => list(1, dice, row),
            }
        }
    }
}

/// A table with these keys, most of what it demands among them.
fn table(keys: &'static Keys, dice: &mut Dice) -> Node {
    table_with(keys, &[], dice)
}

fn table_with(keys: &'static Keys, fields: &[&str], dice: &mut Dice) -> Node {
    let mut chosen: Vec<&str> = Vec::new();
    for demand in keys.demands {
        if dice.hits(15) {
            continue;
        }
        match demand {
            Demand::All(names) => chosen.extend(*names),
            Demand::Any(names) | Demand::NotTwo(names)
                if !names.iter().any(|it| chosen.contains(it)) =>
            {
                chosen.push(names[dice.below(names.len())]);
            }
            Demand::One(groups) => {
                let group = dice.pick(groups);
                chosen.push(group[dice.below(group.len())]);
            }
            Demand::With(first, second) if chosen.contains(first) => chosen.push(second),
            _ => {}
        }
    }
    let all: Vec<&Key> = keys.iter().collect();
    let more = dice.below(3);
    for _ in 0..more {
        chosen.push(dice.pick(&all).name);
    }
    let mut members: Vec<(String, Node)> = Vec::new();
    for key in all {
        if chosen.contains(&key.name) {
            members.push((key.name.to_owned(), value(key, fields, dice)));
        }
    }
    if dice.hits(15) {
        members.push(("nonesuch".to_owned(), scalar(dice)));
    }
    Node::Table(members)
}

/// A whole mapping: its system and operation are right, and so are the names of its fields.
fn mapping(dice: &mut Dice) -> Node {
    let system = *dice.pick(&SystemName::ALL);
    let dialect = *dice.pick(system.dialects());
    let schema = crate::systems::schema(system, Some(dialect)).unwrap();
    let operations = Operation::ALL.into_iter();
    let known: Vec<Operation> = operations.filter(|it| schema.fields(*it).is_ok()).collect();
    let operation = *dice.pick(&known);
    let table = schema.fields(operation).unwrap();
    let settable = |field: &&Field| !matches!(field.setting, Setting::Never(_));
    let names: Vec<&str> = (table.fields.iter().filter(settable))
        .map(|field| field.name)
        .collect();
    let Node::Table(mut members) = table_with(&TOP, &names, dice) else {
        unreachable!("a table was made")
    };
    members.retain(|(name, _)| !["system", "operation", "fields"].contains(&name.as_str()));
    let word = |word: &str| Node::Text(word.to_owned());
    members.push(("system".to_owned(), word(system.as_str())));
    members.push(("operation".to_owned(), word(operation.as_str())));
    let is_there =
        |members: &[(String, Node)], key: &str| members.iter().any(|(name, _)| name == key);
    if !operation.makes() && !is_there(&members, "target") && !dice.hits(15) {
        let from = vec![("from".to_owned(), word("Id"))];
        members.push(("target".to_owned(), Node::Table(from)));
    }
    if operation.makes() {
        members
            .retain(|(name, _)| !["target", "baseline"].contains(&name.as_str()) || dice.hits(15));
    }
    let mut fields = Vec::new();
    for field in table.fields.iter().filter(settable) {
        if field.required || dice.hits(40) {
            fields.push((field.name.to_owned(), self::table(&keys::FIELD, dice)));
        }
    }
    if !fields.is_empty() || operation.makes() {
        members.push(("fields".to_owned(), Node::Table(fields)));
    }
    Node::Table(members)
}

/// Judges so many mappings, from a number on.
fn agree(from: u64, count: u64) {
    let schema = json_schema().unwrap();
    let mut compiler = boon::Compiler::new();
    compiler.add_resource("mapping.json", schema).unwrap();
    let mut schemas = boon::Schemas::new();
    let schema = compiler.compile("mapping.json", &mut schemas).unwrap();
    let (mut good, mut wrong) = (0, 0);
    let mut differ = Vec::new();
    for seed in from..from + count {
        let node = mapping(&mut Dice(seed.wrapping_mul(0x2545_f491_4f6c_dd1d)));
        let Node::Table(members) = &node else {
            unreachable!("a mapping is a table")
        };
        let mut text = String::new();
        for (name, value) in members {
            write!(text, "{name} = ").unwrap();
            value.toml(&mut text);
            text.push('\n');
        }
        let draft = Draft::read("m.toml".to_owned(), text.clone(), Path::new("."));
        let is_good = draft.faults.is_empty();
        let is_wrong = draft.faults.is_form_wrong();
        good += u64::from(is_good);
        wrong += u64::from(is_wrong);
        let json = node.json();
        let judged = schemas.validate(&json, schema);
        let shown = |why: String| format!("mapping {seed}: {why}\n{text}");
        match (is_good, is_wrong, judged) {
            (true, _, Err(error)) => {
                differ.push(shown(format!("only the schema refuses it: {error:#}")))
            }
            (_, true, Ok(())) => {
                let told = draft.faults.clone().into_list();
                let told: Vec<String> = told.iter().map(ToString::to_string).collect();
                differ.push(shown(format!(
                    "only the loader refuses it: {}",
                    told.join("; ")
                )));
            }
            _ => {}
        }
    }
    assert!(
        differ.is_empty(),
        "{} differ:\n{}",
        differ.len(),
        differ[..differ.len().min(4)].join("\n")
    );
    assert!(
        good * 20 > count && wrong * 10 > count,
        "{good} good and {wrong} wrong of {count}"
    );
}

#[test]
fn the_schema_takes_what_the_loader_takes() {
    agree(0, 300);
}

#[test]
#[ignore = "the long form: about a minute"]
fn the_schema_takes_what_the_loader_takes_eight_thousand_times() {
    agree(1_000, 8_000);
}
