//! Any text in any encoding, through buffers of every size.

use std::io::{Cursor, Write};

use proptest::prelude::*;

use super::*;

/// A label, and signs that it has beside those of ASCII.
const SETS: [(&str, &str); 29] = [
    ("windows-1250", "áčďéěíňóřšťúůýž€„“"),
    ("windows-1251", "абвгдежзийклЫЭЮЯёЁ№"),
    ("windows-1252", "éèàçêëüöäßñãõ€’“”"),
    ("windows-1253", "αβγδεζηθικΆΈ"),
    ("windows-1254", "ğışİŞĞçöü€"),
    ("windows-1255", "אבגדהוזח₪"),
    ("windows-1256", "ابتثجحخدپچ"),
    ("windows-1257", "āčēģīķļņšūž"),
    ("windows-1258", "ăâđêôơư₫"),
    ("iso-8859-2", "ąćęłńóśźżŁ"),
    ("iso-8859-3", "ĉĝĥĵŝŭħ"),
    ("iso-8859-4", "āčēģīķļņ"),
    ("iso-8859-5", "абвгдЖЗИ№"),
    ("iso-8859-6", "ابتثجح"),
    ("iso-8859-7", "αβγδεΆ"),
    ("iso-8859-8", "אבגדה"),
    ("iso-8859-10", "āđēģīĸŋ"),
    ("iso-8859-13", "ąčęėįšųž"),
    ("iso-8859-14", "ḃċḋḟẁŵŷ"),
    ("iso-8859-15", "éèŠšŽžŒœŸ€"),
    ("iso-8859-16", "șțăâî€„”"),
    ("shift_jis", "日本語のテスト表示ソ能ｱｲｳ"),
    ("gb18030", "简体中文测试€😀"),
    ("gbk", "简体中文测试"),
    ("big5", "繁體中文測試許功蓋"),
    ("euc-kr", "한국어시험"),
    ("koi8-r", "абвгдЖЗИ"),
    ("utf-16le", "é日한😀"),
    ("utf-16be", "é日한😀"),
];
const FURTHER: [(&str, &str); 9] = [
    ("koi8-u", "іїєґЖ"),
    ("euc-jp", "日本語のテスト"),
    ("iso-2022-jp", "日本語のテスト"),
    ("macintosh", "éèàçêëüöäßñãõ’“”"),
    ("x-mac-cyrillic", "абвгдЖЗИ"),
    ("ibm866", "абвгдЖЗИ"),
    ("cp437", "éèàçêëüöäßñ"),
    ("cp850", "éèàçêëüöäßñãõøØ"),
    ("cp852", "ąćęłńóśźżřš"),
];

/// A text of ASCII and of the signs of one set.
fn any_text() -> impl Strategy<Value = (&'static str, String)> {
    let sets: Vec<_> = SETS.iter().chain(&FURTHER).copied().collect();
    prop::sample::select(sets).prop_flat_map(|(label, signs)| {
        let signs: Vec<char> = signs.chars().chain("aZ0 ,;\"\n\r".chars()).collect();
        let text = prop::collection::vec(prop::sample::select(signs), 0..200);
        (Just(label), text.prop_map(String::from_iter))
    })
}

fn encoded(label: &str, text: &str) -> (Charset, Vec<u8>) {
    let charset = Charset::of_label(label).unwrap();
    let mut bytes = Vec::new();
    charset.write(text, &mut bytes).unwrap();
    (charset, bytes)
}

/// Reads to the end with buffers of one size.
fn through(mut reader: impl Read, size: usize) -> io::Result<Vec<u8>> {
    let (mut all, mut buffer) = (Vec::new(), vec![0; size]);
    loop {
        match reader.read(&mut buffer)? {
            0 => return Ok(all),
            count => all.extend_from_slice(&buffer[..count]),
        }
    }
}

proptest! {
    /// What `take`, `read_to_end` and line readers do at the end of their buffers.
    #[test]
    fn any_text_of_any_encoding_comes_through_buffers_of_any_size(
        (label, text) in any_text(),
        size in 1_usize..40,
        take in any::<bool>(),
    ) {
        let (charset, bytes) = encoded(label, &text);
        let reader = Decoded::new(Cursor::new(bytes), charset);
        let read = match take {
            true => through(reader.take(1 << 20), size).unwrap(),
            false => through(reader, size).unwrap(),
        };
        prop_assert_eq!(String::from_utf8(read).unwrap(), text, "{} by {}", label, size);
    }

    #[test]
    fn any_text_of_any_encoding_is_a_table_plain_and_gzipped(
        (label, text) in any_text(),
        gzip in any::<bool>(),
    ) {
        let cell = text.replace(['"', '\r'], "");
        let table = format!("id,text\n1,\"{cell}.\"\n2,end\n");
        let (_, mut bytes) = encoded(label, &table);
        if gzip {
            let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
            packer.write_all(&bytes).unwrap();
            bytes = packer.finish().unwrap();
        }
        let dir = tempfile::TempDir::new().unwrap();
        let path = dir.path().join("in.csv");
        std::fs::write(&path, bytes).unwrap();
        let options = super::super::InputOptions {
            encoding: Some(label.to_owned()),
            ..Default::default()
        };
        let input = super::super::Input::open(&[path], &options).unwrap();
        let rows: Vec<_> = input.rows().unwrap().map(Result::unwrap).collect();
        prop_assert_eq!(rows.len(), 2);
        let super::super::Row::Record(first) = &rows[0] else { panic!("{label}: {:?}", rows[0]) };
        prop_assert_eq!(first.cells[1].text(), format!("{cell}."), "{}", label);
    }
}

/// Every size of file and of the reader's steps: the last bytes of a buffer have no room for a character.
#[test]
fn each_length_of_text_is_read_whole() {
    for length in 0..60 {
        let text = format!("{}é€", "x".repeat(length));
        let (charset, bytes) = encoded("windows-1252", &text);
        let mut read = String::new();
        Decoded::new(Cursor::new(bytes), charset)
            .read_to_string(&mut read)
            .unwrap();
        assert_eq!(read, text);
    }
}
