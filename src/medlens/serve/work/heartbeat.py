"""The lease of a long job, renewed by a thread while another works."""

from __future__ import annotations

import logging
import threading
import time
from types import TracebackType

from medlens.core import MedlensError
from medlens.serve.store.store import Store
from medlens.serve.work.queue import Job, LostLeaseError, renew

log = logging.getLogger("medlens.work")

SHARE = 3  # renewed this many times within a lease: two may fail


class StoppedError(MedlensError):
    """The worker ends; the job is handed back and costs no attempt."""


class Heartbeat:
    """Renews a job from its start until its end; use as a context.

    Args:
        store, job: the job as leased.
        lease_s: for which it is renewed.
        stop: set when the worker should end.

    Attributes:
        progress: 0..1, written with the next renewal.
    """

    def __init__(
        self,
        store: Store,
        job: Job,
        *,
        lease_s: float,
        stop: threading.Event | None = None,
    ) -> None:
        self._store, self._job, self._lease_s = store, job, lease_s
        self._stop = stop
        self.progress: float | None = None
        self._end = threading.Event()
        self._lost = threading.Event()
        self._thread = threading.Thread(
            target=self._run, name=f"lease of job {job.id}", daemon=True
        )

    @property
    def is_lost(self) -> bool:
        """True once somebody else has the job, or it was cancelled."""
        return self._lost.is_set()

    def check(self, progress: float | None = None) -> None:
        """Call between two pieces of work.

        Raises:
            LostLeaseError: the rest would be work for nothing.
            StoppedError: the worker should end.
        """
        if progress is not None:
            self.progress = progress
        if self.is_lost:
            raise LostLeaseError(
                f"job {self._job.id}: was taken over or cancelled; it is left alone"
            )

        if self._stop is not None and self._stop.is_set():
            raise StoppedError(f"job {self._job.id}: the worker was asked to end")

    def _run(self) -> None:
        while not self._end.wait(self._lease_s / SHARE):
            try:
                is_ours = renew(
                    self._store,
                    self._job,
                    lease_s=self._lease_s,
                    now=time.time(),
                    progress=self.progress,
                )
            except Exception as error:  # the database may be away for a moment
                log.warning(
                    "lease not renewed",
                    extra={"job": self._job.id, "error": type(error).__name__},
                )
                continue
            if not is_ours:
                self._lost.set()
                return

    def __enter__(self) -> Heartbeat:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._end.set()
        self._thread.join()
