//! What is wrong with a mapping is told before the run, all at once, with its place.

use super::*;

fn load_faults(text: &str) -> String {
    faults(&load(text).err().expect("this mapping is wrong"))
}

fn compile_faults(fields: &str) -> String {
    faults(
        &compile(&with_fields(fields))
            .err()
            .expect("this mapping is wrong"),
    )
}

fn bind_faults(text: &str, table: Table) -> String {
    let plan = compile(text).unwrap_or_else(|error| panic!("{}", faults(&error)));
    faults(&plan.bind(&[table]).err().expect("this mapping is wrong"))
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
    println!("{}", load_faults(""));
    println!(
        "{}",
        load_faults(
            "version = 2\nsystem = \"clearfed\"\noperation = \"upsert\"\nscope = \"\"\nunmaped = \"warn\"\nmarker = { tag = \"x\" }\n[input]\ntimezone = \"Chicago\"\ndelimiter = \"ab\"\nencoding = \"ansii\"\nwhere_group = \"a == b\"\n[fields]\nSubject = \"Title\"\nX = { form = \"a\" }\n[[then]]\noperation = \"close\"\n"
        )
    );
}

#[test]
fn keys_for_later_are_said_to_be_so() {
    println!(
        "{}",
        load_faults(&with_fields(
            "ForId = { from = \"a\", lookup = { sheet = \"Users\" }, aliases_file = \"x.xlsx\" }\nTags = { from = \"a\", repair = \"utf8-read-as-1252\", clear = true }\n"
        ))
    );
    println!(
        "{}",
        load_faults(&format!(
            "unmapped = \"append\"\ntarget = {{ from = \"x\" }}\n{}",
            with_fields("")
        ))
    );
}

#[test]
fn syntax_errors_have_their_line() {
    println!(
        "{}",
        load_faults(&with_fields("Tags = { from = \nCount = = 2\n"))
    );
}

#[test]
fn steps_that_cannot_work_are_told() {
    println!(
        "{}",
        load_faults(&with_fields(
            "Tags = { from = \"a\", value = 1 }\nCount = { }\nIsUrgent = { from = \"a\", parse = \"bool\", formats = [\"%Y\"], else = \"x\" }\nDueDate = { from = \"a\", parse = \"date\", formats = [\"%m/%Y\"] }\nForId = { from = \"a\", resolve = \"user\", one_of = [\"b\"], parse = \"date\" }\nCost = { from = \"a\", parse = \"numbr\", min = 5, max = 2 }\nChannel = { from = \"a\", extract = \"x\", replace = [[\"(\", \"\"]], upper = true, lower = true, map = { \"a\" = \"email\", \"A\" = \"web\" }, else = \"keep\" }\n"
        ))
    );
}

#[test]
fn fields_and_constants_are_checked_against_the_system() {
    println!(
        "{}",
        compile_faults(
            "subject = { from = \"a\" }\nCreatedDate = { from = \"a\" }\nForId = { from = \"a\", resolve = \"location\" }\nPriority = { from = \"a\", map = { \"P1\" = \"Hihg\" }, else = \"Medium\" }\nChannel = { value = \"fax\" }\nIsUrgent = { from = \"a\", default = \"maybe\", parse = \"bool\" }\nTeamId = { from = \"a\", resolve = \"team\" }\nTags = { from = \"a\", match = \"name\" }\n\"Asset Tag\" = { from = \"a\" }\n\"custom.Aset Tag\" = { from = \"a\" }\n\"custom.Colour\" = { from = \"a\", default = \"Green\" }\n\"custom.asset tag\" = { from = \"a\" }\n\"custom.Asset Tag\" = { from = \"a\" }\n"
        )
    );
    println!(
        "{}",
        compile_faults(
            "IssueId = { from = \"a\", match = \"pth\", aliases = { \"x\" = \"Scren\" }, missing = \"Othr\" }\nLocationRoomId = { from = \"a\", within = \"Building\" }\nCount = { from = \"a\", parse = \"date\" }\nDueDate = { from = \"a\", split = \",\" }\nIssueDescription = { template = \"{{ Ticket # }}\" }\n"
        )
    );
    println!(
        "{}",
        faults(
            &compile(&format!(
                "{HEAD}[fields]\nSubject = {{ from = \"Title\" }}\n"
            ))
            .unwrap_err()
        )
    );
}

#[test]
fn columns_that_no_table_has_are_told_with_the_nearest() {
    println!(
        "{}",
        bind_faults(
            &with_fields(
                "IssueDescription = { template = \"{{ Description }} {{ row['Ticket #'] }}\" }\n"
            ),
            table(&["Id", "Titel", "Building", "Descripton", "Ticket No"]),
        )
    );
}

#[test]
fn comparing_unlike_things_is_told_before_the_run() {
    let mapping = |condition: &str| {
        with_fields("").replace("[fields]", &format!("[input]\nwhere = \"{condition}\"\n[input.columns]\nOpened = {{ parse = \"date\" }}\n[fields]"))
    };
    let columns = || table(&["Id", "Title", "Building", "Opened", "Amount"]);
    println!("{}", bind_faults(&mapping("Amount > 5"), columns()));
    println!(
        "{}",
        bind_faults(&mapping("Opened >= '2024-01-01'"), columns())
    );
    println!(
        "{}",
        bind_faults(
            &mapping("row['Amount'] < date('2024-01-01') or _row == 'x'"),
            columns()
        )
    );
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
        zone: None,
    };
    println!(
        "{}",
        faults(&compile_with(&with_fields(""), &options).unwrap_err())
    );
}
