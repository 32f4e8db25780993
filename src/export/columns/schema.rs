//! The JSON Schema of a file of columns, for editors: made of the keys by which it is read.

use serde_json::{Value, json};

use super::keys::TOP;
use crate::mapping::json_schema::{DIALECT, table};

/// The JSON Schema of a file of columns.
pub fn json_schema() -> Value {
    let mut schema = table(&TOP);
    schema["$schema"] = json!(DIALECT);
    schema["title"] = json!("the columns of a Deskferry export");
    schema["description"] = json!("What stands in the columns of a table of tickets.");
    schema["required"] = json!(["version", "column"]);
    schema["properties"]["column"]["minItems"] = json!(1);
    let columns = &mut schema["properties"]["column"]["items"];
    columns["oneOf"] = json!([
        { "required": ["from"] },
        { "required": ["template", "heading"] },
        { "required": ["by_hand", "heading"] },
    ]);
    schema
}
