"""Logs have NetKet's files, which either library reads."""

import json
import sys
import tarfile

import flax
import h5py
import netket as nk
import numpy as np
import pytest
from beside import BOTH, driver, leaves, parts
from tensorboardX.proto.event_pb2 import Event
from tensorboardX.record_writer import masked_crc32c

import autoket as ak


def restored(content):
    return leaves(flax.serialization.msgpack_restore(content))


@pytest.mark.parametrize("tar", [False, True])
def test_a_state_log_is_netkets(tmp_path, tar):
    files = []
    for lib in BOTH:
        prefix = tmp_path / lib.__name__
        for mode, steps in (("write", 2), ("append", 3)):
            log = lib.logging.StateLog(str(prefix), mode, save_every=2, tar=tar)
            driver(lib).run(steps, log, show_progress=False)
            if lib is nk and tar:
                log.close()
        if tar:
            with tarfile.open(f"{prefix}.tar") as archive:
                files.append({name: archive.extractfile(name).read() for name in archive.getnames()})
        else:
            files.append({path.name: path.read_bytes() for path in prefix.iterdir()})
    ours, theirs = files
    assert ours.keys() == theirs.keys() == {"0.mpack", "1.mpack", "2.mpack"}
    for name in ours:
        mine, other = restored(ours[name]), restored(theirs[name])
        assert list(mine) == list(other)
        for path in mine:
            assert mine[path].dtype == other[path].dtype
            np.testing.assert_allclose(mine[path], other[path], rtol=1e-10, atol=1e-14)


def test_a_state_log_begins_anew(tmp_path):
    for name in ("7.mpack", "note.txt"):
        (tmp_path / name).write_text("old")
    driver(ak).run(1, ak.logging.StateLog(tmp_path), show_progress=False)
    assert {path.name for path in tmp_path.iterdir()} == {"0.mpack", "note.txt"}
    with pytest.raises(ValueError, match="exists"):
        ak.logging.StateLog(tmp_path, "fail")


def test_parameters_of_either_json_log_are_those_of_the_state(tmp_path):
    for lib in BOTH:
        run = driver(lib)
        run.run(3, str(tmp_path / lib.__name__), show_progress=False)
        # The last file is of the state as the run leaves it.
        content = (tmp_path / f"{lib.__name__}.mpack").read_bytes()
        for path, array in restored(content).items():
            np.testing.assert_array_equal(array, leaves(run.state.variables)[path])
        _, ours = parts(ak, seed=5)
        ours.load(tmp_path / f"{lib.__name__}.mpack")
        _, theirs = parts(nk, seed=5)
        theirs.variables = flax.serialization.from_bytes(theirs.variables, content)
        for path, array in leaves(theirs.variables).items():
            np.testing.assert_array_equal(leaves(ours.variables)[path], array)


def test_a_json_log_goes_on(tmp_path):
    for lib in BOTH:
        run = driver(lib)
        for mode in ("write", "append"):
            run.run(2, lib.logging.JsonLog(str(tmp_path / lib.__name__), mode), show_progress=False)
    ours, theirs = (json.loads((tmp_path / f"{lib.__name__}.log").read_text()) for lib in BOTH)
    assert ours["Energy"]["iters"] == theirs["Energy"]["iters"] == [0, 1, 2, 3]
    np.testing.assert_allclose(ours["Energy"]["Mean"], theirs["Energy"]["Mean"], rtol=1e-10)
    for lib in BOTH:
        read = ak.logging.RuntimeLog.deserialize(tmp_path / f"{lib.__name__}.log")
        np.testing.assert_array_equal(read["Energy"].iters, [0, 1, 2, 3])
        np.testing.assert_allclose(read["Energy"].Mean, ours["Energy"]["Mean"], rtol=1e-10)
        assert np.isnan(read["Energy"]["R_hat"]).all()


def test_complex_numbers_and_trees_survive_a_file(tmp_path):
    log = ak.logging.RuntimeLog()
    for step in (0, 5):
        log(step, {"z": 1j * step, "inner": {"x": 0.5}, "late": 1} if step else {"z": 1j, "inner": {"x": np.nan}})
    log.serialize(tmp_path / "some.run")
    read = ak.logging.RuntimeLog.deserialize(tmp_path / "some.run")
    np.testing.assert_array_equal(read["z"].values, [1j, 5j])
    np.testing.assert_array_equal(read["inner"]["x"].values, [np.nan, 0.5])
    np.testing.assert_array_equal(nk.logging.RuntimeLog.deserialize(tmp_path / "some.run")["z"].values, [1j, 5j])


def test_files_of_a_log_are_there_after_a_crash(tmp_path):
    def breaks(step, log_data, driver):
        if step == 2:
            raise RuntimeError("enough")
        return True

    run = driver(ak)
    logs = (
        ak.logging.JsonLog(tmp_path / "run", save_params_every=100, write_every=100),
        ak.logging.HDF5Log(tmp_path / "run"),
    )
    with pytest.raises(RuntimeError, match="enough"):
        run.run(5, logs, callback=breaks, show_progress=False)
    assert json.loads((tmp_path / "run.log").read_text())["Energy"]["iters"] == [0, 1]
    _, twin = parts(ak, seed=5)
    twin.load(tmp_path / "run.mpack")
    np.testing.assert_array_equal(twin.samples.shape, run.state.samples.shape)
    with h5py.File(tmp_path / "run.h5") as file:
        np.testing.assert_array_equal(file["data/Energy/iter"], [0, 1])


def hdf5(path):
    found = {}
    with h5py.File(path) as file:
        file.visititems(lambda name, it: found.update({name: it[()]}) if isinstance(it, h5py.Dataset) else None)
        return found, dict(file["metadata"].attrs)


@pytest.mark.parametrize("way", ["out", "callback"])
def test_an_hdf5_log_is_netkets(tmp_path, way):
    for lib in BOTH:
        run, name = driver(lib), str(tmp_path / lib.__name__)
        for mode in ("write", "append"):
            log = lib.logging.HDF5Log(name, mode, metadata={"size": 4, "note": "ring"})
            extra = {"callback": [adds, log]} if way == "callback" else {"out": log, "callback": adds}
            run.run(2, show_progress=False, **extra)
    (ours, note), (theirs, their_note) = (hdf5(tmp_path / f"{lib.__name__}.h5") for lib in BOTH)
    assert note == their_note
    # A wall clock is ours alone.
    ours = {name: values for name, values in ours.items() if "wallclock" not in name}
    theirs = {name: values for name, values in theirs.items() if "wallclock" not in name}
    assert ours.keys() == theirs.keys()
    for name, values in ours.items():
        assert values.dtype.kind == theirs[name].dtype.kind, name
        np.testing.assert_allclose(values, theirs[name], rtol=1e-9, err_msg=name)


def adds(step, log_data, driver):
    log_data["vector"] = np.arange(3.0) * step
    log_data["inner"] = {"z": 1j * step}
    return True


def scalars(folder):
    """What TensorBoard would read: records of length, checksum, event, checksum."""
    (path,) = folder.iterdir()
    content, found = path.read_bytes(), []
    while content:
        size = int.from_bytes(content[:8], "little")
        assert int.from_bytes(content[8:12], "little") == masked_crc32c(content[:8])
        event = Event.FromString(content[12 : 12 + size])
        found += [(value.tag, event.step, value.simple_value) for value in event.summary.value]
        content = content[16 + size :]
    return found


@pytest.mark.parametrize("way", ["out", "callback"])
def test_a_tensorboard_log_is_netkets(tmp_path, way):
    for lib in BOTH:
        log = lib.logging.TensorBoardLog(str(tmp_path / lib.__name__), metadata={"size": 4})
        extra = {"callback": [adds, log]} if way == "callback" else {"out": log, "callback": adds}
        driver(lib).run(3, show_progress=False, **extra)
        # Another thread writes the file.
        (log._open if lib is ak else log._writer).close()
    ours, theirs = (sorted(row for row in scalars(tmp_path / lib.__name__) if row[0] != "wallclock") for lib in BOTH)
    assert [row[:2] for row in ours] == [row[:2] for row in theirs]
    np.testing.assert_allclose([row[2] for row in ours], [row[2] for row in theirs], rtol=1e-6)


@pytest.mark.parametrize(("name", "package"), [("HDF5Log", "h5py"), ("TensorBoardLog", "tensorboardX")])
def test_a_package_that_is_not_there_is_told(monkeypatch, tmp_path, name, package):
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(ModuleNotFoundError, match=f"pip install {package}"):
        driver(ak).run(1, getattr(ak.logging, name)(str(tmp_path / "log")), show_progress=False)


@pytest.mark.parametrize(
    ("make", "error", "says"),
    [
        (lambda p: ak.logging.JsonLog(p, "overwrite"), ValueError, "write, append or fail"),
        (lambda p: ak.logging.JsonLog(3), TypeError, "output_prefix"),
        (lambda p: ak.logging.JsonLog(p, write_every=0), ValueError, "write_every"),
        (lambda p: ak.logging.StateLog(p, save_every=0), ValueError, "save_every"),
        (lambda p: ak.logging.StateLog(p)(0, {}), TypeError, "variational_state"),
        (lambda p: ak.logging.HDF5Log(p, chunk_size=0), ValueError, "chunk_size"),
        (lambda p: ak.logging.TensorBoardLog(p, metadata=3), TypeError, "metadata"),
        (lambda p: driver(ak).run(1, 3), TypeError, "out"),
        (lambda p: driver(ak).run(1, ak.logging.RuntimeLog), TypeError, "out"),
        (lambda p: ak.logging.WandbLog, NotImplementedError, "TensorBoardLog"),
    ],
)
def test_mistakes_are_told(tmp_path, make, error, says):
    with pytest.raises(error, match=says):
        make(str(tmp_path / "log"))
