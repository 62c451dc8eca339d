"""Every name of NetKet's is there, or is left out with a reason; the page says which."""

import netket
import pytest
from names import DIFFERS, PAGE, module, page, public, tables

import autoket


def test_the_page_is_of_these_packages():
    assert PAGE.read_text() == page(), "docs/python-names.md is out of date: run crates/autoket-py/tests/names.py"


def test_what_is_said_to_differ_is_there():
    there = {f"{path}.{name}" for path, rows in tables().items() for name, kind, _ in rows if kind == "differs"}
    assert DIFFERS.keys() <= there


def test_names_of_the_package_itself_are_there_or_left_out():
    for name in public(netket):
        try:
            getattr(autoket, name)
        except NotImplementedError as reason:
            assert len(str(reason)) > 40, name


def test_a_name_that_nobody_has_is_no_attribute():
    for path in ("models", "optimizer.solver", "jax", "random", "logging"):
        with pytest.raises(AttributeError, match="nonsense"):
            module("autoket", path).nonsense  # noqa: B018
    with pytest.raises(AttributeError, match="nonsense"):
        autoket.nonsense  # noqa: B018
