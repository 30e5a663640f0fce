"""Figures for Prometheus; none of them names a patient, a user or an address."""

from __future__ import annotations

import logging
import shutil
import threading
import time
from collections.abc import Iterator

import sqlalchemy as sa
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.process_collector import ProcessCollector
from prometheus_client.registry import Collector

from medlens import __version__
from medlens.serve.store.store import Store
from medlens.serve.store.tables import (
    conflicts,
    jobs,
    looks,
    refusals,
    results,
    studies,
)

MEDIA_TYPE = CONTENT_TYPE_LATEST
FRESH_S = 2.0  # how long the figures of the index are given again
BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
log = logging.getLogger("medlens.web")


class Meter:
    """Counts of this process, and figures of the index read when they are asked for.

    Args:
        store: whose index and disk are looked at.
    """

    def __init__(self, store: Store) -> None:
        self.registry = CollectorRegistry()
        self._requests = Counter(
            "medlens_requests",
            "Requests by route template",
            ("method", "route", "status"),
            registry=self.registry,
        )
        self._seconds = Histogram(
            "medlens_request_seconds",
            "From the head of a request to the end of its reply",
            ("route",),
            buckets=BUCKETS,
            registry=self.registry,
        )
        self.in_progress = Gauge(
            "medlens_requests_in_progress", "Requests now", registry=self.registry
        )
        self.streams = Gauge(
            "medlens_event_streams", "Event streams now", registry=self.registry
        )
        build = Gauge("medlens_build", "1", ("version",), registry=self.registry)
        build.labels(__version__).set(1)
        ProcessCollector(registry=self.registry)
        self.registry.register(IndexFigures(store))

    def add_request(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count one request; methods of nobody's are counted together."""
        method = method if method in METHODS else "other"
        self._requests.labels(method, route, str(status or 499)).inc()
        self._seconds.labels(route).observe(seconds)

    def text(self) -> bytes:
        """Everything, in the format of Prometheus."""
        return generate_latest(self.registry)


class IndexFigures(Collector):
    """What lies in the index and on the disk."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._lock = threading.Lock()
        self._read_at = float("-inf")
        self._last: list[Metric] = []

    def describe(self) -> list[Metric]:
        """Nothing, so that registering reads no index."""
        return []

    def collect(self) -> Iterator[Metric]:
        """Figures at most `FRESH_S` old; only `medlens_index_up` if it is down."""
        with self._lock:
            if time.monotonic() - self._read_at > FRESH_S:
                self._last = self._read()
                self._read_at = time.monotonic()
            yield from self._last

    def _read(self) -> list[Metric]:
        up = GaugeMetricFamily("medlens_index_up", "1 where the index answers")
        found = list(_disk(self._store))
        try:
            with self._store.read() as connection:
                found += [
                    _jobs(connection),
                    _oldest(connection),
                    _studies(connection),
                    _instances(connection),
                    _results(connection),
                    _count(connection, conflicts, "medlens_conflicts"),
                    _refusals(connection),
                    _alarms(connection),
                ]
        except sa.exc.SQLAlchemyError as error:
            log.error("the figures of the index cannot be read", exc_info=error)
            up.add_metric((), 0)
            return [up, *_disk(self._store)]
        up.add_metric((), 1)
        return [up, *found]


def _disk(store: Store) -> Iterator[Metric]:
    usage = shutil.disk_usage(store.folder)
    yield GaugeMetricFamily("medlens_disk_free_bytes", "For files", value=usage.free)
    yield GaugeMetricFamily("medlens_disk_bytes", "Of the disk", value=usage.total)


def _jobs(connection: sa.Connection) -> Metric:
    metric = GaugeMetricFamily(
        "medlens_jobs", "Jobs by kind and state", labels=("kind", "state")
    )
    rows = connection.execute(
        sa.select(jobs.c.kind, jobs.c.state, sa.func.count()).group_by(
            jobs.c.kind, jobs.c.state
        )
    )
    for kind, state, count in rows:
        metric.add_metric((kind, state), count)
    return metric


def _oldest(connection: sa.Connection) -> Metric:
    """How long the job that waits longest has been due."""
    now = time.time()
    first = connection.execute(
        sa.select(sa.func.min(jobs.c.run_after)).where(
            jobs.c.state == "waiting", jobs.c.run_after > 0, jobs.c.run_after <= now
        )
    ).scalar()
    return GaugeMetricFamily(
        "medlens_job_wait_seconds",
        "Of the due job that waits longest",
        value=0.0 if first is None else max(now - first, 0.0),
    )


def _studies(connection: sa.Connection) -> Metric:
    metric = GaugeMetricFamily("medlens_studies", "Studies by state", labels=("state",))
    rows = connection.execute(
        sa.select(studies.c.state, sa.func.count()).group_by(studies.c.state)
    )
    for state, count in rows:
        metric.add_metric((state,), count)
    return metric


def _instances(connection: sa.Connection) -> Metric:
    total = connection.execute(sa.select(sa.func.sum(studies.c.instance_count)))
    value = int(total.scalar() or 0)
    return GaugeMetricFamily("medlens_instances", "Instances received", value=value)


def _results(connection: sa.Connection) -> Metric:
    metric = GaugeMetricFamily("medlens_results", "Results by role", labels=("role",))
    rows = connection.execute(
        sa.select(results.c.role, sa.func.count()).group_by(results.c.role)
    )
    for role, count in rows:
        metric.add_metric((role,), count)
    return metric


def _refusals(connection: sa.Connection) -> Metric:
    metric = GaugeMetricFamily(
        "medlens_refusals", "What was not taken, by road", labels=("origin",)
    )
    rows = connection.execute(
        sa.select(refusals.c.origin, sa.func.count()).group_by(refusals.c.origin)
    )
    for origin, count in rows:
        metric.add_metric((origin,), count)
    return metric


def _alarms(connection: sa.Connection) -> Metric:
    is_open = (looks.c.is_alarm, looks.c.seen_at.is_(None))
    total = connection.execute(sa.select(sa.func.count(looks.c.id)).where(*is_open))
    value = int(total.scalar() or 0)
    said = "Alarms of drift that nobody has seen"
    return GaugeMetricFamily("medlens_open_alarms", said, value=value)


def _count(connection: sa.Connection, table: sa.Table, name: str) -> Metric:
    total = connection.execute(sa.select(sa.func.count()).select_from(table)).scalar()
    return GaugeMetricFamily(name, "Rows", value=int(total or 0))
