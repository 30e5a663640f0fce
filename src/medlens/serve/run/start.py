"""`medlens serve`, after its options are known."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from medlens.serve.run.check import check_settings, is_loopback
from medlens.serve.run.lock import hold
from medlens.serve.run.supervise import Supervisor
from medlens.serve.settings import ServeSettings

NOTICE = "Research software, not a medical device."


@dataclass(frozen=True)
class Started:
    """What a person is told once everything runs.

    Attributes:
        lines: in order.
    """

    lines: tuple[str, ...]


def run_service(settings: ServeSettings, tell: Callable[[Started], None]) -> None:
    """Start the service and stay until it is stopped.

    Args:
        settings: of the service.
        tell: called once when all processes have been started.

    Raises:
        UsageError: settings that cannot work; a port or the folder is taken.
        BundleError: a bundle cannot be loaded.
        ResourceError: the folder or the database cannot be written.
    """
    from medlens.serve.web.logs import set_up_logs

    check_settings(settings)
    set_up_logs("run")
    with hold(settings.data):
        invitation = _prepare(settings)
        supervisor = Supervisor(settings)
        said = Started(tuple(_lines(settings, supervisor, invitation)))
        supervisor.run(lambda: tell(said))


def _prepare(settings: ServeSettings) -> str:
    """The schema is brought up to date; the first start makes an invitation."""
    from medlens.serve.access.invitations import invite_first_administrator
    from medlens.serve.store.store import open_store

    store = open_store(settings.data, settings.database)
    try:
        return "" if settings.demo else invite_first_administrator(store) or ""
    finally:
        store.close()


def _lines(
    settings: ServeSettings, supervisor: Supervisor, invitation: str
) -> list[str]:
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    url = settings.public_url or f"http://{host}:{supervisor.port}"
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
    if invitation:
        lines.append("First start. Make the administrator's account here, once:")
        lines.append(f"  {url}{invitation}")
    for option, bound in (
        ("--host", settings.host),
        ("dicom_host", settings.dicom_host),
    ):
        if not is_loopback(bound):
            lines.append(f"Open to the network by {option} {bound}.")
    lines += ["Stop with Ctrl-C.", NOTICE]
    return lines
