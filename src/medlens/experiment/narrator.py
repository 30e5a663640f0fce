"""How the road tells what it finds; the command line paints it, tests listen."""

from __future__ import annotations

from typing import Protocol


class Narrator(Protocol):
    """Receives plain sentences and progress."""

    def step(self, title: str) -> None:
        """A new step of the road begins."""
        ...

    def say(self, sentence: str) -> None:
        """Something was found or decided."""
        ...

    def progress(self, done: int, total: int, unit: str = "images") -> None:
        """So much of the present step is done."""
        ...


class Silent:
    """A narrator that says nothing."""

    def step(self, title: str) -> None:
        """Say nothing."""

    def say(self, sentence: str) -> None:
        """Say nothing."""

    def progress(self, done: int, total: int, unit: str = "images") -> None:
        """Say nothing."""
