"""What of a PDF's page is drawn and not seen: under something, outside of its clip, on a layer that may be off."""

import ctypes
import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from pypdfium2 import raw

_MOST_OBJECTS: Final = 20_000
_MOST_COVERS: Final = 500
_BAND: Final = 16.0  # points
_MOST_BANDS: Final = 200
_MOST_SEGMENTS: Final = 400
_MOST_MARKS: Final = 8
_OPAQUE: Final = 250
_DEEPEST: Final = 8  # forms in each other
_LAYER: Final = "OC"  # the mark of optional content (ISO 32000-1, 8.11)

Box = tuple[float, float, float, float]  # left, bottom, right, top


@dataclass(frozen=True, slots=True)
class _Around:
    """What holds for the objects within a form: where it puts them, its clip, its layer."""

    turns: tuple[Any, ...] = ()  # matrices, the innermost first
    clip: Box | None = None
    layer: str = ""


class Ground:
    """The objects of a page in the order in which they are drawn, those within forms at the form's place.

    `layered`: a form may be on a layer without saying so here; then each form is taken for a layer of its own.
    """

    def __init__(self, page: Any, *, layered: bool = False) -> None:
        self._order: dict[int, int] = {}
        self._covers: dict[int, list[tuple[int, Box]]] = {}  # by bands of the page
        self._number_of_covers = 0
        self._clips: dict[int, Box | None] = {}
        self._forms: dict[int, _Around] = {}  # what is around objects that stand in one
        self._layered = layered
        self._walk(partial(raw.FPDFPage_GetObject, page), raw.FPDFPage_CountObjects(page), _Around(), 0)

    def _walk(self, give: Callable[[int], Any], count: int, around: _Around, depth: int) -> None:
        for number in range(min(count, _MOST_OBJECTS)):
            drawn = give(number) if len(self._order) < _MOST_OBJECTS else None
            if not drawn:
                continue
            address = ctypes.addressof(drawn.contents)
            order = self._order[address] = len(self._order)
            if depth:
                self._forms[address] = around
            if raw.FPDFPageObj_GetType(drawn) == raw.FPDF_PAGEOBJ_FORM:
                if depth < _DEEPEST:
                    inner = self._within(drawn, around, order)
                    give_inner = partial(raw.FPDFFormObj_GetObject, drawn)
                    self._walk(give_inner, raw.FPDFFormObj_CountObjects(drawn), inner, depth + 1)
            elif self._number_of_covers < _MOST_COVERS and _is_opaque(drawn):
                self._number_of_covers += 1
                box = _cut(_turned(_bounds(drawn), around.turns), around.clip)
                for band in range(_band(box[1]), _band(box[3]) + 1):
                    self._covers.setdefault(band, []).append((order, box))

    def _within(self, form: Any, around: _Around, order: int) -> _Around:
        own = _clip(form)
        own = None if own is None else _turned(own, around.turns)
        clip = around.clip if own is None else _cut(own, around.clip)
        matrix = raw.FS_MATRIX()
        turns = (matrix, *around.turns) if raw.FPDFPageObj_GetMatrix(form, matrix) else around.turns
        layer = layer_of(form) or around.layer or (f"form {order}" if self._layered else "")
        return _Around(turns, clip, layer)

    def layer(self, drawn: Any) -> str:
        """The layer of a drawn text; empty where it is on none."""
        around = self._forms.get(ctypes.addressof(drawn.contents))
        return layer_of(drawn) or (around.layer if around else "")

    def hides(self, drawn: Any, across: float, up: float) -> str:
        """Why nobody sees a sign of a drawn text at a place; empty where it is seen."""
        address = ctypes.addressof(drawn.contents)
        order = self._order.get(address)
        if order is None:
            return ""
        if address not in self._clips:
            around = self._forms.get(address, _Around())
            own = _clip(drawn)
            own = None if own is None else _turned(own, around.turns)
            self._clips[address] = around.clip if own is None else _cut(own, around.clip)
        clip = self._clips[address]
        if clip is not None and not _within(clip, across, up):
            return "clipped"
        near = self._covers.get(_band(up), ())
        return "covered" if any(at > order and _within(box, across, up) for at, box in near) else ""


def _turned(box: Box, turns: tuple[Any, ...]) -> Box:
    """The box around a box that is moved and turned."""
    for turn in turns:
        corners = [(x, y) for x in (box[0], box[2]) for y in (box[1], box[3])]
        across = [turn.a * x + turn.c * y + turn.e for x, y in corners]
        up = [turn.b * x + turn.d * y + turn.f for x, y in corners]
        box = (min(across), min(up), max(across), max(up))
    return box


def _cut(box: Box, by: Box | None) -> Box:
    """What two boxes share."""
    if by is None:
        return box
    return max(box[0], by[0]), max(box[1], by[1]), min(box[2], by[2]), min(box[3], by[3])


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
            found = _cut(one, found)
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
