"""``models``: every network, whether its weights are here, and how good they are on the test folds.

Nothing here loads TensorFlow.
"""

import argparse
import json
from typing import Any

from skinmodel.evaluation.report import TABLE_COLUMNS
from skinmodel.models.registry import MODELS, ModelSpec
from skinmodel.results import DISCLAIMER
from skinmodel.weights import store
from skinmodel.weights.store import StoredRecord

_FIGURES = {"test": "1 view", "test_8_views": "8 views"}
_TITLES = {name: TABLE_COLUMNS[name] for name in ("balanced_accuracy", "macro_auc")}


def add_parser(commands: Any) -> None:
    """Add the command to the command line."""
    parser = commands.add_parser("models", help="the networks", description=__doc__)
    parser.add_argument("--json", action="store_true", help="print JSON instead of text")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Print every network of the registry."""
    stored = store.list_all()
    networks = [
        describe(spec, [entry for entry in stored if entry.record.model == spec.name])
        for spec in MODELS.values()
    ]
    if options.json:
        print(json.dumps({"disclaimer": DISCLAIMER, "models": networks}, indent=2))
        return 0
    for network in networks:
        print(_render(network))
    print(f"\nTest figures: HAM10000 test lesions, 95 % intervals by lesion. {DISCLAIMER}")
    return 0


def describe(spec: ModelSpec, stored: list[StoredRecord]) -> dict[str, Any]:
    """Return what is known of one network as plain values for JSON.

    Args:
        spec: the network.
        stored: its records, shipped and the user's own.
    """
    size = spec.preprocessing
    return {
        "name": spec.name,
        "title": spec.title,
        "parameters": spec.parameters,
        "input": [size.height, size.width, 3],
        "soft_attention": spec.attention_layer is not None,
        "pretrained": spec.backbone,
        "source": spec.source,
        "weights": [
            {
                "run_id": record.run_id,
                "where": where,
                "state": "present" if (folder / record.file).is_file() else "missing",
                "bytes": record.bytes,
                "input": [record.preprocessing.height, record.preprocessing.width, 3],
                "leaks": record.leaks,
                "metrics": {k: v for k, v in record.metrics.items() if k in _FIGURES},
            }
            for record, folder, where in stored
        ],
    }


def _render(network: dict[str, Any]) -> str:
    height, width, _ = network["input"]
    start = f"pretrained {network['pretrained']}" if network["pretrained"] else "from scratch"
    attention = ", soft attention" if network["soft_attention"] else ""
    lines = [
        f"{network['name']:<24} {network['title']}: {network['parameters']:,} parameters, "
        f"{height} x {width} px, {start}{attention}"
    ]
    if not network["weights"]:
        lines.append(
            f"  no weights here; train: python -m skinmodel train --model {network['name']}"
        )
    for weights in network["weights"]:
        lines.extend(_render_weights(weights))
    return "\n".join(lines)


def _render_weights(weights: dict[str, Any]) -> list[str]:
    leaky = ", LEAKY SPLIT" if weights["leaks"] else ""
    lines = [
        f"  {weights['run_id']} ({weights['where']}, {weights['state']}, "
        f"{weights['bytes'] / 1e6:.1f} MB{leaky})"
    ]
    for key, views in _FIGURES.items():
        figures = weights["metrics"].get(key, {})
        shown = [
            f"{title} {f['value']:.3f} ({f['low']:.3f} to {f['high']:.3f})"
            for name, title in _TITLES.items()
            if (f := figures.get(name)) is not None
        ]
        if shown:
            lines.append(f"    test, {views}: {', '.join(shown)}")
    return lines
