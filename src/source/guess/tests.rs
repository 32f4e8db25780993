//! Sentences of many languages in the encodings that their programs write.

use super::*;

const CZECH: &[&str] = &[
    "Tiskárna v učebně hlásí chybu",
    "Žák zapomněl heslo",
    "Prosím o výměnu klávesnice",
    "Nejde připojení k síti",
    "Obrazovka zůstává černá",
    "Učitel potřebuje přístup",
    "Počítač se nespouští",
    "Děkuji za rychlou pomoc",
];
const POLISH: &[&str] = &[
    "Drukarka nie działa",
    "Proszę o zmianę hasła",
    "Uczeń zgubił ładowarkę",
    "Żaden komputer się nie włącza",
    "Brak połączenia z siecią",
    "Nauczyciel zgłosił usterkę",
    "Świetlica nie ma dostępu",
    "Dziękuję za pomoc",
];
const HUNGARIAN: &[&str] = &[
    "A nyomtató nem működik",
    "Kérem az új jelszót",
    "A számítógép lefagyott",
    "Nincs hálózati kapcsolat",
    "A kivetítő képe elmosódott",
    "Köszönöm a gyors segítséget",
    "Az őrség gépe túl lassú",
];
const FRENCH: &[&str] = &[
    "Réseau coupé à l’étage",
    "L'imprimante ne répond plus",
    "Mot de passe oublié",
    "Écran noir au démarrage",
    "Élève sans accès à la messagerie",
    "Problème de câble",
    "Ça ne marche pas depuis hier",
    "La clé a été cassée",
];
const GERMAN: &[&str] = &[
    "Schlüssel für Tür größer",
    "Drucker druckt nicht",
    "Übertragung bricht ab",
    "Schüler hat Passwort vergessen",
    "Gerät läuft nicht",
    "Bitte prüfen und zurückmelden",
    "Äußerst dringend",
    "Größe der Datei überschritten",
];
const SPANISH: &[&str] = &[
    "La impresora no está conectada",
    "Contraseña olvidada",
    "El niño no puede entrar",
    "¿Cuándo llegará el técnico?",
    "Solicitud de máquina nueva",
    "Sesión caducada",
    "Avería en el pabellón",
];
const PORTUGUESE: &[&str] = &[
    "Manutenção do laboratório",
    "Impressora não imprime",
    "Não há ligação à rede",
    "Computador avariado às três",
    "Alteração de senha",
    "Avó sem acesso à informação",
    "Situação já resolvida",
];
const SWEDISH: &[&str] = &[
    "Skrivaren går inte att nå",
    "Lösenordet är glömt",
    "Nätverket är nere",
    "Läraren behöver hjälp på måndag",
    "Datorn startar inte när jag trycker",
    "Försök igen i övermorgon",
];
const TURKISH: &[&str] = &[
    "Yazıcı çalışmıyor",
    "Şifremi unuttum",
    "Öğretmen ağa bağlanamıyor",
    "Bilgisayar çok yavaş açılıyor",
    "Görüntü gelmiyor",
    "İnternet bağlantısı kesildi",
    "Öğrenci giriş yapamıyor",
];
const RUSSIAN: &[&str] = &[
    "Принтер не печатает",
    "Забыл пароль от почты",
    "Нет доступа к сети",
    "Компьютер не включается",
    "Прошу заменить клавиатуру",
    "Учитель сообщил об ошибке",
    "Экран остаётся чёрным",
    "Спасибо за помощь",
];
const UKRAINIAN: &[&str] = &[
    "Принтер не друкує",
    "Забув пароль від пошти",
    "Немає доступу до мережі",
    "Комп’ютер не вмикається",
    "Вчитель повідомив про помилку",
    "Дякую за допомогу",
    "Їдальня без інтернету",
];
const GREEK: &[&str] = &[
    "Ο εκτυπωτής δεν λειτουργεί",
    "Ξέχασα τον κωδικό μου",
    "Δεν υπάρχει σύνδεση στο δίκτυο",
    "Η οθόνη μένει μαύρη",
    "Ευχαριστώ για τη βοήθεια",
    "Ο υπολογιστής είναι αργός",
];
const LITHUANIAN: &[&str] = &[
    "Spausdintuvas neveikia",
    "Pamiršau slaptažodį",
    "Nėra tinklo ryšio",
    "Mokytojas prašo pagalbos",
    "Ačiū už pagalbą",
    "Kompiuteris labai lėtas",
    "Mokinys negali prisijungti šiandien",
];
const HEBREW: &[&str] = &[
    "המדפסת לא עובדת",
    "שכחתי את הסיסמה",
    "אין חיבור לרשת",
    "המסך נשאר שחור",
    "תודה על העזרה",
];
const ARABIC: &[&str] = &[
    "الطابعة لا تعمل",
    "نسيت كلمة المرور",
    "لا يوجد اتصال بالشبكة",
    "الشاشة تبقى سوداء",
    "شكرا على المساعدة",
];
const JAPANESE: &[&str] = &[
    "プリンターが動きません",
    "パスワードを忘れました",
    "ネットワークに接続できない",
    "画面が真っ暗です",
    "表示がおかしい",
];
const CHINESE: &[&str] = &[
    "打印机无法工作",
    "我忘记了密码",
    "无法连接到网络",
    "屏幕一直是黑的",
    "谢谢您的帮助",
];
const TAIWANESE: &[&str] = &[
    "印表機無法使用",
    "我忘記密碼了",
    "無法連線到網路",
    "螢幕一直是黑的",
    "謝謝您的幫助",
];
const KOREAN: &[&str] = &[
    "프린터가 작동하지 않습니다",
    "비밀번호를 잊어버렸습니다",
    "네트워크에 연결할 수 없습니다",
    "도와주셔서 감사합니다",
];

const TABLE: &[(&str, &[&[&str]])] = &[
    ("windows-1250", &[CZECH, POLISH, HUNGARIAN]),
    ("windows-1251", &[RUSSIAN, UKRAINIAN]),
    (
        "windows-1252",
        &[FRENCH, GERMAN, SPANISH, PORTUGUESE, SWEDISH],
    ),
    ("windows-1253", &[GREEK]),
    ("windows-1254", &[TURKISH]),
    ("windows-1255", &[HEBREW]),
    ("windows-1256", &[ARABIC]),
    ("windows-1257", &[LITHUANIAN]),
    ("iso-8859-2", &[CZECH, POLISH, HUNGARIAN]),
    ("iso-8859-5", &[RUSSIAN]),
    ("iso-8859-7", &[GREEK]),
    ("iso-8859-15", &[GERMAN, SPANISH, PORTUGUESE, SWEDISH]),
    ("koi8-r", &[RUSSIAN]),
    ("ibm866", &[RUSSIAN]),
    ("x-mac-cyrillic", &[RUSSIAN]),
    ("macintosh", &[FRENCH, GERMAN, SPANISH, PORTUGUESE, SWEDISH]),
    ("cp437", &[GERMAN, SPANISH]),
    ("cp850", &[GERMAN, SPANISH, PORTUGUESE, SWEDISH]),
    ("cp852", &[CZECH, POLISH, HUNGARIAN]),
    ("shift_jis", &[JAPANESE]),
    ("gbk", &[CHINESE]),
    ("big5", &[TAIWANESE]),
    ("euc-kr", &[KOREAN]),
    ("utf-16le", &[FRENCH, RUSSIAN, JAPANESE, CHINESE, KOREAN]),
    ("utf-16be", &[GERMAN, GREEK, TAIWANESE]),
];

/// Numbers that look thrown and are the same each time.
struct Dice(u64);

impl Dice {
    fn throw(&mut self, sides: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % sides
    }
}

fn table(sentences: &[&str], dice: &mut Dice, length: usize) -> String {
    let mut text = String::from("id;title;room\r\n");
    let mut row = 0;
    while text.len() < length {
        row += 1;
        let one = sentences[dice.throw(sentences.len())];
        let two = sentences[dice.throw(sentences.len())];
        text.push_str(&format!(
            "{row};{one}. {two}, {};R{}\r\n",
            dice.throw(900),
            dice.throw(400)
        ));
    }
    text
}

fn guess_of(bytes: &[u8]) -> Option<Likely> {
    guess(&Bytes::spooled("in.csv", bytes).unwrap()).unwrap()
}

/// 30 files in each encoding: nearly all are read right, and what is read wrong is never said to be sure.
#[test]
fn most_files_are_guessed_right_and_no_wrong_guess_is_sure() {
    let mut dice = Dice(7);
    let (mut all, mut right, mut wrong) = (0, 0, Vec::new());
    let mut unsure = 0;
    for (label, languages) in TABLE {
        let charset = Charset::of_label(label).unwrap();
        for number in 0..30 {
            // Short files may be guessed wrongly, but never as a fact.
            let length = if number % 3 == 2 {
                60 + dice.throw(300)
            } else {
                1_100
            };
            let text = table(languages[number % languages.len()], &mut dice, length);
            let mut bytes = Vec::new();
            charset.write(&text, &mut bytes).unwrap();
            let text = charset.text_of(&bytes);
            let found = guess_of(&bytes);
            let is_right = found
                .as_ref()
                .is_some_and(|found| found.charset.text_of(&bytes) == text);
            if length > 1_000 {
                all += 1;
                right += usize::from(is_right);
                unsure += usize::from(found.as_ref().is_none_or(|found| !found.is_certain));
                if !is_right {
                    wrong.push((label, found.as_ref().map(|found| found.charset.name())));
                }
            }
            assert!(
                is_right || found.as_ref().is_none_or(|found| !found.is_certain),
                "{label} is said to be {found:?}: {text}"
            );
        }
    }
    assert!(right * 100 >= all * 95, "{right} of {all}: {wrong:?}");
    assert!(unsure * 4 <= all, "{unsure} of {all} are unsure");
}

#[test]
fn old_code_pages_are_told_from_those_of_windows() {
    let read = |name: &str| {
        let folder = concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/tests/cases/06-oem-mac-mixed-encoding/"
        );
        std::fs::read(format!("{folder}{name}")).unwrap()
    };
    let found = guess_of(&read("cp850.csv")).unwrap();
    let text = found.charset.text_of(&read("cp850.csv"));
    assert!(
        text.contains("Réseau coupé à l'étage") && text.contains("Bât"),
        "{found:?}: {text}"
    );
    let found = guess_of(&read("macroman.csv")).unwrap();
    let text = found.charset.text_of(&read("macroman.csv"));
    assert!(
        text.contains("Schlüssel für Tür größer") && text.contains("Café déjà vu"),
        "{found:?}"
    );
    // Its lines end as those of old Macs do: one of them is the sample.
    assert_eq!(found.sample, "1,Schlüssel für Tür größer");
    let found = guess_of(&read("mixedenc.csv")).unwrap();
    let mixed = found.mixed.clone().unwrap();
    assert_eq!((mixed.utf8.0, mixed.other), (2, 3), "{found:?}");
    assert!(
        !found.is_certain && found.told().starts_with("mixes encodings: row 2 is utf-8"),
        "{}",
        found.told()
    );
}

#[test]
fn a_mixed_file_counts_records_and_not_lines() {
    let found = guess_of(b"id,text\n1,\"a\nb\"\n2,\"Gr\xc3\xb6\xc3\x9fe\nc\"\n3,T\xfcr\n").unwrap();
    let mixed = found.mixed.unwrap();
    assert_eq!((mixed.utf8.0, mixed.other), (3, 4));
}

#[test]
fn utf8_and_ascii_are_no_guess() {
    assert!(guess_of("id,text\n1,Größe\n".as_bytes()).is_none());
    assert!(guess_of(b"id,text\n1,x\n").is_none());
    assert!(guess_of(b"").is_none());
    // A stray NUL makes no UTF-16 of it.
    assert!(guess_of(b"id,text,place\nA-1,Prin\0ter jam,LHS\n").is_none());
}
