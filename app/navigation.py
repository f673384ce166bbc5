"""The pages of the dashboard. A further page is one entry here and one file under ``views``."""

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
    PageEntry("views/classify.py", "Classify", ":material/biotech:", ""),
    PageEntry("views/compare.py", "Compare", ":material/compare:", "compare"),
    PageEntry("views/datasets.py", "Datasets", ":material/dataset:", "datasets"),
    PageEntry("views/learn.py", "Learn", ":material/school:", "learn"),
    PageEntry("views/quiz.py", "Quiz", ":material/quiz:", "quiz"),
    PageEntry("views/about.py", "About", ":material/info:", "about"),
)
