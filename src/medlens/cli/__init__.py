"""The command line: one file per verb; each parses, calls one function, prints."""

from __future__ import annotations

import os
import sys
from pathlib import Path

STOPPED = 130


def main() -> None:
    """Run the command and end the process with its exit code.

    0 done; 1 some cases failed, or the work could not be done; 2 wrong use;
    130 stopped with Ctrl-C.
    """
    from medlens.cli.app import app
    from medlens.core import MedlensError, UsageError

    try:
        app()
    except SystemExit as end:
        if end.code == STOPPED:
            # A Ctrl-C that fell into an import makes the interpreter end itself by
            # the signal later on, although it was answered; leave with our code.
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(STOPPED)
        raise
    except UsageError as error:
        _tell(error)
        sys.exit(2)
    except MedlensError as error:
        _tell(error)
        sys.exit(1)
    except BrokenPipeError:
        sys.stderr.close()  # the reader of our output has gone: nothing to tell
        sys.exit(1)
    except OSError as error:
        _tell(_of_machine(error))
        sys.exit(1)
    except MemoryError:
        _tell("there is not enough memory; free some, or give fewer or smaller images")
        sys.exit(1)


def _of_machine(error: OSError) -> str:
    """What the machine refused; of a path the last part only."""
    where = Path(os.fsdecode(error.filename)).name if error.filename else "file"
    what = error.strerror or type(error).__name__
    return (
        f"{where}: {what}; check that it can be read or written and the disk has room"
    )


def _tell(error: Exception | str) -> None:
    print(f"medlens: {error}", file=sys.stderr)
