//! The secrets that a process has read, for the places where text leaves it.

use std::borrow::Cow;
use std::io::{self, Write};
use std::sync::{Arc, PoisonError, RwLock};

use secrecy::SecretString;

use super::Redactor;

/// The secrets that were read so far. A copy knows what any other copy learns: the terminal and the log are there before
/// a token is read.
#[derive(Debug, Clone, Default)]
pub struct Secrets(Arc<RwLock<Redactor>>);

impl Secrets {
    /// From now on no text holds this one.
    pub fn add(&self, secret: &SecretString) {
        let mut redactor = self.0.write().unwrap_or_else(PoisonError::into_inner);
        *redactor = redactor.and(secret);
    }

    /// What takes them out.
    pub fn redactor(&self) -> Redactor {
        let redactor = self.0.read().unwrap_or_else(PoisonError::into_inner);
        redactor.clone()
    }

    /// A text without them.
    pub fn text<'a>(&self, text: &'a str) -> Cow<'a, str> {
        self.redactor().text(text)
    }

    /// A writer that passes everything on without them.
    pub fn writer<W: Write>(&self, to: W) -> RedactedWriter<W> {
        RedactedWriter {
            secrets: self.clone(),
            to,
        }
    }
}

/// Passes on what it is given, without secrets; each call is to be a whole message.
#[derive(Debug)]
pub struct RedactedWriter<W> {
    secrets: Secrets,
    to: W,
}

#[cfg(test)]
impl<W> RedactedWriter<W> {
    pub(super) fn into_inner(self) -> W {
        self.to
    }
}

impl<W: Write> Write for RedactedWriter<W> {
    fn write(&mut self, message: &[u8]) -> io::Result<usize> {
        self.to.write_all(&self.secrets.redactor().bytes(message))?;
        Ok(message.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.to.flush()
    }
}
