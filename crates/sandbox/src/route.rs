//! The table of routes: what a system answers, one row a call. The same rows lead the requests, name the operations
//! of the audit, tell 404 from 405 and make the OpenAPI document, so that none of these can differ from another.

use std::fmt;

use serde_json::Value;

use super::call::Call;
use super::fit::{Misfit, Types};
use super::reply::Answer;
use super::schema::{Type, parse};

/// What a call does to what is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Access {
    /// Nothing.
    Read,
    /// Changes it.
    Write,
    /// Makes something that would be there twice if it were obeyed twice.
    Create,
}

/// One row: the calls of one path that are worked alike.
pub(super) struct Endpoint<E: 'static> {
    /// The methods, divided by `|`.
    pub(super) methods: &'static str,
    /// The path under the section's root; `{name}` takes any piece, `{name:guid}` an id.
    pub(super) path: &'static str,
    /// The operation's name: in the audit, and for scripted faults.
    pub(super) operation: &'static str,
    pub(super) access: Access,
    /// Whether somebody may call it who only asks for help and works on nothing.
    pub(super) is_for_all: bool,
    /// Parameters of the query, in the notation of `schema`.
    pub(super) query: &'static str,
    /// The body it takes, in the same notation; empty = none.
    pub(super) takes: &'static str,
    /// The body of its answer; empty = none that the contract tells.
    pub(super) gives: &'static str,
    /// The status of its success.
    pub(super) status: u16,
    /// Whether the documents say that it answers 500 to what it does not understand.
    pub(super) breaks: bool,
    run: fn(&E, &Call) -> Answer,
}

impl<E> fmt::Debug for Endpoint<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} ({})", self.methods, self.path, self.operation)
    }
}

impl<E> Endpoint<E> {
    const fn new(
        access: Access,
        methods: &'static str,
        path: &'static str,
        operation: &'static str,
        run: fn(&E, &Call) -> Answer,
    ) -> Self {
        Self {
            methods,
            path,
            operation,
            access,
            is_for_all: matches!(access, Access::Read),
            query: "",
            takes: "",
            gives: "",
            status: 200,
            breaks: false,
            run,
        }
    }

    /// A call that changes nothing.
    pub(super) const fn read(
        methods: &'static str,
        path: &'static str,
        operation: &'static str,
        run: fn(&E, &Call) -> Answer,
    ) -> Self {
        Self::new(Access::Read, methods, path, operation, run)
    }

    /// A call that changes what is there.
    pub(super) const fn write(
        methods: &'static str,
        path: &'static str,
        operation: &'static str,
        run: fn(&E, &Call) -> Answer,
    ) -> Self {
        Self::new(Access::Write, methods, path, operation, run)
    }

    /// A call that makes something new.
    pub(super) const fn create(
        methods: &'static str,
        path: &'static str,
        operation: &'static str,
        run: fn(&E, &Call) -> Answer,
    ) -> Self {
        Self::new(Access::Create, methods, path, operation, run)
    }

    /// What its query may hold.
    pub(super) const fn query(mut self, notation: &'static str) -> Self {
        self.query = notation;
        self
    }

    /// What its body holds.
    pub(super) const fn takes(mut self, notation: &'static str) -> Self {
        self.takes = notation;
        self
    }

    /// What its answer holds.
    pub(super) const fn gives(mut self, notation: &'static str) -> Self {
        self.gives = notation;
        self
    }

    /// The status of its success, where it is not 200.
    pub(super) const fn status(mut self, status: u16) -> Self {
        self.status = status;
        self
    }

    /// It answers 500 to what it does not understand, as the documents say.
    pub(super) const fn breaks(mut self) -> Self {
        self.breaks = true;
        self
    }

    /// Whether its body is JSON.
    pub(super) fn takes_json(&self) -> bool {
        !self.takes.is_empty() && !self.takes.starts_with("Multipart(")
    }

    /// Somebody who only asks for help may call it too.
    pub(super) const fn for_all(mut self) -> Self {
        self.is_for_all = true;
        self
    }

    pub(super) fn run(&self, system: &E, call: &Call) -> Answer {
        (self.run)(system, call)
    }
}

/// The rows of one section of the contract.
#[derive(Debug)]
pub(super) struct Section<E: 'static> {
    /// The section's name: the tag in the document.
    pub(super) name: &'static str,
    /// What stands before each of its paths: `/api/v1.0`.
    pub(super) root: &'static str,
    pub(super) routes: &'static [Endpoint<E>],
}

/// A piece of a row's path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Piece {
    Literal(String),
    Parameter { name: &'static str, is_guid: bool },
}

impl Piece {
    fn takes(&self, text: &str) -> bool {
        match self {
            Self::Literal(own) => own == text,
            Self::Parameter { is_guid, .. } => !is_guid || uuid::Uuid::parse_str(text).is_ok(),
        }
    }
}

/// The pieces of a path as rows write it.
pub(super) fn pieces(path: &'static str) -> impl Iterator<Item = Piece> {
    path.split('/')
        .filter(|piece| !piece.is_empty())
        .map(|piece| {
            let inner = piece
                .strip_prefix('{')
                .and_then(|rest| rest.strip_suffix('}'));
            match inner.map(|inner| inner.split_once(':').unwrap_or((inner, ""))) {
                Some((name, kind)) => Piece::Parameter {
                    name,
                    is_guid: kind == "guid",
                },
                None => Piece::Literal(piece.to_lowercase()),
            }
        })
}

/// A row ready to be found.
#[derive(Debug)]
struct Row<E: 'static> {
    pieces: Vec<Piece>,
    endpoint: &'static Endpoint<E>,
    /// What its body holds, where it is JSON.
    takes: Option<Type<'static>>,
}

/// All rows of a system.
#[derive(Debug)]
pub(super) struct Table<E: 'static> {
    pub(super) sections: Vec<Section<E>>,
    rows: Vec<Row<E>>,
    types: Types,
}

/// The values of a path's parameters: their names, and which pieces of the path they are.
pub(super) type Parameters = Vec<(&'static str, usize)>;

/// Where a request leads.
#[derive(Debug)]
pub(super) enum Found {
    /// The row, by its place in the table.
    Here(usize, Parameters),
    /// The path is there, the method is not: those that are.
    NotAllowed(String),
    Nowhere,
}

impl<E> Table<E> {
    /// # Panics
    /// When a row is none in the notation: rows are constants, and every test starts with them.
    pub(super) fn new(sections: Vec<Section<E>>, types: Types) -> Self {
        let takes = |endpoint: &'static Endpoint<E>| {
            endpoint
                .takes_json()
                .then(|| parse(endpoint.takes).expect("the notation of a row"))
        };
        let rows = sections
            .iter()
            .flat_map(|section| {
                section.routes.iter().map(|endpoint| Row {
                    pieces: pieces(section.root).chain(pieces(endpoint.path)).collect(),
                    endpoint,
                    takes: takes(endpoint),
                })
            })
            .collect();
        Self {
            sections,
            rows,
            types,
        }
    }

    /// A row that was found.
    pub(super) fn endpoint(&self, place: usize) -> &'static Endpoint<E> {
        self.rows[place].endpoint
    }

    /// What of a body is not of the type that the row names. Where there is no body the handler knows what follows.
    pub(super) fn misfits(&self, place: usize, body: &Value) -> Vec<Misfit> {
        match &self.rows[place].takes {
            Some(of) if !body.is_null() => self.types.misfits(of, body),
            _ => Vec::new(),
        }
    }

    /// Where a path leads, in lower case and without the system's own name. Of several rows that take it the one
    /// that is written out furthest is meant: `/tickets/new` before `/tickets/{ticketId}`.
    pub(super) fn find(&self, method: &str, path: &[&str]) -> Found {
        let method = if method == "HEAD" { "GET" } else { method };
        let mut best: Option<(usize, &Row<E>)> = None;
        let mut allowed: Vec<&'static str> = Vec::new();
        for (place, row) in self.rows.iter().enumerate() {
            let takes = row.pieces.len() == path.len()
                && row
                    .pieces
                    .iter()
                    .zip(path)
                    .all(|(own, text)| own.takes(text));
            if !takes {
                continue;
            }
            if !row.endpoint.methods.split('|').any(|own| own == method) {
                allowed.extend(row.endpoint.methods.split('|'));
                continue;
            }
            if best.is_none_or(|(_, best)| literals(&row.pieces) > literals(&best.pieces)) {
                best = Some((place, row));
            }
        }
        match best {
            Some((place, row)) => Found::Here(place, parameters(&row.pieces)),
            None if allowed.is_empty() => Found::Nowhere,
            None => {
                if allowed.contains(&"GET") {
                    allowed.push("HEAD");
                }
                allowed.sort_unstable();
                allowed.dedup();
                Found::NotAllowed(allowed.join(", "))
            }
        }
    }
}

/// Which pieces are written out, the first one counting most.
fn literals(pieces: &[Piece]) -> u32 {
    pieces.iter().fold(0, |sum, piece| {
        sum << 1 | u32::from(matches!(piece, Piece::Literal(_)))
    })
}

fn parameters(pieces: &[Piece]) -> Parameters {
    pieces
        .iter()
        .enumerate()
        .filter_map(|(place, piece)| match piece {
            Piece::Parameter { name, .. } => Some((*name, place)),
            Piece::Literal(_) => None,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reply::Reply;

    const ROUTES: &[Endpoint<()>] = &[
        Endpoint::read("GET|POST", "/tickets", "search", |(), _| ok()),
        Endpoint::create("POST", "/tickets/new", "create", |(), _| ok()),
        Endpoint::write("POST|PUT", "/tickets/{ticketId:guid}", "update", |(), _| {
            ok()
        }),
        Endpoint::write(
            "POST",
            "/tickets/{ticketId:guid}/status/{step}",
            "status",
            |(), _| ok(),
        ),
        Endpoint::write(
            "POST",
            "/tickets/{ticketId:guid}/status/waiting",
            "waiting",
            |(), _| ok(),
        ),
    ];
    const ID: &str = "c7932b63-7bf4-49f9-a2a3-ea739e7e0001";

    fn ok() -> Answer {
        Ok(Reply::json(200, &1))
    }

    fn found(method: &str, path: &str) -> String {
        let tickets = Section {
            name: "Tickets",
            root: "/api",
            routes: ROUTES,
        };
        let table = Table::new(vec![tickets], Types::default());
        let path: Vec<_> = path.split('/').collect();
        match table.find(method, &path) {
            Found::Here(place, parameters) => {
                format!("{} {parameters:?}", table.endpoint(place).operation)
            }
            Found::NotAllowed(allowed) => allowed,
            Found::Nowhere => "nowhere".to_owned(),
        }
    }

    #[test]
    fn the_row_written_out_furthest_is_meant() {
        assert_eq!(found("POST", "api/tickets/new"), "create []");
        assert_eq!(
            found("PUT", &format!("api/tickets/{ID}")),
            "update [(\"ticketId\", 2)]"
        );
        let status = format!("api/tickets/{ID}/status");
        assert_eq!(
            found("POST", &format!("{status}/waiting")),
            "waiting [(\"ticketId\", 2)]"
        );
        assert_eq!(
            found("POST", &format!("{status}/x")),
            "status [(\"ticketId\", 2), (\"step\", 4)]"
        );
    }

    #[test]
    fn a_path_without_the_method_names_those_it_has() {
        assert_eq!(found("DELETE", "api/tickets"), "GET, HEAD, POST");
        assert_eq!(found("PUT", "api/tickets/new"), "POST");
        assert_eq!(found("HEAD", "api/tickets"), "search []");
        assert_eq!(found("GET", "api/tickets/x"), "nowhere");
        assert_eq!(found("GET", "tickets"), "nowhere");
    }
}
