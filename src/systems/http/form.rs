//! A file as the form of a request (`multipart/form-data`), read from the disk while it is sent: of large files only a
//! piece is in memory.

use std::fs::File;
use std::io::{self, Read};
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};

use crate::systems::attach::FileFacts;

/// How much of the file is read at once.
const PIECE: u64 = 64 * 1024;

/// The form of one file.
#[derive(Debug)]
pub(super) struct Form {
    head: Bytes,
    file: File,
    /// How many bytes of the file are still to be sent.
    left: u64,
    tail: Bytes,
}

impl Form {
    /// The form with that file in its one field, and its `Content-Type`.
    ///
    /// # Errors
    /// When the file cannot be opened.
    pub(super) fn new(field: &str, file: &FileFacts) -> io::Result<(Self, String)> {
        // The hash of a content does not stand in it.
        let boundary = format!("deskferry-{}", &file.hash[..file.hash.len().min(32)]);
        let plain = |sign: char| match sign {
            '"' | '\\' => '\'',
            sign if sign.is_control() => '_',
            sign => sign,
        };
        let name: String = file.name.chars().map(plain).collect();
        let head = format!(
            "--{boundary}\r\nContent-Disposition: form-data; name=\"{field}\"; filename=\"{name}\"\r\n\
             Content-Type: {}\r\n\r\n",
            file.kind
        );
        let form = Self {
            head: head.into(),
            file: File::open(&file.path)?,
            left: file.bytes,
            tail: format!("\r\n--{boundary}--\r\n").into(),
        };
        Ok((form, format!("multipart/form-data; boundary={boundary}")))
    }

    fn piece(&mut self) -> io::Result<Bytes> {
        let most = usize::try_from(self.left.min(PIECE)).unwrap_or(usize::MAX);
        let mut piece = vec![0; most];
        let read = self.file.read(&mut piece)?;
        if read == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        piece.truncate(read);
        self.left -= read as u64;
        Ok(piece.into())
    }
}

impl Body for Form {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        let piece = if !self.head.is_empty() {
            Ok(std::mem::take(&mut self.head))
        } else if self.left > 0 {
            self.piece()
        } else if !self.tail.is_empty() {
            Ok(std::mem::take(&mut self.tail))
        } else {
            return Poll::Ready(None);
        };
        Poll::Ready(Some(piece.map(Frame::data)))
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.head.len() as u64 + self.left + self.tail.len() as u64)
    }
}

#[cfg(test)]
mod tests {
    use std::task::Waker;

    use super::*;

    #[test]
    fn a_form_is_read_from_the_disk_piece_by_piece_and_says_its_length() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("spooled");
        let content = "x".repeat(200_000);
        std::fs::write(&path, &content).unwrap();
        let file = FileFacts {
            path,
            name: "a \"b\".txt".to_owned(),
            kind: "text/plain",
            bytes: 200_000,
            hash: "0123456789abcdef0123456789abcdef0123".to_owned(),
        };
        let (mut form, kind) = Form::new("file", &file).unwrap();
        assert_eq!(
            kind,
            "multipart/form-data; boundary=deskferry-0123456789abcdef0123456789abcdef"
        );
        let length = form.size_hint().exact().unwrap();
        let (mut all, mut pieces) = (Vec::new(), 0);
        let mut context = Context::from_waker(Waker::noop());
        while let Poll::Ready(Some(frame)) = Pin::new(&mut form).poll_frame(&mut context) {
            all.extend_from_slice(&frame.unwrap().into_data().unwrap());
            pieces += 1;
        }
        assert_eq!((all.len() as u64, pieces), (length, 6));
        let text = String::from_utf8(all).unwrap();
        let boundary = "--deskferry-0123456789abcdef0123456789abcdef";
        let head = format!(
            "{boundary}\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a 'b'.txt\"\r\nContent-Type: text/plain\r\n\r\n"
        );
        assert_eq!(text, format!("{head}{content}\r\n{boundary}--\r\n"));
    }
}
