"""Tests beside NetKet run in double precision on the CPU."""

import os
import signal
from pathlib import Path

os.environ.setdefault("JAX_PLATFORMS", "cpu")
# What XLA compiles for NetKet takes most of the time of these tests, and is the same from run to run.
os.environ.setdefault("JAX_COMPILATION_CACHE_DIR", str(Path(__file__).parents[3] / "target/jax"))
os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", "0")
os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES", "-1")
# It takes half of the time so, and numbers agree to rounding all the same.
os.environ.setdefault("JAX_DISABLE_MOST_OPTIMIZATIONS", "1")
os.environ.setdefault("NETKET_RANDOM_STATE_FALLBACK_WARNING", "0")

# A shell that starts the tests in the background has them ignore Ctrl-C; they test it.
signal.signal(signal.SIGINT, signal.default_int_handler)
