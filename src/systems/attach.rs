//! Files that hang on tickets: what a system takes, and a file that is ready to be sent.

use std::io;
use std::path::PathBuf;

use super::common::Attachment;

/// The call that hangs one file on a ticket.
pub const ATTACH: &str = "attach";

/// What of a file the ledger keeps with its intent: its name on the ticket.
pub const NAME: &str = "name";

/// How many bytes it has.
pub const BYTES: &str = "bytes";

/// The hash of its content.
pub const HASH: &str = "hash";

/// What a system takes of files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FileRules {
    /// The largest file in bytes; a site may take less.
    pub most: u64,
}

/// A file on this machine that is ready to be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileFacts {
    /// Where its bytes are.
    pub path: PathBuf,
    /// What it is called on the ticket.
    pub name: String,
    /// Its media type.
    pub kind: &'static str,
    /// How many bytes it has.
    pub bytes: u64,
    /// The hash of its content, in hex.
    pub hash: String,
}

/// The files that hang on a ticket.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Hanging {
    /// The files.
    pub files: Vec<Attachment>,
    /// Whether these are all.
    pub is_whole: bool,
}

/// Why a file of a system could not be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unread {
    /// It will not be there next time either: what the system says.
    Gone(String),
    /// The token may not read it.
    Forbidden(String),
    /// It may be there next time: what happened.
    Broken(String),
    /// Its bytes could not be kept on this machine: why.
    Unkept(String),
}

/// Takes the bytes of a file, piece by piece.
pub type TakeBytes<'a> = &'a mut (dyn FnMut(&[u8]) -> io::Result<()> + Send);

/// The media type of a file of that name; what is not known is bytes.
pub fn media_type(name: &str) -> &'static str {
    let (_, extension) = name.rsplit_once('.').unwrap_or_default();
    match extension.to_ascii_lowercase().as_str() {
        "png" => "image/png",
        "jpg" | "jpeg" => "image/jpeg",
        "gif" => "image/gif",
        "webp" => "image/webp",
        "svg" => "image/svg+xml",
        "bmp" => "image/bmp",
        "heic" => "image/heic",
        "mp4" => "video/mp4",
        "mov" => "video/quicktime",
        "mp3" => "audio/mpeg",
        "wav" => "audio/wav",
        "pdf" => "application/pdf",
        "txt" | "log" => "text/plain",
        "csv" => "text/csv",
        "htm" | "html" => "text/html",
        "json" => "application/json",
        "xml" => "application/xml",
        "zip" => "application/zip",
        "eml" => "message/rfc822",
        "doc" => "application/msword",
        "xls" => "application/vnd.ms-excel",
        "ppt" => "application/vnd.ms-powerpoint",
        "docx" => "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
        "xlsx" => "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        "pptx" => "application/vnd.openxmlformats-officedocument.presentationml.presentation",
        _ => "application/octet-stream",
    }
}
