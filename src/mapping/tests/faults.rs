//! What is wrong with a mapping is told before the run, all at once, with its place.

use super::*;

fn load_faults(text: &str) -> String {
    faults(&load(text).expect_err("this mapping is wrong"))
}

fn compile_faults(fields: &str) -> String {
    faults(&compile(&with_fields(fields)).expect_err("this mapping is wrong"))
}

fn bind_faults(text: &str, table: Table) -> String {
    let plan = compile(text).unwrap_or_else(|error| panic!("{}", faults(&error)));
    faults(&plan.bind(&[table]).expect_err("this mapping is wrong"))
}

#[test]
fn a_custom_field_bears_the_marker_only_where_the_create_carries_it() {
    let text = "version = 1\nsystem = \"clearfeed\"\noperation = \"create\"\nscope = \"s\"\n\
                marker = { custom_field = \"Legacy ID\" }\n[fields]\n\
                title = { from = \"Title\" }\ndescription = { from = \"Title\" }\n\
                collection_id = { value = \"IT\" }\n";
    let mapping = load(text).unwrap();
    let told = |dialect| {
        let schema = crate::systems::schema(SystemName::ClearFeed, Some(dialect)).unwrap();
        let directory = Arc::new(Directory::absent(SystemName::ClearFeed, dialect));
        let options = PlanOptions::default();
        Plan::compile(&mapping, Arc::from(schema), directory, &options).map(|_| ())
    };
    assert!(told(Dialect::V1).is_ok());
    let refused = faults(&told(Dialect::Rest).unwrap_err());
    assert!(refused.contains("by a second request"), "{refused}");
}

#[test]
fn the_sample_of_the_smallest_mapping_loads() {
    let mapping = load(&with_fields("")).unwrap();
    assert_eq!(mapping.system(), SystemName::IncidentIq);
    assert_eq!(mapping.scope(), "s");
    assert!(!mapping.notify());
    assert_eq!(mapping.name(), "m.toml");
    assert_eq!(mapping.unmapped(), Unmapped::Warn);
    assert_eq!(mapping.fingerprint().len(), 64);
}

#[test]
fn all_that_the_head_lacks_is_told_at_once() {
    insta::assert_snapshot!(load_faults(""), @r##"
    m.toml:1:1: `version` is missing
        write `version = 2` at the top
    m.toml:1:1: `system` is missing
        write `system = "incidentiq"` or `system = "clearfeed"`
    m.toml:1:1: `operation` is missing
        write `operation = "create"`
    m.toml:1:1: `scope` is missing
        a name that stays for ever, such as `scope = "spiceworks-2024"`: with it a row keeps its identity whatever the file is called
    m.toml:1:1: `[fields]` is missing
        it says what each field of a ticket is made of
    "##);
    insta::assert_snapshot!(load_faults(
            "version = 3\nsystem = \"clearfed\"\noperation = \"upsret\"\nscope = \"\"\nunmaped = \"warn\"\nmarker = { tag = \"x\" }\n[input]\ntimezone = \"Chicago\"\ndelimiter = \"ab\"\nencoding = \"ansii\"\nwhere_group = \"a == b\"\n[fields]\nSubject = \"Title\"\nX = { form = \"a\" }\n[[then]]\noperation = \"close\"\n"
        ), @r##"
    m.toml:1:11: version `3` of the mapping format is not known
        this program reads `version = 1` and `version = 2`
    m.toml:2:10: `system` cannot be `clearfed`
        did you mean `clearfeed`?
    m.toml:3:13: `operation` cannot be `upsret`
        did you mean `upsert`?
    m.toml:4:9: `scope` is empty or has space around it
        a name that stays for ever, such as `scope = "spiceworks-2024"`: with it a row keeps its identity whatever the file is called
    m.toml:5:1: the mapping has no key `unmaped`
        did you mean `unmapped`?
    m.toml:6:12: `marker` has no key `tag`
        one of custom_field
    m.toml:8:12: no time zone `Chicago`
        did you mean `America/Chicago`?
    m.toml:9:13: `ab` is no delimiter
        one character, such as "," ";" "|", or "tab"
    m.toml:10:12: no encoding `ansii`
        one of utf-8, windows-1252, iso-8859-15, windows-1250, macintosh, cp850, cp437, shift_jis, gb18030, utf-16le
    m.toml:11:15: `where_group` needs `group_by`
        write the condition as `where`
    m.toml:13:11: field `Subject` must be a table, not a text
        write `{ from = "a column" }` or `{ value = … }`
    m.toml:14:7: a field has no key `form`
        did you mean `from` or `formats`?
    "##);
}

#[test]
fn syntax_errors_have_their_line() {
    insta::assert_snapshot!(load_faults(&with_fields("Tags = { from = \nCount = = 2\n")), @r##"
    m.toml:9:15: nothing stands behind `=`
        write a value, texts in quotes: `scope = "spiceworks-2024"`
    m.toml:10:7: one `=` too many
        write `key = value`, and texts in quotes
    "##);
}

#[test]
fn steps_that_cannot_work_are_told() {
    insta::assert_snapshot!(load_faults(&with_fields(
            "Tags = { from = \"a\", value = 1 }\nCount = { }\nIsUrgent = { from = \"a\", parse = \"bool\", formats = [\"%Y\"], else = \"x\" }\nDueDate = { from = \"a\", parse = \"date\", formats = [\"%m/%Y\"] }\nForId = { from = \"a\", resolve = \"user\", one_of = [\"b\"], parse = \"date\" }\nCost = { from = \"a\", parse = \"numbr\", min = 5, max = 2 }\nChannel = { from = \"a\", extract = \"x\", replace = [[\"(\", \"\"]], upper = true, lower = true, map = { \"a\" = \"email\", \"A\" = \"web\" }, else = \"keep\" }\n"
        )), @r##"
    m.toml:9:22: `Tags` has both `from` and `value`
        a field has exactly one origin
    m.toml:10:1: `Count` has no origin
        give it one of `from`, `from_first`, `template`, `value`
    m.toml:11:42: `formats` needs `parse = "date"` or `"datetime"`
        add that, or leave `formats` out
    m.toml:11:53: `%Y` is no date format: it holds no whole date
        for example "%m/%d/%Y %H:%M" for 06/21/2024 22:43, or "%d.%m.%Y" for 21.06.2024
    m.toml:11:60: `else` needs `map`
        add `map`, or leave `else` out
    m.toml:12:52: `%m/%Y` is no date format: it holds no whole date
        for example "%m/%d/%Y %H:%M" for 06/21/2024 22:43, or "%d.%m.%Y" for 21.06.2024
    m.toml:13:41: `one_of` comes after `resolve` and would look at an id
        leave it out: a name that resolves is a good one
    m.toml:13:57: `parse` comes before `resolve`, which needs a name
        leave `parse` out
    m.toml:14:30: `parse` cannot be `numbr`
        did you mean `number`?
    m.toml:14:54: `max` 2 is below `min` 5
        nothing would pass: change one of the two
    m.toml:15:35: `extract` needs one group, `x` has 0
        put what you want in round brackets: `#(\d+)`
    m.toml:15:53: `(` is no regular expression: unclosed group
        write signs that stand for themselves as `\.` `\(` `\?`; in TOML use 'single quotes' around it
    m.toml:15:77: a text cannot be both `upper` and `lower`
        leave one of the two out
    m.toml:15:114: `A` stands twice in the table, as `email` and `web`
        keys match without case and outer space
    m.toml:15:136: `else = "keep"` would be a value
        write `else = { do = "keep" }`
    "##);
}

#[test]
fn fields_and_constants_are_checked_against_the_system() {
    insta::assert_snapshot!(compile_faults(
            "subject = { from = \"a\" }\nCreatedDate = { from = \"a\" }\nForId = { from = \"a\", resolve = \"location\" }\nPriority = { from = \"a\", map = { \"P1\" = \"Hihg\" }, else = \"Medium\" }\nChannel = { value = \"fax\" }\nIsUrgent = { from = \"a\", default = \"maybe\", parse = \"bool\" }\nTeamId = { from = \"a\", resolve = \"team\" }\nTags = { from = \"a\", match = \"name\" }\n\"Asset Tag\" = { from = \"a\" }\n\"custom.Aset Tag\" = { from = \"a\" }\n\"custom.Colour\" = { from = \"a\", default = \"Green\" }\n\"custom.asset tag\" = { from = \"a\" }\n\"custom.Asset Tag\" = { from = \"a\" }\n"
        ), @r##"
    m.toml:9:1: incidentiq has no field `subject`
        did you mean `Subject`?
    m.toml:10:1: no call can set `CreatedDate`
        put the time into a custom field or a line of the description
    m.toml:11:23: `ForId` takes a user, not the id of a location
        write `resolve = "user"`
    m.toml:12:41: `Priority`: no priority `Hihg`
        did you mean `High`?
    m.toml:13:21: `Channel`: `fax` is not one of its values
        it takes email, phone, web
    m.toml:14:36: `IsUrgent`: `maybe` is neither yes nor no
        name the words: `true = ["y", …]`, `false = ["n", …]`
    m.toml:15:24: `TeamId` cannot be resolved: only 1 of 9 teams could be listed
        try again with `--refresh`, or leave the field out
    m.toml:16:22: nothing is resolved here: `Tags` takes a text
        leave out what is about names, or say of what: `resolve = "…"`
    m.toml:17:1: incidentiq has no field `Asset Tag`
        it is a custom field: write "custom.Asset Tag"
    m.toml:18:1: incidentiq has no custom field `Aset Tag`
        did you mean `Asset Tag`?
    m.toml:19:43: `custom.Colour`: `Green` is not one of its values
        it takes Red, Blue
    m.toml:21:1: `custom.Asset Tag` writes the same place as `custom.asset tag`
        leave one of the two out
    "##);
    insta::assert_snapshot!(compile_faults(
            "IssueId = { from = \"a\", match = \"pth\", aliases = { \"x\" = \"Scren\" }, missing = \"Othr\" }\nLocationRoomId = { from = \"a\", within = \"Building\" }\nCount = { from = \"a\", parse = \"date\" }\nDueDate = { from = \"a\", split = \",\" }\nIssueDescription = { template = \"{{ Ticket # }}\" }\n"
        ), @r##"
    m.toml:9:33: no entry of `issue` has a `pth`
        did you mean `path`?
    m.toml:9:58: `IssueId`: no issue `Scren`
        did you mean `Screen`?
    m.toml:9:79: `IssueId`: no issue `Othr`
        did you mean `Other` or `Other › Other`?
    m.toml:10:41: `within` names `Building`, which this mapping does not fill
        one of Count, DueDate, IssueId, LocationId, LocationRoomId, Subject
    m.toml:11:1: `Count` takes a whole number, which this `parse` does not make
        leave `parse` out: the field reads its own type
    m.toml:12:1: `DueDate` takes one value, and `split` makes several
        take a part of the cell by `extract = "…"`
    m.toml:13:44: no valid template, line 1 of it: syntax error: unexpected character
        a column whose name holds more than letters is written `row['Ticket #']`
    "##);
    insta::assert_snapshot!(faults(
            &compile(&format!(
                "{HEAD}[fields]\nSubject = {{ from = \"Title\" }}\n"
            ))
            .unwrap_err()
        ), @r##"
    m.toml:5:2: `LocationId` is missing: incidentiq makes no ticket without it
        add `LocationId = { from = "a column", resolve = "location" }`
    "##);
}

#[test]
fn columns_that_no_table_has_are_told_with_the_nearest() {
    insta::assert_snapshot!(bind_faults(
            &with_fields(
                "IssueDescription = { template = \"{{ Description }} {{ row['Ticket #'] }}\" }\n"
            ),
            table(&["Id", "Titel", "Building", "Descripton", "Ticket No"]),
        ), @r##"
    m.toml:7:20: the input has no column `Title`
        did you mean `Titel`?
    m.toml:9:37: the input has no column `Description`
        did you mean `Descripton`?
    m.toml:9:55: the input has no column `Ticket #`
        did you mean `Ticket No`?
    "##);
}

#[test]
fn comparing_unlike_things_is_told_before_the_run() {
    let mapping = |condition: &str| {
        with_fields("").replace("[fields]", &format!("[input]\nwhere = \"{condition}\"\n[input.columns]\nOpened = {{ parse = \"date\" }}\n[fields]"))
    };
    let columns = || table(&["Id", "Title", "Building", "Opened", "Amount"]);
    insta::assert_snapshot!(bind_faults(&mapping("Amount > 5"), columns()), @r##"
    m.toml:7:10: `Amount`, a text, is compared with a number
        give it a type in `[input.columns]`: "Amount" = { parse = "number" }, or put the other in quotes
    "##);
    // Where the mapping itself says the type no input is needed.
    let told =
        |condition| faults(&compile(&mapping(condition)).expect_err("this mapping is wrong"));
    insta::assert_snapshot!(told("Opened >= '2024-01-01'"), @r##"
    m.toml:7:10: `Opened`, a date, is compared with a text
        write the date as `date('2024-01-31')`
    "##);
    insta::assert_snapshot!(bind_faults(
            &mapping("row['Amount'] < date('2024-01-01') or _row == 'x'"),
            columns()
        ), @r##"
    m.toml:7:10: `Amount`, a text, is compared with a date
        give it a type in `[input.columns]`: "Amount" = { parse = "datetime", formats = ["%m/%d/%Y"] }
    m.toml:7:48: `_row`, a number, is compared with a text
        compare like with like
    "##);
    bind(
        &mapping("Opened >= date('2024-01-01') and Amount != '' and _row > 5"),
        columns(),
    );
    // In a workbook only the row can tell.
    bind(
        &mapping("Amount > 5"),
        workbook(&["Id", "Title", "Building", "Opened", "Amount"]),
    );
}

#[test]
fn a_condition_of_the_command_line_has_no_line() {
    let options = PlanOptions {
        where_: Some("Title ==".to_owned()),
        ..PlanOptions::default()
    };
    insta::assert_snapshot!(faults(&compile_with(&with_fields(""), &options).unwrap_err()), @r##"
    --where: no valid condition: syntax error: unexpected end of input, expected expression
        for example `Status != 'Spam' and row['Ticket #'] != ''`
    "##);
}
