//! Reads a mapping file into its typed shape. Everything that the file alone can tell is checked here, all
//! of it at once.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use toml::de::DeValue;

use super::SheetBeside;
use super::acting::{TargetRule, ThenRule, read_operation, read_target, read_thens};
use super::attach::{AttachRules, read_attachments};
use super::baseline::{BaselineRule, read_baseline};
use super::draft::Draft;
use super::each::{EachRule, read_each};
use super::example::{Example, read_examples};
use super::field::{Fields, read_field};
use super::file::{At, Faults, Section, Source, integer, written};
use super::fold::{FoldRules, read_comments};
use super::input::read_input;
use super::keys;
use super::shape::{FieldRule, InputRules, Marker, Origin, Unmapped, Version};
use crate::error::Result;
use crate::source::InputOptions;
use crate::systems::{Operation, SystemName};

/// The newest version of the format. A mapping of an older one means what it meant.
const VERSION: i64 = 2;

/// A mapping file, read and checked by itself.
#[derive(Debug)]
pub struct Mapping {
    pub(super) source: Arc<Source>,
    pub(super) system: SystemName,
    pub(super) operation: Operation,
    pub(super) operation_at: usize,
    /// Which ticket a row is about, where it makes none.
    pub(super) target: Option<TargetRule>,
    pub(super) thens: Vec<Arc<ThenRule>>,
    /// What holds the items of a row, each of which is a record of its own.
    pub(super) each: Option<Arc<FieldRule>>,
    baseline: Option<BaselineRule>,
    pub(super) scope: String,
    pub(super) key: Option<Vec<Arc<FieldRule>>>,
    key_definition: String,
    pub(super) marker: At<Marker>,
    pub(super) notify: bool,
    pub(super) profiles: Vec<String>,
    pub(super) unmapped: Unmapped,
    /// The columns that stay behind on purpose.
    pub(super) drop: Vec<At<String>>,
    pub(super) options: InputOptions,
    pub(super) input: Arc<InputRules>,
    pub(super) fields: Vec<Arc<FieldRule>>,
    /// Where `[fields]` stands.
    pub(super) fields_at: usize,
    pub(super) attachments: AttachRules,
    pub(super) comments: FoldRules,
    pub(super) examples: Arc<Vec<Example>>,
    fingerprint: String,
    /// The files that it names and that are only read.
    beside: Vec<PathBuf>,
    /// The folder in which they stand.
    pub(super) folder: PathBuf,
}

impl Mapping {
    /// Reads a mapping file and checks all that it can be blamed for without a connection: syntax, unknown keys and
    /// those that are not built yet, types of values, expressions, formats, steps that cannot follow one another;
    /// and where one of these is wrong, also its fields, so that all is told at once.
    ///
    /// # Errors
    /// When the file cannot be read, and [`crate::error::Error::mapping`] with all its faults.
    pub fn load(path: &Path, reach: Reach) -> Result<Self> {
        Draft::load(path, reach)?.finish()
    }

    /// Reads a mapping from its text; `folder` is where the files stand that it names.
    pub(super) fn read(file: String, text: String, folder: &Path) -> Result<Self> {
        let draft = Draft::read(file, text, folder);
        match draft.mapping {
            Some(mapping) if draft.faults.is_empty() => Ok(mapping),
            _ => Err(crate::error::Error::mapping(draft.faults.into_list())),
        }
    }

    /// Which system it is for.
    pub fn system(&self) -> SystemName {
        self.system
    }

    /// What it does with each row.
    pub fn operation(&self) -> Operation {
        self.operation
    }

    /// The scope of the keys by which rows that act name tickets, in `target` or by `resolve = "key"`, where they do.
    pub fn target_scope(&self) -> Option<&str> {
        let target = self.target.as_ref()?;
        let thens = self.thens.iter().flat_map(|then| &then.fields);
        let mut fields = self.fields.iter().chain(thens);
        let names_keys = target.by_key || fields.any(|field| field.resolve.by_key.is_some());
        names_keys.then(|| target.scope.as_deref().unwrap_or(&self.scope))
    }

    /// What the file said when it was exported, where only what was changed since is sent.
    pub fn baseline(&self) -> Option<&BaselineRule> {
        self.baseline.as_ref()
    }

    /// The one column whose cells name the ticket that a row is about, where that is all that names it.
    pub fn target_column(&self) -> Option<&str> {
        let [part] = &self.target.as_ref()?.parts[..] else {
            return None;
        };
        match &part.origin {
            Origin::Columns { columns, .. } => Some(&columns.first()?.value),
            _ => None,
        }
    }

    /// The name space of its keys.
    pub fn scope(&self) -> &str {
        &self.scope
    }

    /// The only profiles it may run against; empty: any.
    pub fn profiles(&self) -> &[String] {
        &self.profiles
    }

    /// Whether e-mails, notifications and rules may fire.
    pub fn notify(&self) -> bool {
        self.notify
    }

    /// How the input is to be read.
    pub fn input_options(&self) -> &InputOptions {
        &self.options
    }

    /// A hash of the file's bytes and of the bytes of the files that it names, in hex.
    pub fn fingerprint(&self) -> &str {
        &self.fingerprint
    }

    /// The files that it names and that are only read.
    pub(crate) fn beside(&self) -> &[PathBuf] {
        &self.beside
    }

    /// The other sheets of the input's own workbook that it reads, each once.
    pub(crate) fn sheets_beside(&self) -> Vec<SheetBeside> {
        let of_thens = self.thens.iter().filter_map(|then| match &then.each {
            Some(EachRule::Rows(rows)) => rows.sheet(),
            _ => None,
        });
        let fields = self.fields.iter().chain(self.key.iter().flatten());
        let fields = fields.chain(self.thens.iter().flat_map(|then| &then.fields));
        let looked_up = fields.filter_map(|field| field.lookup.as_ref()?.sheet());
        let mut sheets: Vec<SheetBeside> = Vec::new();
        for sheet in of_thens.chain(looked_up) {
            if !sheets.contains(&sheet) {
                sheets.push(sheet);
            }
        }
        sheets
    }

    /// The columns that the key is made of, by their names in the mapping.
    pub(crate) fn key_columns(&self) -> Vec<String> {
        let parts = self.key.iter().flatten();
        let columns = parts.filter_map(|part| match &part.origin {
            Origin::Columns { columns, .. } => Some(columns),
            _ => None,
        });
        columns
            .flatten()
            .map(|column| column.value.clone())
            .collect()
    }

    /// The file as the user named it.
    pub fn name(&self) -> &str {
        &self.source.file
    }

    /// Whether one row may make several tickets.
    pub(crate) fn takes_apart(&self) -> bool {
        self.each.is_some()
    }

    /// How conversations are brought over.
    pub(crate) fn comments(&self) -> FoldRules {
        self.comments
    }

    /// The folder of the archive of files, where the mapping names one.
    pub(crate) fn archive(&self) -> Option<&str> {
        self.attachments.folder.as_deref()
    }

    /// What is told about columns with data that nothing reads.
    pub fn unmapped(&self) -> Unmapped {
        self.unmapped
    }

    /// Whether columns of the input name a row; without, its content does.
    pub fn has_key(&self) -> bool {
        self.key.is_some()
    }

    /// What keys are made of, in one spelling: the JSON of `key`, or `content`. Another definition makes other keys of the
    /// same rows.
    pub fn key_definition(&self) -> &str {
        &self.key_definition
    }

    /// The same file read as one of the newest version, with what is then wrong with it; `None` where it is one.
    pub(crate) fn as_newest(&self) -> Option<Draft> {
        let newest = Version::default();
        (self.input.version < newest).then(|| {
            let text = self.source.text.to_string();
            Draft::read_as(
                self.source.file.clone(),
                text,
                &self.folder,
                Some(newest),
                // What it may read was judged when it was loaded.
                Reach::Anywhere,
            )
        })
    }

    /// Whether the tickets bear a reference by which a row in doubt can be found again.
    pub fn has_marker(&self) -> bool {
        self.marker.value != Marker::None
    }

    /// Whether a custom field is the marker, which only the directory can tell apart from others.
    pub fn marks_field(&self) -> bool {
        matches!(self.marker.value, Marker::CustomField(_))
    }
}

/// Which files a mapping may read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// Those in its folder and below.
    Folder,
    /// All: somebody said so.
    Anywhere,
}

impl Reach {
    /// By what was said.
    pub fn told(trusts: bool) -> Self {
        match trusts {
            true => Self::Anywhere,
            false => Self::Folder,
        }
    }
}

/// What reading needs besides the file.
pub(super) struct Reading {
    /// The version of the mapping, known when its first lines are read.
    pub(super) version: Version,
    /// The version that it is taken for, whatever it says.
    pub(super) as_version: Option<Version>,
    /// Where files that the mapping names are looked for.
    pub(super) folder: PathBuf,
    /// Which of them may be read.
    pub(super) reach: Reach,
    /// Over the mapping and those files.
    pub(super) digest: blake3::Hasher,
    /// Those that were read.
    pub(super) beside: Vec<PathBuf>,
}

impl Reading {
    /// Where a file is that the mapping names; `None`, which is told, where it may not be read. Links are followed before
    /// that is judged. One that is not there is told when it is opened.
    pub(super) fn place(&self, file: &At<String>, faults: &mut Faults) -> Option<PathBuf> {
        let path = self.folder.join(&file.value);
        let folder = match self.folder.as_os_str().is_empty() {
            true => Path::new("."),
            false => &self.folder,
        };
        let real = std::fs::canonicalize(folder).and_then(|folder| {
            let path = std::fs::canonicalize(&path)?;
            Ok((folder, path))
        });
        match real {
            Ok((folder, path)) if self.reach == Reach::Folder && !path.starts_with(&folder) => {
                faults.hint(
                    file.at,
                    format!("`{}` is outside the folder of the mapping", file.value),
                    "if you trust this mapping to read it, run it with `--trust`; else copy the file beside the mapping",
                );
                None
            }
            _ => Some(path),
        }
    }
}

pub(super) fn read_top(
    top: &Section<'_, '_>,
    source: &Arc<Source>,
    reading: &mut Reading,
    faults: &mut Faults,
) -> Option<Mapping> {
    let written = read_version(top, faults);
    let version = reading.as_version.unwrap_or(written);
    reading.version = version;
    let system = read_system(top, faults);
    let operation = read_operation(top, faults);
    let acts = !operation.makes();
    let scope = read_scope(top, faults);
    let marker = match acts {
        true => no_marker(top, faults),
        false => read_marker(top, faults),
    };
    let unmapped = read_unmapped(top, faults);
    let drop = top.texts("drop", faults).unwrap_or_default();
    let (options, input) = read_input(top, reading, faults);
    let key = read_key(top, reading, faults);
    let target = read_target(top, operation, reading, faults);
    let baseline = read_baseline(top, operation, reading, faults);
    if baseline.is_some() && target.as_ref().is_some_and(|target| target.by_key) {
        let message = "`[baseline]` compares tickets that the file names itself";
        let hint = "write `target = { from = \"Ticket ID\" }`";
        faults.hint(top.key_at("baseline"), message, hint);
    }
    let fields = read_fields(top, acts, reading, faults);
    let thens = read_thens(top, reading, faults);
    let each = read_each(top, &keys::TICKETS, reading, faults);
    let examples = read_examples(top, !input.group_by.is_empty(), faults);
    let groups = thens.iter().filter_map(|then| match &then.each {
        Some(EachRule::Group(group)) => Some(group),
        _ => None,
    });
    for group in groups.filter(|_| input.group_by.is_empty()) {
        let message = "`each = { rows = true }` needs `group_by`: it takes the rows of a group";
        let hint = "name in `[input]` what the rows of one ticket have in common: `group_by = [\"Ticket #\"]`";
        faults.hint(group.at, message, hint);
    }
    if let Some(condition) = input
        .where_group
        .as_ref()
        .filter(|_| input.group_by.is_empty())
    {
        let message = "`where_group` needs `group_by`";
        faults.hint(condition.at, message, "write the condition as `where`");
    }
    Some(Mapping {
        source: Arc::clone(source),
        system: system?,
        operation,
        operation_at: top.key_at("operation"),
        target,
        thens: thens.into_iter().map(Arc::new).collect(),
        each: match each {
            Some(EachRule::Cell(rule)) => Some(rule),
            _ => None,
        },
        baseline,
        scope: scope.unwrap_or_default(),
        key: key.map(|parts| parts.into_iter().map(Arc::new).collect()),
        key_definition: key_definition(top),
        marker,
        notify: top.bool("notify", faults).unwrap_or(false),
        profiles: texts(top, "profile", faults),
        unmapped,
        drop,
        options,
        input: Arc::new(input),
        fields: fields.into_iter().map(Arc::new).collect(),
        fields_at: match top.has("fields") {
            true => top.key_at("fields"),
            false => top.key_at("operation"),
        },
        attachments: read_attachments(top, faults),
        comments: read_comments(top, faults),
        examples: Arc::new(examples),
        fingerprint: reading.digest.finalize().to_hex().to_string(),
        beside: std::mem::take(&mut reading.beside),
        folder: reading.folder.clone(),
    })
}

/// See [`Mapping::key_definition`].
fn key_definition(top: &Section<'_, '_>) -> String {
    fn json(value: &DeValue<'_>) -> serde_json::Value {
        match value {
            DeValue::String(text) => text.as_ref().into(),
            DeValue::Boolean(it) => (*it).into(),
            DeValue::Array(all) => all.iter().map(|one| json(one.get_ref())).collect(),
            DeValue::Table(table) => (table.iter())
                .map(|(name, one)| (name.get_ref().to_string(), json(one.get_ref())))
                .collect::<serde_json::Map<_, _>>()
                .into(),
            DeValue::Integer(number) => number.as_str().into(),
            DeValue::Float(number) => number.as_str().into(),
            DeValue::Datetime(at) => at.to_string().into(),
        }
    }
    let Some(raw) = top.get("key") else {
        return CONTENT_KEY.to_owned();
    };
    match json(raw.get_ref()) {
        all @ serde_json::Value::Array(_) => all.to_string(),
        one => serde_json::Value::Array(vec![one]).to_string(),
    }
}

/// The definition of a key that is made of a row's content.
pub const CONTENT_KEY: &str = "content";

/// The texts of a key, without their places.
pub(super) fn texts(section: &Section<'_, '_>, key: &str, faults: &mut Faults) -> Vec<String> {
    let texts = section.texts(key, faults).unwrap_or_default();
    texts.into_iter().map(|text| text.value).collect()
}

/// The version of a mapping; where it is wrong, the newest.
fn read_version(top: &Section<'_, '_>, faults: &mut Faults) -> Version {
    let written = top.get("version").map(|raw| (raw, integer(raw.get_ref())));
    match written {
        None => faults.hint(0, "`version` is missing", "write `version = 2` at the top"),
        Some((_, Some(number))) if Version::of(number).is_some() => {
            return Version::of(number).unwrap_or_default();
        }
        Some((raw, _)) => {
            faults.formal();
            let written = integer(raw.get_ref()).map_or("this".to_owned(), |n| format!("`{n}`"));
            faults.hint(
                raw.span().start,
                format!("version {written} of the mapping format is not known"),
                format!("this program reads `version = 1` and `version = {VERSION}`"),
            );
        }
    }
    Version::default()
}

fn read_system(top: &Section<'_, '_>, faults: &mut Faults) -> Option<SystemName> {
    let words = SystemName::ALL.map(|system| (system.as_str(), system));
    if !top.has("system") {
        faults.hint(
            0,
            "`system` is missing",
            "write `system = \"incidentiq\"` or `system = \"clearfeed\"`",
        );
    }
    top.word("system", &words, faults)
}

fn read_scope(top: &Section<'_, '_>, faults: &mut Faults) -> Option<String> {
    let hint = "a name that stays for ever, such as `scope = \"spiceworks-2024\"`: with it a row keeps \
                its identity whatever the file is called";
    if !top.has("scope") {
        faults.hint(0, "`scope` is missing", hint);
    }
    let scope = top.text("scope", faults)?;
    if scope.value.trim().is_empty() || scope.value.trim() != scope.value {
        faults.hint(scope.at, "`scope` is empty or has space around it", hint);
        return None;
    }
    Some(scope.value)
}

fn read_marker(top: &Section<'_, '_>, faults: &mut Faults) -> At<Marker> {
    let at = top.key_at("marker");
    let marker = match top
        .get("marker")
        .map(|raw| (raw.span().start, raw.get_ref()))
    {
        Some((at, DeValue::Table(table))) => {
            let inner = Section::open(table, at, &keys::MARKER, faults);
            let field = inner.text("custom_field", faults);
            if table.is_empty() {
                faults.hint(
                    at,
                    "`marker` is empty",
                    "write `marker = \"description\"`, `{ custom_field = \"its name\" }` or `\"none\"`",
                );
            }
            if let Some(field) = field {
                return At::new(Marker::CustomField(field.value), field.at);
            }
            None
        }
        _ => {
            let words = [("description", false), ("none", true)];
            let none = top.word("marker", &words, faults);
            none.filter(|none| *none).map(|_| Marker::None)
        }
    };
    At::new(marker.unwrap_or_default(), at)
}

/// Rows that make no tickets leave no marker in them.
fn no_marker(top: &Section<'_, '_>, faults: &mut Faults) -> At<Marker> {
    let at = top.key_at("marker");
    if top.has("marker") {
        let message = "`marker` is for what makes tickets, `create` and `upsert`: what is done to a ticket is read back from it";
        faults.hint(at, message, "leave it out");
    }
    At::new(Marker::None, at)
}

fn read_unmapped(top: &Section<'_, '_>, faults: &mut Faults) -> Unmapped {
    let words = [
        ("warn", Unmapped::Warn),
        ("error", Unmapped::Error),
        ("append", Unmapped::Append),
    ];
    top.word("unmapped", &words, faults).unwrap_or_default()
}

pub(super) fn read_key(
    top: &Section<'_, '_>,
    reading: &mut Reading,
    faults: &mut Faults,
) -> Option<Vec<FieldRule>> {
    let raw = top.get("key")?;
    let one;
    let entries: &[_] = match raw.get_ref() {
        DeValue::Array(entries) => entries,
        value if written(value).is_some() || matches!(value, DeValue::Table(_)) => {
            one = [raw.clone()];
            &one
        }
        _ => return top.wrong("key", raw, "a list of columns", faults),
    };
    if entries.is_empty() {
        faults.formal();
        faults.hint(
            raw.span().start,
            "`key` names no column",
            "leave `key` out: then a row is known by its content",
        );
    }
    let mut parts = Vec::new();
    for entry in entries {
        let at = entry.span().start;
        match entry.get_ref() {
            value if written(value).is_some() => {
                let column = At::new(written(value).unwrap_or_default(), at);
                parts.push(FieldRule::key_column(column));
            }
            DeValue::Table(table) => {
                let name = At::new("key".to_owned(), at);
                let section = Section::open(table, at, &keys::KEY_PART, faults);
                parts.push(read_field(name, &section, reading, faults));
            }
            _ => top
                .wrong::<()>("key", entry, "a column, or `{ from = … }`", faults)
                .unwrap_or(()),
        }
    }
    Some(parts)
}

fn read_fields(
    top: &Section<'_, '_>,
    acts: bool,
    reading: &mut Reading,
    faults: &mut Faults,
) -> Vec<FieldRule> {
    if !top.has("fields") {
        if acts {
            // An operation may need none; one that does says which.
            return Vec::new();
        }
        faults.hint(
            0,
            "`[fields]` is missing",
            "it says what each field of a ticket is made of",
        );
        return Vec::new();
    }
    let Some((table, at)) = top.table("fields", faults) else {
        return Vec::new();
    };
    if table.is_empty() && !acts {
        faults.hint(
            at,
            "`[fields]` is empty",
            "say what each field of a ticket is made of: `Subject = { from = \"Title\" }`",
        );
    }
    let mut fields = Fields::default();
    fields.read(table, "", reading, faults);
    fields.rules
}

impl FieldRule {
    /// A part of the key that is just a column.
    pub(super) fn key_column(column: At<String>) -> Self {
        let name = At::new("key".to_owned(), column.at);
        let columns = vec![column];
        Self::bare(
            name,
            Origin::Columns {
                columns,
                join: None,
            },
        )
    }
}
