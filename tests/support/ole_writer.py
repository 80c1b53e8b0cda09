"""Writes OLE containers ([MS-CFB] version 3), so that tests can put anything into one."""

import struct
from dataclasses import dataclass, field

SECTOR = 512
MINI = 64
CUTOFF = 4096
FREE, END, FAT = 0xFFFFFFFF, 0xFFFFFFFE, 0xFFFFFFFD


@dataclass
class _Node:
    name: str
    data: bytes | None = None  # None: a storage
    children: "dict[str, _Node]" = field(default_factory=dict)
    number: int = 0
    start: int = END
    next: int = FREE
    child: int = FREE


def container(streams: dict[str, bytes]) -> bytes:
    """A container with these streams; `/` in a name makes storages."""
    root = _Node("Root Entry")
    for path, data in streams.items():
        node = root
        *folders, last = path.split("/")
        for folder in folders:
            node = node.children.setdefault(folder, _Node(folder))
        node.children[last] = _Node(last, data)
    nodes = _numbered(root)
    sectors: list[bytes] = []
    chain: list[int] = []
    minis = b""
    mini_chain: list[int] = []

    def place(data: bytes) -> int:
        first = len(sectors)
        count = -(-len(data) // SECTOR)
        for at in range(count):
            sectors.append(data[at * SECTOR : (at + 1) * SECTOR].ljust(SECTOR, b"\0"))
            chain.append(first + at + 1 if at + 1 < count else END)
        return first if count else END

    for node in nodes:
        if not node.data:
            continue
        if len(node.data) >= CUTOFF:
            node.start = place(node.data)
        else:
            node.start = len(mini_chain)
            count = -(-len(node.data) // MINI)
            minis += node.data.ljust(count * MINI, b"\0")
            mini_chain += [node.start + at + 1 for at in range(count - 1)] + [END]
    root.start = place(minis)
    mini_fat = place(b"".join(struct.pack("<I", value) for value in mini_chain))
    directory = place(b"".join(_entry(node, minis if node is root else node.data) for node in nodes))
    fat_count = 1
    while (len(sectors) + fat_count) * 4 > fat_count * SECTOR:
        fat_count += 1
    fats = list(range(len(sectors), len(sectors) + fat_count))
    table = [*chain, *([FAT] * fat_count)]
    table += [FREE] * (fat_count * SECTOR // 4 - len(table))
    packed = b"".join(struct.pack("<I", value) for value in table)
    head = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(16) + struct.pack("<5H", 0x3E, 3, 0xFFFE, 9, 6) + bytes(6)
    head += struct.pack("<9I", 0, fat_count, directory, 0, CUTOFF, mini_fat, -(-len(mini_chain) * 4 // SECTOR), END, 0)
    head += b"".join(struct.pack("<I", value) for value in [*fats, *([FREE] * (109 - fat_count))])
    return head + b"".join(sectors) + packed


def _numbered(root: _Node) -> list[_Node]:
    """All nodes; the children of each are a chain of right neighbours, which readers take."""
    nodes = [root]
    for node in nodes:
        last = None
        for name in sorted(node.children, key=lambda name: (len(name), name.upper())):
            child = node.children[name]
            child.number = len(nodes)
            nodes.append(child)
            if last is None:
                node.child = child.number
            else:
                last.next = child.number
            last = child
    return nodes


def _entry(node: _Node, data: bytes | None) -> bytes:
    name = node.name.encode("utf-16-le")
    kind = 5 if node.number == 0 else 1 if node.data is None else 2
    head = name.ljust(64, b"\0") + struct.pack("<HBB3I", len(name) + 2, kind, 1, FREE, node.next, node.child)
    return head + bytes(36) + struct.pack("<IQ", node.start if data else END, len(data or b""))
