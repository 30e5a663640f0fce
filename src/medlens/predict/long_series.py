"""A series that is too long for one pass, answered in windows that are joined.

Each window is answered as a series of its own; its weights of attention sum to 1.
Attention is a softmax, so that in the slices that two windows share both are the same
numbers but for one factor: that factor, taken from them, puts all windows on one
scale. Slices that no reader connects are then joined exactly; with one, a slice knows
of its neighbours within its window only, and two windows are blended where they meet.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from medlens.predict.tiles import tile_starts

Floats = NDArray[np.floating]
TINY = 1e-30  # attention that the graph has rounded to 0


@dataclass(frozen=True)
class SeriesAnswer:
    """What a graph says of a series, before calibration.

    Attributes:
        slice_logits: (T, K).
        series_logits: (K,).
        attention: (T,), 0 or more, sums to 1.
        share: (T, K), each slice's term in the series logits.
        evidence: (T, K, h, w).
        embedding: (E,) of the series.
    """

    slice_logits: Floats
    series_logits: Floats
    attention: Floats
    share: Floats
    evidence: Floats
    embedding: Floats


def answer_in_windows(
    count: int, most: int, answer: Callable[[int, int], SeriesAnswer]
) -> SeriesAnswer:
    """The answer for a whole series.

    Args:
        count: T slices.
        most: slices that may be answered in one pass, 2 or more where there are
            more slices than that.
        answer: (first, last) → answer for these slices.
    """
    if count <= most:
        return answer(0, count)
    starts = tile_starts(count, most, overlap=0.5)
    return join_windows(
        count, starts, [answer(start, start + most) for start in starts]
    )


def join_windows(
    count: int, starts: Sequence[int], windows: Sequence[SeriesAnswer]
) -> SeriesAnswer:
    """One answer from those of windows that overlap; the embedding is their mean.

    Args:
        count: T slices.
        starts: first slice of each window, ascending; each overlaps the next.
        windows: their answers.
    """
    levels = _levels(starts, windows)
    blend = _blend(count, starts, [len(w.attention) for w in windows])
    mass = np.zeros(count)
    total: dict[str, Floats] = {}
    embedding = np.zeros(windows[0].embedding.shape)
    for start, window, level, weights in zip(
        starts, windows, levels, blend, strict=True
    ):
        place = slice(start, start + len(window.attention))
        # attention on the scale that all windows share, not yet summing to 1
        held = weights * window.attention * level
        mass[place] += held
        embedding += held.sum() * window.embedding
        for name, values in (
            ("slice_logits", weights[:, None] * window.slice_logits),
            ("share", weights[:, None] * level * window.share),
            ("evidence", weights[:, None, None, None] * window.evidence),
        ):
            if name not in total:
                total[name] = np.zeros((count, *values.shape[1:]))
            total[name][place] += values
    share = total["share"] / mass.sum()
    bias = windows[0].series_logits - windows[0].share.sum(axis=0)
    return SeriesAnswer(
        slice_logits=total["slice_logits"],
        series_logits=share.sum(axis=0) + bias,
        attention=mass / mass.sum(),
        share=share,
        evidence=total["evidence"],
        embedding=embedding / mass.sum(),
    )


def _levels(starts: Sequence[int], windows: Sequence[SeriesAnswer]) -> Floats:
    """Factor of each window's attention; the largest is 1."""
    logs = [0.0]
    for i in range(1, len(windows)):
        shared = starts[i - 1] + len(windows[i - 1].attention) - starts[i]
        before = np.log(np.maximum(windows[i - 1].attention[-shared:], TINY))
        after = np.log(np.maximum(windows[i].attention[:shared], TINY))
        # Slices that neither window looks at say nothing of the factor, and those at
        # a window's end have lost their neighbours there.
        at = np.arange(shared)
        inside = np.minimum(at + 1, shared - at)
        weights = np.exp(np.minimum(before, after)) * inside
        logs.append(logs[-1] + float(np.average(before - after, weights=weights)))
    levels: Floats = np.exp(np.array(logs) - max(logs))
    return levels


def _blend(
    count: int, starts: Sequence[int], lengths: Sequence[int]
) -> list[NDArray[np.float64]]:
    """Weights of each window's slices; over all windows they sum to 1 at each slice.

    They fall towards the ends of a window, where the reader knows of few neighbours,
    but for the ends of the series, beyond which there are none.
    """
    total = np.zeros(count)
    weights = []
    for start, length in zip(starts, lengths, strict=True):
        at = np.arange(length)
        to_first = np.full(length, length) if start == 0 else at + 1
        to_last = np.full(length, length) if start + length == count else length - at
        weights.append(np.minimum(to_first, to_last).astype(np.float64))
        total[start : start + length] += weights[-1]
    return [
        w / total[s : s + n] for w, s, n in zip(weights, starts, lengths, strict=True)
    ]
