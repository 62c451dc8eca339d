"""What NetKet keeps under this name."""

from autoket.experimental import models

__all__ = ["models"]
