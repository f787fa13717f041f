"""The audit report: one HTML file that asks for nothing, and the PDF made from it."""

from scanner.report.html import render_html
from scanner.report.pdf import render_pdf

__all__ = ["render_html", "render_pdf"]
