//! Secrets taken out of text, in whatever form a system hands them back.
//!
//! An answer may repeat the token that it was sent, and in another spelling: `\/` and `\u002B` in JSON, `%2B` in an
//! address, `&#43;` in a page, base64 in a header. A search of the bytes alone finds none of these. So a text is searched
//! as it is, then decoded one level and searched again, until there is nothing left to decode; what is found at any level
//! is cut out of the text as it was.
//!
//! | where text comes in or leaves | who redacts |
//! |---|---|
//! | answers of a system, before anything else reads them | the transport, with the [`Redactor`] of its token |
//! | standard error, standard output, the log | [`Secrets`], which the command line hands to both |
//!
//! Nothing behind the transport (ledger, replica, files, reports, the bar) ever sees the token.

mod decode;
mod secrets;

use std::borrow::Cow;
use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use aho_corasick::{AhoCorasick, MatchKind};
use data_encoding::{BASE64_NOPAD, HEXLOWER, HEXUPPER};
use secrecy::{ExposeSecret, SecretString};

use decode::{Decoded, decoded, joined, untagged};

pub use secrets::{RedactedWriter, Secrets};

/// What stands where a secret was.
const MARK: &str = "…";

/// A shorter token (the sandbox's) is a plain word that texts hold for other reasons, and no secret.
pub const SHORTEST_SECRET: usize = 12;

/// What is shorter when it is decoded than this would be found everywhere.
const SHORTEST_FORM: usize = 8;

/// How often a text is decoded: an escape of an escape of an escape is as far as software goes by mistake.
const LEVELS: usize = 6;

/// Takes secrets out of text. Without secrets it changes nothing.
#[derive(Clone, Default)]
pub struct Redactor(Option<Arc<Needles>>);

struct Needles {
    secrets: Vec<SecretString>,
    find: AhoCorasick,
    /// From this pattern on a needle is base64, whose edges share a character with their neighbours.
    base64: usize,
}

impl fmt::Debug for Redactor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_some() {
            "Redactor(…)"
        } else {
            "Redactor"
        })
    }
}

impl Redactor {
    /// For one secret.
    pub fn new(secret: &SecretString) -> Self {
        Self::default().and(secret)
    }

    /// For one more secret.
    #[must_use]
    pub fn and(&self, secret: &SecretString) -> Self {
        let known = self
            .0
            .as_ref()
            .map_or(&[][..], |needles| &needles.secrets[..]);
        let text = secret.expose_secret().trim();
        if text.len() < SHORTEST_SECRET || known.iter().any(|known| known.expose_secret() == text) {
            return self.clone();
        }
        let mut secrets = known.to_vec();
        secrets.push(SecretString::from(text));
        Self(Some(Arc::new(Needles::new(secrets))))
    }

    /// A text without the secrets.
    pub fn text<'a>(&self, text: &'a str) -> Cow<'a, str> {
        match self.bytes(text.as_bytes()) {
            Cow::Borrowed(_) => Cow::Borrowed(text),
            Cow::Owned(bytes) => Cow::Owned(String::from_utf8_lossy(&bytes).into_owned()),
        }
    }

    /// The bytes of a text without the secrets.
    pub fn bytes<'a>(&self, text: &'a [u8]) -> Cow<'a, [u8]> {
        let Some(needles) = &self.0 else {
            return Cow::Borrowed(text);
        };
        let hits = needles.hits(text);
        if hits.is_empty() {
            return Cow::Borrowed(text);
        }
        let mut clean = Vec::with_capacity(text.len());
        let mut done = 0;
        for hit in hits {
            if hit.start > done || clean.is_empty() {
                clean.extend_from_slice(&text[done..hit.start.max(done)]);
                clean.extend_from_slice(MARK.as_bytes());
            }
            done = done.max(hit.end);
        }
        clean.extend_from_slice(&text[done..]);
        Cow::Owned(clean)
    }
}

impl Needles {
    fn new(secrets: Vec<SecretString>) -> Self {
        let mut plain: Vec<Vec<u8>> = Vec::new();
        let mut coded: Vec<Vec<u8>> = Vec::new();
        for secret in &secrets {
            let text = secret.expose_secret();
            let forms = forms(text);
            for form in forms.iter().cloned().chain(written(text)) {
                for needle in in_base64(&form) {
                    push(&mut coded, needle);
                }
            }
            for form in forms {
                push(&mut plain, HEXLOWER.encode(&form).into_bytes());
                push(&mut plain, HEXUPPER.encode(&form).into_bytes());
                push(&mut plain, form);
            }
        }
        let find = AhoCorasick::builder()
            .match_kind(MatchKind::LeftmostLongest)
            .build(plain.iter().chain(&coded))
            .expect("a few short needles are no burden");
        Self {
            secrets,
            find,
            base64: plain.len(),
        }
    }

    /// Where secrets stand, in order.
    fn hits(&self, text: &[u8]) -> Vec<Range<usize>> {
        let mut hits = Vec::new();
        let mut levels: Vec<Decoded> = Vec::new();
        loop {
            let text = levels.last().map_or(text, |level| &level.text);
            let mut found = self.at_level(text);
            for plain in [untagged(text), joined(text)].into_iter().flatten() {
                let within = self.at_level(&plain.text);
                found.extend(within.iter().map(|hit| plain.before(hit)));
            }
            let to_the_top = |hit| {
                levels
                    .iter()
                    .rev()
                    .fold(hit, |hit, level| level.before(&hit))
            };
            hits.extend(found.into_iter().map(to_the_top));
            match decoded(text) {
                Some(level) if levels.len() < LEVELS => levels.push(level),
                _ => break,
            }
        }
        hits.sort_unstable_by_key(|hit: &Range<usize>| (hit.start, hit.end));
        hits
    }

    fn at_level(&self, text: &[u8]) -> Vec<Range<usize>> {
        let hits = self.find.find_iter(text).map(|hit| {
            if hit.pattern().as_usize() < self.base64 {
                return hit.start()..hit.end();
            }
            // Some bits of the secret are in the characters beside.
            let is_code = |at: usize| text.get(at).is_some_and(|byte| is_base64(*byte));
            let before = hit.start() > 0 && is_code(hit.start() - 1);
            hit.start() - usize::from(before)..hit.end() + usize::from(is_code(hit.end()))
        });
        hits.collect()
    }
}

fn push(needles: &mut Vec<Vec<u8>>, needle: Vec<u8>) {
    if !needles.contains(&needle) {
        needles.push(needle);
    }
}

/// The secret itself, and what is left of it when a text that holds it is decoded: it may look like an escape itself.
fn forms(secret: &str) -> Vec<Vec<u8>> {
    let mut forms = vec![secret.as_bytes().to_vec()];
    for _ in 0..LEVELS {
        match decoded(&forms[forms.len() - 1]) {
            Some(level) => forms.push(level.text),
            None => break,
        }
    }
    // In the body of a form a `+` is a space, and the other way round.
    for (from, to) in [(b'+', b' '), (b' ', b'+')] {
        for at in 0..forms.len() {
            let swapped = forms[at]
                .iter()
                .map(|byte| if *byte == from { to } else { *byte });
            let swapped = swapped.collect();
            push(&mut forms, swapped);
        }
    }
    forms.retain(|form| form.len() >= SHORTEST_FORM);
    forms
}

/// The secret as it may have been written before it was packed into base64.
fn written(secret: &str) -> Vec<Vec<u8>> {
    let percent = |upper: bool| {
        let mut text = Vec::new();
        for byte in secret.bytes() {
            match byte {
                b'0'..=b'9' | b'a'..=b'z' | b'A'..=b'Z' | b'-' | b'.' | b'_' | b'~' => {
                    text.push(byte);
                }
                _ if upper => text.extend(format!("%{byte:02X}").into_bytes()),
                _ => text.extend(format!("%{byte:02x}").into_bytes()),
            }
        }
        text
    };
    let slashes = secret.replace('\\', "\\\\").replace('/', "\\/");
    vec![percent(true), percent(false), slashes.into_bytes()]
}

/// What base64 makes of bytes wherever they stand in what is encoded, in both alphabets: the characters that depend on
/// these bytes alone.
fn in_base64(bytes: &[u8]) -> Vec<Vec<u8>> {
    let mut needles = Vec::new();
    for before in 0..3 {
        let mut padded = vec![0; before];
        padded.extend_from_slice(bytes);
        let code = BASE64_NOPAD.encode(&padded);
        let first = (before * 8).div_ceil(6);
        let last = padded.len() * 8 / 6;
        let needle = &code.as_bytes()[first..last];
        let for_urls = needle.iter().map(|byte| match byte {
            b'+' => b'-',
            b'/' => b'_',
            byte => *byte,
        });
        push(&mut needles, for_urls.collect());
        push(&mut needles, needle.to_vec());
    }
    needles
}

fn is_base64(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'-' | b'_')
}

#[cfg(test)]
pub(crate) mod tests;
