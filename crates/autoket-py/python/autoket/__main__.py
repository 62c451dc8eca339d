"""The program `autoket`, also as `python -m autoket`."""

import signal
import sys

from autoket import _native


def main() -> int:
    """Do what the arguments ask; the exit status."""
    # The program has its own way with Ctrl-C, and no use for an exception once it is over.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    return _native.program(["autoket", *sys.argv[1:]])


if __name__ == "__main__":
    sys.exit(main())
