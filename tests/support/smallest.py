"""A configuration of just the required keys, for tests of commands that need one."""

from pathlib import Path
from typing import Final

from keys.keyring import KeyRing

RELAY_ALL: Final = "version: 1\nrules: []\notherwise: relay\n"
_CONFIG: Final = """
hostname: gate.example.com
domains: [example.com]
data: data
keys: file:keyring.json
listeners: [{address: "127.0.0.1:2525", clients: [127.0.0.0/8]}]
next_hop: {host: "127.0.0.1:2526"}
policy: policy.yaml
portal: {url: "http://localhost:8080", address: "127.0.0.1:8080"}
"""


def write_config(folder: Path, *more: str, policy: str = RELAY_ALL, keys: bool = True) -> Path:
    """Write config.yaml, with the lines `more` at its end, and policy.yaml into the folder; `keys`: a keyring too."""
    (folder / "policy.yaml").write_text(policy)
    config = folder / "config.yaml"
    config.write_text(_CONFIG + "".join(f"{line}\n" for line in more))
    if keys:
        KeyRing.create(folder / "keyring.json")
    return config
