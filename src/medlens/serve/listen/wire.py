"""A connection that is read in pieces, each by a deadline."""

from __future__ import annotations

import contextlib
import socket
import time
from collections.abc import Iterator

from medlens.core import MedlensError

SMALL, LARGE = 4 * 1024, 256 * 1024
"""Bytes of the buffer before and after an association stands: a crowd of idle
connections costs next to nothing."""

LINGER_S = 1.0
LINGER_BYTES = 1 << 20


class ConnectionLost(MedlensError):
    """The other side closed the connection, or it broke."""


class DeadlineError(MedlensError):
    """The other side was too slow."""


class Wire:
    """Buffered reading of a connected socket (TCP or TLS).

    Args:
        connection: taken over; `close` closes it.
    """

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._buffer = memoryview(bytearray(SMALL))
        self._start = self._end = 0

    def grow(self) -> None:
        """Take the large buffer, for an association that stands."""
        rest = bytes(self._buffer[self._start : self._end])
        self._buffer = memoryview(bytearray(LARGE))
        self._buffer[: len(rest)] = rest
        self._start, self._end = 0, len(rest)

    def read(self, count: int, *, deadline: float) -> bytes:
        """Exactly `count` bytes.

        Args:
            deadline: by `time.monotonic()`.

        Raises:
            ConnectionLost: it ended before.
            DeadlineError: they did not come in time.
        """
        if self._end - self._start >= count:
            self._start += count
            return bytes(self._buffer[self._start - count : self._start])
        return b"".join(map(bytes, self.pieces(count, deadline=deadline)))

    def pieces(self, count: int, *, deadline: float) -> Iterator[memoryview]:
        """The next `count` bytes as they come; each piece until the next is asked for.

        Raises:
            ConnectionLost, DeadlineError: see `read`.
        """
        while count:
            if self._start == self._end:
                self._fill(deadline)
            stop = min(self._start + count, self._end)
            piece = self._buffer[self._start : stop]
            self._start = stop
            count -= len(piece)
            yield piece

    def send(self, data: bytes, *, deadline: float) -> None:
        """Send all bytes.

        Raises:
            ConnectionLost, DeadlineError: see `read`.
        """
        self._limit(deadline)
        try:
            self._connection.sendall(data)
        except TimeoutError as error:
            raise DeadlineError("the other side does not take the answer") from error
        except OSError as error:
            raise ConnectionLost("the connection broke") from error

    def stop_reading(self) -> None:
        """Let a read that waits, in another thread, see the end of the connection."""
        with contextlib.suppress(OSError):
            self._connection.shutdown(socket.SHUT_RD)

    def close(self) -> None:
        """Close; what was sent last is given time to arrive.

        A close with bytes unread would reset the connection and take the last answer
        with it, so these are read for a moment.
        """
        with contextlib.suppress(OSError, ValueError):
            self._connection.shutdown(socket.SHUT_WR)
            deadline, left = time.monotonic() + LINGER_S, LINGER_BYTES
            while left > 0 and (wait := deadline - time.monotonic()) > 0:
                self._connection.settimeout(wait)
                count = self._connection.recv_into(self._buffer)
                if not count:
                    break
                left -= count
        with contextlib.suppress(OSError):
            self._connection.close()

    def drop(self) -> None:
        """Close at once."""
        with contextlib.suppress(OSError):
            self._connection.shutdown(socket.SHUT_RDWR)
        with contextlib.suppress(OSError):
            self._connection.close()

    def _fill(self, deadline: float) -> None:
        self._limit(deadline)
        try:
            count = self._connection.recv_into(self._buffer)
        except TimeoutError as error:
            raise DeadlineError("nothing came in time") from error
        except (OSError, ValueError) as error:
            raise ConnectionLost("the connection broke") from error
        if not count:
            raise ConnectionLost("the other side closed the connection")
        self._start, self._end = 0, count

    def _limit(self, deadline: float) -> None:
        left = deadline - time.monotonic()
        if left <= 0:
            raise DeadlineError("nothing came in time")
        try:
            self._connection.settimeout(left)
        except OSError as error:
            raise ConnectionLost("the connection broke") from error
