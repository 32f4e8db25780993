//! How well a text fits the languages that its letters may be of.
//!
//! A wrong code page gives itself away by letters that no language has together, by capitals within words, and by signs
//! in the middle of words. Each sign beyond ASCII adds the logarithm of how likely it is there; the language that fits best counts.

use std::collections::HashMap;

use encoding_rs::{BIG5, EUC_JP, EUC_KR, Encoding, GB18030, GBK, SHIFT_JIS};

/// The letters beyond ASCII of a language, the most frequent first; the share of them that are rare is the same for all.
const LANGUAGES: [&str; 27] = [
    "éèàêçùâôîûïëœ",
    "äüößé",
    "óíáéñúü",
    "ãçáéóêíàõúâô",
    "àèéòùì",
    "äöåéü",
    "øåæéö",
    "ëéïèö",
    "łąężśćóńź",
    "áíéěřšýčžůúóďťň",
    "áéíčšžýťúôľňäóďĺŕ",
    "áéöóőüíúű",
    "ăîâșțşţ",
    "čšžćđ",
    "ıüşğçöİ",
    "ėšįąžųčūęž",
    "āīēšņļūžķģč",
    "äõüöšž",
    "áíðéóæþúöý",
    "ŵŷâêôîáéïö",
    "оеаинтсрвлкмдпуяыьгзбчйхжшюцщэфъё",
    "оаинтвіерслкмудпзяьгбчйхцїжюєшщфґ",
    "аоеинтрсвлдкпмзубгъчцйяжхщшюфьѓќљњђћџјѕ",
    "ατοιενσρκηπςλυμίόάέδγήύώθχφβξζψ",
    "יוהלאתברשמנםעדקחפכסטגזצןךץף",
    "اليمنتروبدعسكفقهحجةشصخطذءأثضئغزىظإآؤپچژگ",
    "ăâđêôơưáàảãạấầẩẫậéèẻẽẹếềểễệíìỉĩịóòỏõọốồổỗộớờởỡợúùủũụứừửữựýỳỷỹỵ",
];
/// Signs that stand between words in all of them.
const SIGNS: &str = "’‘“”„‚–—…«»€°§·×©®±²³½¼¾•™№¿¡ªº£¥\u{a0}";

/// The logarithms of how likely a sign is: a letter of another language, a sign at its place, one that is not, a
/// capital within a word, a sign that no text holds.
const FOREIGN: f64 = -7.5;
const SIGN: f64 = -4.5;
const SIGN_INSIDE: f64 = -8.5;
const CAPITAL: f64 = -2.5;
const CAPITAL_INSIDE: f64 = -9.0;
const NO_TEXT: f64 = -12.0;

/// How well a text fits the best of the languages, and how many signs beyond ASCII it has.
pub(super) fn fit(text: &str) -> (f64, usize) {
    let signs = beyond_ascii(text);
    let best = LANGUAGES
        .iter()
        .map(|letters| {
            let table: Vec<char> = letters.chars().collect();
            let of = |(sign, count): (&Sign, &usize)| sign.fit(&table) * *count as f64;
            signs.iter().map(of).sum()
        })
        .fold(f64::NEG_INFINITY, f64::max);
    (best, signs.values().sum())
}

/// A sign beyond ASCII, and what of its neighbours counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Sign {
    sign: char,
    is_within_word: bool,
    is_after_small: bool,
    is_beside_other_script: bool,
}

/// The signs beyond ASCII, each with how often it stands there like that.
fn beyond_ascii(text: &str) -> HashMap<Sign, usize> {
    let mut signs = HashMap::new();
    let mut before = None;
    let mut chars = text.chars().peekable();
    while let Some(sign) = chars.next() {
        if !sign.is_ascii() {
            let after = chars.peek().copied();
            let in_word = |sign: Option<char>| sign.is_some_and(char::is_alphabetic);
            let sign = Sign {
                sign,
                is_within_word: in_word(before) && in_word(after),
                is_after_small: before.is_some_and(char::is_lowercase),
                is_beside_other_script: is_other_script(sign, before)
                    || is_other_script(sign, after),
            };
            *signs.entry(sign).or_insert(0) += 1;
        }
        before = Some(sign);
    }
    signs
}

impl Sign {
    fn fit(&self, letters: &[char]) -> f64 {
        if SIGNS.contains(self.sign) {
            let inside = self.is_within_word && self.sign != '’';
            return if inside { SIGN_INSIDE } else { SIGN };
        }
        if !self.sign.is_alphabetic() {
            return NO_TEXT;
        }
        let small = self.sign.to_lowercase().next().unwrap_or(self.sign);
        let place = letters
            .iter()
            .position(|letter| *letter == self.sign || *letter == small);
        let mut fit = match place {
            // A few letters make most of a text.
            Some(place) => -(1.0 + place as f64).ln() - share(letters.len()),
            None => FOREIGN,
        };
        if self.sign.is_uppercase() {
            fit += match self.is_after_small {
                true => CAPITAL_INSIDE,
                false => CAPITAL,
            };
        }
        // A lone letter within a word of another script is of no language.
        if self.is_beside_other_script {
            fit += FOREIGN;
        }
        fit
    }
}

/// The logarithm of the sum of 1/1, 1/2, … 1/n: what the places of a table share.
fn share(length: usize) -> f64 {
    ((length as f64).ln() + 0.58).max(0.1).ln()
}

/// Whether of two letters side by side one is Latin and one is not.
fn is_other_script(one: char, other: Option<char>) -> bool {
    let is_latin = |sign: char| sign < '\u{250}' || ('\u{1e00}'..'\u{1f00}').contains(&sign);
    other.is_some_and(|other| other.is_alphabetic() && is_latin(one) != is_latin(other))
}

/// How a text of one of the sets of East Asia looks: the share of its signs that texts are made of, how many they
/// are, and how many stand together. `None` where bytes do not fit.
pub(super) fn east_asian(encoding: &'static Encoding, bytes: &[u8]) -> Option<(f64, usize, f64)> {
    let (text, malformed) = encoding.decode_without_bom_handling(bytes);
    if malformed {
        return None;
    }
    let (mut common, mut count, mut runs, mut was) = (0, 0, 0, false);
    for sign in text.chars() {
        let is = !sign.is_ascii();
        if is {
            count += 1;
            common += usize::from(is_common(encoding, sign));
            runs += usize::from(!was);
        }
        was = is;
    }
    (count > 0).then(|| {
        let all = count as f64;
        (common as f64 / all, count, all / runs.max(1) as f64)
    })
}

/// Whether a sign is one of those that the encoding's makers held to be common.
fn is_common(encoding: &'static Encoding, sign: char) -> bool {
    if ('\u{3000}'..='\u{30ff}').contains(&sign) || ('\u{ff01}'..='\u{ff9f}').contains(&sign) {
        return sign < '\u{3040}'
            || encoding == SHIFT_JIS
            || encoding == EUC_JP
            || sign > '\u{ff00}';
    }
    let mut text = [0; 4];
    let (bytes, _, _) = encoding.encode(sign.encode_utf8(&mut text));
    let first = bytes.first().copied().unwrap_or_default();
    if encoding == SHIFT_JIS {
        return (0x88..=0x97).contains(&first);
    }
    if encoding == EUC_JP {
        return (0xb0..=0xcf).contains(&first);
    }
    if encoding == GBK || encoding == GB18030 {
        let second = bytes.get(1).copied().unwrap_or_default();
        return (0xb0..=0xd7).contains(&first) && second >= 0xa1;
    }
    if encoding == BIG5 {
        return (0xa4..=0xc6).contains(&first);
    }
    encoding == EUC_KR && (0xb0..=0xc8).contains(&first)
}
