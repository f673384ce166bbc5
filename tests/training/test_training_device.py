from types import SimpleNamespace

import keras
import pytest
import tensorflow as tf

from skinmodel.training import device
from skinmodel.training.device import Device
from skinmodel.training.network import compute_in
from skinmodel.training.tensorflow_engine.engine import choose_device

OLD = "processor\t: 0\nmodel name\t: Old 1000\nflags\t\t: fpu sse2 avx2 avx512f\n"
NEW = "model name\t: New: 9000\nflags\t\t: fpu avx512f avx512_bf16\n\nmodel name\t: second\n"
AMX = "model name\t: Amx\nflags\t\t: fpu amx_bf16 amx_tile\n"
# A flag that only begins like the one that counts.
ALIKE = "model name\t: Alike\nflags\t\t: avx512_bf16x\nvmx flags\t: avx512_bf16\n"


@pytest.fixture
def cpu(tmp_path, monkeypatch):
    monkeypatch.setattr(tf.config, "list_physical_devices", lambda _: [])
    file = tmp_path / "cpuinfo"
    monkeypatch.setattr(device, "_CPU_INFO", file)
    return file


@pytest.mark.parametrize(
    ("info", "expected"),
    [
        (OLD, Device("CPU", "Old 1000", "float32")),
        (NEW, Device("CPU", "New: 9000", "bfloat16")),
        (AMX, Device("CPU", "Amx", "bfloat16")),
        (ALIKE, Device("CPU", "Alike", "float32")),
        ("", Device("CPU", "of unknown name", "float32")),
    ],
)
def test_a_processor_trains_in_bfloat16_only_where_it_has_it_in_hardware(cpu, info, expected):
    cpu.write_text(info)
    assert choose_device() == expected
    assert choose_device() == expected


def test_a_machine_without_cpuinfo_trains_in_float32(cpu):
    assert choose_device() == Device("CPU", "of unknown name", "float32")


@pytest.mark.parametrize(
    ("capability", "precision"),
    [((6, 1), "float32"), ((7, 5), "float16"), ((8, 0), "bfloat16"), (None, "float32")],
)
def test_a_gpu_comes_first_and_mixes_precision_as_it_can(monkeypatch, capability, precision):
    cards = [SimpleNamespace(name="gpu0"), SimpleNamespace(name="gpu1")]
    growing = []
    details = {"device_name": "Card"} | ({"compute_capability": capability} if capability else {})
    monkeypatch.setattr(tf.config, "list_physical_devices", lambda _: cards)
    monkeypatch.setattr(
        tf.config.experimental, "set_memory_growth", lambda gpu, on: growing.append((gpu.name, on))
    )
    monkeypatch.setattr(tf.config.experimental, "get_device_details", lambda _: details)
    assert choose_device() == Device("GPU", "Card", precision)
    assert growing == [("gpu0", True), ("gpu1", True)]


def test_the_log_line_says_what_is_used():
    assert str(Device("CPU", "Old 1000", "float32")) == "CPU Old 1000, float32"
    assert str(Device("GPU", "Card", "float16")) == "GPU Card, float16 (mixed precision)"


@pytest.mark.parametrize(
    ("precision", "computed"),
    [("float32", "float32"), ("bfloat16", "bfloat16"), ("float16", "float16")],
)
def test_layers_compute_in_the_precision_and_keep_float32_weights(precision, computed):
    before = keras.config.dtype_policy()
    with compute_in(precision):
        layer = keras.layers.Dense(2)
    layer.build((None, 3))
    assert layer.compute_dtype == computed
    assert {v.dtype for v in layer.variables} == {"float32"}
    assert keras.config.dtype_policy() == before


def test_the_policy_comes_back_after_an_error():
    before = keras.config.dtype_policy()
    with pytest.raises(RuntimeError), compute_in("bfloat16"):
        raise RuntimeError
    assert keras.config.dtype_policy() == before
