"""Parameters along a run."""

import os
import tarfile
import tempfile
from pathlib import Path
from typing import Any

from autoket._arguments import whole_number, wrong_type
from autoket._ranks import is_first
from autoket.logging._base import AbstractLog, mode_of


class StateLog(AbstractLog):
    """Writes the variables of the state to `PREFIX/0.mpack`, `1.mpack` and so on, or to `PREFIX.tar`, as NetKet does.

    Args:
        output_prefix: the folder, or the archive's path without its ending.
        mode: "write" replaces what is there, "append" goes on with it, "fail" refuses to.
        save_every: steps between two files.
        tar: write an archive?
    """

    def __init__(
        self, output_prefix: str | os.PathLike[str], mode: str = "write", save_every: int = 1, tar: bool = False
    ):
        if not isinstance(output_prefix, str | os.PathLike):
            wrong_type("output_prefix", "a path", output_prefix)
        self._mode = mode_of(mode)
        self._save_every = whole_number("save_every", save_every, least=1)
        prefix = os.fspath(output_prefix)
        self._tar = Path(f"{prefix}.tar") if tar else None
        self._folder = Path(prefix)
        target = self._tar or self._folder
        if self._mode == "fail" and is_first() and target.exists():
            raise ValueError(f"{target} exists; choose another prefix, or mode='write'")
        self._calls = 0
        self._next: int | None = None

    def __call__(self, step: int, item: dict[str, Any], variational_state: Any = None) -> None:
        """Write the variables, if it is time."""
        if variational_state is None:
            wrong_type("variational_state", "the state whose variables are written", variational_state)
        if is_first() and self._calls % self._save_every == 0:
            number = self._begin() if self._next is None else self._next
            self._save(variational_state, f"{number}.mpack")
            self._next = number + 1
        self._calls += 1

    def _begin(self) -> int:
        """Make room; the number of the first file."""
        if self._tar is not None:
            self._tar.parent.mkdir(parents=True, exist_ok=True)
            if self._mode != "append":
                self._tar.unlink(missing_ok=True)
            if not self._tar.exists():
                return 0
            with tarfile.open(self._tar) as archive:
                names = archive.getnames()
        else:
            self._folder.mkdir(parents=True, exist_ok=True)
            names = [path.name for path in self._folder.glob("*.mpack")]
            if self._mode != "append":
                for name in names:
                    (self._folder / name).unlink()
                return 0
        return max((int(name.removesuffix(".mpack")) for name in names), default=-1) + 1

    def _save(self, state: Any, name: str) -> None:
        if self._tar is None:
            state.save(self._folder / name)
            return
        # The archive is whole after each step.
        with tempfile.TemporaryDirectory() as folder, tarfile.open(self._tar, "a") as archive:
            state.save(Path(folder) / name)
            archive.add(Path(folder) / name, arcname=name)

    def flush(self, variational_state: Any = None) -> None:
        """Nothing is kept back."""

    def __repr__(self) -> str:
        return f"StateLog({str(self._tar or self._folder)!r}, mode={self._mode!r}, save_every={self._save_every})"
