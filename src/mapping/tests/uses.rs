//! What becomes of each column, `drop`, and what is due of a row.

use super::*;

const COLUMNS: [&str; 12] = [
    "Id",
    "Title",
    "Building",
    "Body",
    "Mail",
    "Status",
    "Spam",
    "Old",
    "Comment",
    "Comment",
    "talk",
    "Forgotten",
];

const FIELDS: &str = "IssueDescription = { template = \"{{ Body }}\" }\nChannel = { value = \"web\" }\n\
    [[then]]\noperation = \"comment\"\neach = { from = \"talk\" }\nwhen = \"Status == 'Closed'\"\n\
    [then.fields]\nSubject = { from = \"item.text\" }\nLocationId = { value = \"DO\" }\n";

fn mapping(head: &str) -> String {
    let mapping = with_fields(FIELDS).replace("version = 1", "version = 2");
    mapping.replace(
        "[fields]",
        &format!(
            "{head}[input]\nwhere = \"Spam != 'yes'\"\n[input.columns]\nMade = {{ template = \"{{{{ Mail }}}}\" }}\n[fields]\nTags = {{ from = \"Made\" }}"
        ),
    )
}

fn uses(head: &str) -> Vec<(String, Fate, String)> {
    let bound = bind(&mapping(head), table(&COLUMNS));
    let uses = bound.column_uses().into_iter();
    uses.map(|it| (it.column, it.fate, it.into.join(", ")))
        .collect()
}

#[test]
fn every_column_is_moved_converted_dropped_or_lost() {
    let told: Vec<String> = uses("drop = [\"Old\", \"Comment[*]\", \"talk[].id\"]\n")
        .into_iter()
        .map(|(column, fate, into)| format!("{column}: {} {into}", fate.as_str()))
        .collect();
    assert_eq!(
        told,
        [
            "Id: converted the key",
            "Title: moved Subject",
            "Building: converted LocationId",
            "Body: converted IssueDescription",
            "Mail: converted Tags",
            "Status: converted whether `[[then]]` 1 is done",
            "Spam: lost which rows count",
            "Old: dropped ",
            "Comment: dropped ",
            "Comment[2]: dropped ",
            "talk: converted the items of `[[then]]` 1",
            "Forgotten: lost ",
        ]
    );
}

#[test]
fn what_is_appended_is_moved_and_what_is_dropped_is_not_appended() {
    let head = "unmapped = \"append\"\ndrop = \"Old\"\n";
    let told = uses(head);
    let of = |name: &str| told.iter().find(|(column, ..)| column == name).unwrap();
    assert_eq!(of("Forgotten").1, Fate::Moved);
    assert_eq!(of("Old").1, Fate::Dropped);
    let cells: Vec<&str> = vec![
        "7", "t", "DO", "b", "m", "Open", "", "old", "", "", "", "kept",
    ];
    let shown = map_one(&mapping(head), &COLUMNS, &cells);
    assert!(
        shown.contains("Forgotten: kept") && !shown.contains("Old: old"),
        "{shown}"
    );
}

#[test]
fn members_of_items_are_accounted_for() {
    let bound = bind(&mapping("drop = [\"talk[].id\"]\n"), table(&COLUMNS));
    let items = bound.item_uses();
    assert_eq!(items.len(), 1, "{items:?}");
    let fate = |path: &str| items[0].of(path).0;
    assert_eq!(items[0].column, "talk");
    assert_eq!(fate(".text"), Fate::Converted);
    assert_eq!(fate(".text.html"), Fate::Converted);
    assert_eq!(fate(".texts"), Fate::Lost);
    assert_eq!(fate(".id"), Fate::Dropped);
    assert_eq!(fate(".author.name"), Fate::Lost);
}

#[test]
fn a_pattern_drops_what_is_there_and_takes_nothing_from_what_is_read() {
    let told = uses("drop = [\"*ld\", \"Comm*\", \"Title*\", \"Owner.*\", \"talk[].auth*\"]\n");
    let fate = |name: &str| told.iter().find(|(column, ..)| column == name).unwrap().1;
    assert_eq!(fate("Old"), Fate::Dropped);
    assert_eq!(fate("Comment[2]"), Fate::Dropped);
    assert_eq!(fate("Forgotten"), Fate::Lost);
    assert_eq!(
        fate("Title"),
        uses("").iter().find(|it| it.0 == "Title").unwrap().1
    );
    let bound = bind(&mapping("drop = \"talk[].auth*\"\n"), table(&COLUMNS));
    assert_eq!(bound.item_uses()[0].of(".author.name").0, Fate::Dropped);
    assert_eq!(bound.item_uses()[0].of(".id").0, Fate::Lost);
    let plan = compile(&mapping("drop = \"*\"\n")).unwrap();
    let error = plan.bind(&[table(&COLUMNS)]).unwrap_err();
    assert!(faults(&error).contains("`drop` names every column"));
}

#[test]
fn what_drop_cannot_name_is_told() {
    let told = |head: &str| {
        let plan = compile(&mapping(head)).unwrap();
        let error = plan.bind(&[table(&COLUMNS)]).unwrap_err();
        faults(&error)
    };
    let read = told("drop = \"Title\"\n");
    assert!(
        read.contains("`drop` names `Title`, which the mapping reads"),
        "{read}"
    );
    let unknown = told("drop = \"Forgoten\"\n");
    assert!(
        unknown.contains("has no column `Forgoten`") && unknown.contains("`Forgotten`"),
        "{unknown}"
    );
    let member = told("drop = \"tolk[].id\"\n");
    assert!(member.contains("has no column `tolk`"), "{member}");
}

#[test]
fn a_dropped_column_is_not_told_as_unread() {
    let bound = bind(
        &mapping("drop = [\"old\", \"Comment[*]\"]\n"),
        table(&COLUMNS),
    );
    let unread: Vec<String> = bound
        .unread_columns()
        .into_iter()
        .map(|(_, name)| name)
        .collect();
    assert_eq!(unread, ["Forgotten"]);
}

#[test]
fn what_is_due_of_a_row_is_what_is_sent_and_its_values() {
    let bound = bind(&mapping(""), table(&COLUMNS));
    let talk = serde_json::json!([{"text": "one"}, {"text": "two"}]);
    let text = |text: &str| Cell::Text(text.into());
    let mut cells: Vec<Cell> = ["7", "t", "DO", "b", "m", "Closed", "", "", "", ""]
        .map(text)
        .to_vec();
    cells.extend([Cell::Json(Box::new(talk)), text("")]);
    let Due::Ticket(due) = bound.due(&[record(2, cells)], &RowKey::new("7"), &[]) else {
        panic!("no ticket is due");
    };
    assert_eq!(due.reference.as_deref(), Some("s/7"));
    let names: Vec<&str> = (due.values.iter())
        .map(|value| match &value.target {
            Target::Field(field) => field.name,
            Target::Custom(_) => "custom",
        })
        .collect();
    assert_eq!(
        names,
        [
            "Tags",
            "Subject",
            "LocationId",
            "IssueDescription",
            "Channel"
        ]
    );
    let following: Vec<(&str, u32, &Value)> = (due.following.iter())
        .map(|it| (it.step.as_str(), it.ordinal, &it.values[0].value))
        .collect();
    let [one, two] = ["one", "two"].map(Value::from);
    assert_eq!(
        following,
        [("then-1/comment", 0, &one), ("then-1/comment", 1, &two)]
    );
}
