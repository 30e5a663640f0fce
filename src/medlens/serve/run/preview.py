"""`medlens serve --check`: what a service would do, and what would stop it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial

from medlens.bundle import Bundle, load_bundle
from medlens.core import MedlensError
from medlens.serve.run.check import bind, check_settings
from medlens.serve.send.echo import echo_peer
from medlens.serve.settings import Peer, ServeSettings
from medlens.serve.work.asked import is_meant
from medlens.serve.work.choose import own_rules
from medlens.serve.work.rules import Rules, load_rules, rule_lines

AT_ONCE = 16  # destinations asked at a time


@dataclass(frozen=True)
class Preview:
    """What was found.

    Attributes:
        lines: bundles, rules, destinations, ports; for a person.
        faults: what would stop the service or its results, with advice.
    """

    lines: tuple[str, ...]
    faults: tuple[str, ...]


def preview(
    settings: ServeSettings,
    *,
    ask: Callable[[Peer], None] | None = None,
) -> Preview:
    """Check settings, rules, bundles, destinations and ports; nothing is started.

    Nothing is written either: neither the folder nor the database is opened.
    Destinations are asked whether they would talk to us (C-ECHO, or a question to
    their DICOMweb service).

    Args:
        settings: of the service.
        ask: how a destination is asked; raises MedlensError where it refuses.
    """
    try:
        check_settings(settings)
        bundles = [load_bundle(folder) for folder in settings.bundles]
        rules = load_rules(settings.rules) if settings.rules is not None else None
    except MedlensError as error:
        return Preview((), (str(error),))
    lines = ["bundles:", *_bundle_lines(bundles), "", *_rule_lines(rules, bundles)]
    faults = [*_unknown_bundles(rules, bundles)]
    told, silent = _ask_all(settings, ask)
    lines += ["", "destinations:", *(told or ["  none"]), "", "ports:"]
    taken = list(_bind_all(settings))
    lines += [f"  {line}" for line, _ in taken]
    faults += [*silent, *(fault for _, fault in taken if fault)]
    return Preview(tuple(lines), tuple(faults))


def _bundle_lines(bundles: Sequence[Bundle]) -> Iterator[str]:
    for bundle in bundles:
        yield f"  {bundle.name}  {bundle.digest[:12]}  {bundle.form}"
    if not bundles:
        yield "  none: studies are kept and not answered"


def _rule_lines(rules: Rules | None, bundles: Sequence[Bundle]) -> Iterator[str]:
    if rules is None:
        yield "rules: none; every bundle takes what is like its training images"
        rules = own_rules(bundles)
    else:
        which = "the first that fits" if rules.match == "first" else "all that fit"
        yield f"rules, {which}:"
    yield from (f"  {line}" for line in rule_lines(rules))


def _unknown_bundles(rules: Rules | None, bundles: Sequence[Bundle]) -> Iterator[str]:
    """Rules that would leave out all that they fit."""
    for rule in rules.rules if rules is not None else ():
        if not rule.exclude and not any(
            is_meant(rule.bundle, name=b.name, digest=b.digest) for b in bundles
        ):
            yield (
                f"rule {rule.name!r}: bundle {rule.bundle!r} is not given here; what "
                "it fits stays without an answer: name its folder, or add it by the API"
            )


def _ask_all(
    settings: ServeSettings, ask: Callable[[Peer], None] | None
) -> tuple[list[str], list[str]]:
    """A line for each destination, and what is wrong with some."""

    def by_echo(peer: Peer) -> None:
        echo_peer(peer, ae_title=settings.ae_title)

    asked = ask or by_echo
    peers = [peer for peer in settings.peers if peer.port or peer.url]
    with ThreadPoolExecutor(AT_ONCE) as pool:
        found = list(pool.map(lambda peer: _fault_of(partial(asked, peer)), peers))
    lines = [
        f"  {peer.name}  {'does not answer' if fault else 'answers'}"
        for peer, fault in zip(peers, found, strict=True)
    ]
    return lines, [fault for fault in found if fault]


def _bind_all(settings: ServeSettings) -> Iterator[tuple[str, str]]:
    """(line, fault) of each port."""
    wanted = [("web", settings.host, settings.port, "--port")]
    if settings.dicom_port >= 0:
        dicom = (settings.dicom_host, settings.dicom_port, "--dicom-port")
        wanted.append((f"DICOM listener {settings.ae_title}", *dicom))
    for what, host, port, option in wanted:
        fault = _fault_of(partial(_bind_once, host, port, option))
        yield f"{what}  {host}:{port}  {'is not free' if fault else 'is free'}", fault


def _bind_once(host: str, port: int, option: str) -> None:
    bind(host, port, option=option).close()


def _fault_of(deed: Callable[[], None]) -> str:
    """What a deed says is wrong, "" where it goes well."""
    try:
        deed()
    except MedlensError as error:
        return str(error)
    return ""
