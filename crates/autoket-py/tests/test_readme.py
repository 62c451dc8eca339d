"""The README's script runs, and finds the ground state."""

import re
from pathlib import Path

README = Path(__file__).parents[3] / "README.md"


def test_the_script_of_the_readme(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    blocks = re.findall(r"```python\n(.*?)```", README.read_text(), flags=re.DOTALL)
    (script,) = [block for block in blocks if "import autoket as nk" in block]
    names = {}
    exec(compile(script, "README.md", "exec"), names)
    nk = names["nk"]
    energy = names["state"].expect(names["hamiltonian"]).mean
    exact = nk.exact.lanczos_ed(names["hamiltonian"])[0]
    assert abs(energy / exact - 1) < 5e-3
    assert (tmp_path / "ising.log").exists()
    assert (tmp_path / "ising.mpack").exists()
