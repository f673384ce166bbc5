"""The printed sheet: page, fonts, footer and the few shapes a report is made of."""

from collections.abc import Sequence
from io import BytesIO
from pathlib import Path
from typing import Final

import numpy as np
from fpdf import FPDF
from fpdf.enums import XPos, YPos
from numpy.typing import NDArray
from PIL import Image

from skinmodel.case_report.case import Paper
from skinmodel.case_report.fonts import FAMILY, SHAPED, needs_shaping, write_fonts

MARGIN: Final = 15.0  # mm
INK: Final = (21, 35, 45)
PALE: Final = (78, 92, 102)
LINE: Final = (201, 212, 218)
_FOOT: Final = 14.0  # mm
_JPEG_QUALITY: Final = 85
_DOTS_A_MM: Final = 9  # about 230 a line inch: sharp on paper, small in the file


class Sheet(FPDF):
    """An A4 or Letter page in the report's font, with the same footer on every page.

    Args:
        paper: the format.
        fonts: folder to put the font's files into; they must stay there until ``output``.
        footer: what stands at the foot of each page, left of the page's number.
        shaped: whether text is to come whose letters join; see ``fonts.needs_shaping``.
    """

    def __init__(self, paper: Paper, fonts: Path, footer: str, shaped: bool = False):
        super().__init__(orientation="portrait", unit="mm", format=paper)
        self._footer = footer
        self.set_margins(MARGIN, MARGIN)
        self.c_margin = 0  # text begins where pictures do
        self.set_auto_page_break(True, MARGIN + _FOOT)
        for (family, style), file in write_fonts(fonts, shaped).items():
            self.add_font(family, style, file)
        self.set_text_color(*INK)
        self.write_font(9)

    def write_font(self, size: float, bold: bool = False, pale: bool = False) -> None:
        """Choose how the next text looks; the size in points."""
        self.set_font(FAMILY, "B" if bold else "", size)
        self.set_text_color(*(PALE if pale else INK))

    def footer(self) -> None:
        """Print the foot of a page; called by the library."""
        self.set_y(-_FOOT - 2)
        self.set_draw_color(*LINE)
        self.line(MARGIN, self.get_y(), self.w - MARGIN, self.get_y())
        self.write_font(7.5, bold=True)
        self.set_y(self.get_y() + 1)
        self.multi_cell(self.epw - 16, 3.6, self._footer, align="L", new_y=YPos.TOP)
        self.write_font(7.5, pale=True)
        self.cell(16, 3.6, f"{self.page_no()} / {{nb}}", align="R")

    def note(self, text: str, height: float = 4.3) -> None:
        """Print what a reader wrote, in whatever script."""
        if needs_shaping(text):
            self.set_font(SHAPED, "", self.font_size_pt)
            self.set_text_shaping(True)
            self.paragraph(text, height)
            self.set_text_shaping(False)
            self.set_font(FAMILY, "", self.font_size_pt)
        else:
            self.paragraph(text, height)

    def heading(self, text: str) -> None:
        """Print a heading, on the next page where nothing could stand below it on this one."""
        if self.get_y() > self.h - MARGIN - _FOOT - 22:
            self.add_page()
        self.ln(2.5)
        self.write_font(11.5, bold=True)
        self.paragraph(text, 5.5)
        self.write_font(9)

    def paragraph(self, text: str, height: float = 4.3, width: float = 0.0) -> None:
        """Print text from the current place to the right margin, or over a width in mm."""
        left = self.get_x()
        self.multi_cell(width, height, text, align="L", new_x=XPos.LEFT, new_y=YPos.NEXT)
        self.set_x(left)

    def picture(
        self, image: NDArray[np.uint8], width: float, tallest: float, alt: str
    ) -> tuple[float, float]:
        """Print a picture at the current place; returns its width and height in mm.

        Args:
            image: uint8, (H, W, 3), RGB.
            width: the most it may take, in mm.
            tallest: the most it may take down the page, in mm.
            alt: what a person who cannot see it should know.
        """
        high, wide = image.shape[:2]
        scale = min(width / wide, tallest / high)
        w, h = wide * scale, high * scale
        shown = Image.fromarray(image)
        shown.thumbnail((round(w * _DOTS_A_MM), round(h * _DOTS_A_MM)), Image.Resampling.BOX)
        data = BytesIO()
        shown.save(data, format="JPEG", quality=_JPEG_QUALITY)
        self.image(data, self.get_x(), self.get_y(), w, h, alt_text=alt)
        return w, h

    def row(self, cells: Sequence[str], widths: Sequence[float], bold: bool = False) -> None:
        """Print one row of a table from the left margin, as tall as its tallest cell."""
        self.write_font(8, bold=bold)
        lines = [
            len(self.multi_cell(width - 2, 4, cell, align="L", dry_run=True, output="LINES"))  # type: ignore[arg-type]
            for cell, width in zip(cells, widths, strict=True)
        ]
        height = 4.0 * max(lines)
        if self.get_y() + height > self.h - MARGIN - _FOOT:
            self.add_page()
        self.set_x(MARGIN)
        top, left = self.get_y(), self.get_x()
        for cell, width in zip(cells, widths, strict=True):
            self.set_xy(left, top)
            self.multi_cell(width - 2, 4, cell, align="L")
            left += width
        self.set_draw_color(*LINE)
        self.line(MARGIN, top + height + 0.4, MARGIN + sum(widths), top + height + 0.4)
        self.set_xy(MARGIN, top + height + 0.8)
