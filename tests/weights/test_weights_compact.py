import json
import os
import zlib

import numpy as np
import pytest
from safetensors.numpy import load, save

from skinmodel.errors import WeightsError
from skinmodel.weights import coded
from skinmodel.weights.coded import read_bytes, unpack, write_bytes
from skinmodel.weights.compact import (
    EXACT_BELOW,
    decode,
    encode,
)
from skinmodel.weights.quantization import (
    LIMIT,
    Quantized,
    finest_step,
    quantize,
    relative_error,
    restore,
)

SHAPE = (400, 320)
COUNT = SHAPE[0] * SHAPE[1]


def gaussian(shape=SHAPE, seed=0):
    rng = np.random.default_rng(seed)
    scales = rng.lognormal(0.0, 0.5, shape[-1])
    return (rng.normal(0.0, 0.02, shape) * scales).astype(np.float32)


def heavy(shape=SHAPE, seed=1):
    return (np.random.default_rng(seed).standard_t(3, shape) * 0.02).astype(np.float32)


@pytest.fixture
def weights():
    rng = np.random.default_rng(2)
    return {
        "z/kernel": gaussian(),
        "a/bias": rng.normal(size=320).astype(np.float32),
        "conv/kernel": gaussian((3, 3, 100, 128), seed=3),
        "gamma": np.array(0.01, dtype=np.float32),
        "long/bias": rng.normal(size=EXACT_BELOW).astype(np.float32),
        "none": np.empty((0, 4), dtype=np.float32),
    }


@pytest.mark.parametrize("make", [gaussian, heavy])
@pytest.mark.parametrize("step", [1 / 10, 1 / 20, 1 / 35])
def test_quantised_values_are_off_by_at_most_half_a_step(make, step):
    values = make()
    quantized = quantize(values, step)
    restored = restore(quantized, SHAPE)
    rms = np.sqrt((values.astype(float) ** 2).mean(axis=0))
    np.testing.assert_allclose(quantized.steps, rms * step, rtol=1e-4)
    assert restored.dtype == np.float32
    assert (np.abs(restored - values) <= quantized.steps * 0.5001).all()
    # Uniform rounding: an error of step / sqrt(12) root mean square, less the values kept exactly.
    assert relative_error(values, restored) == pytest.approx(step / np.sqrt(12), rel=0.05)


def test_values_beyond_the_limit_are_kept_bit_for_bit():
    values = gaussian()
    values[5, 7], values[399, 319] = 3.0, -np.float32(np.pi)
    quantized = quantize(values, 1 / 20)
    restored = restore(quantized, SHAPE)
    assert {5 * 320 + 7, 399 * 320 + 319} <= set(quantized.positions.tolist())
    assert (restored[5, 7], restored[399, 319]) == (3.0, -np.float32(np.pi))


def test_a_channel_of_zeros_stays_zero():
    values = gaussian()
    values[:, 3] = 0.0
    assert finest_step(values) > 0.0
    restored = restore(quantize(values, 1 / 20), SHAPE)
    assert not restored[:, 3].any()
    assert restored[:, 4].any()
    assert not restore(quantize(np.zeros(SHAPE, np.float32), 1 / 20), SHAPE).any()


@pytest.mark.parametrize("make", [gaussian, heavy])
def test_the_finest_step_keeps_about_one_in_a_thousand_exactly(make):
    values = make()
    quantized = quantize(values, finest_step(values))
    assert 0.5e-3 < len(quantized.exact) / COUNT < 2e-3


def test_coding_is_close_to_the_entropy():
    quantized = quantize(gaussian(), 1 / 20)
    codes = np.frombuffer(zlib.decompress(quantized.codes), dtype=np.int8)
    assert np.abs(codes).max() <= LIMIT
    _, counts = np.unique(codes, return_counts=True)
    share = counts / counts.sum()
    entropy = -(share * np.log2(share)).sum()
    assert 8 * quantized.codes.nbytes / COUNT < entropy + 0.1


def test_relative_error_by_hand():
    values = np.array([3.0, 4.0], np.float32)
    assert relative_error(values, np.array([3.0, 3.5], np.float32)) == pytest.approx(0.1)
    zeros = np.zeros(2, np.float32)
    assert relative_error(zeros, zeros) == 0.0


def test_weights_come_back_in_order_with_small_ones_bit_for_bit(weights):
    data, report = encode(weights, 900_000)
    back = decode(data, "here")
    assert list(back) == list(weights) == list(report.weights)
    assert len(data) == report.bytes <= 900_000
    for name, values in weights.items():
        assert back[name].dtype == np.float32
        assert back[name].shape == values.shape
        assert back[name].flags.writeable
        if name in ("z/kernel", "conv/kernel"):
            error = relative_error(values, back[name])
            assert report.weights[name].relative_error == pytest.approx(error, rel=1e-6)
            assert 0 < error < 0.02
        else:
            np.testing.assert_array_equal(back[name], values)
            assert (report.weights[name].step, report.weights[name].relative_error) == (None, 0.0)
    largest = max(w.relative_error for w in report.weights.values())
    assert report.largest_error == largest > 0


def test_the_same_weights_give_the_same_bytes(weights):
    assert encode(weights, 850_000)[0] == encode(weights, 850_000)[0]


@pytest.mark.parametrize("max_bytes", [100_000, 90_000, 75_000])
def test_the_size_given_is_used_and_never_exceeded(max_bytes):
    data, report = encode({"kernel": gaussian()}, max_bytes)
    assert 0.99 * max_bytes < len(data) == report.bytes <= max_bytes


def test_more_bytes_give_less_error():
    errors = [encode({"k": gaussian()}, size)[1].largest_error for size in (75_000, 90_000, 10**6)]
    assert errors == sorted(errors, reverse=True)
    assert errors[0] > 1.5 * errors[1]
    assert errors[2] < 0.01


def test_a_smaller_layer_gets_a_finer_step():
    weights = {"big": gaussian((1600, 320)), "small": gaussian()}
    _, report = encode(weights, 400_000)
    big, small = report.weights["big"], report.weights["small"]
    assert small.step == pytest.approx(big.step / 2)
    assert small.bits == pytest.approx(big.bits + 1, abs=0.2)


def test_a_size_that_cannot_be_met_is_refused():
    with pytest.raises(WeightsError, match=r"do not fit 50,000 bytes.*take .*Allow more bytes"):
        encode({"kernel": gaussian()}, 50_000)


def test_without_a_limit_every_value_is_kept_bit_for_bit(weights):
    data, report = encode(weights, None)
    back = decode(data, "here")
    assert list(back) == list(weights)
    for name, values in weights.items():
        assert back[name].tobytes() == values.tobytes()
    assert report.largest_error == 0.0


def test_arrays_in_another_memory_order_keep_their_values():
    values = np.asfortranarray(gaussian())
    weights = {"quantised": values, "exact": values[:10, :10]}
    back = decode(encode(weights, 10**6)[0], "here")
    np.testing.assert_array_equal(back["exact"], values[:10, :10])
    assert relative_error(values, back["quantised"]) < 0.01


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (np.ones(3, np.float16), "'w' is float16; expected float32"),
        (np.array([1, np.nan], np.float32), "'w' holds a value of size nan.*diverged"),
        (np.array([1, -np.inf], np.float32), "'w' holds a value of size inf.*diverged"),
    ],
)
def test_weights_that_are_not_finite_float32_are_refused(values, message):
    with pytest.raises(WeightsError, match=message):
        encode({"w": values})


def test_a_crash_before_the_rename_leaves_the_old_file_and_no_litter(tmp_path, monkeypatch):
    path = tmp_path / "w.safetensors"
    write_bytes(path, b"before")

    def crash(source, target, **kwargs):
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(os, "replace", crash)
    with pytest.raises(WeightsError, match=r"could not be written.*Input/output.*untouched"):
        write_bytes(path, b"after")
    assert [p.name for p in tmp_path.iterdir()] == [path.name]
    assert path.read_bytes() == b"before"


def test_a_missing_file_and_one_too_large_are_refused(tmp_path):
    with pytest.raises(WeightsError, match=r"none\.safetensors' cannot be read.*train the model"):
        read_bytes(tmp_path / "none.safetensors")
    path = tmp_path / "large"
    path.write_bytes(b"12345")
    assert read_bytes(path, max_bytes=5) == b"12345"
    with pytest.raises(WeightsError, match=r"has 5 bytes; at most 4 are read"):
        read_bytes(path, max_bytes=4)


def rebuild(data, change=None):
    """Return a file's content after ``change`` had its way with the tensors, the layout parsed."""
    tensors = load(data)
    tensors["layout"] = json.loads(tensors["layout"].tobytes())
    if change is not None:
        change(tensors)
    tensors["layout"] = np.frombuffer(json.dumps(tensors["layout"]).encode(), np.uint8)
    return save(tensors)


@pytest.fixture(scope="module")
def sound():
    return encode({"kernel": gaussian(), "bias": np.ones(320, np.float32)}, 90_000)[0]


def test_rebuilding_without_a_change_is_still_sound(sound):
    assert list(decode(rebuild(sound), "here")) == ["kernel", "bias"]


@pytest.mark.parametrize("length", [0, 7, 100, 0.5, -1])
def test_a_truncated_file_is_refused(sound, length):
    end = int(length * len(sound)) if isinstance(length, float) else length
    with pytest.raises(
        WeightsError, match=r"'here' cannot be used: it is damaged.*train the model"
    ):
        decode(sound[:end], "here")


def test_other_files_are_refused(sound):
    for data in (b"not safetensors" * 10, save({"w": np.ones(3, np.float32)}), sound + b"more"):
        with pytest.raises(WeightsError, match="damaged, or no weights file of this program"):
            decode(data, "here")


def test_a_flipped_bit_in_a_compressed_stream_is_noticed(sound):
    stream = load(sound)["0.codes"].tobytes()
    at = sound.index(stream) + len(stream) // 2
    with pytest.raises(WeightsError, match="compressed stream"):
        decode(sound[:at] + bytes([sound[at] ^ 16]) + sound[at + 1 :], "here")


def set_layout(key, value):
    return lambda tensors: tensors["layout"].update({key: value})


def set_entry(key, value, entry=0):
    return lambda tensors: tensors["layout"]["weights"][entry].update({key: value})


def set_tensor(name, value):
    return lambda tensors: tensors.update({name: value})


def remove_tensor(name):
    return lambda tensors: tensors.pop(name)


def stretch(tensors):
    tensors["layout"]["weights"][0]["shape"] = [100_000, 320]


def ask_for_too_much(tensors):
    tensors["layout"]["weights"][0]["shape"] = [10**6, 320]


def bomb(tensors):
    # 1000 times its size, by matching: a stream that Huffman coding alone cannot make.
    tensors["0.codes"] = np.frombuffer(zlib.compress(bytes(COUNT)), np.uint8)


def endless(tensors):
    coder = zlib.compressobj(9, zlib.DEFLATED, 15, 9, zlib.Z_HUFFMAN_ONLY)
    stream = coder.compress(bytes(100 * COUNT)) + coder.flush()
    tensors["0.codes"] = np.frombuffer(stream, np.uint8)


def short(tensors):
    codes = np.ones(COUNT - 1, np.uint8).tobytes()
    tensors["0.codes"] = np.frombuffer(zlib.compress(codes, 0), np.uint8)


def trailing(tensors):
    tensors["0.codes"] = np.append(tensors["0.codes"], np.uint8(0))


def misplace(tensors):
    tensors["0.positions"] = np.array([COUNT], np.uint32)
    tensors["0.exact"] = np.ones(1, np.float32)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (set_layout("version", 2), "version 2; expected 'skinmodel-weights', version 1.*newer"),
        (set_layout("format", "other"), "format is 'other'"),
        (lambda tensors: tensors["layout"].pop("version"), "damaged"),
        (set_layout("weights", "kernel"), "layout does not fit"),
        (set_layout("weights", []), "does not name each of its weights once"),
        (set_entry("name", "kernel", 1), "does not name each of its weights once"),
        (set_entry("coding", "pickle"), "coding 'pickle'"),
        (set_entry("shape", [-1, 320]), "layout does not fit"),
        (set_entry("shape", [4.0, 320]), "layout does not fit"),
        (set_entry("shape", None), "layout does not fit"),
        (set_entry("shape", []), "layout does not fit"),
        (set_entry("shape", [320, 400]), "320, 400.* comes with .*320,.* steps"),
        (set_entry("shape", [319], 1), r"shape \(320,\) where the layout says \(319,\)"),
        (set_tensor("9.exact", np.ones(1, np.float32)), "does not name each"),
        (remove_tensor("0.steps"), "layout does not fit its content.*0.steps"),
        (remove_tensor("1.float32"), "layout does not fit its content.*1.float32"),
        (set_tensor("0.steps", np.ones(320, np.float64)), "0.steps is float64, not float32"),
        (set_tensor("0.steps", np.full(320, np.nan, np.float32)), "are not finite"),
        (set_tensor("1.float32", np.full(320, np.inf, np.float32)), "is not finite"),
        (set_tensor("0.exact", np.ones(3, np.float32)), "positions and .*3,.* exact values"),
        (misplace, "position 128000 lies outside 128000 values"),
        (stretch, "cannot hold 32000000 values"),
        (ask_for_too_much, "asks for 320,000,320 values; at most 250,000,000"),
        (bomb, "bytes cannot hold 128000 values"),
        (endless, "does not hold exactly 128000 values"),
        (short, "does not hold exactly 128000 values"),
        (trailing, "does not hold exactly 128000 values"),
    ],
)
def test_a_hostile_or_damaged_content_is_refused(sound, change, message):
    with pytest.raises(WeightsError, match=f"'here' cannot be used: .*{message}"):
        decode(rebuild(sound, change), "here")


def test_a_stream_is_never_inflated_past_the_size_declared(monkeypatch):
    inflated = []
    create = zlib.decompressobj

    class Watched:
        def __init__(self):
            self.inner = create()
            self.eof, self.unused_data = False, b""

        def decompress(self, data, max_length):
            inflated.append(len(self.inner.decompress(data, max_length)))
            return b"x" * inflated[-1]

    monkeypatch.setattr(zlib, "decompressobj", Watched)
    tensors = {}
    endless(tensors)
    quantized = Quantized(
        codes=tensors["0.codes"],
        steps=np.ones(320, np.float32),
        positions=np.empty(0, np.uint32),
        exact=np.empty(0, np.float32),
    )
    with pytest.raises(WeightsError, match="exactly 128000"):
        restore(quantized, SHAPE)
    assert inflated == [COUNT + 1]


def test_unpacking_takes_no_memory_on_a_promise(sound, monkeypatch):
    monkeypatch.setattr(coded, "MAX_VALUES", COUNT)
    with pytest.raises(WeightsError, match="asks for 128,320 values; at most 128,000"):
        unpack(sound)
