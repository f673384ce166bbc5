"""Where the keyboard goes on after a step: Streamlit leaves the focus on what is gone."""

import json
from string import Template
from typing import Final

import streamlit as st

# The part may be drawn after this script, so it is looked for a while; a later step ends that.
_SCRIPT: Final = Template("""<script>
(() => {
  const step = $key;
  window.skinmodelStep = step;
  const look = (tries) => {
    if (window.skinmodelStep !== step) return;
    const part = document.querySelector(".st-key-" + step);
    const target = part && ($inner ? part.querySelector($inner) : part);
    if (!target) { if (tries) setTimeout(look, 100, tries - 1); return; }
    if (target === part) { part.tabIndex = -1; part.style.outline = "none"; }
    target.focus({ preventScroll: true });
    part.scrollIntoView({ block: "nearest" });
  };
  look(100);
})();
</script>""")


def move_focus(key: str, inner: str = "") -> None:
    """Move the keyboard's focus to a part of the page, once for each key.

    Args:
        key: of the container; another one each time, or the browser does nothing.
        inner: selector of an element in it; the container itself without one.
    """
    script = _SCRIPT.substitute(key=json.dumps(key), inner=json.dumps(inner))
    st.html(script, unsafe_allow_javascript=True)
