"""Checkpoints written here byte by byte as PyTorch 1.5 wrote them, sound and hostile."""

import hashlib
import io
import os
import pickle
from collections import OrderedDict

import numpy as np
import pytest

from skinmodel.backbones.torch_checkpoint import read_checkpoint
from skinmodel.errors import WeightsError

MAGIC = 0x1950A86A20F9469CFC6C
PLATFORM = {"protocol_version": 1001, "little_endian": True, "type_sizes": {"int": 4}}


class Storage:
    """Pickled as the reference that PyTorch leaves in place of the numbers."""

    def __init__(self, key, values, kind="FloatStorage"):
        self.key, self.values, self.kind = key, np.asarray(values), kind


class Named:
    """Pickled as a global name."""

    def __init__(self, module, name):
        self.module, self.name = module, name


class Tensor:
    def __init__(self, storage, offset, shape, strides):
        self.storage, self.rest = storage, (offset, shape, strides, False, OrderedDict())


class Pickler(pickle._Pickler):
    """Writes names of a library that need not be there."""

    def persistent_id(self, obj):
        if isinstance(obj, Storage):
            size = obj.values.size
            return ("storage", Named("torch", obj.kind), obj.key, "cpu", size, None)
        return None

    def save(self, obj, save_persistent_id=True):
        if isinstance(obj, Named):
            self.write(pickle.GLOBAL + f"{obj.module}\n{obj.name}\n".encode())
        elif isinstance(obj, Tensor):
            self.save(Named("torch._utils", "_rebuild_tensor_v2"))
            self.save((obj.storage, *obj.rest))
            self.write(pickle.REDUCE)
        else:
            super().save(obj, save_persistent_id)


def write(path, tensors, *, magic=MAGIC, platform=PLATFORM, cut=0):
    stream = io.BytesIO()
    storages = {t.storage.key: t.storage for t in tensors.values() if isinstance(t, Tensor)}
    for value in (magic, 1001, platform, tensors, list(storages)):
        Pickler(stream, protocol=2).dump(value)
    for storage in storages.values():
        stream.write(storage.values.size.to_bytes(8, "little") + storage.values.tobytes())
    content = stream.getvalue()
    path.write_bytes(content[: len(content) - cut])
    return hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.fixture
def file(tmp_path):
    return tmp_path / "checkpoint.pth"


def floats(*shape):
    return np.arange(np.prod(shape), dtype="<f4").reshape(shape)


def test_tensors_come_back_with_their_shapes_views_and_kinds(file):
    shared = Storage("7", floats(12))
    count = Storage("8", np.array([41], "<i8"), "LongStorage")
    digest = write(
        file,
        {
            "whole": Tensor(shared, 0, (3, 4), (4, 1)),
            "turned": Tensor(shared, 0, (4, 3), (1, 4)),
            "part": Tensor(shared, 5, (2,), (3,)),
            "count": Tensor(count, 0, (), ()),
        },
    )
    found = read_checkpoint(file, digest)
    assert list(found) == ["whole", "turned", "part", "count"]
    np.testing.assert_array_equal(found["whole"], floats(3, 4))
    np.testing.assert_array_equal(found["turned"], floats(3, 4).T)
    np.testing.assert_array_equal(found["part"], [5, 8])
    assert found["count"] == 41
    assert found["count"].dtype == np.int64
    assert found["whole"].flags.writeable
    assert not np.shares_memory(found["whole"], found["turned"])


def test_another_file_is_refused_before_it_is_read(file):
    write(file, {"w": Tensor(Storage("0", floats(2)), 0, (2,), (1,))})
    with pytest.raises(WeightsError, match=rf"SHA-256 \w+, expected {'0' * 64}"):
        read_checkpoint(file, "0" * 64)


@pytest.mark.parametrize(
    ("module", "name"), [("os", "system"), ("builtins", "eval"), ("torch.nn", "Linear")]
)
def test_a_name_that_tensors_do_not_need_is_refused(file, module, name):
    digest = write(file, {"w": Named(module, name)})
    with pytest.raises(WeightsError, match=rf"asks for '{module}.{name}'"):
        read_checkpoint(file, digest)


def test_code_in_a_pickle_is_not_run(file, tmp_path):
    class Evil:
        def __reduce__(self):
            return os.mkdir, (str(tmp_path / "ran"),)

    stream = io.BytesIO()
    for value in (MAGIC, 1001, PLATFORM, {"w": Evil()}):
        pickle.dump(value, stream, protocol=2)
    file.write_bytes(stream.getvalue())
    with pytest.raises(WeightsError, match=r"asks for '\w+.mkdir'"):
        read_checkpoint(file, hashlib.sha256(file.read_bytes()).hexdigest())
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize(
    "tensor",
    [(0, (5,), (1,)), (3, (2,), (1,)), (0, (2, 2), (1, 3)), (-1, (2,), (1,)), (3, (2,), (-1,))],
)
def test_a_tensor_that_reaches_beyond_its_numbers_is_refused(file, tensor):
    digest = write(file, {"w": Tensor(Storage("0", floats(4)), *tensor)})
    with pytest.raises(WeightsError, match="reaches beyond its 4 numbers"):
        read_checkpoint(file, digest)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"magic": 1}, "magic number 1,"),
        ({"platform": {"little_endian": False}}, "little-endian"),
        ({"cut": 3}, r"Storage '0' of the checkpoint ends early: 5 bytes for 2 numbers"),
    ],
)
def test_what_is_no_such_checkpoint_is_named(file, settings, message):
    digest = write(file, {"w": Tensor(Storage("0", floats(2)), 0, (2,), (1,))}, **settings)
    with pytest.raises(WeightsError, match=message):
        read_checkpoint(file, digest)


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 a zip", b"\x80\x02}q\x00."])
def test_other_files_are_refused_in_words(file, content):
    file.write_bytes(content)
    with pytest.raises(WeightsError, match=r"no checkpoint of PyTorch 1\.5 or older"):
        read_checkpoint(file, hashlib.sha256(content).hexdigest())


def test_a_missing_file_is_named(file):
    with pytest.raises(WeightsError, match=r"checkpoint\.pth' cannot be read"):
        read_checkpoint(file, "0" * 64)


def test_more_than_tensors_is_refused(file):
    digest = write(file, {"w": "text"})
    with pytest.raises(WeightsError, match="more than tensors"):
        read_checkpoint(file, digest)
