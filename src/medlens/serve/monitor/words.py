"""What one word of a reader says, and what the last words on a finding say together."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, get_args

from medlens.core.diagnosis import Finding, ImageRef

Verdict = Literal["accept", "reject", "correct", "add"]
VERDICTS: tuple[Verdict, ...] = get_args(Verdict)
ADDED = "+"  # before the number of the word that added a finding


@dataclass(frozen=True)
class Plane:
    """An image of the assessment, or a frame of one.

    Attributes:
        sop_uid: SOP Instance UID.
        frame: counted from 1 in a multi-frame image, else None.
    """

    sop_uid: str = field(repr=False)
    frame: int | None = None

    def is_of(self, image: ImageRef) -> bool:
        """Whether it names an image."""
        return (image.sop_instance_uid, image.frame) == (self.sop_uid, self.frame)


@dataclass(frozen=True)
class Correction:
    """What a finding should have been; all that is None or "" stands as it was.

    Attributes:
        label: what it is instead, in the words of the bundle where it has them.
        box: (left, top, right, bottom) in pixels of `image`, edges of pixels counted
            from 0.
        mask: SOP Instance UID of a segmentation in the same study.
        image: that the box lies in; None for the finding's own.
    """

    label: str = ""
    box: tuple[float, float, float, float] | None = None
    mask: str = field(default="", repr=False)
    image: Plane | None = None

    @property
    def is_empty(self) -> bool:
        """True when it says nothing."""
        return not (self.label or self.box or self.mask or self.image)

    def over(self, before: Correction) -> Correction:
        """This one, and what it leaves open as it was before."""
        is_moved = self.box is not None or self.image is not None
        return Correction(
            label=self.label or before.label,
            box=self.box if is_moved else before.box,
            mask=self.mask or before.mask,
            image=self.image or before.image,
        )


@dataclass(frozen=True)
class Word:
    """One word of one reader.

    Attributes:
        id: grows with time.
        result, assessment, finding: what it is about.
        verdict: "accept": the finding is right as it stands; "reject": it is there
            where none was found, or is not where one was; "correct": see `correction`;
            "add": the bundle missed it.
        correction: of a finding of the bundle empty unless it is corrected; of one that
            was added all that this word says of it.
        comment: free text; it may say anything and leaves this service in no export.
        reader: number of the user, None for the guest of a demo.
        at: seconds since 1970.
    """

    id: int
    result: int
    assessment: int
    finding: str
    verdict: Verdict
    correction: Correction
    comment: str = field(repr=False)
    reader: int | None
    at: float

    @property
    def is_of_added(self) -> bool:
        """Whether it speaks of a finding that a reader added."""
        return self.finding.startswith(ADDED)


def last_words(words: Iterable[Word]) -> list[Word]:
    """Of each reader on each finding the last one, in order."""
    last = {
        (word.result, word.assessment, word.finding, word.reader): word
        for word in sorted(words, key=lambda word: word.id)
    }
    return sorted(last.values(), key=lambda word: word.id)


def is_present(finding: Finding, word: Word) -> bool:
    """Whether, by a reader's word, what the finding's label says is there."""
    if word.is_of_added:
        return word.verdict != "reject" and word.correction.label == finding.label
    if word.verdict == "reject":
        return not finding.is_present
    if word.verdict == "correct" and word.correction.label not in ("", finding.label):
        return False
    return finding.is_present or word.verdict == "correct"


def words_on(finding: Finding, said: Mapping[str, Sequence[Word]]) -> tuple[Word, ...]:
    """Last words on a finding, of each reader one, in order.

    Who adds a finding under a label of which the bundle said that it is not there
    speaks of that, too.

    Args:
        finding: of the bundle.
        said: id of a finding, the bundle's or added → last words on it.
    """
    words = list(said.get(finding.id, ()))
    if not finding.is_present:
        words += [
            word
            for others in said.values()
            for word in others
            if word.is_of_added and is_present(finding, word)
        ]
    last = {word.reader: word for word in sorted(words, key=lambda word: word.id)}
    return tuple(sorted(last.values(), key=lambda word: word.id))


def added_label(words: Sequence[Word]) -> str | None:
    """Label of an added finding by the last words on it: "" where all of its readers
    took it back, None where they disagree."""
    said = {w.correction.label if w.verdict != "reject" else "" for w in words}
    return said.pop() if len(said) == 1 else None
