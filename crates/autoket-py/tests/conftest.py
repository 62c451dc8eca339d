"""Tests beside NetKet run in double precision on the CPU."""

import os
import signal

os.environ.setdefault("JAX_PLATFORMS", "cpu")
os.environ.setdefault("NETKET_RANDOM_STATE_FALLBACK_WARNING", "0")

# A shell that starts the tests in the background has them ignore Ctrl-C; they test it.
signal.signal(signal.SIGINT, signal.default_int_handler)
