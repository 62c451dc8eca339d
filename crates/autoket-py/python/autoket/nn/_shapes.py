"""Arrays of which shape and dtype alone are known."""

from typing import Any

import numpy as np


class ShapeDtypeStruct:
    """A shape and a dtype, as JAX's class of this name."""

    def __init__(self, shape: Any, dtype: Any):
        self.shape = tuple(int(n) for n in shape)
        self.dtype: np.dtype[Any] = np.dtype(dtype)

    @property
    def ndim(self) -> int:
        """The number of axes."""
        return len(self.shape)

    def __repr__(self) -> str:
        return f"ShapeDtypeStruct(shape={self.shape}, dtype={self.dtype})"
