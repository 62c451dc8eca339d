"""Tests beside NetKet run in double precision on the CPU."""

import os

os.environ.setdefault("JAX_PLATFORMS", "cpu")
os.environ.setdefault("NETKET_RANDOM_STATE_FALLBACK_WARNING", "0")
