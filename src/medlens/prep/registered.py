"""What is known of a step of preparation: its function, parameters and one line."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from medlens.core import Image
from medlens.prep.geometry import LARGEST_SIDE
from medlens.prep.parameters import Param, with_defaults
from medlens.prep.stream import Stream, on_stream

Needs = Literal["any", "values", "windowed"]
Alone = Literal["always", "windowed", "never"]
SIDE = Param("integer", "in pixels", 1, LARGEST_SIDE)


@dataclass(frozen=True)
class Registered:
    """A step that a recipe may name.

    Attributes:
        group: the page it stands on: colour, denoise, enhance, …
        text: what it does, one line.
        run: (image, **parameters) → image.
        params: name → Param, defaults filled in.
        needs: "values" for steps that must stand before the mapping onto 0..1,
            "windowed" for those after it, else "any".
        windows: True where the step itself maps onto 0..1.
        stream: the step on streams of slices, where it has to see the volume.
        alone: whether a slice can be prepared without the others: "windowed"
            where it can once values are in 0..1, because the step asks for the
            smallest and largest value before.
    """

    group: str
    text: str
    run: Callable[..., Image]
    params: Mapping[str, Param]
    needs: Needs = "any"
    windows: bool = False
    stream: Callable[..., Stream] | None = None
    alone: Alone = "windowed"


def register(
    group: str,
    function: Callable[..., Any],
    text: str,
    params: Mapping[str, Param] | None = None,
    *,
    on: Callable[[Callable[..., Any]], Callable[..., Image]] = lambda f: f,
    needs: Needs = "any",
    windows: bool = False,
    stream: Callable[..., Stream] | None = None,
    alone: Alone = "windowed",
) -> Registered:
    """A row of the table; what parameters there are, the function's signature says.

    Args:
        group, text, needs, windows, stream, alone: as in `Registered`.
        function: what does the work; its keyword-only parameters are the step's,
            but for `span`.
        params: name → Param; the defaults come from the signature.
        on: makes of `function` a step on images; with `on_stream` the function
            itself is the step on streams.

    Raises:
        TypeError: `params` and the signature do not name the same parameters.
    """
    table = with_defaults(function, params or {}, own=("span",))
    if on is on_stream:
        stream = function
    return Registered(group, text, on(function), table, needs, windows, stream, alone)
