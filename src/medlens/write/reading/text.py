"""A reader's report as plain text."""

from __future__ import annotations

from datetime import UTC, datetime

from medlens.core.terms import Lang
from medlens.write.reading.content import Report, digest_of
from medlens.write.reading.words import has_ai, say, say_ai


def to_report_text(report: Report) -> str:
    """All sections that say something, then who said it; no patient's data.

    Args:
        report: of one study, in the language of its content.
    """
    lang = report.content.lang
    parts = ["\n".join([title_of(report), about_of(report)])]
    parts += [
        f"{say(name, lang).upper()}\n{text.strip()}"
        for name, text in report.content.sections.items()
        if text.strip()
    ]
    parts.append("\n".join(closing_of(report)))
    return "\n\n".join(parts) + "\n"


def title_of(report: Report) -> str:
    """What it is: a draft, a report, or one that took another's place."""
    lang = report.content.lang
    if not report.is_signed:
        return say("draft", lang)
    return say("signed" if report.amends is None else "amended", lang)


def about_of(report: Report) -> str:
    """Our own number of the study, and which version."""
    lang = report.content.lang
    version = say("version", lang, version=report.version)
    return f"{say('study', lang, study=report.study)} · {version}"


def closing_of(report: Report) -> list[str]:
    """Who signed when, what it replaces and why, and what its marks mean."""
    lang = report.content.lang
    key = "signed_by" if report.is_signed else "kept_by"
    lines = [say(key, lang, author=report.author, moment=moment_of(report.made_at))]
    if report.amends is not None:
        lines.append(say("takes_place", lang, version=report.amends))
    if report.reason:
        lines.append(say("reason", lang, reason=report.reason))
    lines += drafted_of(report)
    if any(has_ai(text) for text in report.content.sections.values()):
        lines.append(say_ai(lang, is_signed=report.is_signed))
    lines.append(say("digest", lang, digest=digest_of(report.content)))
    lines.append(say("notice", lang))
    return lines


def drafted_of(report: Report) -> list[str]:
    """Which result it was drafted from, and that a newer one was there."""
    drafted, lang = report.drafted, report.content.lang
    if drafted is None:
        return []
    moment = moment_of(drafted.made_at)
    lines = [say("drafted_from", lang, result=drafted.result, moment=moment)]
    if drafted.is_outdated:
        moment = moment_of(drafted.newest_at)
        lines.append(say("newer_result", lang, result=drafted.newest, moment=moment))
    return lines


def moment_of(when: datetime) -> str:
    """To the second, in UTC, the same in both languages.

    >>> moment_of(datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC))
    '2026-03-04 05:06:07 UTC'
    """
    return when.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def day_of(date: str) -> str:
    """A DA value as people write it; "" where it is none.

    >>> day_of("20260304"), day_of("2026")
    ('2026-03-04', '')
    """
    if len(date) != 8 or not date.isascii() or not date.isdigit():
        return ""
    return f"{date[:4]}-{date[4:6]}-{date[6:]}"


def shown_name(name: str, lang: Lang = "en") -> str:
    """A PN as people write it: the group of the language first, others in brackets.

    >>> shown_name("Wang^XiaoDong=王^小东"), shown_name("Wang^XiaoDong=王^小东", "zh")
    ('Wang, XiaoDong (王小东)', '王小东 (Wang, XiaoDong)')
    """
    alphabetic, ideographic = [*name.split("=")[:2], ""][:2]
    plain = [part.strip() for part in alphabetic.split("^")[:5]]
    family, given = plain[0], " ".join(part for part in plain[1:] if part)
    latin = ", ".join(part for part in (family, given) if part)
    other = "".join(part.strip() for part in ideographic.split("^")[:5])
    first, second = (other, latin) if lang == "zh" and other else (latin, other)
    if first and second:
        return f"{first} ({second})"
    return first or second
