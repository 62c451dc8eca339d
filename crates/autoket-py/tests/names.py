"""Writes docs/python-names.md: every public name of NetKet in the modules that autoket has, and what became of it.

python crates/autoket-py/tests/names.py
"""

import importlib
import inspect
import sys
from pathlib import Path
from types import ModuleType

PAGE = Path(__file__).parents[3] / "docs/python-names.md"

# The package itself is the first.
MODULES = [
    "",
    *"""graph hilbert hilbert.constraint operator operator.spin operator.boson operator.fermion models nn
nn.activation sampler vqs optimizer optimizer.qgt optimizer.solver driver exact logging callbacks stats jax
experimental.models""".split(),
]

# What parameters do not tell.
DIFFERS = {
    "callbacks.StopRun": "the reason is printed to standard error",
    "driver.VMC": "steps are the compiled library's, so it cannot be subclassed for other losses",
    "jax.PRNGKey": "an array of two words, JAX's older form",
    "jax.PRNGSeq": "keys are arrays of two words",
    "logging.JsonLog": "the log is whole at any instant: it is replaced, not rewritten",
    "logging.StateLog": "an archive is whole after each step, not when the log is deleted",
    "optimizer.AdaGrad": "an object with fields instead of a pair of functions of optax",
    "optimizer.Adam": "an object with fields instead of a pair of functions of optax",
    "optimizer.Momentum": "an object with fields instead of a pair of functions of optax",
    "optimizer.RmsProp": "an object with fields instead of a pair of functions of optax",
    "optimizer.SR": "the cheapest way is taken if none is asked for; all give the same update",
    "optimizer.Sgd": "an object with fields instead of a pair of functions of optax",
    "optimizer.qgt.QGTAuto": "one matrix, found in one way",
    "optimizer.qgt.QGTJacobianDense": "the same as QGTAuto",
    "optimizer.qgt.QGTJacobianPyTree": "the same as QGTAuto",
    "optimizer.qgt.QGTOnTheFly": "the same as QGTAuto",
    "stats.Stats": "of independent samples: no correlation time, one chain",
}

HEAD = """# NetKet's names in autoket

Every public name of NetKet {version} in the modules that autoket has. `has`: the same name,
with all parameters that NetKet's has. `differs`: how, or which parameters it lacks. `left out`: why; asking for it
raises `NotImplementedError` with the same words.

Written by `crates/autoket-py/tests/names.py`, which looks at both packages; a test tells when it is out of date.
"""


def module(package: str, path: str) -> ModuleType:
    """A module of one of the packages."""
    found = importlib.import_module(package)
    for name in filter(None, path.split(".")):
        found = getattr(found, name)
    return found


def public(home: ModuleType) -> list[str]:
    """What NetKet has in a module, without what it imports from elsewhere."""
    names = []
    for name in sorted(dir(home)):
        if name.startswith("_"):
            continue
        value = getattr(home, name)
        origin = value.__name__ if isinstance(value, ModuleType) else getattr(value, "__module__", None) or "netket"
        if origin.split(".")[0] == "netket" and name not in ("HashablePartial",):
            names.append(name)
    return names


def parameters(value: object) -> tuple[list[str], bool]:
    """The names of what a call takes, and whether it takes any others by name; of a class, what makes one."""
    if isinstance(value, ModuleType) or not callable(value):
        return [], True
    found: dict[str, inspect.Parameter] = {}
    for source in (value, value.__init__) if isinstance(value, type) else (value,):
        try:
            found |= inspect.signature(source).parameters
        except (TypeError, ValueError):
            return [], True
    named = [name for name, p in found.items() if p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)]
    names = [name for name in named if not name.startswith("_") and name not in ("cls", "self")]
    return names, any(p.kind is p.VAR_KEYWORD for p in found.values())


def row(path: str, name: str, theirs: object) -> tuple[str, str]:
    """What became of a name, and the details.

    Raises:
        AttributeError: it is neither there nor left out with a reason.
    """
    try:
        ours = getattr(module("autoket", path), name)
    except NotImplementedError as reason:
        return "left out", str(reason).split(": ", 1)[1]
    notes = [DIFFERS[f"{path}.{name}"]] if f"{path}.{name}" in DIFFERS else []
    (wanted, _), (known, takes_any) = parameters(theirs), parameters(ours)
    missing = [] if takes_any else [parameter for parameter in wanted if parameter not in known]
    if missing:
        notes.append("without " + ", ".join(f"`{name}`" for name in missing))
    return ("differs", "; ".join(notes)) if notes else ("has", "")


def tables() -> dict[str, list[tuple[str, str, str]]]:
    """Of each module its names, what became of each, and the details.

    Raises:
        AttributeError: with all names that are neither there nor left out.
    """
    found, lost = {}, []
    for path in MODULES:
        theirs = module("netket", path)
        rows = []
        for name in public(theirs):
            try:
                rows.append((name, *row(path, name, getattr(theirs, name))))
            except AttributeError:
                lost.append(f"{path}.{name}")
        found[path] = rows
    if lost:
        raise AttributeError(f"neither there nor left out with a reason: {', '.join(lost)}")
    differ = {f"{path}.{name}" for path, rows in found.items() for name, kind, _ in rows if kind == "differs"}
    if not DIFFERS.keys() <= differ:
        raise KeyError(f"said to differ, but not there: {sorted(DIFFERS.keys() - differ)}")
    return found


def page() -> str:
    """The page as text."""
    text = [HEAD.format(version=importlib.import_module("netket").__version__)]
    for path, rows in tables().items():
        text.append(f"\n## {'.'.join(filter(None, ('nk', path)))}\n\n| name | | |\n|---|---|---|\n")
        cells = ((name, kind, detail.replace("|", "\\|")) for name, kind, detail in rows)
        text.extend(f"| `{name}` | {kind} | {detail} |\n" for name, kind, detail in cells)
    return "".join(text)


if __name__ == "__main__":
    # Names depend on what else has been imported, so that a test asks a fresh interpreter.
    if sys.argv[1:] == ["--print"]:
        print(page(), end="")
    else:
        PAGE.write_text(page())
