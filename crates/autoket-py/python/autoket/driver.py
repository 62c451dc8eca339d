"""Variational Monte Carlo."""

import os
import sys
import time
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from copy import copy
from pathlib import Path
from typing import Any, NoReturn

from tqdm.auto import tqdm

from autoket._arguments import left_out as _left_out
from autoket._arguments import refuse, whole_number, wrong_type
from autoket._native import Minimizer as _Minimizer
from autoket._ranks import agreed, any_rank, is_first, of_first, tell
from autoket._rarely import Rarely
from autoket._signals import Signals
from autoket.callbacks import AbstractCallback, FunctionCallback, RunFinished, StopRun
from autoket.logging import JsonLog
from autoket.operator import DiscreteOperator
from autoket.optimizer import SR, Sgd
from autoket.optimizer._rules import Foreign, Rule, as_rule, at_step
from autoket.optimizer.solver import form_of
from autoket.stats import Stats, of_native
from autoket.vqs import FullSumState, MCState, VariationalState

__all__ = ["VMC", "VMC_SR"]

Callback = AbstractCallback | Callable[[int, dict[str, Any], Any], bool]


class VMC:
    """Minimises the energy of a variational state.

    Args:
        hamiltonian: what is minimised.
        optimizer: a rule of `nk.optimizer`, or one of optax.
        variational_state: whose parameters move.
        preconditioner: `nk.optimizer.SR(...)`, or None for the plain gradient.
        temperature: T of the free energy ⟨H⟩ - T S that is lowered in place of the energy, S the entropy of |ψ|²: a
            number or a function of the step, which should end at 0. Where signs are to be learned it keeps states of
            small weight alive. NetKet has none.

    >>> import autoket as nk
    >>> hilbert = nk.hilbert.Spin(0.5, 4)
    >>> model = nk.models.ARNNDense(hilbert, layers=2, features=3)
    >>> state = nk.vqs.MCState(nk.sampler.ARDirectSampler(hilbert), model, n_samples=64, seed=0)
    >>> h = nk.operator.Ising(hilbert, nk.graph.Chain(4), h=1.0)
    >>> driver = nk.driver.VMC(h, nk.optimizer.Sgd(0.05), variational_state=state)
    >>> log = driver.run(5, nk.logging.RuntimeLog(), show_progress=False)[0]
    >>> len(log["Energy"])
    5
    """

    _loss_name = "Energy"

    def __init__(
        self,
        hamiltonian: DiscreteOperator,
        optimizer: Any,
        *,
        variational_state: VariationalState,
        preconditioner: SR | None = None,
        temperature: Any = 0.0,
    ):
        if not isinstance(hamiltonian, DiscreteOperator):
            wrong_type("hamiltonian", "an operator of nk.operator", hamiltonian)
        if not isinstance(variational_state, MCState | FullSumState):
            wrong_type("variational_state", "an nk.vqs.MCState or FullSumState", variational_state)
        if preconditioner is not None and not isinstance(preconditioner, SR):
            wrong_type("preconditioner", "nk.optimizer.SR or None", preconditioner)
        if variational_state.hilbert != hamiltonian.hilbert:
            raise TypeError(
                f"the state is on {variational_state.hilbert} and the Hamiltonian on {hamiltonian.hilbert}; "
                "make both from one space"
            )
        if not hamiltonian.is_hermitian:
            refuse("hamiltonian", "a Hermitian operator", "another", "take (H + H.H)/2")
        self._hamiltonian = hamiltonian
        self._optimizer = as_rule(optimizer)
        self._state = variational_state
        self._sr = preconditioner
        at_step("temperature", temperature, 0)
        self._temperature = temperature
        self._step_count = 0
        self._energy: Stats | None = None
        self._is_complex = variational_state._is_complex(hamiltonian)
        # A foreign rule moves the parameters itself.
        rule = Sgd() if isinstance(self._optimizer, Foreign) else self._optimizer
        self._native = _Minimizer(
            variational_state._native, hamiltonian._native, type(rule).__name__, rule._numbers(), self._sr_at(0)
        )

    def _sr_at(self, step: int) -> tuple[float, float | None, str | None] | None:
        return None if self._sr is None else self._sr._at(step)

    @property
    def state(self) -> VariationalState:
        """The state."""
        return self._state

    @property
    def optimizer(self) -> Rule | Foreign:
        """The rule."""
        return self._optimizer

    @property
    def step_count(self) -> int:
        """Steps done."""
        return self._step_count

    @property
    def energy(self) -> Stats | None:
        """The energy before the last update."""
        return self._energy

    def _propose(self) -> Stats:
        """Samples, energy and update of a step; the parameters are as before."""
        step = self._step_count
        temperature = at_step("temperature", self._temperature, step)
        native = self._state._native, self._hamiltonian._native
        stats, is_inexact = self._native.propose(*native, self._sr_at(step), temperature)
        if is_inexact and is_first():
            warnings.warn(
                f"at step {step} the system of SR was singular to rounding or did not converge, so the update is not "
                "exact; raise diag_shift",
                RuntimeWarning,
                stacklevel=3,
            )
        self._energy = of_native(stats, self._is_complex)
        return self._energy

    def _accept(self) -> None:
        if isinstance(self._optimizer, Foreign):
            change = self._native.change(self._state._native)["params"]
            self._state.parameters = self._optimizer.moved(change, self._state.parameters)
            self._native.accept_elsewhere()
        else:
            rate = at_step("learning_rate", self._optimizer.learning_rate, self._step_count)
            self._native.accept(self._state._native, rate)

    def advance(self, steps: int = 1) -> None:
        """Do so many steps."""
        for _ in range(whole_number("steps", steps)):
            self._propose()
            self._accept()
            self._step_count += 1

    def iter(self, n_steps: int, step: int = 1) -> Iterator[int]:
        """Steps one by one; between them, before the update of every `step`-th, the caller may look."""
        step = whole_number("step", step, least=1)
        for done in range(whole_number("n_steps", n_steps)):
            self._propose()
            if done % step == 0:
                yield self._step_count
            self._accept()
            self._step_count += 1

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write all that the run needs to go on as if it had never stopped, to a safetensors file.

        Parameters, memory of the rule and of SR, the step and the key of the next samples: the file is there whole or
        not at all. Save between two steps; in a callback, at `on_step_end`. Of several ranks the first writes.

        Raises:
            ValueError: a step is half done.
            TypeError: the rule is one of optax, whose memory is its own.
        """
        self._refuse_foreign("saved")
        if is_first():
            self._native.save(self._state._native, path)

    def load(self, path: str | os.PathLike[str]) -> None:
        """Go on from a file that `save`, or the program `autoket`, wrote for a model and a rule like these.

        Nothing is changed if it is damaged, or of another model, dtype or rule.
        """
        self._refuse_foreign("loaded")
        self._load(path, 0)

    def _load(self, path: str | os.PathLike[str], begun: int) -> None:
        """`load`, from a file that has come as far as `begun`."""
        # The first rank may have written it.
        tell("loads")
        self._step_count = agreed(lambda: self._native.load(self._state._native, path, begun))
        self._energy = None

    def _refuse_foreign(self, done: str) -> None:
        if isinstance(self._optimizer, Foreign):
            raise TypeError(f"a driver with a rule of optax is not {done}; take one of nk.optimizer")

    def estimate(self, observables: Any) -> Any:
        """Expectation values of an operator, or of a dictionary or list of them, on the state's samples."""
        if isinstance(observables, Mapping):
            return {name: self.estimate(o) for name, o in observables.items()}
        if isinstance(observables, list | tuple):
            return [self.estimate(o) for o in observables]
        return self._state.expect(observables)

    def run(
        self,
        n_iter: int,
        out: Any = None,
        obs: Mapping[str, DiscreteOperator] | None = None,
        step_size: int = 1,
        show_progress: bool = True,
        save_params_every: int = 50,
        write_every: int = 50,
        callback: Callback | Iterable[Callback] | None = None,
        timeit: bool = False,
        checkpoint: str | os.PathLike[str] | None = None,
        checkpoint_every: int | None = None,
    ) -> tuple[Any, ...]:
        """Do so many steps, and log them.

        Args:
            n_iter: steps.
            out: a logger, several, or the prefix of a `JsonLog`'s files.
            obs: operators whose expectation values are logged as well.
            step_size: steps between two measurements of these.
            show_progress: show a bar?
            save_params_every: steps between two writes of parameters, of the log that a prefix makes.
            write_every: steps between two writes of that log.
            callback: functions `(step, log_data, driver)`, of which one that returns False ends the run before the
                update; and `nk.callbacks`.
            timeit: print how long the run took?
            checkpoint: a file. The run goes on from it if it is there, and then steps done before count among `n_iter`,
                and logs that are files lose what is behind it: a script that is started again, after whatever ended
                it, ends as if it had run once, to the last bit. It is written as `save` writes, the one before is
                kept beside it, its name with `.before`; also when the run ends or is stopped, on SIGTERM, which then
                raises SystemExit, and on SIGUSR1. NetKet has none.
            checkpoint_every: steps from one checkpoint to the next; as often as takes a part in 200 of the time, not
                within 2 s, if None.

        Returns:
            The loggers.

        Raises:
            KeyboardInterrupt: Ctrl-C, within a moment; logs are written, and the step that was under way is undone.
            ValueError: the checkpoint is of another model or rule, or damaged, and so is the one before.
            FloatingPointError: the energy is not finite; parameters are those of the last good step.
        """
        n_iter = whole_number("n_iter", n_iter)
        step_size = whole_number("step_size", step_size, least=1)
        if not isinstance(obs, Mapping | None):
            wrong_type("obs", "a dictionary of operators or None", obs)
        saved = None if checkpoint is None else _Checkpoint(self, checkpoint, checkpoint_every)
        if saved is None and checkpoint_every is not None:
            refuse("checkpoint_every", "None without a checkpoint", checkpoint_every, "give the file as checkpoint=")
        goes_on = saved is not None and saved.load()
        done = 0 if saved is None else self._step_count
        loggers = _loggers(out, "append" if goes_on else "write", save_params_every, write_every)
        hooks = _callbacks(callback, loggers)
        if saved is not None and goes_on:
            saved.cut(loggers)
        begin = time.perf_counter()
        is_shown = show_progress and is_first()
        bar = tqdm(total=n_iter, initial=min(done, n_iter), disable=not is_shown, dynamic_ncols=True)
        with Signals(with_checkpoint=saved is not None) as signals:
            try:
                self._tell(hooks, "on_run_start", self._step_count, self)
                for step in range(done, n_iter):
                    if signals.between_steps(step > done and saved is not None and saved.is_due()) and saved:
                        with saved.rarely:
                            # Logs first: they hold all that is behind the file.
                            agreed(lambda: [logger.flush(self._state) for logger in loggers])
                            agreed(saved.write)
                    wanted = obs if obs is not None and step % step_size == 0 else {}
                    self._logged_step(hooks, loggers, wanted, bar, signals)
                self._tell(hooks, "on_run_end", self._step_count, self)
            except StopRun as reason:
                self._tell(hooks, "on_run_end", self._step_count, self)
                if is_first() and not isinstance(reason, RunFinished):
                    print(f"Stopped early: {reason}", file=sys.stderr)
            except BaseException as error:
                for hook in hooks:
                    hook.on_run_error(self._step_count, error, self)
                raise
            finally:
                bar.close()
                self._native.withdraw(self._state._native)
                for logger in loggers:
                    logger.flush(self._state)
                if saved is not None:
                    saved.write()
        if timeit and is_first():
            print(f"{n_iter - done} steps took {time.perf_counter() - begin:.3f} s", file=sys.stderr)
        return loggers

    def _logged_step(
        self,
        hooks: list[AbstractCallback],
        loggers: tuple[Any, ...],
        obs: Mapping[str, DiscreteOperator],
        bar: Any,
        signals: Signals,
    ) -> None:
        """One step of `run`."""
        step = self._step_count
        log_data: dict[str, Any] = {}
        is_rejected = True
        while is_rejected:
            self._tell(hooks, "on_step_start", step, log_data, self)
            self._tell(hooks, "on_compute_update_start", step, log_data, self)
            with signals.finding_a_step():
                energy = self._propose()
            is_rejected = any_rank(any(self._tell(hooks, "on_compute_update_end", step, log_data, self)))
        log_data.update(self.estimate(obs))
        log_data[self._loss_name] = energy
        log_data["wallclock"] = time.perf_counter()
        self._tell(hooks, "before_parameter_update", step, log_data, self)
        # What is a callback as well logs as one. The others are shown the state that the numbers are of.
        plain = [logger for logger in loggers if not isinstance(logger, AbstractCallback)]
        before = copy(self._state) if plain else None
        self._accept()
        try:
            agreed(lambda: [logger(step, log_data, before) for logger in plain])
            bar.set_postfix_str(f"{self._loss_name}={energy}", refresh=False)
            bar.update()
            self._tell(hooks, "on_step_end", step, log_data, self)
        finally:
            # The parameters have moved, whatever a log or a callback thinks of it.
            self._step_count += 1

    def _tell(self, hooks: list[AbstractCallback], event: str, *what: Any) -> list[Any]:
        """Call a method of all; what one says in one rank it says in all."""
        return agreed(lambda: [getattr(hook, event)(*what) for hook in hooks], StopRun)

    def __reduce__(self) -> NoReturn:
        raise TypeError("a driver is not copied or pickled; copy its state, and make another driver for it")

    def __repr__(self) -> str:
        return f"{type(self).__name__}(\n  step_count = {self._step_count},\n  state = {self._state})"


class _Checkpoint:
    """The file that a run of a driver goes on from, and the one before it."""

    def __init__(self, driver: VMC, path: Any, every: Any):
        if not isinstance(path, str | os.PathLike):
            wrong_type("checkpoint", "a path", path)
        driver._refuse_foreign("saved")
        if every is not None:
            every = whole_number("checkpoint_every", every, least=1)
        self._driver, self._path = driver, Path(path)
        self._before = self._path.with_name(self._path.name + ".before")
        self.rarely = Rarely(every, cost=1 / 200, seconds=2.0)

    def load(self) -> bool:
        """Go on from the file, or from the one before it if it is damaged; False: neither is there."""
        # As the first rank sees them.
        there = of_first("\n".join(str(path) for path in (self._path, self._before) if path.exists()))
        names = there.split("\n") if there else []
        while names:
            name = names.pop(0)
            try:
                self._driver._load(name, self._driver.step_count)
            except ValueError as error:
                if not names or "damaged" not in str(error):
                    raise
                _say(f"{error}; trying {names[0]}")
                if is_first():
                    # Not to take the place of the good one.
                    self._path.replace(f"{self._path}.damaged")
            else:
                _say(f"going on after step {self._driver.step_count}, from {name}")
                return True
        return False

    def cut(self, loggers: tuple[Any, ...]) -> None:
        """Let logs end where the run goes on."""
        done = self._driver.step_count
        for logger in loggers:
            if hasattr(logger, "cut") and not logger.cut(done) and done > 0:
                _say(f"{type(logger).__name__} begins with step {done}; one that is a file goes on by mode='append'")

    def is_due(self) -> bool:
        """One more step is done: is it time? The first rank says so."""
        return is_first() and self.rarely.is_due()

    def write(self) -> None:
        """Write the file, and keep the one before."""
        if is_first():
            self._path.parent.mkdir(parents=True, exist_ok=True)
            if self._path.exists():
                self._path.replace(self._before)
            self._driver.save(self._path)


def _say(message: str) -> None:
    if is_first():
        print(f"autoket: {message}", file=sys.stderr)


def _loggers(out: Any, mode: str, save_params_every: int, write_every: int) -> tuple[Any, ...]:
    if out is None:
        return ()
    if isinstance(out, str | os.PathLike):
        return (JsonLog(out, mode, save_params_every, write_every),)
    loggers = (out,) if callable(out) or not isinstance(out, Iterable) else tuple(out)
    for logger in loggers:
        if isinstance(logger, type) or not callable(logger) or not callable(getattr(logger, "flush", None)):
            wrong_type("out", "a log of nk.logging, several, or the prefix of a JsonLog's files", logger)
    return loggers


def _callbacks(given: Any, loggers: tuple[Any, ...]) -> list[AbstractCallback]:
    """Callbacks and what logs is one as well, in their order."""
    given = () if given is None else given
    each = [given] if callable(given) or not isinstance(given, Iterable) else list(given)
    for callback in each:
        if isinstance(callback, type) or not (callable(callback) or isinstance(callback, AbstractCallback)):
            wrong_type("callback", "a function (step, log_data, driver) or one of nk.callbacks", callback)
    hooks = [c if isinstance(c, AbstractCallback) else FunctionCallback(c) for c in each]
    hooks += [logger for logger in loggers if isinstance(logger, AbstractCallback)]
    return sorted(hooks, key=lambda hook: hook.callback_order)


class VMC_SR(VMC):  # noqa: N801
    """Minimises the energy by stochastic reconfiguration.

    Args:
        hamiltonian: what is minimised.
        optimizer: `nk.optimizer.Sgd`; other rules work, but are not natural gradients.
        diag_shift: ε, a number or a function of the step.
        proj_reg: None: the mean is not shifted.
        momentum: μ of SPRING, from 0 to less than 1; None for none.
        linear_solver: one of `nk.optimizer.solver`: they all find the same update.
        variational_state: whose parameters move.
        mode: accepted, "complex": derivatives are by real and imaginary parts of log ψ.
        use_ntk: solve by samples (True) or by parameters (False); the cheapest if None.
        on_the_fly: accepted; memory decides.
        chunk_size_bwd: accepted and not needed.
        temperature: as of `VMC`.
    """

    def __init__(
        self,
        hamiltonian: DiscreteOperator,
        optimizer: Any,
        *,
        diag_shift: Any,
        proj_reg: float | None = None,
        momentum: float | None = None,
        linear_solver: Any = None,
        variational_state: VariationalState,
        mode: str | None = None,
        use_ntk: bool | None = None,
        on_the_fly: bool | None = None,
        chunk_size_bwd: int | None = None,
        temperature: Any = 0.0,
    ):
        if not isinstance(use_ntk, bool | None):
            wrong_type("use_ntk", "True, False or None", use_ntk)
        if proj_reg is not None:
            refuse("proj_reg", "None", proj_reg, "leave it out")
        form = {None: form_of(linear_solver), True: "gram", False: "metric"}[use_ntk]
        super().__init__(
            hamiltonian,
            optimizer,
            variational_state=variational_state,
            preconditioner=SR(diag_shift=diag_shift, momentum=momentum, form=form),
            temperature=temperature,
        )
        if mode not in (None, "complex") and (mode != "real" or self._is_complex):
            refuse("mode", "complex or None", mode, "leave it out")

    @property
    def use_ntk(self) -> bool | None:
        """Is the system solved by samples? None: the cheapest way."""
        assert self._sr is not None
        return {"gram": True, "metric": False}.get(self._sr.form or "")


_OWN = "steps are the compiled library's; use iter or advance of VMC, or a callback, for a loop of one's own"
__getattr__ = _left_out(
    "driver",
    dict.fromkeys(["AbstractDriver", "AbstractOptimizationDriver", "AbstractVariationalDriver"], _OWN)
    | {
        "AbstractDynamicsDriver": "time evolution is not there; use VMC for ground states",
        "Infidelity_SR": "infidelities are not minimised; use VMC_SR for ground states",
        "SteadyState": "density matrices are not simulated; use VMC on a pure state",
        "VMC_SRt": "use VMC_SR(use_ntk=True)",
    },
)
