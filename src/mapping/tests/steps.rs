//! Any chain of steps on any cell: it ends in requests or in faults, never in a panic.

use super::*;
use proptest::prelude::*;

/// Steps that may stand together in any choice, as a mapping writes them.
const STEPS: [&str; 34] = [
    "null = [\"-\", \"N/A\"]",
    "trim = false",
    "collapse = true",
    "upper = true",
    "lower = true",
    "replace = [['[a-z]+', 'x$0'], ['\\s', '']]",
    "extract = '#?(\\w+)'",
    "html = \"strip\"",
    "html = \"from_text\"",
    "repair = \"utf8-read-as-1252\"",
    "split = \";\"",
    "split = \"\\n\"",
    "max_items = 2",
    "unique = true",
    "map = { \"a\" = \"email\", \"b\" = \"\" }",
    "else = { do = \"keep\" }",
    "else = { do = \"skip_field\" }",
    "default = \"7\"",
    "parse = \"number\"",
    "parse = \"integer\"",
    "parse = \"bool\"",
    "parse = \"date\"",
    "parse = \"datetime\"",
    "parse = \"json\"",
    "formats = [\"%m/%d/%Y\", \"%d.%m.%Y %H:%M\"]",
    "decimal = \",\"",
    "timezone = \"America/Chicago\"",
    "missing = { do = \"skip_row\" }",
    "match = [\"name\", \"id\"]",
    "required = true",
    "max_length = 3",
    "overflow = \"truncate\"",
    "min = 1",
    "pattern = '.*a?'",
];

const FIELDS: [&str; 12] = [
    "Tags",
    "Count",
    "Cost",
    "DueDate",
    "StartedAt",
    "IsUrgent",
    "Channel",
    "IssueDescription",
    "IssueId",
    "Priority",
    "\"custom.Colours\"",
    "\"custom.Asset Tag\"",
];

const ORIGINS: [&str; 5] = [
    "from = \"A\"",
    "from = [\"A\", \"B\"]",
    "from = \"A[*]\"",
    "from_first = [\"A\", \"B\"]",
    "template = \"{{ A }} {% if B %}({{ B|upper }}){% endif %}\"",
];

fn cell() -> impl Strategy<Value = Cell> {
    prop_oneof![
        4 => ".{0,20}".prop_map(|text| Cell::Text(text.as_str().into())),
        2 => "[0-9a-z/.:,; #%Ãâ©<>&-]{0,20}".prop_map(|text| Cell::Text(text.as_str().into())),
        1 => prop::sample::select(vec!["1.234,5", "03/04/2024", "[1, {\"a\": null}]", "yes", "jane@district.example", "1e999", "9".repeat(40).as_str()].into_iter().map(str::to_owned).collect::<Vec<_>>())
            .prop_map(|text| Cell::Text(text.as_str().into())),
        1 => any::<f64>().prop_map(Cell::Number),
        1 => any::<i64>().prop_map(Cell::Integer),
        1 => any::<bool>().prop_map(Cell::Bool),
        1 => Just(Cell::Empty),
        1 => Just(Cell::Date(jiff::civil::Date::MAX)),
        1 => Just(Cell::DateTime(jiff::civil::DateTime::MIN)),
        1 => Just(Cell::Fault("#N/A".to_owned())),
        1 => Just(Cell::Json(Box::new(serde_json::json!([null, 1, ["x"], {"b": "a"}])))),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn any_chain_of_steps_on_any_cells_ends_well(
        field in prop::sample::select(FIELDS.to_vec()),
        origin in prop::sample::select(ORIGINS.to_vec()),
        steps in prop::sample::subsequence(STEPS.to_vec(), 0..7),
        append in any::<bool>(),
        rows in prop::collection::vec((cell(), cell(), cell()), 1..4),
    ) {
        let mut keys: Vec<&str> = Vec::new();
        // A key stands once in a table.
        for step in steps {
            let name = step.split(' ').next();
            if !keys.iter().any(|key| key.split(' ').next() == name) {
                keys.push(step);
            }
        }
        let head = if append { "unmapped = \"append\"\n" } else { "" };
        let steps: String = keys.iter().map(|key| format!(", {key}")).collect();
        let mapping = format!("{head}{}", with_fields(&format!("{field} = {{ {origin}{steps} }}\n")));
        // Many chains cannot be; each of them is told, and does not panic either.
        let Ok(plan) = compile(&mapping) else {
            return Ok(());
        };
        let table = workbook(&["Id", "Title", "Building", "A", "B", "C"]);
        let bound = plan.bind(&[table]).unwrap();
        let rows: Vec<Record> = rows
            .into_iter()
            .enumerate()
            .map(|(number, (a, b, c))| {
                let text = |text: &str| Cell::Text(text.into());
                record(number as u64 + 2, vec![text("7"), text("t"), text("DO"), a, b, c])
            })
            .collect();
        match bound.map(&rows, &RowKey::new("7")) {
            Mapped::Ready(ready) => prop_assert!(!ready.steps.is_empty()),
            Mapped::Faults(faults) => prop_assert!(!faults.is_empty()),
            Mapped::Skip(why) => prop_assert!(!why.is_empty()),
        }
    }

    #[test]
    fn any_text_as_a_mapping_is_read_or_told(text in "(\\PC|\n){0,200}", garbage in "[\\[\\]{}=\"'#a-z.\n ]{0,80}") {
        for text in [text.clone(), with_fields(&text), with_fields(&garbage), format!("{HEAD}{garbage}")] {
            if let Err(error) = load(&text) {
                prop_assert!(!error.faults().is_empty());
                crate::report::diagnostic::render(error.faults(), crate::report::diagnostic::Look::Drawn);
            }
        }
    }
}
