"""The pages of the dashboard. A further page is an entry here and a folder with ``page.py``."""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True)
class PageEntry:
    """One page.

    Attributes:
        path: its file, relative to this folder.
        title: what the navigation calls it.
        icon: a Material symbol.
        url_path: its address below the dashboard's; empty for the first page.
    """

    path: str
    title: str
    icon: str
    url_path: str


PAGES: Final = (
    PageEntry("classify/page.py", "Classify", ":material/biotech:", ""),
    PageEntry("batch/page.py", "Batch", ":material/photo_library:", "batch"),
    PageEntry("compare/page.py", "Compare", ":material/compare:", "compare"),
    PageEntry("datasets/page.py", "Datasets", ":material/dataset:", "datasets"),
    PageEntry("learn/page.py", "Learn", ":material/school:", "learn"),
    PageEntry("quiz/page.py", "Quiz", ":material/quiz:", "quiz"),
    PageEntry("about/page.py", "About", ":material/info:", "about"),
)
