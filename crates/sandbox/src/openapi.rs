//! The OpenAPI documents, made of the table of routes: what is served stands in them, and nothing else.

use serde_json::{Map, Value, json};

use super::emulator::Emulator;
use super::route::{Endpoint, Piece, Section, pieces};
use super::schema::{parameters, schema};

/// What a request may be refused with besides what a fault makes of it.
const REFUSALS: [u16; 9] = [400, 401, 403, 404, 409, 413, 415, 422, 429];

/// The document of a system.
pub(super) fn document<E: Emulator + 'static>(system: &E) -> Value {
    let mut paths: Map<String, Value> = Map::new();
    let mut tags: Vec<&str> = Vec::new();
    for section in &system.table().sections {
        if !tags.contains(&section.name) {
            tags.push(section.name);
        }
        for endpoint in section.routes {
            let path = written(section, endpoint);
            let item = paths.entry(path).or_insert_with(|| json!({}));
            for method in endpoint.methods.split('|') {
                item[method.to_lowercase()] = operation(system, section, endpoint, method);
            }
        }
    }
    let schemas: Map<String, Value> = system
        .schemas()
        .into_iter()
        .map(|(name, notation)| (name.to_owned(), read::<E>(notation)))
        .collect();
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": format!("Sandbox of {}", E::NAME),
            "version": env!("CARGO_PKG_VERSION"),
            "description": "What the sandbox of deskferry answers. It is no document of the vendor.",
        },
        "servers": [{ "url": format!("/{}", E::NAME) }],
        "security": [{ "token": [] }],
        "tags": tags.iter().map(|name| json!({ "name": name })).collect::<Vec<_>>(),
        "paths": paths,
        "components": {
            "securitySchemes": { "token": { "type": "http", "scheme": "bearer" } },
            "schemas": schemas,
            "responses": {
                "Refused": {
                    "description": "What was wrong with the request.",
                    "content": { "application/json": { "schema": { "$ref": "#/components/schemas/Error" } } },
                },
            },
        },
    })
}

/// The schema of a notation. Rows are constants: one that cannot be read is a mistake in the program, which the
/// tests of the documents find.
fn read<E: Emulator + 'static>(notation: &str) -> Value {
    schema(notation, E::wrapped).expect("the notation of a row")
}

/// A row's path as the document writes it: the parameters without their kinds.
fn written<E>(section: &Section<E>, endpoint: &Endpoint<E>) -> String {
    pieces(section.root)
        .chain(pieces(endpoint.path))
        .map(|piece| match piece {
            Piece::Literal(text) => format!("/{text}"),
            Piece::Parameter { name, .. } => format!("/{{{name}}}"),
        })
        .collect()
}

/// A name of its own for each operation: `postTicketsByTicketIdAssign`.
fn operation_id<E>(section: &Section<E>, endpoint: &Endpoint<E>, method: &str) -> String {
    let mut id = method.to_lowercase();
    for piece in pieces(section.root).skip(1).chain(pieces(endpoint.path)) {
        let (by, text) = match &piece {
            Piece::Literal(text) => ("", text.as_str()),
            Piece::Parameter { name, .. } => ("By", *name),
        };
        id.push_str(by);
        for word in text.split(|sign: char| !sign.is_alphanumeric()) {
            let mut letters = word.chars();
            id.extend(letters.next().map(|first| first.to_ascii_uppercase()));
            id.push_str(letters.as_str());
        }
    }
    id
}

fn operation<E: Emulator + 'static>(
    system: &E,
    section: &Section<E>,
    endpoint: &Endpoint<E>,
    method: &str,
) -> Value {
    let in_path = pieces(section.root).chain(pieces(endpoint.path));
    let mut listed: Vec<Value> = in_path
        .filter_map(|piece| match piece {
            Piece::Parameter { name, is_guid } => {
                let format = is_guid.then_some("uuid");
                let mut parameter = json!({
                    "name": name, "in": "path", "required": true,
                    "schema": { "type": "string" },
                });
                if let Some(format) = format {
                    parameter["schema"]["format"] = json!(format);
                }
                if let Some(example) = system.example(name) {
                    parameter["example"] = json!(example);
                }
                Some(parameter)
            }
            Piece::Literal(_) => None,
        })
        .collect();
    for (name, is_required, schema) in parameters(endpoint.query).expect("the notation of a row") {
        listed.push(
            json!({ "name": name, "in": "query", "required": is_required, "schema": schema }),
        );
    }
    let mut success = json!({ "description": "Done." });
    if !endpoint.gives.is_empty() {
        success["content"] = content::<E>(endpoint.gives);
    }
    let refused = json!({ "$ref": "#/components/responses/Refused" });
    let mut responses = json!({ endpoint.status.to_string(): success });
    let breaks = endpoint.breaks.then_some(500);
    for status in REFUSALS.into_iter().chain(breaks) {
        responses[status.to_string()] = refused.clone();
    }
    let mut operation = json!({
        "operationId": operation_id(section, endpoint, method),
        "tags": [section.name],
        "parameters": listed,
        "responses": responses,
    });
    if !endpoint.takes.is_empty() && method != "GET" {
        operation["requestBody"] = json!({ "content": content::<E>(endpoint.takes) });
    }
    operation
}

/// A body: JSON, a form with a file, or bytes.
fn content<E: Emulator + 'static>(notation: &str) -> Value {
    let file = |rest: &str| rest.trim_end_matches(')').to_owned();
    if let Some(rest) = notation.strip_prefix("Multipart(") {
        return json!({ "multipart/form-data": { "schema": {
            "type": "object", "properties": { file(rest): { "type": "string", "format": "binary" } },
        } } });
    }
    if notation.starts_with("Binary(") {
        return json!({ "application/octet-stream": { "schema": { "type": "string", "format": "binary" } } });
    }
    json!({ "application/json": { "schema": read::<E>(notation) } })
}
