"""Holds what the program reads of files in other encodings against what Python wrote into them.

    python3 tests/encodings/run.py --program target/debug/deskferry             # 30 files in each of 24 encodings
    python3 tests/encodings/run.py --program target/debug/deskferry --files 3

Each file is read with its encoding named, plain and gzipped, by `init`, `validate` and a dry run whose payloads must hold its
texts; then it is given to `init` without a word, which must guess nearly all of those of 1 kB and more, and state no wrong
guess as a fact. The exit code is 1 where anything differs. Python 3.11, standard library only.
"""

import argparse
import gzip
import json
import os
import random
import re
import subprocess
import sys
import tempfile
from pathlib import Path

LATIN = {
    "fr": "L'imprimante du bâtiment près de l'entrée est coupée à l'étage. Où êtes-vous allés déjà? Le réseau ne répond pas à Noël.",
    "de": "Der Drucker im Büro hört für größere Aufträge auf zu drucken. Schlüssel für die Tür übergeben. Läuft später.",
    "es": "El teléfono del señor Núñez no enciende después de la lluvia. ¿Cuándo vendrá el técnico? Mañana por la tarde.",
    "pt": "A manutenção não começou até amanhã. O botão está quebrado e a ligação caiu três vezes à noite.",
    "sv": "Skrivaren på våning två går inte att använda. Någon måste åka dit på måndag före lunch så här års.",
}
CENTRAL = {
    "cs": "Tiskárna v učebně nefunguje, prosím o výměnu. Žák říká, že počítač je příliš pomalý a něco píská.",
    "pl": "Drukarka w pracowni się zacięła. Proszę o wymianę, książki są już źle wydrukowane. Łącze znikło.",
    "hu": "A nyomtató nem működik, kérjük a cseréjét. Az őszi szünet előtt túl lassú a gép, és a fűtés is elromlott.",
}
RUSSIAN = {"ru": "Принтер в кабинете не печатает. Просим заменить картридж до понедельника, учителя уже жалуются на это."}
GREEK = {"el": "Ο εκτυπωτής στο γραφείο δεν λειτουργεί. Παρακαλώ ελάτε το πρωί, η τάξη περιμένει από χθες το απόγευμα."}
TURKISH = {"tr": "Yazıcı çalışmıyor, lütfen öğleden önce değiştirin. Şifre sıfırlandı ama bağlantı güçlükle açılıyor."}
CYRILLIC = {"ru": RUSSIAN["ru"]}
JAPANESE = {"ja": "印刷機が動きません。教室の電源を確認してください。先生が明日の朝に来ます。パスワードを忘れました。"}
CHINESE = {"zh": "打印机不能工作，请尽快更换墨盒。老师说电脑太慢，网络昨天下午断了三次。学生忘记了密码。"}
TAIWANESE = {"tw": "印表機無法運作，請儘快更換墨水匣。老師說電腦太慢，網路昨天下午斷了三次。學生忘記了密碼。"}
KOREAN = {"ko": "프린터가 작동하지 않습니다. 교실의 전원을 확인해 주세요. 선생님이 내일 아침에 오십니다."}

# The label of a mapping, Python's codec, and what is written in it.
ENCODINGS = [
    ("windows-1250", "cp1250", CENTRAL), ("windows-1251", "cp1251", RUSSIAN), ("windows-1252", "cp1252", LATIN),
    ("windows-1253", "cp1253", GREEK), ("windows-1254", "cp1254", TURKISH), ("iso-8859-2", "iso8859_2", CENTRAL),
    ("iso-8859-5", "iso8859_5", RUSSIAN), ("iso-8859-7", "iso8859_7", GREEK), ("iso-8859-15", "iso8859_15", LATIN),
    ("koi8-r", "koi8_r", RUSSIAN), ("ibm866", "cp866", RUSSIAN), ("x-mac-cyrillic", "mac_cyrillic", CYRILLIC),
    ("macintosh", "mac_roman", LATIN), ("cp437", "cp437", {"de": LATIN["de"], "es": LATIN["es"]}),
    ("cp850", "cp850", LATIN), ("cp852", "cp852", CENTRAL), ("shift_jis", "cp932", JAPANESE), ("euc-jp", "euc_jp", JAPANESE),
    ("gbk", "gbk", CHINESE), ("gb18030", "gb18030", CHINESE), ("big5", "big5", TAIWANESE), ("euc-kr", "euc_kr", KOREAN),
    ("utf-16le", "utf_16_le", {**LATIN, **RUSSIAN, **JAPANESE}), ("utf-16be", "utf_16_be", {**CENTRAL, **GREEK, **KOREAN}),
]

MAPPING = """version = 2
system = "clearfeed"
operation = "create"
scope = "e"
key = ["id"]

[input]
encoding = "{label}"

[fields]
title = {{ from = "title" }}
description = {{ from = "text" }}
collection_id = {{ value = "IT Support", resolve = "collection" }}
"""


def words(text, dice):
    """Some words of a text, in their order."""
    parts = re.findall(r"\w[\w'’]*|[\u3000-\u9fff\uac00-\ud7af]{2,6}", text)
    if len(parts) < 8:  # no spaces between words
        start = dice.randrange(len(text) // 2)
        return text[start : start + dice.randint(8, 30)].strip("。，, ")
    start = dice.randrange(len(parts) - 6)
    return " ".join(parts[start : start + dice.randint(3, 12)])


def table(languages, dice, least):
    """Rows of a table: (id, title, text), until the file has so many characters."""
    rows, length = [], 0
    language = dice.choice(sorted(languages))
    while length < least:
        text = languages[language]
        row = (f"T-{len(rows) + 1}", words(text, dice), f"{words(text, dice)}, {dice.randrange(900)}")
        rows.append(row)
        length += sum(map(len, row)) + 4
    return rows


class Tried:
    def __init__(self, program, folder):
        self.program, self.folder = program, folder
        self.environment = dict(os.environ, DESKFERRY_STATE=str(folder / "state"), XDG_CACHE_HOME=str(folder / "cache"), NO_COLOR="1")

    def run(self, *arguments):
        ended = subprocess.run([self.program, *arguments], cwd=self.folder, env=self.environment, capture_output=True, text=True)
        return ended.returncode, ended.stdout, ended.stderr

    def sent(self, name):
        """What a dry run would send of a file."""
        payloads = self.folder / "p.jsonl"
        payloads.unlink(missing_ok=True)
        code, _, told = self.run(
            "import", name, "--mapping", "m.toml", "--directory", "d.json", "--dry-run", "--payloads", "p.jsonl", "--quiet"
        )
        if code != 0:
            return f"exit {code}: {told}"
        bodies = [json.loads(line)["body"] for line in payloads.read_text("utf-8").splitlines()]
        return [(body["title"], body["description"].split("\n\nRef: ")[0]) for body in bodies]


def named(tried, label, rows):
    """What differs where the encoding is named."""
    (tried.folder / "m.toml").write_text(MAPPING.format(label=label), "utf-8")
    wanted = [(title, text) for _, title, text in rows]
    for name in ["in.csv", "in.csv.gz"]:
        sent = tried.sent(name)
        if sent != wanted:
            yield f"{name}: sent {str(sent)[:300]}"
        code, _, told = tried.run("validate", "m.toml", "--input", name, "--directory", "d.json")
        if code != 0:
            yield f"{name}: validate ends with {code}: {told[:300]}"
        code, out, told = tried.run("init", name, "--system", "clearfeed", "--encoding", label, "-o", "-")
        if code != 0 or f"all {len(rows)} rows" not in out:
            yield f"{name}: init ends with {code}: {told[:300]}"


def guessed(tried, codec, rows):
    """The label that `init` guesses, whether it reads the file right, and whether it is stated as a fact."""
    code, out, told = tried.run("init", "in.csv", "--system", "clearfeed", "-o", "-")
    if code != 0:
        return f"exit {code}: {told[:200]}", False, False
    found = re.search(r'^encoding = "(.*)"$', out, re.M)
    label = found[1] if found else "utf-8"
    before = out[: found.start()] if found else ""
    is_fact = "# TODO" not in before[before.rfind("\n\n") :]
    (tried.folder / "m.toml").write_text(MAPPING.format(label=label) if found else MAPPING.replace('[input]\nencoding = "{label}"\n', "").format(), "utf-8")
    return label, tried.sent("in.csv") == [(title, text) for _, title, text in rows], is_fact


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--program", required=True)
    parser.add_argument("--files", type=int, default=30, help="files in each encoding")
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    program = str(Path(given.program).resolve())
    read = differ = long = right = stated = 0
    with tempfile.TemporaryDirectory() as folder:
        tried = Tried(program, Path(folder))
        code, _, told = tried.run("directory", "pull", "--sandbox", "--system", "clearfeed", "-o", "d.json", "--quiet")
        if code != 0:
            sys.exit(f"no directory: {told}")
        for label, codec, languages in ENCODINGS:
            wrong = []
            for number in range(given.files):
                dice = random.Random(f"{given.seed} {label} {number}")
                least = 1_200 if number % 3 else 200
                rows = table(languages, dice, least)
                end = dice.choice(["\n", "\r\n"])
                mark = dice.choice([",", ";", "\t"])
                quoted = [[f'"{cell}"' for cell in row] for row in [("id", "title", "text"), *rows]]
                data = (end.join(mark.join(row) for row in quoted) + end).encode(codec)
                (tried.folder / "in.csv").write_bytes(data)
                (tried.folder / "in.csv.gz").write_bytes(gzip.compress(data))
                read += 1
                for what in named(tried, label, rows):
                    differ += 1
                    print(f"{label}, file {number}: {what}")
                guess, is_right, is_fact = guessed(tried, codec, rows)
                if len(data) >= 1_000:
                    long += 1
                    right += is_right
                if not is_right:
                    wrong.append(guess)
                    if is_fact:
                        stated += 1
                        print(f"{label}, file {number}: stated as {guess}, which is wrong")
            print(f"{label}: {given.files} files, guessed wrong {len(wrong)} {sorted(set(wrong))}", flush=True)
    print(f"{read} files, plain and gzipped, by init, validate and import: {differ} differences")
    print(f"guessed: {right} of {long} of 1 kB and more are right ({100 * right / max(long, 1):.1f} %); {stated} wrong guesses stated as a fact")
    sys.exit(1 if differ or stated or right * 100 < long * 95 else 0)


main()
