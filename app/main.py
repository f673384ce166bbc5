"""The dashboard's entry file: ``streamlit run app/main.py`` from the repository's folder.

It also starts from any other folder, but then without the settings in ``.streamlit/config.toml``.
"""

import sys
from pathlib import Path

# Streamlit puts only this file's folder on the path; both packages stand one folder above it.
if (root := str(Path(__file__).resolve().parent.parent)) not in sys.path:
    sys.path.insert(0, root)

import streamlit as st
from starlette.middleware import Middleware

from app import services
from app.expiry import forget_ended_sessions
from app.first_paint import FirstPaint
from app.navigation import PAGES
from app.origins import SameOrigin, ask_nobody_outside
from app.quota import UploadQuota
from app.shared import components
from skinmodel.results import DISCLAIMER


def main() -> None:
    """Build the navigation and run the page asked for."""
    st.set_page_config(
        page_title="skinmodel",
        page_icon=components.draw_icon(),
        layout="wide",
        menu_items={"About": f"**skinmodel.** {DISCLAIMER}"},
    )
    services.keep_uploads_in_memory()
    components.apply_style()
    folder = Path(__file__).resolve().parent
    page = st.navigation(
        [
            st.Page(
                folder / entry.path,
                title=entry.title,
                icon=entry.icon,
                url_path=entry.url_path or None,
                default=not entry.url_path,
            )
            for entry in PAGES
        ],
        position="top",
    )
    components.run_guarded(page.run)


if __name__ == "__main__":  # a visitor's run of the script
    main()
else:  # the web server, once, before the first visitor
    ask_nobody_outside()
    server = st.App(
        __file__,
        middleware=[Middleware(SameOrigin), Middleware(UploadQuota), Middleware(FirstPaint)],
        lifespan=forget_ended_sessions,
    )
