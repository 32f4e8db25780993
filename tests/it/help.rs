//! The help is true: the README's main command is an example, and what is typed wrongly is told. That the examples run is tried
//! by `commands.rs`.

use crate::support::{Work, repository};

#[test]
fn the_main_command_is_the_readmes() {
    let work = Work::new();
    let readme = std::fs::read_to_string(repository().join("README.md")).unwrap();
    let help = work.run(&["import", "--help"]).expect(0).stdout;
    // It is wrapped where the terminal is narrow.
    let lines = help.lines().map(str::trim);
    let lines = lines.skip_while(|line| !line.starts_with("deskferry "));
    let example: Vec<&str> = lines.take_while(|line| !line.is_empty()).collect();
    let example = example.join(" ");
    let main = example.strip_prefix("deskferry ").unwrap();
    assert!(readme.contains(&format!("cargo run -- {main}")), "{main}");
}

#[test]
fn an_unknown_flag_is_a_usage_error() {
    let work = Work::new();
    let ended = work
        .run(&["import", "a.csv", "--maping", "m.toml"])
        .expect(2);
    insta::assert_snapshot!("unknown_flag", work.shown(&ended.stderr));
}
