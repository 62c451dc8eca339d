"""Spins, qubits, bosons and fermions."""

from collections.abc import Iterable
from fractions import Fraction
from typing import Any

from autoket._arguments import real_number, refuse, whole_number, wrong_type
from autoket.hilbert._base import HomogeneousHilbert
from autoket.hilbert.constraint import (
    DiscreteHilbertConstraint,
    ExtraConstraint,
    SumConstraint,
    SumOnPartitionConstraint,
)


class Spin(HomogeneousHilbert):
    """Spins s on N sites: local states 2m = 2s, 2s - 2, ..., -2s.

    Args:
        s: The spin, a multiple of 1/2.
        N: The number of sites.
        total_sz: The sum of all z components, if it is fixed.
        constraint: Another rule, in place of `total_sz`.
        inverted_ordering: Local states ascend instead, as in NetKet before 3.16: index 0 is -2s.

    Raises:
        ValueError: No such spin; a sum that no state has; two constraints.

    Example:
        >>> import autoket as nk
        >>> hilbert = nk.hilbert.Spin(s=1/2, N=4, total_sz=0)
        >>> hilbert.n_states, hilbert.local_states
        (6, [1, -1])
        >>> hilbert
        Spin(s=1/2, N=4, ordering=new, total_sz=0)
    """

    def __init__(
        self,
        s: float,
        N: int = 1,
        *,
        total_sz: float | None = None,
        constraint: DiscreteHilbertConstraint | None = None,
        inverted_ordering: bool = False,
    ):
        arguments = dict(s=s, N=N, total_sz=total_sz, constraint=constraint, inverted_ordering=inverted_ordering)
        self._s = real_number("s", s)
        self._total_sz = total_sz
        self._inverted_ordering = bool(inverted_ordering)
        args = (self._s, whole_number("N", N, least=1), self._inverted_ordering)
        if total_sz is not None:
            if constraint is not None:
                refuse("constraint", "one constraint", "`total_sz` too", "leave one of them out")
            twice, most = 2 * real_number("total_sz", total_sz), round(2 * self._s) * args[1]
            if twice != round(twice) or abs(twice) > most or (round(twice) - most) % 2:
                half = "a half-integer" if most % 2 else "an integer"
                expected = f"{half} from {-most / 2} to {most / 2}"
                refuse("total_sz", expected, total_sz, f"choose a sum that {N} spins can have")
            constraint = SumConstraint(round(twice))
        super().__init__("spin", args, constraint, arguments)

    def _of_size(self, n_sites: int) -> "Spin":
        return Spin(self._arguments["s"], n_sites, inverted_ordering=self._inverted_ordering)

    def _local_space(self) -> tuple[Any, ...]:
        return (self._s, self._inverted_ordering)

    @property
    def _attrs(self) -> tuple[Any, ...]:
        return (self.size, self._s, self._inverted_ordering, self.constraint)

    def __repr__(self) -> str:
        constraint = ""
        if self._total_sz is not None:
            constraint = f", total_sz={self._total_sz}"
        elif self.constrained:
            constraint = f", {self._constraint}"
        ordering = "inverted" if self._inverted_ordering else "new"
        return f"Spin(s={Fraction(self._s)}, N={self.size}, ordering={ordering}{constraint})"


class Qubit(HomogeneousHilbert):
    """Qubits: local states 0 and 1, and σᶻ is 1 on 0.

    Args:
        N: The number of qubits.

    Example:
        >>> import autoket as nk
        >>> nk.hilbert.Qubit(3) ** 2
        Qubit(N=6)
    """

    def __init__(self, N: int = 1):
        super().__init__("qubit", (whole_number("N", N, least=1),), None, {"N": N})

    def _of_size(self, n_sites: int) -> "Qubit":
        return Qubit(n_sites)

    def _local_space(self) -> tuple[Any, ...]:
        return ()

    @property
    def _attrs(self) -> tuple[Any, ...]:
        return (self.size,)

    def __repr__(self) -> str:
        return f"Qubit(N={self.size})"


class Fock(HomogeneousHilbert):
    """Bosons: local states are the occupations 0, 1, ..., n_max.

    Args:
        n_max: The most bosons on a site, at most 255. It may be left out where `n_particles` is given.
        N: The number of sites.
        n_particles: The number of bosons, if it is fixed.
        constraint: Another rule, in place of `n_particles`.

    Raises:
        ValueError: No bound on the bosons of a site; more particles than fit; two constraints.

    Example:
        >>> import autoket as nk
        >>> nk.hilbert.Fock(n_max=5, N=3, n_particles=11).n_states
        15
    """

    def __init__(
        self,
        n_max: int | None = None,
        N: int = 1,
        n_particles: int | None = None,
        constraint: DiscreteHilbertConstraint | None = None,
    ):
        arguments = dict(n_max=n_max, N=N, n_particles=n_particles, constraint=constraint)
        n_sites = whole_number("N", N, least=1)
        if n_particles is not None:
            n_particles = whole_number("n_particles", n_particles)
            if constraint is not None:
                refuse("constraint", "one constraint", "`n_particles` too", "leave one of them out")
            constraint = SumConstraint(n_particles)
            n_max = max(n_particles, 1) if n_max is None else n_max
        if n_max is None:
            cure = "a site holds at most 255 bosons here"
            refuse("n_max", "the most bosons on a site", None, cure)
        self._n_max = whole_number("n_max", n_max, least=1)
        self._n_particles = n_particles
        if n_particles is not None and n_particles > self._n_max * n_sites:
            refuse("n_particles", f"at most {self._n_max * n_sites}", n_particles, "take fewer particles")
        super().__init__("fock", (self._n_max, n_sites), constraint, arguments)

    @property
    def n_max(self) -> int:
        """The most bosons on a site."""
        return self._n_max

    @property
    def n_particles(self) -> int | None:
        """The number of bosons, if it is fixed."""
        return self._n_particles

    def _of_size(self, n_sites: int) -> "Fock":
        return Fock(self._n_max, n_sites)

    def _local_space(self) -> tuple[Any, ...]:
        return (self._n_max,)

    @property
    def _attrs(self) -> tuple[Any, ...]:
        return (self.size, self._n_max, self.constraint)

    def __repr__(self) -> str:
        constraint = ""
        if self._n_particles is not None:
            constraint = f", n_particles={self._n_particles}"
        elif self.constrained:
            constraint = f", {self._constraint}"
        return f"Fock(n_max={self._n_max}{constraint}, N={self.size})"


class SpinOrbitalFermions(HomogeneousHilbert):
    """Fermions in orbitals, with spin s or none: local states are the occupations 0 and 1.

    A site is an orbital with a spin projection: all orbitals with m = -s first, then those with m = -s + 1, and
    so on.

    Args:
        n_orbitals: The number of orbitals of each projection.
        s: The spin of the fermions; None is no spin.
        n_fermions: The number of fermions, if it is fixed.
        n_fermions_per_spin: The number with each projection from -s up, if they are.
        constraint: A rule that holds besides.

    Raises:
        ValueError: More fermions than orbitals; another number of projections; two ways to fix the number.

    Example:
        >>> import autoket as nk
        >>> nk.hilbert.SpinOrbitalFermions(4, s=1/2, n_fermions_per_spin=(2, 2)).n_states
        36
    """

    def __init__(
        self,
        n_orbitals: int,
        s: float | None = None,
        *,
        n_fermions: int | None = None,
        n_fermions_per_spin: tuple[int, ...] | None = None,
        constraint: DiscreteHilbertConstraint | None = None,
    ):
        arguments = dict(
            n_orbitals=n_orbitals,
            s=s,
            n_fermions=n_fermions,
            n_fermions_per_spin=n_fermions_per_spin,
            constraint=constraint,
        )
        self._n_orbitals = whole_number("n_orbitals", n_orbitals, least=1)
        self._s = None if s is None or s == 0 else real_number("s", s)
        n_spins = 1 if self._s is None else round(2 * self._s + 1)
        if n_fermions is not None:
            n_fermions = whole_number("n_fermions", n_fermions)
        numbers: tuple[int | None, ...] = (n_fermions,) if n_spins == 1 else (None,) * n_spins
        occupation: DiscreteHilbertConstraint | None = None
        if n_fermions_per_spin is not None:
            if n_spins == 1:
                refuse("n_fermions_per_spin", "fermions with a spin", n_fermions_per_spin, "use `n_fermions`")
            if n_fermions is not None:
                refuse("n_fermions_per_spin", "one way to fix numbers", "`n_fermions` too", "leave one out")
            if not isinstance(n_fermions_per_spin, Iterable):
                wrong_type("n_fermions_per_spin", "one number for each spin projection", n_fermions_per_spin)
            per_spin = tuple(whole_number("n_fermions_per_spin", n) for n in n_fermions_per_spin)
            if len(per_spin) != n_spins or max(per_spin) > self._n_orbitals:
                expected = f"{n_spins} numbers up to {self._n_orbitals}, one for each spin projection"
                refuse("n_fermions_per_spin", expected, n_fermions_per_spin, "list them from m = -s to s")
            numbers = per_spin
            n_fermions = sum(per_spin)
            occupation = SumOnPartitionConstraint(per_spin, (self._n_orbitals,) * n_spins)
        elif n_fermions is not None:
            if n_fermions > self._n_orbitals * n_spins:
                refuse("n_fermions", f"at most {self._n_orbitals * n_spins}", n_fermions, "take fewer")
            occupation = SumConstraint(n_fermions)
        if occupation is not None:
            constraint = occupation if constraint is None else ExtraConstraint(occupation, constraint)
        self._n_fermions = n_fermions
        self._n_fermions_per_spin = numbers
        super().__init__("spin_orbital_fermions", (self._n_orbitals, self._s), constraint, arguments)

    @property
    def n_fermions(self) -> int | None:
        """The number of fermions, if it is fixed."""
        return self._n_fermions

    @property
    def n_fermions_per_spin(self) -> tuple[int | None, ...]:
        """The number of fermions with each spin projection, None where it is not fixed."""
        return self._n_fermions_per_spin

    @property
    def n_spin_subsectors(self) -> int:
        """The number of spin projections; 1 without spin."""
        return len(self._n_fermions_per_spin)

    @property
    def n_orbitals(self) -> int:
        """The number of orbitals of each projection."""
        return self._n_orbitals

    @property
    def spin(self) -> float | None:
        """The spin of the fermions, if they have one."""
        return self._s

    def _spin_index(self, sz: int | None) -> int:
        """The number of a spin projection, by twice its z component."""
        if self._s is None:
            if sz is not None and sz != 0:
                refuse("sz", "none, for fermions without spin", sz, "leave it out")
            return 0
        twice = round(2 * self._s)
        allowed = range(-twice, twice + 1, 2)
        if sz is None or sz not in allowed:
            refuse("sz", f"one of {list(allowed)}", sz, "it is twice the z component of the spin")
        return allowed.index(int(sz))

    def _get_index(self, orb: int, sz: int | None = None) -> int:
        """The site of an orbital with a spin projection."""
        orbital = whole_number("site", orb)
        if orbital >= self._n_orbitals:
            raise IndexError(f"`site`: expected 0 to {self._n_orbitals - 1} in {self!r}, got {orb}")
        return self._spin_index(sz) * self._n_orbitals + orbital

    @property
    def _attrs(self) -> tuple[Any, ...]:
        return (self.n_orbitals, self.spin, self.constraint)

    def _local_space(self) -> tuple[Any, ...]:
        return (None, id(self))

    def __repr__(self) -> str:
        parts = [f"n_orbitals={self.n_orbitals}"]
        if self.spin is not None:
            parts.append(f"s={Fraction(self.spin)}")
        if self.n_fermions is not None:
            parts.append(f"n_fermions={self.n_fermions}")
        if self.spin is not None and any(n is not None for n in self.n_fermions_per_spin):
            parts.append(f"n_fermions_per_spin={self.n_fermions_per_spin}")
        return f"SpinOrbitalFermions({', '.join(parts)})"
