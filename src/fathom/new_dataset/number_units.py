"""Units beside numbers: $85.00, 12 kg, 33%; and the ways of accountants to write -5: (5) and 5-."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa
from pyarrow import compute

from fathom.download.magnitudes import EXPONENTS
from fathom.new_dataset.column_texts import Mask, Texts
from fathom.new_dataset.exclusions import MAX_CODES
from fathom.new_dataset.printing import join_first

SPACE = "[ \u00a0\u2009\u202f]"
GROUPS = (
    "open", "sign", "prefix", "minus", "digits", "exponent", "after", "suffix", "close",
)  # fmt: skip
DASHES = r"\-\x{2212}\x{2013}\x{ff0d}"
SIGN = f"[+{DASHES}]?"
PARTS = "".join(  # of RE2: \p{Sc} is a sign of a currency
    [
        rf"^(?P<open>\()?(?P<sign>{SIGN}){SPACE}*",
        rf"(?P<prefix>\p{{L}}+\.?|\p{{L}}*\p{{Sc}}|[~≈])?{SPACE}*(?P<minus>{SIGN})",
        r"(?P<digits>[.,]?\d+(?:[.,'\x{2019} \x{a0}\x{2009}\x{202f}]\d+)*[.,]?)",
        rf"(?P<exponent>[eE][+-]?\d+)?{SPACE}*(?P<after>[{DASHES}]?){SPACE}*",
        r"(?P<suffix>/\d+|[\p{L}\p{Sc}%\x{2030}°\x{22}″\x{3380}-\x{33DF}][^()\d]*[23²³]?)?(?P<close>\))?$",
    ]
)
CURRENCIES = {
    "usd", "eur", "gbp", "chf", "jpy", "cny", "inr", "aud", "cad", "nzd", "sek", "nok", "dkk",
    "pln", "czk", "huf", "ron", "bgn", "try", "rub", "brl", "mxn", "zar", "krw", "sgd", "hkd",
    "twd", "thb", "idr", "myr", "php", "ils", "aed", "sar", "rs", "rs.", "kr", "kr.", "fr",
    "fr.", "zł", "kč", "ft", "lei", "euro", "euros", "dollar", "dollars", "元",
    "円", "원",
}  # fmt: skip
ABOUT = {"~", "≈"}  # ~255
MAGNITUDES = EXPONENTS.keys() | {"g"}
UNITS = {
    "%", "‰", "°", "°c", "°f", "kg", "g", "mg", "µg", "μg", "t", "lb", "lbs", "oz", "km", "m",
    "cm", "mm", "µm", "μm", "nm", "ft", "in", "mi", "yd", "m²", "m³", "m2", "m3", "km²", "km2",
    "sqft", "sqm", "ha", "l", "ml", "cl", "dl", "gal", "h", "hr", "hrs", "hour", "hours", "min",
    "mins", "minutes", "s", "sec", "secs", "seconds", "ms", "day", "days", "week", "weeks",
    "month", "months", "year", "years", "yr", "yrs", "w", "kw", "mw", "kwh", "mwh", "wh", "v",
    "kv", "a", "ah", "mah", "hz", "khz", "mhz", "ghz", "kb", "mb", "gb", "tb", "kbps", "mbps",
    "gbps", "km/h", "kmh", "kph", "mph", "m/s", "mpg", "kmpl", "cc", "hp", "bhp", "ps",
    "kcal", "kj", "j", "cal", "bar", "psi", "pa", "hpa", "dpi", "mp", "px", "pt", "pts", "pcs",
    "/5", "/10", "/20", "/100", "stk", "st.", "db", "mmhg", "mg/dl", "mmol/l", "ppm", '"', "″",
    "㎡", "㎥", "㎏", "㎞", "米", "公里", "克", "斤", "公斤", "吨", "度", "层", "岁", "年", "月",
    "天", "小时", "分", "分钟", "秒", "人", "次", "个", "名", "件", "台", "分贝",
}  # fmt: skip


@dataclass(frozen=True)
class Unit:
    """The unit of a column: `text` is None without one.

    `bare` is the number of rows without it. `is_known` tells whether it is one of the usual units.
    `problem` says why numbers of these units cannot be
    read, or is empty.
    """

    text: str | None = None
    parentheses: bool = False
    magnitudes: bool = False
    bare: int = 0
    is_known: bool = True
    problem: str = ""


def split_units(texts: Texts) -> tuple[Unit, pa.Array]:
    """Return the unit of most texts, and the texts without it, None for those with another one."""
    parts = compute.extract_regex(texts.arrow, PARTS)
    fields = {
        name: np.array(compute.struct_field(parts, name).fill_null("").to_pylist(), dtype=object)
        for name in GROUPS
    }
    valid = fields["digits"] != ""
    valid &= (fields["open"] == "") == (fields["close"] == "")
    signs = [fields[name] != "" for name in ("sign", "minus", "after", "open")]
    valid &= np.sum(signs, axis=0) <= 1
    marked = np.array([text.endswith((".", ",")) for text in fields["digits"]], dtype=bool)
    valid &= ~(marked & (fields["after"] + fields["suffix"] != ""))  # 001.png, and 500,-
    suffixes = np.array([text.strip() for text in fields["suffix"]], dtype=object)
    magnitudes, suffixes = split_magnitudes(texts, fields["prefix"], suffixes, valid)
    valid &= (fields["prefix"] == "") | (suffixes == "")
    in_parentheses = valid & (fields["open"] != "")
    valid &= (in_parentheses.sum() < valid.sum()) | ~in_parentheses  # (2019) alone is a year
    has_minus = valid & (fields["after"] != "")
    valid &= ~has_minus | may_be_minus(texts, has_minus, suffixes, valid)
    is_negative = valid & (in_parentheses | has_minus)
    units = np.where(fields["prefix"] != "", fields["prefix"], suffixes)
    for plural in {f"{unit}s" for unit in units} & set(units) & UNITS:
        units[units == plural[:-1]] = plural  # 1 year, 2 years
    unit = choose_unit(texts, units, fields["prefix"] != "", valid)
    valid &= (units == "") | (units == unit.text)
    sign = np.where(is_negative, "-", fields["sign"] + fields["minus"])
    bodies = sign + fields["digits"] + fields["exponent"] + magnitudes
    parentheses = bool((is_negative & valid).any())  # of the chosen unit
    text = pa.array(bodies, pa.string(), mask=~valid)
    text = compute.replace_substring_regex(text, f"[{DASHES}]", "-")
    has_magnitudes = bool((magnitudes[valid] != "").any())
    return replace(unit, parentheses=parentheses, magnitudes=has_magnitudes), text


def may_be_minus(texts: Texts, has_minus: Mask, suffixes: np.ndarray, valid: Mask) -> Mask:
    """Tell which texts have a minus behind their number, no hyphen (3-Zimmer) or grade (2-)."""
    is_money = np.array([suffix == "" or is_currency(suffix) for suffix in suffixes], dtype=bool)
    may_be_grades = len(texts) <= MAX_CODES and not texts.match(r".*\d[.,]\d.*").any()
    return is_money & bool(has_minus.sum() < valid.sum() and not may_be_grades)


def split_magnitudes(
    texts: Texts, prefixes: np.ndarray, suffixes: np.ndarray, valid: Mask
) -> tuple[np.ndarray, np.ndarray]:
    """Return magnitudes as exponents, e6 for M, and the rest of each suffix.

    A magnitude stands beside a currency, or numbers have different ones: $1.5M, or 1.5M and 300K.
    Else it is like a unit, which all numbers have.
    """
    splits = {suffix: split_magnitude(suffix) for suffix in set(suffixes)}
    exponents = np.array([splits[suffix][0] for suffix in suffixes], dtype=object)
    rests = np.array([splits[suffix][1] for suffix in suffixes], dtype=object)
    units = np.where(prefixes != "", prefixes, rests)
    currencies = [unit for unit in set(units) if is_currency(unit)]
    scaled = valid & (exponents != "")
    has_decimals = texts.match(r".*\d[.,]\d.*") & scaled
    may_be_codes = len(texts) <= MAX_CODES and not has_decimals.any()
    sizes = set(exponents[scaled])
    if has_decimals.any() and not {suffix.lower() for suffix in suffixes[scaled]} & UNITS:
        sizes |= set(exponents[valid & (units == "")])  # 1.2k beside 850, not 5 m beside 12
    has_sizes = scaled.any() and len(sizes) > 1 and not may_be_codes
    if has_sizes or np.isin(units[scaled], currencies).any():
        return exponents, rests
    return np.full(len(suffixes), "", dtype=object), suffixes


def split_magnitude(suffix: str) -> tuple[str, str]:
    """Return a magnitude at the start of a suffix as an exponent, or "", and the rest."""
    word, _, rest = suffix.partition(" ")
    if suffix[-1:] == "元":  # 万元: ten thousand yuan
        word, rest = suffix[:-1], "元"
    exponent = EXPONENTS.get(word.lower())
    if exponent is None or (rest and not is_currency(rest)):
        return "", suffix
    return f"e{exponent}", rest


def choose_unit(texts: Texts, units: np.ndarray, is_prefix: Mask, valid: Mask) -> Unit:
    different = dict.fromkeys(units[valid & (units != "")])
    may_be_codes = len(texts) <= MAX_CODES and not texts.match(".*[., ].*").any()  # 4G, 12A
    known = [
        unit
        for unit in different
        if is_known(unit, bool(is_prefix[valid & (units == unit)].any()))
        and not (may_be_codes and len(unit) == 1 and unit.isalpha())
        and not (unit.startswith("/") and len(different) > 1)  # 1/5, 1/2
    ]
    others = [unit for unit in different if unit not in known]
    bare = int(texts.counts[valid & (units == "")].sum())
    if not known:
        return choose_other(texts, others, units, is_prefix, valid)
    first = [str(texts.arrow[np.argmax(valid & (units == unit))]) for unit in known]
    rows = texts.counts[valid & np.isin(units, known)].sum()
    if len(known) > 1:
        several = rows > texts.total / 2
        return Unit(problem=f"several units: {join_first(first, 4)}" if several else "")
    if bare and rows + bare > texts.total / 2 and known[0].lower() in MAGNITUDES:
        plain = str(texts.arrow[np.argmax(valid & (units == ""))])
        return Unit(problem=f"numbers of two sizes: {first[0]} beside {plain}")
    if len(known[0]) == 1 and known[0].isalpha() and bare > rows:  # 12A among house numbers
        return Unit()
    return Unit(known[0], bare=bare)


def choose_other(
    texts: Texts, others: list[str], units: np.ndarray, is_prefix: Mask, valid: Mask
) -> Unit:
    """Return a unit that is not known, if all texts have it and there are too many for codes."""
    if len(others) != 1 or len(texts) <= MAX_CODES or not (valid & (units != "")).all():
        return Unit()
    return Unit() if is_prefix.any() or len(others[0]) < 2 else Unit(others[0], is_known=False)


def is_known(unit: str, is_prefix: bool) -> bool:
    text = unit.lower()
    if is_prefix:
        return is_currency(unit) or unit in ABOUT
    return is_currency(unit) or text in UNITS or text in MAGNITUDES


def is_currency(unit: str) -> bool:
    return unit.lower() in CURRENCIES or any(
        unicodedata.category(letter) == "Sc" for letter in unit
    )
