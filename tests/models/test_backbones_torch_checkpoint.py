"""Checkpoints written here byte by byte as PyTorch 1.5 wrote them, sound and hostile."""

import io
import os
import pickle
from collections import OrderedDict

import numpy as np
import pytest

from skinmodel.errors import WeightsError
from skinmodel.models.backbones.torch_checkpoint import read_checkpoint

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


def write(path, tensors):
    stream = io.BytesIO()
    storages = {t.storage.key: t.storage for t in tensors.values() if isinstance(t, Tensor)}
    for value in (MAGIC, 1001, PLATFORM, tensors, list(storages)):
        Pickler(stream, protocol=2).dump(value)
    for storage in storages.values():
        stream.write(storage.values.size.to_bytes(8, "little") + storage.values.tobytes())
    path.write_bytes(stream.getvalue())


@pytest.fixture
def file(tmp_path):
    return tmp_path / "checkpoint.pth"


def floats(*shape):
    return np.arange(np.prod(shape), dtype="<f4").reshape(shape)


def test_tensors_come_back_with_their_shapes_views_and_kinds(file):
    shared = Storage("7", floats(12))
    count = Storage("8", np.array([41], "<i8"), "LongStorage")
    write(
        file,
        {
            "whole": Tensor(shared, 0, (3, 4), (4, 1)),
            "turned": Tensor(shared, 0, (4, 3), (1, 4)),
            "part": Tensor(shared, 5, (2,), (3,)),
            "count": Tensor(count, 0, (), ()),
        },
    )
    found = read_checkpoint(file)
    assert list(found) == ["whole", "turned", "part", "count"]
    np.testing.assert_array_equal(found["whole"], floats(3, 4))
    np.testing.assert_array_equal(found["turned"], floats(3, 4).T)
    np.testing.assert_array_equal(found["part"], [5, 8])
    assert found["count"] == 41
    assert found["count"].dtype == np.int64
    assert found["whole"].flags.writeable
    assert not np.shares_memory(found["whole"], found["turned"])


@pytest.mark.parametrize(
    ("module", "name"), [("os", "system"), ("builtins", "eval"), ("torch.nn", "Linear")]
)
def test_a_name_that_tensors_do_not_need_is_refused(file, module, name):
    write(file, {"w": Named(module, name)})
    with pytest.raises(WeightsError, match=rf"asks for '{module}.{name}'"):
        read_checkpoint(file)


def test_code_in_a_pickle_is_not_run(file, tmp_path):
    class Evil:
        def __reduce__(self):
            return os.mkdir, (str(tmp_path / "ran"),)

    stream = io.BytesIO()
    for value in (MAGIC, 1001, PLATFORM, {"w": Evil()}):
        pickle.dump(value, stream, protocol=2)
    file.write_bytes(stream.getvalue())
    with pytest.raises(WeightsError, match=r"asks for '\w+.mkdir'"):
        read_checkpoint(file)
    assert not (tmp_path / "ran").exists()
