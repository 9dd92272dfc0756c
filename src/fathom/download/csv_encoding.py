"""The encoding of a CSV file: found from the file's bytes, and converted to UTF-8.

`charset_normalizer` tells texts of two bytes a character (Chinese, Japanese, Korean) from others.
Encodings of one byte differ in few letters, so that many fit: the one wins whose letters beyond
ASCII belong to one language. Where few letters tell, cp1252 (Western) wins.
"""

from __future__ import annotations

import contextlib
import itertools
import re
import unicodedata
from collections import Counter
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from string import ascii_lowercase

import numpy as np
from charset_normalizer import from_bytes
from charset_normalizer.constant import FREQUENCIES

from fathom.base.errors import FathomError, did_you_mean
from fathom.download.own_files import check_start

TWO_BYTES = ["cp932", "gb18030", "cp949", "big5", "euc_jp"]
ONE_BYTE = [  # the likelier first
    "cp1252", "iso8859_15", "cp1250", "iso8859_2", "cp1251", "cp1253", "cp1254", "cp1255",
    "cp1256", "cp1257", "koi8_r", "mac_roman", "cp850",
]  # fmt: skip
MORE_LETTERS = {  # FREQUENCIES has the 26 most frequent letters of a language
    "Polish": "ćńśźż", "German": "ß", "French": "âêëîïôœùûüÿæ", "Spanish": "ñúü¿¡",
    "Portuguese": "âàêíóôõúü", "Swedish": "é", "Finnish": "åšž", "Norwegian": "éèôó",
    "Danish": "éü", "Czech": "šžůúťňďóö", "Slovak": "ľščťžýäôňĺŕúóď", "Hungarian": "íúüűő",
    "Romanian": "şţ", "Croatian": "đ", "Slovene": "ć", "Lithuanian": "ū", "Estonian": "šž",
    "Turkish": "âîöı", "Italian": "éìîóùú", "Dutch": "éïöüèó", "Greek": "ύϊϋΐΰβζξψ",
    "Bulgarian": "ьюф", "Russian": "щшюэфъё", "Ukrainian": "єґщшюжф", "Arabic": "ضذزثظغؤئءآة",
}  # fmt: skip
SYMBOLS = "€£¥§°±²³µ½¼×«»“”„‘’–—…©®™·•ºª¿¡\u00a0"
ALIEN = re.compile(  # two marks, a word without ASCII letters, or a mark in a wrong place
    r"[£¥§°±²³µ½¼·º©®¿¡]{2}|(?<![^\W\d_])[À-ɏ]{2,}(?![^\W\d_])|(?<=\d)(?:[¿¡]|[À-ɏ](?=\d))"
)
WESTERN = {"cp1252", "cp1250", "cp1254"}  # a word that fits one of them is not of two bytes
CONTROL = re.compile("[\x80-\x9f]")  # characters that no text has
MAX_FIELDS = 200
FEW_FIELDS = 5  # which hardly tell an encoding
ENOUGH = 4000  # bytes that tell an encoding
TEXT = 400  # bytes that `charset_normalizer` needs to compare encodings
NUL_SHARE = 0.3  # of every other byte, in UTF-16 of mostly ASCII letters


@dataclass(frozen=True)
class EncodingGuess:
    """An encoding, and up to `MAX_FIELDS` different fields beyond ASCII, the most frequent first.

    `other` is an encoding that reads them differently and that the user may have meant, if there
    is one.
    """

    name: str
    fields: list[bytes]
    other: str | None = None

    def read_example(self, encoding: str | None = None) -> str:
        """Return the first field beyond ASCII that `other` reads differently, if one does."""
        different = (
            field
            for field in self.fields
            if self.other is None
            or decode_field(field, self.name) != decode_field(field, self.other)
        )
        return decode_field(next(different, self.fields[0]), encoding or self.name)


def decode_field(field: bytes, encoding: str) -> str:
    return field.decode(encoding, errors="replace")


def guess_encoding(content: bytes, complete: bool = True) -> EncodingGuess:
    """Guess the encoding of a CSV file, or of its start."""
    if content.startswith((b"\xff\xfe\0\0", b"\0\0\xfe\xff")):
        return EncodingGuess("utf-32", [])
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        return EncodingGuess("utf-16", [])
    if content.startswith(b"\xef\xbb\xbf"):
        return EncodingGuess("utf-8-sig", [])
    for start, name in ((1, "utf-16-le"), (0, "utf-16-be")):
        if content[start:1000:2].count(0) > NUL_SHARE * len(content[start:1000:2]):
            return EncodingGuess(name, [])
    try:
        content.decode()
    except UnicodeDecodeError as error:
        if complete or error.reason != "unexpected end of data":
            return guess_code_page(content)
    return EncodingGuess("utf-8", [])


def guess_code_page(content: bytes) -> EncodingGuess:
    """Guess the encoding of a text that is not Unicode from its fields beyond ASCII."""
    counts = Counter(re.findall(rb'[^,;\t"\r\n]*[\x80-\xff][^,;\t"\r\n]*', content))
    fields = [field.strip() for field, _ in counts.most_common(MAX_FIELDS)]
    if (
        sum(map(is_utf8, fields)) > len(fields) / 2
    ):  # a file of two encodings, which `decode` refuses
        return EncodingGuess("utf-8", [])
    ends = itertools.accumulate(len(field) + 1 for field in fields)
    text = b"\n".join([field for field, end in zip(fields, ends, strict=True) if end < ENOUGH])
    text = text or fields[0]
    readings = read_alphabets(text)
    if not any(readings[name].known == 1 for name in WESTERN & readings.keys()):
        repeated = (text + b"\n") * (1 + TEXT // len(text))
        every = [*TWO_BYTES, *ONE_BYTE]
        found = [
            m.encoding for m in from_bytes(repeated, cp_isolation=every, enable_fallback=False)
        ]
        if found and found[0] in TWO_BYTES:
            others = [name for name in found[1:] if name in TWO_BYTES]
            return EncodingGuess(found[0], fields, [*others, ONE_BYTE[0]][0])
    if not readings:
        return EncodingGuess("latin-1", fields)
    name = max(readings, key=lambda encoding: readings[encoding].score)
    return EncodingGuess(name, fields, find_other(readings, name))


def is_utf8(field: bytes) -> bool:
    try:
        return bool(field.decode())
    except UnicodeDecodeError:
        return False


@dataclass(frozen=True)
class DecodedText:
    """A text as an encoding reads it, the share of letters beyond ASCII that fit, and a score."""

    text: str
    known: float
    score: float


def read_alphabets(content: bytes) -> dict[str, DecodedText]:
    """Read a text by each encoding of one byte that can; in a short one the usual have a bonus."""
    readings = {}
    for place, encoding in enumerate(ONE_BYTE):
        with contextlib.suppress(UnicodeDecodeError):
            text = content.decode(encoding)
            if not CONTROL.search(text):
                fields = np.array([score_language(field) for field in text.split("\n")])
                score, known = fields.mean(axis=0)
                score = (score + score_language(text)[0]) / 2  # one language, or one a field
                rare = 0.02 * place + (0.2 / len(content) if place else 0)
                readings[encoding] = DecodedText(text, known, score - rare)
    return readings


def find_other(readings: dict[str, DecodedText], name: str) -> str | None:
    """Return the encoding that might replace the best one: cp1252, or one that fits as well."""
    best = readings[name]
    others = {key: one for key, one in readings.items() if one.text != best.text}
    if ONE_BYTE[0] in others:
        return ONE_BYTE[0]
    near = {k: o.score for k, o in others.items() if o.known > 0.9 and o.score > best.score - 0.15}
    return max(near, key=lambda key: near[key], default=None)


def score_language(text: str) -> tuple[float, float]:
    """Return how well a text fits one language, the best one, and its share of known letters.

    The score also counts how frequent the letters are, and those that are not upper case.
    """
    letters = [c.lower() for c in text if c.isalpha() and c not in SYMBOLS]
    beyond = [n for n, character in enumerate(text) if not character.isascii()]
    alien = {n for match in ALIEN.finditer(text) for n in range(*match.span())}
    lower = 0.1 * sum(not text[n].isupper() for n in beyond) / len(beyond)
    scores = []
    for ranks in languages():
        known = sum(n not in alien and is_known(text, n, ranks) for n in beyond) / len(beyond)
        frequency = sum(1 - ranks[c] / 40 if c in ranks else -1 for c in letters)
        score = known + lower + 0.5 * (frequency / len(letters) if letters else 0.5)
        scores.append((score, known))
    return max(scores)


def is_known(text: str, position: int, language: dict[str, int]) -> bool:
    """Tell whether a character beyond ASCII is a letter of a language, or a symbol by itself."""
    letter, before, after = text[position], text[position - 1 : position], text[position + 1 :][:1]
    if letter in SYMBOLS:
        return letter == "’" or not (before.isalpha() and (after.isalpha() or after == "_"))
    if letter.lower() not in language or (letter.isupper() and before.islower()):
        return False
    latin_beside = any(other.isascii() and other.isalpha() for other in (before, after))
    return unicodedata.name(letter, "").startswith("LATIN") or not latin_beside


@cache
def languages() -> list[dict[str, int]]:
    """Return the letters of each language that has an alphabet, with their ranks by frequency."""
    return [
        (dict.fromkeys(ascii_lowercase, 50) if letters[0].isascii() else {})
        | {letter: rank for rank, letter in enumerate([*letters, *MORE_LETTERS.get(name, "")])}
        for name, letters in FREQUENCIES.items()
        if name.rstrip("—") not in ("Chinese", "Japanese", "Korean")
    ]


def decode(path: Path, content: bytes, encoding: str) -> bytes:
    """Convert the content of a CSV file to UTF-8 without a byte order mark."""
    check_start(path, content)
    if content.startswith((b"\xff\xfe", b"\xfe\xff")) and not re.search("16|32", encoding):
        raise FathomError(f"{path} starts like UTF-16: set dataset.source.encoding: utf-16")
    remedy = "set dataset.source.encoding to the encoding of the file"
    try:
        content = content.decode(encoding).removeprefix("\ufeff").encode()
    except UnicodeDecodeError as error:
        before = error.object[: error.start].decode(encoding, errors="replace")
        guess = guess_encoding(error.object).name
        advice = f": {remedy}, such as {guess}"
        if guess == "utf-8":
            advice = ", but most other texts are UTF-8: save the whole file as UTF-8"
        raise FathomError(
            f"{path}, line {next_line(before)}: byte 0x{error.object[error.start]:02x} is not "
            f"{encoding}{advice}"
        ) from error
    except UnicodeError as error:
        raise FathomError(f"{path} is not {encoding}: {remedy}") from error
    except (LookupError, ValueError) as error:
        near = did_you_mean(encoding, ["utf-8", "utf-16", *ONE_BYTE[:3], *TWO_BYTES[:2]])
        raise FathomError(
            f"dataset.source.encoding: there is no encoding {encoding!r}{near}"
        ) from error
    if b"\0" in content:
        line = next_line(content[: content.index(b"\0")].decode())
        raise FathomError(
            f"{path}, line {line}: text has no NUL character: the file is damaged, or {remedy}, "
            "such as utf-16"
        )
    if content.isspace() or not content:
        raise FathomError(f"{path} is empty")
    return content


def next_line(before: str) -> int:
    return len(re.findall(r"\r\n|\r|\n", before)) + 1
