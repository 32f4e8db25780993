//! The columns that a plan reads, each once, by the name that the mapping uses.

use std::borrow::Cow;
use std::collections::HashMap;

use super::script::Origin;

/// Stands before the name of an item's value; no heading has it.
const ITEM: char = '\u{1}';
/// Stands before the name of a value of the item that a record is about.
const TICKET: char = '\u{4}';
/// Stands before the name of a column of the row that is the item.
const MEMBER: char = '\u{3}';
/// Stands before the number of a column that is made.
const COMPUTED: char = '\u{2}';

/// The columns that are read, each once, by the name that the mapping uses.
#[derive(Debug, Default)]
pub(crate) struct Slots {
    list: Vec<Slot>,
    index: HashMap<String, usize>,
    /// What `item` now means.
    pub(crate) item_is: ItemIs,
    /// Whether what is read now may be missing from tables of the input.
    pub(crate) is_optional: bool,
    /// What was asked for, in order.
    pub(crate) touched: Vec<usize>,
    /// The folded names of the columns that are made. One is known by what is compiled after it: in its own steps its
    /// name is that of a column of the input.
    pub(crate) computed: Vec<String>,
}

/// What `item` means in a mapping.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum ItemIs {
    /// A column of that name.
    #[default]
    Column,
    /// An item of `each` at the top: what the record is about.
    Ticket,
    /// An item of `each`: a part of a cell, or a row elsewhere.
    Value,
    /// A row of the group.
    Row,
}

/// A column that is read.
#[derive(Debug)]
pub(crate) struct Slot {
    /// As the mapping writes it.
    pub(crate) name: String,
    /// Where it is named first.
    pub(crate) origin: Origin,
    /// Whether a field is made of it, so that its value is part of the row's content.
    pub(crate) is_content: bool,
    /// Whether each table of the input must have it.
    pub(crate) is_needed: bool,
    /// Of a column that is made: which of them.
    pub(crate) computed: Option<usize>,
    /// Whether it is read in the row that is the item of `each`.
    is_of_item: bool,
}

impl Slots {
    /// The slot of a column.
    pub(crate) fn slot(&mut self, name: &str, origin: &Origin) -> usize {
        let slot = self.find_or_add(name, origin);
        self.touched.push(slot);
        slot
    }

    fn find_or_add(&mut self, name: &str, origin: &Origin) -> usize {
        if let Some(slot) = self.find(name) {
            self.list[slot].is_needed |= !self.is_optional;
            return slot;
        }
        let called = self.called(name);
        let (name, is_of_item) = match self.column_of_item(name) {
            Some(column) => (column, true),
            None => (name, false),
        };
        let computed = self.computed_of(name);
        self.list.push(Slot {
            name: match computed {
                None if !is_of_item => called.clone().into_owned(),
                _ => name.to_owned(),
            },
            is_of_item,
            origin: origin.clone(),
            is_content: false,
            is_needed: !self.is_optional,
            computed,
        });
        self.index.insert(called.into_owned(), self.list.len() - 1);
        self.list.len() - 1
    }

    /// A name as it is kept: one that means an item is told from a column of that name.
    fn called<'n>(&self, name: &'n str) -> Cow<'n, str> {
        if let Some(column) = self.column_of_item(name) {
            return Cow::Owned(format!("{MEMBER}{column}"));
        }
        if self.is_item(name) {
            let sign = match self.item_is {
                ItemIs::Ticket => TICKET,
                _ => ITEM,
            };
            return Cow::Owned(format!("{sign}{}", &name["item".len()..]));
        }
        match self.computed_of(name) {
            Some(number) => Cow::Owned(format!("{COMPUTED}{number}")),
            None => Cow::Borrowed(name),
        }
    }

    fn is_item(&self, name: &str) -> bool {
        self.item_is != ItemIs::Column && (name == "item" || name.starts_with("item."))
    }

    /// The column of the group's row that is the item, where a name means one.
    fn column_of_item<'n>(&self, name: &'n str) -> Option<&'n str> {
        match self.item_is {
            ItemIs::Row => name.strip_prefix("item."),
            ItemIs::Column | ItemIs::Ticket | ItemIs::Value => None,
        }
    }

    /// Whether a column is made, and stands in no table of the input.
    pub(crate) fn is_computed(&self, slot: usize) -> bool {
        self.list[slot].computed.is_some()
    }

    /// Whether a slot is read in the row that is the item of `each`.
    pub(crate) fn is_of_item(&self, slot: usize) -> bool {
        self.list[slot].is_of_item
    }

    /// Which of the columns that are made a name means.
    fn computed_of(&self, name: &str) -> Option<usize> {
        if self.computed.is_empty() || self.is_item(name) {
            return None;
        }
        let folded = crate::record::fold(name);
        self.computed.iter().position(|known| *known == folded)
    }

    /// The members that lead to the value of a slot in an item, each behind a dot; nothing for the item itself, `None` for
    /// a column.
    pub(crate) fn item(&self, slot: usize) -> Option<&str> {
        self.list[slot].name.strip_prefix(ITEM)
    }

    /// The same in the item that the record is about.
    pub(crate) fn ticket_item(&self, slot: usize) -> Option<&str> {
        self.list[slot].name.strip_prefix(TICKET)
    }

    /// Whether a slot is a column of the input, or one that is made.
    pub(crate) fn is_column(&self, slot: usize) -> bool {
        self.item(slot).is_none() && self.ticket_item(slot).is_none()
    }

    /// The slot of a column that is read already.
    pub(crate) fn find(&self, name: &str) -> Option<usize> {
        self.index.get(self.called(name).as_ref()).copied()
    }

    /// Marks the slots from a number on as content of the row.
    pub(crate) fn mark_content(&mut self, slots: impl IntoIterator<Item = usize>) {
        for slot in slots {
            self.list[slot].is_content = true;
        }
    }

    /// All of them.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (usize, &Slot)> {
        self.list.iter().enumerate()
    }

    /// Which of the columns that are made a slot is.
    pub(crate) fn computed(&self, slot: usize) -> Option<usize> {
        self.list[slot].computed
    }

    /// Where a slot is named first.
    pub(crate) fn origin(&self, slot: usize) -> &Origin {
        &self.list[slot].origin
    }

    /// The name of a slot.
    pub(crate) fn name(&self, slot: usize) -> &str {
        &self.list[slot].name
    }
}
