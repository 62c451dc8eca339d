"""Permutations of sites, and their one-dimensional representations."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from autoket._arguments import Array, restore, wrong_type
from autoket._native import Sector as _Sector
from autoket._native import SymmetryGroup as _SymmetryGroup

# Representations of more dimensions, and what they are made of.
_OF_NETKETS_GROUPS = frozenset(
    """apply_to_id character_table character_table_by_class character_table_readable check_multiplier
    conjugacy_classes conjugacy_table elems full_translation_group irrep_matrices is_subgroup lattice little_group
    little_group_irreps_readable little_group_multipliers one_arm_irreps point_group product_table
    projective_characters_by_class remove_duplicates replace rotation_group space_group space_group_irreps
    translation_group""".split()
)


class SymmetryGroup:
    """A group of permutations of sites, the identity first. NetKet: `PermutationGroup`.

    Args:
        permutations: The permutations g, shape `(permutation, site)`: site i goes to `g[i]`.

    Raises:
        ValueError: They are no permutations, or no group.

    Example:
        >>> import autoket as nk
        >>> reflection = nk.graph.SymmetryGroup([[0, 1, 2], [2, 1, 0]])
        >>> [sector.characters.real.tolist() for sector in reflection.sectors()]
        [[1.0, 1.0], [1.0, -1.0]]
    """

    _native: _SymmetryGroup

    def __init__(self, permutations: Any):
        lists = np.asarray(permutations)
        if lists.ndim != 2 or lists.dtype.kind not in "iu" or np.any(lists < 0):
            wrong_type("permutations", "whole numbers of shape (permutation, site)", permutations)
        self._native = _SymmetryGroup(lists.shape[1], lists.tolist())

    @classmethod
    def _of(cls, native: _SymmetryGroup) -> "SymmetryGroup":
        group = cls.__new__(cls)
        group._native = native
        return group

    @classmethod
    def generated_by(cls, generators: Any) -> "SymmetryGroup":
        """All products of some permutations, shape `(generator, site)`."""
        lists = np.asarray(generators)
        if lists.ndim != 2 or lists.dtype.kind not in "iu" or np.any(lists < 0):
            wrong_type("generators", "whole numbers of shape (generator, site)", generators)
        return cls._of(_SymmetryGroup.generated_by(lists.shape[1], lists.tolist()))

    @property
    def permutations(self) -> Array:
        """The permutations, shape `(permutation, site)`: site i goes to `[g, i]`."""
        return np.asarray(self._native.permutations)

    def to_array(self) -> Array:
        """The inverses of the permutations, shape `(permutation, site)`: `σ[..., to_array()[g]]` is gσ, as NetKet's."""
        return np.argsort(self.permutations, axis=-1)

    def sectors(self) -> "list[Sector]":
        """All one-dimensional irreducible representations, the trivial one first."""
        return [Sector._of(native) for native in self._native.sectors()]

    @property
    def shape(self) -> tuple[int, int]:
        """The number of permutations, and of sites."""
        return len(self), self._native.n_sites

    @property
    def degree(self) -> int:
        """The number of sites."""
        return self._native.n_sites

    @property
    def inverse(self) -> Array:
        """The place of the inverse of each permutation."""
        place = {tuple(g): i for i, g in enumerate(self._native.permutations)}
        return np.asarray([place[tuple(g)] for g in self.to_array().tolist()])

    def __getattr__(self, name: str) -> Any:
        if name in _OF_NETKETS_GROUPS:
            raise NotImplementedError(
                f"autoket leaves out {name} of groups: one-dimensional representations are in `sectors`, and "
                "those of a momentum in `Lattice.sectors`"
            )
        raise AttributeError(f"'SymmetryGroup' object has no attribute {name!r}")

    def __len__(self) -> int:
        return len(self._native.permutations)

    def __iter__(self) -> Iterator[Array]:
        return iter(self.permutations)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, SymmetryGroup) and self._native.permutations == other._native.permutations

    def __hash__(self) -> int:
        return hash(tuple(map(tuple, self._native.permutations)))

    def __repr__(self) -> str:
        return f"SymmetryGroup({len(self)} permutations of {self._native.n_sites} sites)"

    def __reduce__(self) -> tuple[Any, ...]:
        return restore, (SymmetryGroup, (self._native.permutations,), {})


class Sector:
    """A one-dimensional representation of a group, and what a spin flip does: g|ψ⟩ = χ(g)|ψ⟩.

    Args:
        group: The group.
        characters: χ of each permutation.

    Raises:
        ValueError: χ(gh) is not χ(g)χ(h).
    """

    _native: _Sector

    def __init__(self, group: SymmetryGroup, characters: Any):
        if not isinstance(group, SymmetryGroup):
            wrong_type("group", "a nk.graph.SymmetryGroup", group)
        values = np.asarray(characters, dtype=complex)
        self._native = _Sector(group._native.permutations, values.ravel().tolist(), None)

    @classmethod
    def _of(cls, native: _Sector) -> "Sector":
        sector = cls.__new__(cls)
        sector._native = native
        return sector

    def with_spin_flip(self, even: bool) -> "Sector":
        """The same sector, of states that are even or odd when all spins are flipped."""
        return Sector._of(self._native.with_spin_flip(bool(even)))

    @property
    def permutations(self) -> Array:
        """The permutations of the group, shape `(permutation, site)`."""
        return np.asarray(self._native.permutations)

    @property
    def characters(self) -> Array:
        """χ of each."""
        return np.asarray(self._native.characters)

    @property
    def spin_flip(self) -> int | None:
        """1 or -1; None where it is not asked."""
        return self._native.spin_flip

    def __repr__(self) -> str:
        flip = "" if self.spin_flip is None else f", spin_flip={self.spin_flip}"
        return f"Sector({len(self.characters)} permutations of {self.permutations.shape[1]} sites{flip})"

    def __reduce__(self) -> tuple[Any, ...]:
        native = self._native
        return _restore_sector, (native.permutations, native.characters, native.spin_flip)


def _restore_sector(permutations: list[list[int]], characters: list[complex], flip: int | None) -> Sector:
    return Sector._of(_Sector(permutations, characters, flip))
