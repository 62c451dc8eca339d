"""Every name of NetKet's is there, or is left out with a reason; the page says which."""

import subprocess
import sys
from pathlib import Path

import pytest
from names import PAGE, module

import autoket


def test_the_page_is_of_these_packages():
    script = Path(__file__).with_name("names.py")
    printed = subprocess.run([sys.executable, script, "--print"], capture_output=True, text=True, timeout=300)
    assert printed.returncode == 0, printed.stderr
    assert PAGE.read_text() == printed.stdout, (
        "docs/python-names.md is out of date: run crates/autoket-py/tests/names.py"
    )


def test_a_name_that_nobody_has_is_no_attribute():
    for path in ("models", "optimizer.solver", "jax", "random", "logging"):
        with pytest.raises(AttributeError, match="nonsense"):
            module("autoket", path).nonsense  # noqa: B018
    with pytest.raises(AttributeError, match="nonsense"):
        autoket.nonsense  # noqa: B018


def test_a_name_that_is_left_out_says_why_by_its_full_name():
    with pytest.raises(NotImplementedError, match=r"leaves out optimizer\.solver\.cholesky_distributed: systems"):
        autoket.optimizer.solver.cholesky_distributed  # noqa: B018
    with pytest.raises(NotImplementedError, match="leaves out utils: they serve"):
        autoket.utils  # noqa: B018
