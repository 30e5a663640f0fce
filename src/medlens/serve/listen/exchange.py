"""Messages of one association: fragments in, an answer out (PS3.7 section 6.3)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from medlens.serve.listen import dimse, pdu
from medlens.serve.listen.dimse import Answer, Command
from medlens.serve.listen.negotiate import VERIFICATION, Accepted
from medlens.serve.listen.pdu import ProtocolError
from medlens.serve.listen.reception import Desk, Reception


@dataclass(frozen=True)
class Line:
    """The association that messages belong to.

    Attributes:
        name: for messages and the log.
        peer: who sends.
        contexts: accepted, by number.
        reply: sends a command set in a context.
    """

    name: str
    peer: str
    contexts: Mapping[int, Accepted]
    reply: Callable[[int, bytes], None]


class Exchange:
    """One message at a time: a command set, its data set, its answer.

    Args:
        line: the association.
        desk: where instances go.
    """

    def __init__(self, line: Line, desk: Desk) -> None:
        self._line, self._desk = line, desk
        self._context: int | None = None  # of the message that is coming
        self._set = bytearray()  # of a command that is not complete
        self._command: Command | None = None  # complete, its data set is coming
        self._reception: Reception | None = None
        self.stored = 0

    @property
    def is_open(self) -> bool:
        """True in the middle of a message."""
        return self._context is not None

    def add(
        self, context: int, control: int, pieces: Iterator[memoryview], size: int
    ) -> None:
        """Take one fragment, and answer when it ends a message.

        Args:
            context, control: of the value that holds it.
            pieces: its bytes, as they come.
            size: how many.

        Raises:
            ProtocolError: it may not come now, or is no command set.
        """
        self._expect(context, is_command=bool(control & pdu.IS_COMMAND))
        is_last = bool(control & pdu.IS_LAST)
        if self._command is None:
            self._add_command(pieces, size)
            if is_last:
                self._begin(context, dimse.decode_command(bytes(self._set)))
            return
        if self._reception is not None:
            self._reception.add(pieces)
        else:
            for _ in pieces:  # the data set of what is refused
                pass
        if is_last:
            self._finish(context, self._command)

    def drop(self) -> bool:
        """End here; True when a data set was cut off, of which nothing is kept."""
        if self._reception is None:
            return False
        self._reception.drop()
        return True

    def _expect(self, context: int, *, is_command: bool) -> None:
        if context not in self._line.contexts:
            raise ProtocolError("a value comes in a context that was not accepted")
        if self._context not in (None, context):
            raise ProtocolError("a message changes its context")
        if is_command != (self._command is None):
            raise ProtocolError("fragments of a message come in the wrong order")
        self._context = context

    def _add_command(self, pieces: Iterator[memoryview], size: int) -> None:
        if len(self._set) + size > dimse.COMMAND_BYTES:
            raise ProtocolError(f"command set is over {dimse.COMMAND_BYTES} bytes")
        for piece in pieces:
            self._set += piece

    def _begin(self, context: int, command: Command) -> None:
        """A command set is complete."""
        self._set.clear()
        if command.field & dimse.IS_RESPONSE:
            raise ProtocolError("a response came, and nothing was asked")
        if command.field == dimse.C_STORE_RQ:
            self._reception = Reception(
                self._desk,
                command,
                self._line.contexts[context],
                peer=self._line.peer,
                case=f"{self._line.name}, message {command.message_id}",
            )
        if command.has_data_set:
            self._command = command
        else:
            self._finish(context, command)

    def _finish(self, context: int, command: Command) -> None:
        """A message is complete: do what it asks for, and answer."""
        reception, self._reception = self._reception, None
        if reception is not None:
            answer = reception.finish()
            self.stored += answer.status == dimse.SUCCESS
        else:
            answer = _answer(command, self._line.contexts[context])
        self._command = self._context = None
        if command.field != dimse.C_CANCEL_RQ:  # there is nothing it could stop
            self._line.reply(context, dimse.encode_response(command, answer))


def _answer(command: Command, context: Accepted) -> Answer:
    """To a message that is no C-STORE."""
    if command.field != dimse.C_ECHO_RQ:
        return Answer(dimse.UNRECOGNIZED_OPERATION)
    if context.abstract_syntax != VERIFICATION:
        return Answer(dimse.SOP_CLASS_NOT_SUPPORTED)
    return Answer(dimse.SUCCESS)
