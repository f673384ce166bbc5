"""Answers of every shipped network: one picture, and pictures in batches, measured in one run.

    make benchmark

The rounds alternate between the networks, so that a slow spell of the machine hits all; medians
are compared.
"""

import statistics
import time

import numpy as np
import pytest

from skinmodel import paths
from skinmodel.drawings.draw import draw_lesion
from skinmodel.weights.manifest import read_manifest

ROUNDS = 15
BATCH_ROUNDS = 3
BATCH = 128
MOST = 1.5  # of the time of cnn, for networks that are to be the lighter ones


@pytest.mark.benchmark
def test_pretrained_networks_answer_about_as_fast_as_cnn():
    from skinmodel.inference.quick import open_named

    names = [record.model for record in read_manifest(paths.SHIPPED_WEIGHTS)]
    networks = {name: open_named(name) for name in names}
    picture = draw_lesion("nv", seed=1)
    pictures = [draw_lesion("mel", seed=seed) for seed in range(8)] * (BATCH // 8)
    for network in networks.values():
        network.predict([picture])
        network.predict(pictures)
    one, many = {n: [] for n in names}, {n: [] for n in names}
    for turn in range(ROUNDS):
        for name, network in networks.items():
            one[name].append(_time(network, [picture]))
            if turn < BATCH_ROUNDS:
                many[name].append(BATCH / _time(network, pictures))
    latency = {name: statistics.median(seconds) for name, seconds in one.items()}
    for name in names:
        ratio = latency[name] / latency["cnn"]
        print(
            f"{name:<22} one picture {1000 * latency[name]:6.1f} ms ({ratio:.2f} of cnn), "
            f"batches of {BATCH}: {statistics.median(many[name]):6.1f} images/s"
        )
    assert np.isfinite(list(latency.values())).all()
    for name in ("efficientnet_lite0", "efficientnet_lite0_sa"):
        assert latency[name] <= MOST * latency["cnn"], name


def _time(network, pictures):
    start = time.perf_counter()
    network.predict(pictures)
    return time.perf_counter() - start
