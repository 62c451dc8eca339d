"""Many ranks: processes that `mpirun -n 4 python script.py` starts, and that do the same run together.

All ranks run the whole script. What costs time is shared among them, and all get the same numbers, those of one
process to the last bit. So all must do the same with states and drivers, from the same seeds: a rank that does not ends
them all, with a message. Logs, and `save` of states and drivers, write in the first rank alone; what a script itself
prints or writes is up to it:

>>> import autoket as nk
>>> if nk.ranks.is_first():
...     print(f"{nk.ranks.size()} rank")
1 rank

The package must be built with the feature `mpi`. Processes that a rank starts are no ranks.
"""

from autoket._ranks import is_first, rank, size

__all__ = ["is_first", "rank", "size"]
