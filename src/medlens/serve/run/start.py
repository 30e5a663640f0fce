"""`medlens serve`, after its options are known."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from medlens.core import UsageError
from medlens.serve.run.check import check_settings, is_loopback
from medlens.serve.run.lock import hold
from medlens.serve.run.supervise import Supervisor
from medlens.serve.settings import ServeSettings

if TYPE_CHECKING:
    from medlens.serve.run.samples import Filled
    from medlens.serve.store.store import Store

NOTICE = "Research software, not a medical device."


@dataclass(frozen=True)
class Started:
    """What a person is told once everything runs.

    Attributes:
        lines: in order.
        url: of the page, for a browser.
    """

    lines: tuple[str, ...]
    url: str = ""


def run_service(
    settings: ServeSettings,
    tell: Callable[[Started], None],
    *,
    samples: Path | None = None,
) -> None:
    """Start the service and stay until it is stopped.

    Args:
        settings: of the service.
        tell: called once when all processes have been started.
        samples: folder of studies that are put in first; for a demo alone.

    Raises:
        UsageError: settings that cannot work; a port or the folder is taken.
        BundleError: a bundle cannot be loaded.
        ResourceError: the folder or the database cannot be written.
    """
    from medlens.serve.web.logs import set_up_logs

    if samples is not None and not settings.demo:
        raise UsageError(
            "--samples: invented patients belong into a demo alone; add --demo, or "
            "leave --samples out"
        )
    check_settings(settings)
    set_up_logs("run")
    with hold(settings.data):
        invitation, filled = _prepare(settings, samples)
        supervisor = Supervisor(settings)
        url = _url(settings, supervisor)
        lines = [*_lines(settings, supervisor, invitation), *_sample_lines(filled)]
        said = Started((*lines, "Stop with Ctrl-C.", NOTICE), url)
        supervisor.run(lambda: tell(said))


def _prepare(
    settings: ServeSettings, samples: Path | None
) -> tuple[str, Filled | None]:
    """The schema is brought up to date; the first start makes an invitation."""
    from medlens.serve.access.invitations import invite_first_administrator
    from medlens.serve.store.store import open_store

    store = open_store(settings.data, settings.database)
    try:
        filled = _fill(store, settings, samples) if samples is not None else None
        invited = "" if settings.demo else invite_first_administrator(store) or ""
        return invited, filled
    finally:
        store.close()


def _fill(store: Store, settings: ServeSettings, samples: Path) -> Filled:
    """Readers of images are loaded for this alone: else the first process has none."""
    from medlens.serve.run.samples import fill

    return fill(store, samples, limits=settings.limits)


def _url(settings: ServeSettings, supervisor: Supervisor) -> str:
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    return settings.public_url or f"http://{host}:{supervisor.port}"


def _sample_lines(filled: Filled | None) -> list[str]:
    if filled is None:
        return []
    lines = [f"Samples: {filled.studies} studies, {filled.added} images new."]
    return lines + [f"Sample not taken: {reason}" for reason in filled.refused]


def _lines(
    settings: ServeSettings, supervisor: Supervisor, invitation: str
) -> list[str]:
    url = _url(settings, supervisor)
    lines = [f"Web, DICOMweb and API: {url}"]
    if supervisor.dicom_port is not None:
        lines.append(
            f"DICOM listener: {settings.ae_title} at {settings.dicom_host}:"
            f"{supervisor.dicom_port}"
        )
    lines.append(f"Data: {settings.data}")
    if not settings.bundles:
        lines.append("No bundle was given: studies are kept and not answered.")
    if settings.demo:
        lines.append("Demo: no account is needed. For this machine only.")
        lines.append(f"Open in a browser: {url}/")
    if invitation:
        lines.append("First start. Make the administrator's account here, once:")
        lines.append(f"  {url}{invitation}")
    for option, bound in (
        ("--host", settings.host),
        ("dicom_host", settings.dicom_host),
    ):
        if not is_loopback(bound):
            lines.append(f"Open to the network by {option} {bound}.")
    return lines
