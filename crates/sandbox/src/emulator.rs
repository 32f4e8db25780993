//! What the server needs to know of an emulated system.

use serde_json::Value;

use super::Temper;
use super::call::Call;
use super::fit::Misfit;
use super::reply::{Refusal, Reply};
use super::route::Table;

/// An emulated system.
pub(super) trait Emulator: Sized + Send + Sync {
    /// Its name: the first piece of its paths.
    const NAME: &'static str;
    /// The member of a listing's answer that holds the rows.
    const ROWS: &'static str;

    /// Whether a token may come in other ways than as `Bearer TOKEN`.
    const TAKES_MORE_THAN_BEARER: bool;

    /// Whether the names of a body's members are the same in any case.
    const NAMES_HAVE_NO_CASE: bool;

    /// The reads of the directory, by the names of their operations: what many a token of a production is denied.
    const DIRECTORY: &'static [&'static str];
    /// The writes of those who administer it.
    const ADMINISTRATION: &'static [&'static str];

    /// What it answers.
    fn table(&self) -> &Table<Self>;
    /// How strictly it follows the documents.
    fn temper(&self) -> Temper;
    /// Checks what comes besides the token.
    fn admit(&self, call: &Call) -> Result<(), Refusal>;
    /// The refusal of a path that is not there.
    fn nowhere(&self, _: &Call) -> Refusal {
        Refusal::not_found("The requested resource")
    }
    /// The refusal of a body that is not of the type that its row names.
    fn unfit(&self, misfits: &[Misfit]) -> Refusal;
    /// A refusal in the system's words.
    fn refuse(&self, refusal: &Refusal) -> Reply;
    /// 429 in the system's words; `after` in seconds where it is told.
    fn throttle(&self, after: Option<u64>) -> Reply;
    /// An error inside HTTP 200.
    fn error_in_200(&self) -> Reply;
    /// The schemas that its rows name, in the notation of `schema`.
    fn schemas(&self) -> Vec<(&'static str, &'static str)>;
    /// The schema of an envelope and of what is in it.
    fn wrapped(name: &str, inner: Value) -> Value;
    /// Another thing in the place of the one that a call asks for: the parameter of the path, and its value.
    fn another(&self, call: &Call) -> Option<(&'static str, String)>;
    /// A value that a path's parameter may have, where the population has one.
    fn example(&self, parameter: &str) -> Option<String>;
}
