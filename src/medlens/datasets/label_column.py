"""Which columns hold the label, by their names and then by their values."""

from __future__ import annotations

import re

from medlens.core import DataError
from medlens.datasets.drafts import list_some, words_in
from medlens.datasets.label_text import is_binary, is_blank, normalise_label
from medlens.datasets.table import Table

# Any of these words in a column name makes it a candidate for the label.
_LABEL_WORDS = words_in(
    "label labels class classes category target finding findings diagnosis "
    "diagnoses dx outcome pathology disease condition gt y "
    "标签 类别 分类 诊断"
)
# Facts of the person or of the machine: subgroups, never the label by rule.
_SUBGROUP_WORDS = words_in(
    "age sex gender view projection race ethnicity ethnic bmi weight height width "
    "scanner manufacturer device vendor modality date time year month laterality "
    "side position rows columns smoker smoking insurance language kvp ma spacing "
    "index number count"
)
# Left out of subgroup tables: they name a person or an event.
_IDENTITY_WORDS = words_in(
    "date birth birthday birthdate dob accession mrn ssn nhs security record address "
    "phone telephone email zip zipcode postcode postal surname forename "
    "firstname lastname fullname patientname subjectname personname physician uid "
    "uids initials vorname nachname familienname geburtsdatum anschrift"
)
# Chinese is written without spaces, so that these are looked for inside a name.
_IDENTITY_PARTS = (
    *("姓名", "名字", "生日", "出生", "身份证", "电话", "手机", "地址", "住址"),
    *("病历号", "病案号", "住院号", "门诊号", "医保", "社保"),
)
# A column "… name" names a person unless it names one of these.
_NAMED_THINGS = words_in(
    "file image study series scanner device model manufacturer vendor site hospital "
    "institution centre center clinic station protocol sequence view body organ "
    "dataset set folder region drug contrast"
)
_MAX_DISTINCT = 30


def words_of(name: str) -> tuple[str, ...]:
    """Lower-case words of a column name.

    >>> words_of("StudyInstanceUID"), words_of("Finding Labels"), words_of("x_1")
    (('study', 'instance', 'uid'), ('finding', 'labels'), ('x', '1'))
    """
    parts = re.findall(
        r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+|\d+|[^\W\d_a-zA-Z]+", name
    )
    return tuple(part.lower() for part in parts)


def names_person(name: str) -> bool:
    """True for a column that could say who the patient is."""
    words = set(words_of(name))
    if words & {"name", "names"} and not words & (_NAMED_THINGS | _LABEL_WORDS):
        return True
    is_identity = words & _IDENTITY_WORDS or "".join(words_of(name)) in _IDENTITY_WORDS
    return bool(is_identity) or any(part in name for part in _IDENTITY_PARTS)


def is_label_name(name: str) -> bool:
    """True for a column whose name has a word for labels in it."""
    return bool(_LABEL_WORDS & set(words_of(name)))


def find_labels(
    table: Table, free: list[str], notes: list[str], *, is_needed: bool = True
) -> tuple[str, ...]:
    """The label column, or all 0/1 columns, among columns without a role.

    Raises:
        DataError: none or several could be; not for none where `is_needed` is
            False, which gives ().
    """
    exact = [n for n in free if "".join(words_of(n)) in ("label", "labels", "标签")]
    if len(exact) == 1:
        return (exact[0],)
    free = [n for n in free if not names_person(n)]
    by_word = [n for n in free if is_label_name(n)]
    by_word = _drop_same_meaning(table, by_word)
    if len(by_word) == 1:
        return (by_word[0],)
    if by_word and not all(is_binary(table.column(n)) for n in by_word):
        raise DataError(_label_message(table, by_word))
    others = [n for n in free if not _SUBGROUP_WORDS & set(words_of(n))]
    binary = by_word or [n for n in others if is_binary(table.column(n))]
    if binary:
        notes.append(
            f"no column is called label; 0/1 {_columns(binary)} taken as "
            f"{'labels' if len(binary) > 1 else 'the label'}"
        )
        return tuple(binary)
    few = [n for n in others if _has_few_values(table.column(n))]
    if len(few) == 1:
        notes.append(f"no column is called label; column '{few[0]}' taken")
        return (few[0],)
    if not few and not is_needed:
        return ()
    raise DataError(_label_message(table, few))


def _columns(names: list[str]) -> str:
    return f"column{'s' if len(names) > 1 else ''} {list_some(names, most=20)}"


def _drop_same_meaning(table: Table, names: list[str]) -> list[str]:
    """Leave out columns that part the rows just as an earlier one does.

    A text column is kept before its numeric code (`diagnosis`, `class_id`).
    """
    kept: dict[tuple[int, ...], str] = {}
    for name in sorted(names, key=lambda n: _is_numeric(table.column(n))):
        codes: dict[str, int] = {}
        texts = map(normalise_label, table.column(name))
        parts = tuple(codes.setdefault(text, len(codes)) for text in texts)
        kept.setdefault(parts, name)
    return [name for name in names if name in kept.values()]


def _is_numeric(texts: list[str]) -> bool:
    return all(re.fullmatch(r"[-+]?\d*\.?\d*", text) for text in texts)


def _has_few_values(texts: list[str]) -> bool:
    distinct = {normalise_label(text) for text in texts if not is_blank(text)}
    return 2 <= len(distinct) <= min(_MAX_DISTINCT, len(texts) // 2)


def _describe(table: Table, name: str) -> str:
    texts = [normalise_label(text) for text in table.column(name)]
    filled = [text for text in texts if not is_blank(text)]
    distinct = sorted(set(filled))
    values = ", ".join(text[:30] for text in distinct[:3])
    more = ", …" if len(distinct) > 3 else ""
    empty = len(texts) - len(filled)
    blank = f", {empty:,} empty" if empty else ""
    return f"'{name}' ({len(distinct):,} values{blank}: {values}{more})"


def _label_message(table: Table, candidates: list[str]) -> str:
    if candidates:
        shown = "; ".join(_describe(table, name) for name in candidates[:12])
        return (
            f"{table.name}: more than one column could be the label: {shown}; "
            f"say which: --label-column {_quoted(candidates[0])}"
        )
    return (
        f"{table.name}: no label column found among "
        f"{list_some(list(table.columns), most=40)}; call one 'label' or pass "
        "--label-column NAME"
    )


def _quoted(name: str) -> str:
    return f"'{name}'" if re.search(r"\W", name) else name
