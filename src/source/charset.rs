//! Character sets: those of the web (`encoding_rs`) and those of DOS (`oem_cp`), behind one type.

use std::io::{self, Write};

use encoding_rs::{
    CoderResult, Decoder, DecoderResult, EncoderResult, Encoding, UTF_8, UTF_16BE, UTF_16LE,
};
use oem_cp::code_table::{DECODING_TABLE_CP_MAP, ENCODING_TABLE_CP_MAP};
use oem_cp::code_table_type::TableType;

/// The code pages of DOS that `encoding_rs` lacks, by number, name and label. CP866 and CP874 are among those of the web.
const OEM: [Page; 15] = [
    Page::new(437, "CP437", "cp437"),
    Page::new(720, "CP720", "cp720"),
    Page::new(737, "CP737", "cp737"),
    Page::new(775, "CP775", "cp775"),
    Page::new(850, "CP850", "cp850"),
    Page::new(852, "CP852", "cp852"),
    Page::new(855, "CP855", "cp855"),
    Page::new(857, "CP857", "cp857"),
    Page::new(858, "CP858", "cp858"),
    Page::new(860, "CP860", "cp860"),
    Page::new(861, "CP861", "cp861"),
    Page::new(862, "CP862", "cp862"),
    Page::new(863, "CP863", "cp863"),
    Page::new(865, "CP865", "cp865"),
    Page::new(869, "CP869", "cp869"),
];

/// Other names for a set of the web that people use and the web does not know.
const ALSO: [(&str, &str); 4] = [
    ("macroman", "macintosh"),
    ("mac-roman", "macintosh"),
    ("mac_roman", "macintosh"),
    ("ansi", "windows-1252"),
];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Page {
    page: u16,
    name: &'static str,
    label: &'static str,
}

impl Page {
    const fn new(page: u16, name: &'static str, label: &'static str) -> Self {
        Self { page, name, label }
    }

    fn by_page(page: u16) -> Option<Self> {
        OEM.into_iter().find(|oem| oem.page == page)
    }

    /// The character of a byte from 0x80; `None` where the page has none.
    fn char(self, byte: u8) -> Option<char> {
        match DECODING_TABLE_CP_MAP.get(&self.page)? {
            TableType::Complete(table) => table.get(usize::from(byte) - 128).copied(),
            TableType::Incomplete(table) => table.get(usize::from(byte) - 128).copied().flatten(),
        }
    }
}

/// A character set in which a text file may be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Charset(Kind);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Web(&'static Encoding),
    Oem(Page),
}

impl Charset {
    /// UTF-8.
    pub const UTF_8: Self = Self(Kind::Web(UTF_8));

    /// One of `encoding_rs`.
    pub(super) const fn web(encoding: &'static Encoding) -> Self {
        Self(Kind::Web(encoding))
    }

    /// The set that a byte-order mark names.
    pub(super) fn of_bom(head: &[u8]) -> Option<Self> {
        Encoding::for_bom(head).map(|(encoding, _)| Self::web(encoding))
    }

    /// The set of a label: those of the web's standard, and `cp437`, `ibm850`, `852` for the code pages of DOS.
    pub fn of_label(label: &str) -> Option<Self> {
        let label = label.trim().to_ascii_lowercase();
        let also = ALSO.iter().find(|(also, _)| *also == label);
        let label = also.map_or(label.as_str(), |(_, label)| label);
        if let Some(encoding) = Encoding::for_label_no_replacement(label.as_bytes()) {
            return Some(Self::web(encoding));
        }
        let number = ["cp", "ibm", "oem", "dos-", "dos", ""]
            .iter()
            .find_map(|start| {
                label
                    .strip_prefix(start)?
                    .trim_start_matches(['-', '_'])
                    .parse()
                    .ok()
            });
        number
            .and_then(Page::by_page)
            .map(|oem| Self(Kind::Oem(oem)))
    }

    /// Its name, for messages.
    pub fn name(self) -> &'static str {
        match self.0 {
            Kind::Web(encoding) => encoding.name(),
            Kind::Oem(oem) => oem.name,
        }
    }

    /// The label by which a mapping names it.
    pub fn label(self) -> String {
        match self.0 {
            Kind::Web(encoding) => encoding.name().to_ascii_lowercase(),
            Kind::Oem(oem) => oem.label.to_owned(),
        }
    }

    /// Whether a text in it is UTF-8.
    pub fn is_utf8(self) -> bool {
        self == Self::UTF_8
    }

    /// Whether it is one of the two that take two bytes for each sign, which `encoding_rs` only reads.
    pub fn is_utf16(self) -> bool {
        self == Self::web(UTF_16LE) || self == Self::web(UTF_16BE)
    }

    /// A decoder that drops a byte-order mark at the beginning.
    pub(super) fn decoder(self) -> Decoding {
        match self.0 {
            Kind::Web(encoding) => Decoding::Web(encoding.new_decoder_with_bom_removal()),
            Kind::Oem(oem) => Decoding::Oem(oem),
        }
    }

    /// Bytes as text, whatever they hold.
    pub(super) fn text_of(self, bytes: &[u8]) -> String {
        match self.0 {
            Kind::Web(encoding) => encoding.decode_with_bom_removal(bytes).0.into_owned(),
            Kind::Oem(oem) => bytes
                .iter()
                .map(|&byte| match byte {
                    ..0x80 => char::from(byte),
                    byte => oem.char(byte).unwrap_or('\u{fffd}'),
                })
                .collect(),
        }
    }

    /// Writes a text in this set; what the set does not have becomes `?`.
    ///
    /// # Errors
    /// When the writer fails.
    pub fn write(self, text: &str, out: &mut impl Write) -> io::Result<()> {
        match self.0 {
            Kind::Web(_) if self.is_utf16() => {
                let little = self == Self::web(UTF_16LE);
                let bytes: Vec<u8> = text
                    .encode_utf16()
                    .flat_map(|unit| match little {
                        true => unit.to_le_bytes(),
                        false => unit.to_be_bytes(),
                    })
                    .collect();
                out.write_all(&bytes)
            }
            Kind::Web(encoding) => {
                let mut encoder = encoding.new_encoder();
                let mut rest = text;
                let mut buffer = Vec::with_capacity(text.len() + 32);
                loop {
                    let (result, read) = encoder.encode_from_utf8_to_vec_without_replacement(
                        rest,
                        &mut buffer,
                        true,
                    );
                    rest = &rest[read..];
                    match result {
                        EncoderResult::InputEmpty => return out.write_all(&buffer),
                        EncoderResult::OutputFull => buffer.reserve(buffer.capacity().max(64)),
                        EncoderResult::Unmappable(_) => buffer.push(b'?'),
                    }
                }
            }
            Kind::Oem(oem) => {
                let table = ENCODING_TABLE_CP_MAP.get(&oem.page);
                let byte = |sign: char| match u8::try_from(sign) {
                    Ok(ascii) if ascii.is_ascii() => ascii,
                    _ => table
                        .and_then(|table| table.get(&sign).copied())
                        .unwrap_or(b'?'),
                };
                let bytes: Vec<u8> = text.chars().map(byte).collect();
                out.write_all(&bytes)
            }
        }
    }
}

/// The most bytes of UTF-8 that one step of any decoder writes at once (Big5 has pairs of characters in one code).
pub(super) const ROOM: usize = 16;

/// A decoder on its way through a file.
pub(super) enum Decoding {
    Web(Decoder),
    Oem(Page),
}

impl Decoding {
    /// Decodes as much as there is room for: what came of it, bytes read, bytes written. What is malformed ends the step.
    pub(super) fn strictly(
        &mut self,
        from: &[u8],
        to: &mut [u8],
        last: bool,
    ) -> (DecoderResult, usize, usize) {
        match self {
            Self::Web(decoder) => decoder.decode_to_utf8_without_replacement(from, to, last),
            Self::Oem(oem) => oem_step(*oem, from, to, None),
        }
    }

    /// The same, with U+FFFD for what is malformed.
    pub(super) fn leniently(
        &mut self,
        from: &[u8],
        to: &mut [u8],
        last: bool,
    ) -> (CoderResult, usize, usize) {
        match self {
            Self::Web(decoder) => {
                let (result, read, written, _) = decoder.decode_to_utf8(from, to, last);
                (result, read, written)
            }
            Self::Oem(oem) => {
                let (result, read, written) = oem_step(*oem, from, to, Some('\u{fffd}'));
                let result = match result {
                    DecoderResult::InputEmpty => CoderResult::InputEmpty,
                    _ => CoderResult::OutputFull,
                };
                (result, read, written)
            }
        }
    }
}

fn oem_step(
    oem: Page,
    from: &[u8],
    to: &mut [u8],
    instead: Option<char>,
) -> (DecoderResult, usize, usize) {
    let mut written = 0;
    for (read, &byte) in from.iter().enumerate() {
        let sign = match byte {
            ..0x80 => Some(char::from(byte)),
            byte => oem.char(byte).or(instead),
        };
        let Some(sign) = sign else {
            return (DecoderResult::Malformed(1, 0), read + 1, written);
        };
        let length = sign.len_utf8();
        let Some(room) = to.get_mut(written..written + length) else {
            return (DecoderResult::OutputFull, read, written);
        };
        sign.encode_utf8(room);
        written += length;
    }
    (DecoderResult::InputEmpty, from.len(), written)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_of_the_web_and_of_dos() {
        for (label, name) in [
            ("utf8", "UTF-8"),
            (" Latin1 ", "windows-1252"),
            ("cp850", "CP850"),
            ("IBM-437", "CP437"),
            ("852", "CP852"),
            ("dos-737", "CP737"),
            ("cp866", "IBM866"),
            ("MacRoman", "macintosh"),
            ("koi8-r", "KOI8-R"),
        ] {
            assert_eq!(
                Charset::of_label(label).map(Charset::name),
                Some(name),
                "{label}"
            );
        }
        for label in ["klingon", "", "cp", "1", "cp9999", "cp864"] {
            assert_eq!(Charset::of_label(label), None, "{label}");
        }
        for oem in OEM {
            assert_eq!(Charset::of_label(oem.label), Some(Charset(Kind::Oem(oem))));
        }
    }

    /// Every byte of every code page comes back as it was.
    #[test]
    fn code_pages_go_both_ways() {
        for oem in OEM {
            let charset = Charset(Kind::Oem(oem));
            let bytes: Vec<u8> = (0..=255)
                .filter(|byte| *byte < 0x80 || oem.char(*byte).is_some())
                .collect();
            let mut back = Vec::new();
            charset.write(&charset.text_of(&bytes), &mut back).unwrap();
            assert_eq!(back, bytes, "{}", oem.name);
        }
    }
}
