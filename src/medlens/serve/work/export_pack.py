"""Images without identity into an archive that grows, each once."""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from medlens.core import MedlensError, reason_of
from medlens.deidentify import Freed, Keep, Secret, deidentify_file, why_held
from medlens.read.dicom.header import read_header
from medlens.read.source import open_source
from medlens.serve.store.blobs import Draft
from medlens.serve.work.inputs import Input

EPOCH = (1980, 1, 1, 0, 0, 0)  # no moment of ours goes into the archive
MOST_LISTED = 5000


@dataclass(frozen=True)
class Place:
    """Where a freed image lies in the archive.

    Attributes:
        name: its path there.
        folder: of its series.
        patient: pseudonym.
    """

    name: str
    folder: str
    patient: str


@dataclass
class Tally:
    """What became of the images.

    Attributes:
        held: (our number of the instance, case, reason) of those that a person must
            look at.
        failed: (case, reason) of those that could not be freed.
        left_out: (case, reason) of answers that gave no row.
    """

    held: list[tuple[int, str, str]] = field(default_factory=list)
    failed: list[tuple[str, str]] = field(default_factory=list)
    left_out: list[tuple[str, str]] = field(default_factory=list)


class Pack:
    """An archive on its way into the store; use as a context.

    At its end the directory of the archive is written, unless something went wrong.

    Args:
        draft: that it grows in.
        secret: of this service.
        keep: options of the profile.
        released: numbers of instances that a person has looked at.
    """

    def __init__(
        self, draft: Draft, secret: Secret, *, keep: Keep, released: frozenset[int]
    ) -> None:
        self._secret, self._keep, self._released = secret, keep, released
        # Without tell and seek zipfile writes straight on, and says sizes afterwards.
        self._onward = _Onward(draft)
        self._zip = zipfile.ZipFile(self._onward, "w")
        self._places: dict[str, Place | None] = {}
        self.tally = Tally()

    @property
    def places(self) -> list[Place]:
        """Of all images that were freed."""
        return [place for place in self._places.values() if place is not None]

    def add_image(self, item: Input, number: int, case: str) -> Place | None:
        """Free one image; None where it is held or failed, which is noted.

        Args:
            item: of the study.
            number: our own number of the instance.
            case: for the notes.
        """
        if item.sop_uid not in self._places:
            freed = self._free(item, number, case)
            self._places[item.sop_uid] = self._write(freed) if freed else None
        return self._places[item.sop_uid]

    def is_held(self, item: Input, number: int, case: str) -> bool:
        """True, and noted, where a person must look first; by the header alone.

        Raises:
            ReadError: the header cannot be read.
        """
        if item.sop_uid in self._places:
            return self._places[item.sop_uid] is None
        if number in self._released:
            return False
        reason = why_held(read_header(open_source(item.path, item.case)).data)
        if reason:
            self.tally.held.append((number, case, reason))
            self._places[item.sop_uid] = None
        return bool(reason)

    def add(self, name: str, data: bytes, *, is_packed: bool = False) -> None:
        """One more file; text is compressed."""
        entry = zipfile.ZipInfo(name, EPOCH)
        entry.external_attr = 0o600 << 16
        entry.compress_type = zipfile.ZIP_STORED if is_packed else zipfile.ZIP_DEFLATED
        self._zip.writestr(entry, data)

    def add_table(
        self, name: str, columns: Sequence[str], rows: Iterable[Mapping[str, str]]
    ) -> None:
        """A CSV of rows."""
        text = io.StringIO()
        writer = csv.DictWriter(text, columns, restval="", lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
        self.add(name, text.getvalue().encode())

    def __enter__(self) -> Pack:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self._onward.is_dropped = kind is not None
        self._zip.close()

    def site(self, site: str) -> str:
        """A word for a site that tells it from others and names none."""
        return "S" + self._secret.pseudonym(f"site {site}")[1:] if site else ""

    def uid(self, uid: str) -> str:
        """What a UID is called in the archive."""
        return self._secret.uid(uid)

    def _free(self, item: Input, number: int, case: str) -> Freed | None:
        try:
            freed = deidentify_file(
                item.path.read_bytes(),
                self._secret,
                case=case,
                keep=self._keep,
                allow_burned_in=number in self._released,
            )
        except (MedlensError, OSError) as error:
            said = str(error) if isinstance(error, MedlensError) else reason_of(error)
            self.tally.failed.append((case, said.removeprefix(f"{case}: ")))
            return None
        if freed.held:
            self.tally.held.append((number, case, freed.held))
            return None
        return freed

    def _write(self, freed: Freed) -> Place:
        folder = f"images/{freed.pseudonym}/{freed.series_uid}"
        place = Place(f"{folder}/{freed.sop_uid}.dcm", folder, freed.pseudonym)
        self.add(place.name, freed.data, is_packed=True)
        return place


class _Onward:
    """A draft as a file that is only written to; what is dropped goes nowhere."""

    def __init__(self, draft: Draft) -> None:
        self._draft = draft
        self.is_dropped = False

    def write(self, data: bytes) -> int:
        if not self.is_dropped:
            self._draft.write(data)
        return len(data)

    def flush(self) -> None:
        """Nothing waits here: the draft writes at once."""

    def close(self) -> None:
        """The draft is closed by whoever opened it."""
