"""What of a PDF's page is drawn and not seen: under something, outside of its clip, on a layer that may be off."""

import ctypes
import math
from typing import Any, Final

from pypdfium2 import raw

_MOST_OBJECTS: Final = 20_000
_MOST_COVERS: Final = 500
_BAND: Final = 16.0  # points
_MOST_BANDS: Final = 200
_MOST_SEGMENTS: Final = 400
_MOST_MARKS: Final = 8
_OPAQUE: Final = 250
_LAYER: Final = "OC"  # the mark of optional content (ISO 32000-1, 8.11)

Box = tuple[float, float, float, float]  # left, bottom, right, top


class Ground:
    """The objects of a page in the order in which they are drawn. Objects within forms are not looked at."""

    def __init__(self, page: Any) -> None:
        self._order: dict[int, int] = {}
        self._covers: dict[int, list[tuple[int, Box]]] = {}  # by bands of the page
        covers = 0
        self._clips: dict[int, Box | None] = {}
        for number in range(min(raw.FPDFPage_CountObjects(page), _MOST_OBJECTS)):
            drawn = raw.FPDFPage_GetObject(page, number)
            if not drawn:
                continue
            self._order[ctypes.addressof(drawn.contents)] = number
            if covers < _MOST_COVERS and _is_opaque(drawn):
                covers += 1
                box = _bounds(drawn)
                for band in range(_band(box[1]), _band(box[3]) + 1):
                    self._covers.setdefault(band, []).append((number, box))

    def hides(self, drawn: Any, across: float, up: float) -> str:
        """Why nobody sees a sign of a drawn text at a place; empty where it is seen."""
        address = ctypes.addressof(drawn.contents)
        order = self._order.get(address)
        if order is None:
            return ""
        if address not in self._clips:
            self._clips[address] = _clip(drawn)
        clip = self._clips[address]
        if clip is not None and not _within(clip, across, up):
            return "clipped"
        near = self._covers.get(_band(up), ())
        return "covered" if any(at > order and _within(box, across, up) for at, box in near) else ""


def _band(up: float) -> int:
    return int(max(-_MOST_BANDS, min(_MOST_BANDS, up // _BAND))) if math.isfinite(up) else 0


def _is_opaque(drawn: Any) -> bool:
    kind = raw.FPDFPageObj_GetType(drawn)
    if kind == raw.FPDF_PAGEOBJ_IMAGE:
        return True
    if kind != raw.FPDF_PAGEOBJ_PATH:
        return False
    fill, stroke = ctypes.c_int(), ctypes.c_int()
    raw.FPDFPath_GetDrawMode(drawn, fill, stroke)
    red, green, blue, alpha = (ctypes.c_uint() for _ in range(4))
    raw.FPDFPageObj_GetFillColor(drawn, red, green, blue, alpha)
    return fill.value != raw.FPDF_FILLMODE_NONE and alpha.value >= _OPAQUE


def _bounds(drawn: Any) -> Box:
    left, bottom, right, top = (ctypes.c_float() for _ in range(4))
    raw.FPDFPageObj_GetBounds(drawn, left, bottom, right, top)
    return left.value, bottom.value, right.value, top.value


def _within(box: Box, across: float, up: float) -> bool:
    return box[0] <= across <= box[2] and box[1] <= up <= box[3]


def _clip(drawn: Any) -> Box | None:
    """The box that all clips of an object leave; None where it has none."""
    path = raw.FPDFPageObj_GetClipPath(drawn)
    count = raw.FPDFClipPath_CountPaths(path) if path else 0
    found: Box | None = None
    across, up = ctypes.c_float(), ctypes.c_float()
    for number in range(min(max(count, 0), _MOST_MARKS)):
        points: list[tuple[float, float]] = []
        for at in range(min(raw.FPDFClipPath_CountPathSegments(path, number), _MOST_SEGMENTS)):
            segment = raw.FPDFClipPath_GetPathSegment(path, number, at)
            if segment and raw.FPDFPathSegment_GetPoint(segment, across, up):
                points.append((across.value, up.value))
        if points:
            one = (
                min(x for x, _ in points),
                min(y for _, y in points),
                max(x for x, _ in points),
                max(y for _, y in points),
            )
            found = (
                one
                if found is None
                else (max(found[0], one[0]), max(found[1], one[1]), min(found[2], one[2]), min(found[3], one[3]))
            )
    return found


def layer_of(drawn: Any) -> str:
    """What the layer is called that an object belongs to; empty where it belongs to none."""
    name = (ctypes.c_ushort * 16)()
    size = ctypes.c_ulong()
    for number in range(min(raw.FPDFPageObj_CountMarks(drawn), _MOST_MARKS)):
        mark = raw.FPDFPageObj_GetMark(drawn, number)
        known = mark and raw.FPDFPageObjMark_GetName(mark, name, ctypes.sizeof(name), size)
        if known and bytes(name)[: max(0, size.value - 2)].decode("utf-16-le", "replace") == _LAYER:
            size.value = 0
            raw.FPDFPageObjMark_GetParamStringValue(mark, b"Name", name, ctypes.sizeof(name), size)
            return f"layer {bytes(name)[: size.value].decode('utf-16-le', 'replace')}"
    return ""
