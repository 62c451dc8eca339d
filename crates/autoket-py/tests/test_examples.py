"""Each example runs to its end, with fewer steps, and is near the exact energy."""

import re
from pathlib import Path

import pytest

EXAMPLES = sorted((Path(__file__).parents[3] / "examples/python").glob("*.py"))


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_finds_the_ground_state(path, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    script, replaced = re.subn(r"^STEPS = \d+$", "STEPS = 60", path.read_text(), flags=re.MULTILINE)
    assert replaced == 1
    names = {}
    exec(compile(script, str(path), "exec"), names)
    assert abs(names["energy"].mean / names["exact"] - 1) < 0.03


def test_there_are_examples():
    assert {path.stem for path in EXAMPLES} >= {
        "ising",
        "heisenberg_sz0",
        "custom_hamiltonian",
        "custom_layer",
        "load_netket",
    }
