//! The encoding that a file without a byte-order mark and without UTF-8 is probably in.
//!
//! `chardetng` knows the sets of the web; those of DOS and of old Macs are weighed beside its answer by the letters
//! that come out (`letters`). What is found is a guess, and says how sure it is.

mod letters;
#[cfg(test)]
mod tests;

use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use encoding_rs::{BIG5, EUC_JP, EUC_KR, Encoding, GB18030, GBK, ISO_2022_JP, SHIFT_JIS};
use memchr::memchr_iter;

use super::bytes::{Bytes, CHUNK, cannot_read, read_full};
use super::charset::Charset;
use crate::error::Result;

/// So many bytes of lines with something beyond ASCII are weighed.
const WEIGHED: usize = 128 * 1024;
/// How long a sample is, in characters.
const SAMPLE: usize = 60;
/// How many other readings are shown.
const OTHERS: usize = 2;

/// The single-byte sets that are weighed, the usual first: of two that read a text the same the first is named.
const LABELS: [&str; 38] = [
    "windows-1252",
    "windows-1250",
    "windows-1251",
    "windows-1253",
    "windows-1254",
    "windows-1255",
    "windows-1256",
    "windows-1257",
    "windows-1258",
    "iso-8859-15",
    "iso-8859-2",
    "iso-8859-5",
    "iso-8859-7",
    "iso-8859-8",
    "iso-8859-6",
    "iso-8859-4",
    "iso-8859-10",
    "iso-8859-13",
    "iso-8859-16",
    "iso-8859-3",
    "iso-8859-14",
    "koi8-r",
    "koi8-u",
    "macintosh",
    "cp850",
    "cp437",
    "cp852",
    "ibm866",
    "x-mac-cyrillic",
    "cp737",
    "cp855",
    "cp857",
    "cp862",
    "cp865",
    "cp861",
    "cp775",
    "cp860",
    "cp869",
];

/// What an encoding costs before a text is seen: old ones are rare.
fn prior(charset: Charset) -> f64 {
    let label = charset.label();
    match label.as_str() {
        "windows-1252" => 0.0,
        "iso-8859-3" | "iso-8859-14" | "iso-8859-10" | "iso-8859-16" | "cp869" | "cp861"
        | "cp860" => -4.0,
        label if label.starts_with("windows-") => -0.5,
        _ => -1.5,
    }
}

/// What `chardetng`'s word is worth, in the measure of `letters`.
const DETECTED: f64 = 3.0;
/// A single-byte guess is sure from so many signs on, where the next other reading fits worse by so much, and where
/// each sign fits at least so well.
const SURE_SIGNS: usize = 12;
const SURE_BY: f64 = 10.0;
const SURE_EACH: f64 = -4.6;

/// A guess, and what to judge it by.
#[derive(Debug, Clone)]
pub struct Likely {
    /// The likely encoding.
    pub charset: Charset,
    /// Whether nothing else is likely.
    pub is_certain: bool,
    /// A line of the file as that encoding reads it, cut.
    pub sample: String,
    /// What else it may be, with the same line.
    pub others: Vec<(Charset, String)>,
    /// The first rows of each kind, where some are UTF-8 and some are not.
    pub mixed: Option<Mixed>,
}

/// A file of which some rows are UTF-8 and some are not; rows as a spreadsheet program numbers them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mixed {
    /// The first row with something beyond ASCII that is UTF-8, and a part of it.
    pub utf8: (u64, String),
    /// The first row that is not.
    pub other: u64,
}

/// Guesses; `None` for a file that is UTF-8 as a whole, or of which nothing can be said.
pub(super) fn guess(bytes: &Bytes) -> Result<Option<Likely>> {
    let head = bytes.head(CHUNK)?;
    if let Some(charset) = utf16(&head) {
        let text = charset.text_of(&head);
        let sample = text
            .lines()
            .find(|line| !line.is_ascii())
            .unwrap_or_default();
        return Ok(Some(Likely {
            charset,
            is_certain: !text.contains('\u{fffd}'),
            sample: cut(sample),
            others: Vec::new(),
            mixed: None,
        }));
    }
    let lines = Lines::of(bytes)?;
    Ok(lines.guess())
}

/// Whether bytes are UTF-16 without a mark, and which: one half of most of its codes is 0, in tables most of all.
pub(super) fn utf16(head: &[u8]) -> Option<Charset> {
    let head = &head[..head.len() / 2 * 2];
    let pairs = head.chunks_exact(2);
    let all = pairs.len();
    let plain = |sign: u8| matches!(sign, b'\t' | b'\n' | b'\r' | b' '..=b'~');
    let little = pairs
        .clone()
        .filter(|two| plain(two[0]) && two[1] == 0)
        .count();
    let big = pairs
        .clone()
        .filter(|two| two[0] == 0 && plain(two[1]))
        .count();
    // A stray 0 in a text of single bytes: nearly all others are letters two by two, which in UTF-16 only some signs of
    // East Asia are.
    let both = pairs.filter(|two| plain(two[0]) && plain(two[1])).count();
    let (more, less, label) = match little > big {
        true => (little, big, "utf-16le"),
        false => (big, little, "utf-16be"),
    };
    let charset = Charset::of_label(label)?;
    let is = all >= 4 && more * 25 > all && more > less * 4 && both * 4 <= all * 3;
    (is && !charset.text_of(head).contains('\u{fffd}')).then_some(charset)
}

/// The lines of a file that have something beyond ASCII.
#[derive(Default)]
struct Lines {
    /// Those that are not UTF-8.
    weighed: Vec<u8>,
    first_other: Option<u64>,
    first_utf8: Option<(u64, String)>,
    /// Whether a byte is 0, which no table has.
    has_nul: bool,
}

impl Lines {
    fn of(bytes: &Bytes) -> Result<Self> {
        let mut reader = bytes.reader()?;
        let mut chunk = vec![0; CHUNK];
        let mut found = Self::default();
        let (mut row, mut is_quoted, mut line) = (1, false, Vec::new());
        loop {
            let count = read_full(&mut reader, &mut chunk)
                .map_err(|error| cannot_read(&bytes.named, error))?;
            let (read, last) = (&chunk[..count], count < chunk.len());
            let mut start = 0;
            for end in memchr_iter(b'\n', read) {
                line.extend_from_slice(&read[start..end]);
                start = end + 1;
                found.line(&line, row);
                is_quoted ^= memchr_iter(b'"', &line).count() % 2 == 1;
                row += u64::from(!is_quoted);
                line.clear();
            }
            line.extend_from_slice(&read[start..]);
            if last {
                found.line(&line, row);
                return Ok(found);
            }
            if found.weighed.len() >= WEIGHED && found.first_utf8.is_some() {
                return Ok(found);
            }
            if line.len() > 8 * WEIGHED {
                // No table has such a line.
                found.line(&line, row);
                return Ok(found);
            }
        }
    }

    fn line(&mut self, line: &[u8], row: u64) {
        if line.is_ascii() {
            self.has_nul |= memchr::memchr(0, line).is_some();
            return;
        }
        match std::str::from_utf8(line) {
            Ok(text) => {
                self.first_utf8.get_or_insert_with(|| (row, cut(text)));
            }
            Err(_) => {
                self.first_other.get_or_insert(row);
                if self.weighed.len() < WEIGHED {
                    let most = line.len().min(WEIGHED);
                    self.weighed.extend_from_slice(&line[..most]);
                    self.weighed.push(b'\n');
                }
            }
        }
    }

    fn guess(self) -> Option<Likely> {
        let other = self.first_other?;
        if self.has_nul {
            return None;
        }
        let detected = detected(&self.weighed);
        let mixed = self.first_utf8.map(|utf8| Mixed { utf8, other });
        if let Some(guess) = east_asian(&self.weighed, detected) {
            // Chance makes UTF-8 of a line of two-byte codes now and then.
            return Some(guess);
        }
        let mut guess = single_byte(&self.weighed, detected)?;
        guess.is_certain &= mixed.is_none();
        guess.mixed = mixed;
        Some(guess)
    }
}

/// What a detector of the web's encodings says.
fn detected(weighed: &[u8]) -> &'static Encoding {
    let mut detector = EncodingDetector::new(Iso2022JpDetection::Deny);
    detector.feed(weighed, true);
    detector.guess(None, Utf8Detection::Deny)
}

fn east_asian(weighed: &[u8], detected: &'static Encoding) -> Option<Likely> {
    let sets = [SHIFT_JIS, EUC_JP, GBK, BIG5, EUC_KR];
    if !sets.contains(&detected) && detected != ISO_2022_JP && detected != GB18030 {
        return None;
    }
    let (common, count, run) = letters::east_asian(detected, weighed)?;
    // Words have two signs at least; a letter of an old code page before one of ASCII looks like one.
    if run < 1.5 || common < 0.5 {
        return None;
    }
    let charset = Charset::web(detected);
    Some(Likely {
        charset,
        is_certain: common >= 0.85 && count >= SURE_SIGNS && run >= 1.8,
        sample: sample(charset, weighed),
        others: Vec::new(),
        mixed: None,
    })
}

/// One reading of the bytes.
struct Candidate {
    charset: Charset,
    text: String,
    score: f64,
    signs: usize,
}

fn single_byte(weighed: &[u8], detected: &'static Encoding) -> Option<Likely> {
    // What is weighed in full is quick, and so much tells as much as all of it.
    let weighed = &weighed[..weighed.len().min(WEIGHED / 4)];
    let mut candidates: Vec<Candidate> = Vec::new();
    for charset in LABELS.iter().filter_map(|label| Charset::of_label(label)) {
        let text = charset.text_of(weighed);
        let (fit, signs) = letters::fit(&text);
        let heard = match charset == Charset::web(detected) {
            true => DETECTED,
            false => 0.0,
        };
        candidates.push(Candidate {
            charset,
            text,
            score: fit + prior(charset) + heard,
            signs,
        });
    }
    // The sort is stable: of two that fit the same the usual one is first.
    candidates.sort_by(|a, b| b.score.total_cmp(&a.score));
    let best = candidates.first()?;
    let others: Vec<&Candidate> = candidates
        .iter()
        .skip(1)
        .filter(|other| other.text != best.text)
        .collect();
    let by = others
        .first()
        .map_or(f64::INFINITY, |other| best.score - other.score);
    let each = best.score / best.signs.max(1) as f64;
    let line = differing(best, others.first().copied());
    let mut shown: Vec<(Charset, String)> = Vec::new();
    for other in others {
        let reads = other.text.lines().nth(line).map(cut).unwrap_or_default();
        if shown.len() < OTHERS && shown.iter().all(|(_, known)| *known != reads) {
            shown.push((other.charset, reads));
        }
    }
    Some(Likely {
        charset: best.charset,
        is_certain: best.signs >= SURE_SIGNS && by >= SURE_BY && each >= SURE_EACH,
        sample: best.text.lines().nth(line).map(cut).unwrap_or_default(),
        others: shown,
        mixed: None,
    })
}

/// The line that tells two readings apart best: the first in which they differ.
fn differing(best: &Candidate, other: Option<&Candidate>) -> usize {
    let Some(other) = other else { return 0 };
    let pairs = best.text.lines().zip(other.text.lines());
    pairs
        .into_iter()
        .position(|(one, two)| one != two)
        .unwrap_or(0)
}

fn sample(charset: Charset, weighed: &[u8]) -> String {
    let first = weighed.split(|byte| *byte == b'\n').next();
    cut(&charset.text_of(first.unwrap_or_default()))
}

/// A part of a line around its first sign beyond ASCII. Old Macs end their lines with a carriage return alone.
fn cut(line: &str) -> String {
    let mut lines = line.split('\r');
    let line = lines.clone().find(|line| !line.is_ascii());
    let line = line.or_else(|| lines.next()).unwrap_or_default().trim();
    let signs: Vec<char> = line.chars().filter(|sign| !sign.is_control()).collect();
    let at = signs.iter().position(|sign| !sign.is_ascii()).unwrap_or(0);
    let start = match signs.len() > SAMPLE {
        true => at.saturating_sub(SAMPLE / 3),
        false => 0,
    };
    signs.iter().skip(start).take(SAMPLE).collect()
}

impl Likely {
    /// What a person is told: the encoding, and how it reads the file.
    pub fn told(&self) -> String {
        let label = self.charset.label();
        if let Some(Mixed { utf8, other }) = &self.mixed {
            return format!(
                "mixes encodings: row {} is utf-8 (`{}`), row {other} looks like {label} (`{}`)",
                utf8.0, utf8.1, self.sample
            );
        }
        match self.is_certain {
            true => format!("looks like {label} (`{}`)", self.sample),
            false => format!("may be {label} (`{}`){}", self.sample, self.or()),
        }
    }

    /// The other readings, for the end of a sentence.
    pub fn or(&self) -> String {
        self.others
            .iter()
            .map(|(charset, sample)| format!(", or {} (`{sample}`)", charset.label()))
            .collect()
    }
}
