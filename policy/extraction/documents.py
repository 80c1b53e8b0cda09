"""Readers of documents, each loaded on first use: children load all there are before they begin, and the gateway's own
process, in which none of them reads, has neither them nor the libraries that they stand on in its memory.
"""

from collections.abc import Callable
from importlib import import_module
from typing import Any, Final


def _loaded_on_use(module: str, name: str) -> Callable[..., Any]:
    def read(*given: Any, **more: Any) -> Any:
        return getattr(import_module(f"policy.extraction.{module}"), name)(*given, **more)

    return read


read_office: Final = _loaded_on_use("office.file", "read_office")
read_opendocument: Final = _loaded_on_use("opendocument.file", "read_opendocument")
read_pdf: Final = _loaded_on_use("pdf.file", "read_pdf")
drawn_text: Final = _loaded_on_use("pdf.drawn", "drawn_text")
read_ole: Final = _loaded_on_use("office97.ole", "read_ole")
read_rtf_file: Final = _loaded_on_use("rtf.file", "read_rtf_file")
read_flat: Final = _loaded_on_use("flat", "read_flat")
read_tnef: Final = _loaded_on_use("outlook.tnef", "read_tnef")
read_zip: Final = _loaded_on_use("archives.unzip", "read_zip")
read_packed: Final = _loaded_on_use("archives.packed", "read_packed")
read_tar: Final = _loaded_on_use("archives.packed", "read_tar")
read_ar: Final = _loaded_on_use("archives.packed", "read_ar")
read_cpio: Final = _loaded_on_use("archives.packed", "read_cpio")
read_appledouble: Final = _loaded_on_use("archives.appledouble", "read_appledouble")
