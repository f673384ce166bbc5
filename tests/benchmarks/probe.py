"""What one tree of the program takes for its answers; run inside it, prints JSON.

    python probe.py FOLDER_OF_PICTURES

Knows this program before and after it answered without TensorFlow.
"""

import json
import statistics
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd

from skinmodel import paths
from skinmodel.weights.manifest import read_manifest
from skinmodel.workflows.evaluate import predict_all

TIMES = 15  # for one picture


def open_network(name):
    try:
        from skinmodel.inference.quick import open_named
    except ImportError:
        from skinmodel.inference.classifier import Classifier

        return Classifier.load(name)
    return open_named(name)


def measure(name, files):
    """Return milliseconds for one picture, and pictures a second from files to probabilities."""
    network = open_network(name)
    picture = np.full((450, 600, 3), 120, np.uint8)
    index = pd.DataFrame({"image_id": [f.stem for f in files], "path": [str(f) for f in files]})
    dataset = SimpleNamespace(index=index, name="drawn", title="drawn")
    network.predict([picture])
    predict_all(network, SimpleNamespace(**{**vars(dataset), "index": index[:16]}), progress=False)
    seconds = []
    for _ in range(TIMES):
        start = time.perf_counter()
        network.predict([picture])
        seconds.append(time.perf_counter() - start)
    start = time.perf_counter()
    predict_all(network, dataset, progress=False)
    rate = len(files) / (time.perf_counter() - start)
    return {"one picture, ms": 1000 * statistics.median(seconds), "pictures a second": rate}


if __name__ == "__main__":
    given = sorted(Path(sys.argv[1]).iterdir())
    names = [record.model for record in read_manifest(paths.SHIPPED_WEIGHTS)]
    print("FOUND" + json.dumps({name: measure(name, given) for name in names}))
