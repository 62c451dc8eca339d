"""Where the numbers of a run go. A log is a function `(step, log_data, state)` with `flush(state)`.

>>> import autoket as nk
>>> log = nk.logging.RuntimeLog()
>>> log(0, {"Energy": nk.stats.Stats(-1.5, 0.1, 2.0)})
>>> log["Energy"].Mean
array([-1.5])
"""

from autoket._arguments import left_out as _left_out
from autoket.logging._base import AbstractLog
from autoket.logging._hdf5 import HDF5Log
from autoket.logging._json import History, JsonLog, RuntimeLog
from autoket.logging._state import StateLog
from autoket.logging._tensorboard import TensorBoardLog

__all__ = ["AbstractLog", "HDF5Log", "History", "JsonLog", "RuntimeLog", "StateLog", "TensorBoardLog"]

_SERVICE = "logs are files; use JsonLog or TensorBoardLog, or a function (step, log_data, state) of your own"
__getattr__ = _left_out(
    "logging",
    {
        "MLFlowLog": _SERVICE,
        "WandbLog": _SERVICE,
        "SaveVariationalState": "use StateLog, or JsonLog, which keeps the last parameters",
    },
)
