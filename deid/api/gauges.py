"""What operators watch, in the Prometheus text format: counts, times and kinds, nothing of any file or person."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from prometheus_client import CollectorRegistry, Counter, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from deid import __version__, serving
from deid.background import Progress
from deid.store import Action, StageTime

MEDIA_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_PROCESS = CollectorRegistry()
REQUESTS = Counter(
    "deid_api_requests",
    "Requests to the API of this process, by method, endpoint and status.",
    ("method", "endpoint", "status"),
    registry=_PROCESS,
)
_WATCHED = (Action.SIGN_IN, Action.SIGN_IN_FAILED, Action.LOCKED_OUT)


def metrics() -> bytes:
    """All of them, as they are now."""
    registry = CollectorRegistry()
    registry.register(_Installation())
    return generate_latest(registry) + generate_latest(_PROCESS)


class _Installation:
    """What the database knows, and the runs of this process."""

    def collect(self) -> Iterator[Metric]:
        """Every family of metrics."""
        store = serving.store()
        totals = store.totals()
        yield _gauge("deid_build_info", "The version that runs.", "version", [(__version__, 1)])
        runs = [(state.value, count) for state, count in store.count_runs().items()]
        yield _gauge("deid_runs", "Runs by their state.", "state", runs)
        outcomes = [(outcome.value, count) for outcome, count in totals.by_outcome]
        yield _counter("deid_files", "Files by what became of them.", "outcome", outcomes)
        checks = list(totals.failed_checks)
        yield _counter("deid_failed_checks", "Images that did not pass a check.", "check", checks)
        yield from _times(totals.times)
        queue = serving.background().queue()
        yield _gauge("deid_queue", "Runs of this process that have not ended.", "state", _waiting(queue))
        done = store.count_actions()
        sign_ins = [(action.value, done.get(action.value, 0)) for action in _WATCHED]
        yield _counter("deid_sign_ins", "Attempts to sign in, by how they ended.", "result", sign_ins)
        parts = store.storage()
        sizes = [(name, getattr(parts, name)) for name in ("database", "review", "models", "other")]
        yield _gauge("deid_home_bytes", "What DEID_HOME holds.", "part", sizes)
        yield GaugeMetricFamily("deid_disk_free_bytes", "What is left on its disk.", parts.free)


def _waiting(queue: Iterable[Progress]) -> list[tuple[str, float]]:
    waits = [each.waiting for each in queue]
    return [("waiting", sum(waits)), ("working", len(waits) - sum(waits))]


def _times(times: Iterable[StageTime]) -> Iterator[Metric]:
    seconds = GaugeMetricFamily(
        "deid_stage_seconds", "Seconds that a stage takes for an image.", labels=("stage", "quantile")
    )
    images = CounterMetricFamily("deid_stage_images", "Images that went through a stage.", labels=("stage",))
    for each in times:
        seconds.add_metric((each.stage.value, "0.5"), each.median)
        seconds.add_metric((each.stage.value, "0.95"), each.p95)
        images.add_metric((each.stage.value,), each.images)
    yield seconds
    yield images


def _gauge(name: str, text: str, label: str, values: Iterable[tuple[str, float]]) -> Metric:
    family = GaugeMetricFamily(name, text, labels=(label,))
    for value, count in values:
        family.add_metric((value,), count)
    return family


def _counter(name: str, text: str, label: str, values: Iterable[tuple[str, float]]) -> Metric:
    family = CounterMetricFamily(name, text, labels=(label,))
    for value, count in values:
        family.add_metric((value,), count)
    return family
