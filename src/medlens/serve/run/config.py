"""A TOML file → settings of the service.

Every table and key is named after a field of `ServeSettings`, `Limits`, `Peer` or
`OpenIdSettings`; nothing else is taken, and a key that is nearly right is pointed out.
"""

from __future__ import annotations

import difflib
import tomllib
from dataclasses import fields, replace
from pathlib import Path
from types import UnionType
from typing import Any, get_args, get_origin, get_type_hints

from medlens.core import UsageError
from medlens.serve.settings import (
    LARGEST_WEIGHT,
    Limits,
    OpenIdSettings,
    Peer,
    ServeSettings,
)

MAX_BYTES = 1_000_000
MAX_PEER_NAME = 64  # it is part of the key of a job
TABLES = {"limits": Limits, "openid": OpenIdSettings}
NEVER_HERE = ("demo",)  # only said on the command line, where everybody sees it


def load_settings(path: Path) -> ServeSettings:
    """Settings from a TOML file; what it does not name keeps its default.

    Paths in it are relative to the file's folder.

    Raises:
        UsageError: the file cannot be read, is no TOML, or says something that is
            unknown or of the wrong type.
    """
    table = _read(path)
    values: dict[str, Any] = {}
    for key, value in table.items():
        if key in TABLES:
            values[key] = _build(TABLES[key], value, f"{path.name}: {key}", path)
        elif key == "peers":
            values[key] = _peers(value, path)
        else:
            _check_known(key, ServeSettings, path.name)
            values[key] = _typed(ServeSettings, key, value, path.name, path)
    for key in NEVER_HERE:
        if key in values:
            raise UsageError(f"{path.name}: {key} is said on the command line alone")
    return replace(ServeSettings(), **values)


def _read(path: Path) -> dict[str, Any]:
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise UsageError(
            f"{path.name}: cannot be read ({error.strerror}); wanted a TOML file with "
            "settings of the service"
        ) from error
    if len(raw) > MAX_BYTES:
        raise UsageError(
            f"{path.name}: has {len(raw)} bytes; wanted at most {MAX_BYTES}"
        )
    try:
        return tomllib.loads(raw.decode("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise UsageError(f"{path.name}: is no TOML ({error}); mend that line") from None


def _peers(value: Any, path: Path) -> tuple[Peer, ...]:
    where = f"{path.name}: peers"
    if not isinstance(value, list):
        raise UsageError(f"{where}: wanted [[peers]] tables, one for each node")
    for entry in value:
        if not isinstance(entry, dict) or not entry.get("name"):
            raise UsageError(f"{where}: a peer has no name; rules and messages need it")
    peers = tuple(
        _build(Peer, entry, f"{where}[{i}]", path) for i, entry in enumerate(value)
    )
    names = [peer.name for peer in peers]
    for name in names:
        if names.count(name) > 1:
            raise UsageError(f"{where}: the name {name!r} is there twice; wanted once")
    for peer in peers:
        _check_peer(peer, where)
    return peers


def _check_peer(peer: Peer, where: str) -> None:
    import ipaddress

    if len(peer.name) > MAX_PEER_NAME:
        raise UsageError(
            f"{where}: a peer's name has {len(peer.name)} characters; wanted at most "
            f"{MAX_PEER_NAME}"
        )

    if peer.address:
        try:
            ipaddress.ip_network(peer.address, strict=False)
        except ValueError:
            raise UsageError(
                f"{where}: address of {peer.name!r} is no network; wanted 10.0.3.7 or "
                "10.0.3.0/24"
            ) from None
    if peer.url and not peer.url.startswith(("http://", "https://")):
        raise UsageError(f"{where}: url of {peer.name!r} is no http:// or https:// URL")
    if peer.port and not (peer.ae_title and peer.host):
        raise UsageError(
            f"{where}: {peer.name!r} has a port; wanted its ae_title and host, too"
        )
    if len(peer.ae_title) > 16:
        raise UsageError(
            f"{where}: ae_title of {peer.name!r} has {len(peer.ae_title)} characters; "
            "wanted at most 16"
        )


def _build(kind: type[Any], value: Any, where: str, path: Path) -> Any:
    if not isinstance(value, dict):
        raise UsageError(f"{where}: wanted a table")
    for key in value:
        _check_known(key, kind, where)
    return kind(**{k: _typed(kind, k, v, where, path) for k, v in value.items()})


def _check_known(key: str, kind: type[Any], where: str) -> None:
    known = [field.name for field in fields(kind)]
    if key not in known:
        near = difflib.get_close_matches(key, known, 1)
        hint = f"nearest: {near[0]}" if near else f"known: {', '.join(known)}"
        raise UsageError(f"{where}: {key} is unknown; {hint}")


def _typed(kind: type[Any], key: str, value: Any, where: str, path: Path) -> Any:
    hint = get_type_hints(kind)[key]
    if isinstance(hint, UnionType):  # Path | None
        hint = get_args(hint)[0]
    if hint is Path and isinstance(value, str):
        return (path.parent / value).absolute()
    if get_origin(hint) is tuple:
        are_paths = get_args(hint)[0] is Path
        if isinstance(value, list) and all(isinstance(x, str) for x in value):
            return tuple(
                (path.parent / x).absolute() if are_paths else x for x in value
            )
        raise UsageError(
            f"{where}: {key}: wanted a list of {'folders' if are_paths else 'texts'}"
        )
    if get_origin(hint) is dict:
        if get_args(hint)[1] is float:
            return _weights(value, f"{where}: {key}")
        if isinstance(value, dict) and all(isinstance(x, str) for x in value.values()):
            return value
        raise UsageError(f"{where}: {key}: wanted a table of texts")
    if hint is float and type(value) is int:
        value = float(value)
    if type(value) is not hint:
        name = getattr(hint, "__name__", str(hint))
        raise UsageError(f"{where}: {key} is {value!r:.60}; wanted {name}")
    _check_range(key, value, where)
    return value


def _weights(value: Any, where: str) -> dict[str, float]:
    if not isinstance(value, dict):
        raise UsageError(f"{where}: wanted a table of labels with numbers")
    for label, weight in value.items():
        is_number = isinstance(weight, int | float) and not isinstance(weight, bool)
        if not (is_number and 0 <= weight <= LARGEST_WEIGHT):  # NaN fails, too
            raise UsageError(
                f"{where}: {label!r:.60} is {weight!r:.60}; wanted a number from 0 "
                f"to {LARGEST_WEIGHT:g}"
            )
    return {label: float(weight) for label, weight in value.items()}


def _check_range(key: str, value: Any, where: str) -> None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return
    lowest = -1 if key == "dicom_port" else 0
    if not lowest <= value < 1e15:  # NaN and infinity fail, too
        raise UsageError(f"{where}: {key} is {value!r:.60}; wanted {lowest} or more")
