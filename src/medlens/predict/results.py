"""The diagnosis of a case on disk, in every format that was asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from medlens.core import Image, ResourceError
from medlens.predict.case import CaseAnswer, Request
from medlens.predict.files import stem_of, write_result
from medlens.predict.predictor import Failed
from medlens.predict.timing import stage

Files = Iterator[tuple[str, bytes]]
"""Name and bytes of each file of a format."""


def write_results(
    done: CaseAnswer, number: int, request: Request, reopen: Callable[[], Image]
) -> Iterator[Failed]:
    """Write the formats of `Request.results`; what fails is told and the rest go on.

    Args:
        done: the case.
        number: counted from 1; keeps the names apart and in order.
        request: folder, formats and language.
        reopen: gives the source's pixels again.

    Raises:
        ResourceError: the disk is full or cannot be written.
    """
    makers = {"text": _text}
    for kind in request.results:
        try:
            with stage("write"):
                for name, data in makers[kind](done, number, request, reopen):
                    if request.out is not None:
                        write_result(request.out, kind, name, data)
        except ResourceError:
            raise  # a full disk is no matter of this case
        except Exception as error:
            reason = Failed.of(done.item.key, error).reason
            yield Failed(done.item.key, f"no {kind}: {reason}")


def _text(
    done: CaseAnswer, number: int, request: Request, _reopen: Callable[[], Image]
) -> Files:
    from medlens.write.text import to_text

    text = to_text(done.diagnosis, lang=request.lang)
    yield f"{stem_of(done.item.key, number)}.txt", text.encode("utf-8")
