"""`python -m tests.stack.node up|down|status`: the node of compose.yaml on this machine, without containers.

Data, logs, secrets and addresses are kept in `./run`. The inbox and the outbox listen where compose.yaml publishes
them (NODE_SFTP_PORT, NODE_HTTP_PORT), all else on free ports of the loopback interface.
"""

import argparse
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from tests.stack.node import supervisor
from tests.stack.node.compose import ROOT
from tests.stack.process import ServerError


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a verb; give the exit code."""
    options = _parser().parse_args(arguments)
    try:
        return int(options.verb(options))
    except (ServerError, subprocess.CalledProcessError) as error:
        words = error.stderr if isinstance(error, subprocess.CalledProcessError) else str(error)
        supervisor.say(f"node: {words}", sys.stderr)
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.stack.node", description=__doc__.partition("\n")[0])
    parser.add_argument("--folder", type=Path, default=ROOT / "run", help="where all of it is kept (./run)")
    verbs = parser.add_subparsers(required=True)
    up = verbs.add_parser("up", help="start the servers and all services, and wait until they are ready")
    up.add_argument("--foreground", action="store_true", help="stay, and end with Ctrl-C")
    up.add_argument("--fresh", action="store_true", help="forget the data of the time before")
    up.add_argument("--replicas", type=int, default=1, metavar="N", help="processes of each service")
    up.add_argument("--profile", action="append", default=[], help="of compose.yaml, such as standalone")
    up.set_defaults(verb=supervisor.up)
    verbs.add_parser("down", help="stop all of it").set_defaults(verb=supervisor.down)
    verbs.add_parser("status", help="show what runs, and whether it can work").set_defaults(verb=supervisor.status)
    return parser


if __name__ == "__main__":
    sys.exit(main())
