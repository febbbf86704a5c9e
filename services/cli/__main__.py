"""`strongroom`: run a verb, and say in a sentence what went wrong."""

import os
import sys
import traceback
from collections.abc import Sequence

from typer.main import get_command

from services.cli.app import app
from services.cli.arguments import arranged
from services.cli.transfer.endings import Ending
from shared.errors import StrongroomError

FAILED = 1
TRACE = "STRONGROOM_TRACE"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; return its exit code, which the README lists."""
    words = sys.argv[1:] if arguments is None else arguments
    try:
        get_command(app).main(args=arranged(words), prog_name="strongroom")
    except SystemExit as leaving:
        return leaving.code if isinstance(leaving.code, int) else FAILED
    except Ending as end:
        return _failed(str(end), end.exit_code)
    except StrongroomError as error:
        return _failed(str(error))
    except OSError as error:
        return _failed(": ".join(str(part) for part in (error.filename, error.strerror or error) if part))
    except Exception as error:  # noqa: BLE001 - people get a sentence, and the trace when they ask for it
        return _failed(
            f"this should not have happened: {type(error).__name__}: {error}; set {TRACE}=1 to see the trace"
        )
    return 0


def _failed(sentence: str, code: int = FAILED) -> int:
    if os.environ.get(TRACE):
        traceback.print_exc()
    sys.stderr.write(f"strongroom: {sentence}\n")
    return code


if __name__ == "__main__":
    sys.exit(main())
