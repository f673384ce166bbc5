"""A result as files: JSON with every number, and the overlay as a picture that says what it is."""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from app.services.pictures import Analysis, Picture
from skinmodel import __version__
from skinmodel.diagnoses import CODES, get_diagnosis
from skinmodel.explain import overlay
from skinmodel.explain.registry import METHODS
from skinmodel.findings.cautions import agree
from skinmodel.results import DISCLAIMER, Explanation, Prediction
from skinmodel.wording import percent

SCHEMA_VERSION: Final = 1


def render_json(
    analysis: Analysis, titles: Mapping[str, str], cautions: Sequence[str], now: datetime
) -> bytes:
    """Return one picture's result as a JSON file.

    It names the picture by the digest of its file, so that whoever holds the file can match the
    two, and holds nothing else of a user's own picture: no file name and no pixels.

    Args:
        analysis: the picture and what the networks said of it.
        titles: what the page calls each network it shows, by registry name; what others said of
            the picture before is left out.
        cautions: the sentences shown beside the result.
        now: when the result was saved.

    Returns:
        UTF-8, indented.
    """
    picture = analysis.picture
    predictions = [analysis.predictions[name] for name in titles]
    declined = any(p.declined for p in predictions)
    height, width = picture.image.shape[:2]
    document = {
        "schema_version": SCHEMA_VERSION,
        "program": f"skinmodel {__version__}",
        "disclaimer": DISCLAIMER,
        "saved": now.astimezone(UTC).isoformat(timespec="seconds"),
        "image": {
            "sha256": picture.sha256,
            "width": width,
            "height": height,
            **({} if picture.crop is None else {"crop": list(picture.crop)}),
            "origin": str(picture.origin),
            "title": picture.title,
        },
        "models_agree": None if declined else agree(predictions),
        "results": [
            {"title": titles[p.model], **(_tell_refusal(p) if declined else p.to_dict())}
            for p in predictions
        ],
        "explanations": [
            e.to_dict()
            for e in analysis.explanations.values()
            if e.model in titles and not declined
        ],
        "cautions": list(cautions),
    }
    return json.dumps(document, indent=2, ensure_ascii=False).encode()


def _tell_refusal(prediction: Prediction) -> dict[str, Any]:
    """Return what a file says of a network where any of them declines the picture."""
    gate = None if prediction.trust is None else prediction.trust.gate.to_dict()
    return {"model": prediction.model, "run_id": prediction.run_id, "gate": gate}


def render_overlay_png(
    picture: Picture,
    explanation: Explanation,
    opacity: float,
    title: str,
    remark: str = "",
    *,
    prediction: Prediction | None = None,
    now: datetime | None = None,
) -> bytes:
    """Return the overlay at the picture's own size, over a strip that says what it is, as a PNG.

    Args:
        picture: the picture below the map.
        explanation: the map.
        opacity: share of colour where the map is at its maximum, in [0, 1].
        title: what the page calls the network.
        remark: what was measured against maps of this kind; empty if nothing.
        prediction: what the network says of the picture; None where that is not to be told.
        now: when the overlay was saved; None for no date.
    """
    said = _say(explanation, prediction)
    date = [] if now is None else [f"Saved {now.astimezone(UTC):%Y-%m-%d %H:%M} UTC"]
    notes = {
        "Software": f"skinmodel {__version__}",
        "Disclaimer": DISCLAIMER,
        "Model": explanation.model,
        "Run": explanation.run_id,
        "Method": METHODS[explanation.method].title,
        **({} if explanation.head is None else {"Head": str(explanation.head)}),
        "Layer": explanation.layer,
        "Diagnosis": explanation.code or "none: the method knows no class",
        "Raw maximum": f"{explanation.raw_maximum:.6g}",
        "Placement": ", ".join(f"{edge:.3f}" for edge in explanation.placement.to_list()),
        **({"Remark": remark} if remark else {}),
        **({"Probability": said} if said else {}),
        **({"Saved": now.astimezone(UTC).isoformat(timespec="seconds")} if now else {}),
        "Opacity": f"{opacity:.2f}",
        "Image SHA-256": picture.sha256,
    }
    blended = overlay.blend(picture.image, explanation, opacity)
    lines = overlay.label(explanation, title, remark, [*([said] if said else []), *date])
    maximum = None if explanation.is_null else explanation.raw_maximum
    return overlay.encode_png(overlay.caption(blended, lines, maximum), notes)


def _say(explanation: Explanation, prediction: Prediction | None) -> str:
    """Return the first choice, and the probability of the diagnosis that the map speaks for."""
    if prediction is None:
        return ""
    codes = dict.fromkeys([prediction.code, *([explanation.code] if explanation.code else [])])
    shares = (
        f"{get_diagnosis(code).name} {percent(prediction.probabilities[CODES.index(code)])}"
        for code in codes
    )
    return f"Probability: {', '.join(shares)}"


def describe_overlay(explanation: Explanation, title: str) -> str:
    """Return the alternative text of an overlay: what a person who cannot see it should know."""
    drawn = overlay.describe_map(explanation)
    if explanation.is_null:
        return f"{title}, {drawn}: no positive evidence, so the picture is unchanged."
    h, w = explanation.values.shape
    row, column = divmod(int(explanation.values.argmax()), w)
    rows, columns = explanation.placement.centres(h, w)
    place = _name_place(float(rows[row]), float(columns[column]))
    return f"{title}, {drawn}, over the picture: strongest {place}."


def _name_place(down: float, across: float) -> str:
    vertical = "top" if down < 1 / 3 else "bottom" if down > 2 / 3 else "middle"
    horizontal = "left" if across < 1 / 3 else "right" if across > 2 / 3 else "centre"
    if (vertical, horizontal) == ("middle", "centre"):
        return "in the centre"
    return f"at the {vertical} {horizontal}"
