"""The house: folders explain themselves, docs name what exists, the unit is hardened, no work is left half done."""

import ast
import re
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
PACKAGES = ["gateway", "policy", "rules", "portal", "delivery", "keys"]
DOCS = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]


@pytest.mark.parametrize("init", sorted(p for name in PACKAGES for p in (ROOT / name).rglob("__init__.py")))
def test_a_folder_explains_itself_and_holds_nothing_else(init: Path) -> None:
    tree = ast.parse(init.read_text())
    assert ast.get_docstring(tree), f"{init} has no docstring"
    assert len(tree.body) == 1, f"{init} holds more than its docstring"


def test_large_folders_say_what_is_where() -> None:
    """Each module and package of a folder with many stands in the map of its `__init__.py`, once; so in every map."""
    for init in (init for name in PACKAGES for init in (ROOT / name).rglob("__init__.py")):
        modules = sorted(path.stem for path in init.parent.glob("*.py") if path.name != "__init__.py")
        packages = {path.parent.name for path in init.parent.glob("*/__init__.py")}
        places = (ast.get_docstring(ast.parse(init.read_text())) or "").partition("What is where:")[2]
        if places or len(modules) > 15:
            assert sorted(re.findall(r"`(\w+)`", places)) == modules, init
            assert packages <= set(re.findall(r"`(\w+)/`", places)), init


def test_every_log_event_is_named_by_its_part_and_what_happened() -> None:
    """`smtp.refused`: who looks for the lines of one part filters by the word before the dot."""
    said = re.compile(r"\blog\.(?:debug|info|warning|error|exception)\(\s*(?:\"([^\"]*)\"|'([^']*)')")
    names = [
        (path.name, one[1] or one[2])
        for package in PACKAGES
        for path in (ROOT / package).rglob("*.py")
        for one in said.finditer(path.read_text())
    ]
    assert len(names) > 50
    assert not [one for one in names if not re.fullmatch(r"[a-z_]+(?:\.[a-z_]+)+", one[1])]


@pytest.mark.parametrize("page", DOCS, ids=lambda page: str(page.relative_to(ROOT)))
def test_paths_in_the_docs_exist(page: Path) -> None:
    text = page.read_text()
    named = set(
        re.findall(r"`((?:gateway|policy|rules|portal|delivery|keys|systemd|tests|bench|docs)/[\w./-]+)`", text)
    )
    gone = sorted(name for name in named if not (ROOT / name).exists())
    prose = re.sub(r"`[^`\n]*`", "", text)  # a pattern in backticks is no link
    linked = [link for link in re.findall(r"\]\(([^)#:\s]+)\)", prose) if not (page.parent / link).exists()]
    assert not gone and not linked


@pytest.mark.parametrize("page", DOCS, ids=lambda page: str(page.relative_to(ROOT)))
def test_commands_in_the_docs_exist(page: Path) -> None:
    import click

    from gateway.cli.main import GROUPS, main

    for group, word in re.findall(r"^\s*(?:\$ )?sealgate ([a-z]+)(?: ([a-z]+))?\b", page.read_text(), re.MULTILINE):
        assert group in GROUPS, f"sealgate {group}"
        command = main.get_command(click.Context(main), group)
        if word and isinstance(command, click.Group):
            assert word in command.commands, f"sealgate {group} {word}"


def test_every_defence_names_the_files_that_show_it() -> None:
    """A folder shows nothing in particular."""
    rows = [row for row in (ROOT / "docs" / "threat-model.md").read_text().splitlines() if "`tests/" in row]
    assert len(rows) > 20
    for row in rows:
        named = re.findall(r"`(tests/[^`]+)`", row.split(" | ")[-1])
        assert named and all((ROOT / name).is_file() for name in named), row


def test_the_readme_maps_every_page() -> None:
    linked = set(re.findall(r"\]\(docs/([\w-]+\.md)\)", (ROOT / "README.md").read_text()))
    assert linked == {page.name for page in (ROOT / "docs").glob("*.md")}


def test_dependencies_are_used() -> None:
    """What nobody imports is not asked for."""
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]
    modules = {
        "Babel": "babel", "Jinja2": "jinja2", "PyYAML": "yaml", "SQLAlchemy": "sqlalchemy", "argon2-cffi": "argon2",
        "dnspython": "dns", "google-re2": "re2", "msoffcrypto-tool": "msoffcrypto",
    }  # fmt: skip
    by_name_only = {"psycopg[binary]", "tzdata"}  # by a URL's scheme; by zoneinfo, as data
    code = "\n".join(path.read_text() for name in PACKAGES for path in (ROOT / name).rglob("*.py"))
    names = {re.split(r"[>=<]", entry)[0] for entry in declared} - by_name_only
    wanted = {modules.get(name, name.replace("-", "_")) for name in names}
    assert not [name for name in sorted(wanted) if not re.search(rf"^\s*(?:import|from) {name}\b", code, re.MULTILINE)]


def test_the_unit_leaves_the_folder_of_the_configuration_as_it_was_installed() -> None:
    """systemd says so at each start where it finds another mode than it would give."""
    unit = (ROOT / "systemd" / "sealgate.service").read_text()
    page = (ROOT / "docs" / "operations.md").read_text()
    (mode,) = re.findall(r"^install -d .* -m (\d+) /etc/sealgate$", page, re.MULTILINE)
    assert f"ConfigurationDirectoryMode={mode}" in unit.splitlines()


@pytest.mark.slow  # in `make test`, which has seen to it that there is systemd
def test_the_unit_is_hardened() -> None:
    if shutil.which("systemd-analyze") is None:
        pytest.skip("missing: systemd (make system-packages installs it as root)")
    analyze = subprocess.run(
        ["systemd-analyze", "security", "--offline=true", str(ROOT / "systemd" / "sealgate.service")],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    found = re.search(r"exposure level for sealgate.service: ([\d.]+)", analyze.stdout)
    assert found, analyze.stderr
    assert float(found[1]) <= 2.5


def test_unfinished_work_is_not_hidden() -> None:
    """No marker of unfinished work; every silenced warning has its reason beside it."""
    marker = re.compile(r"\b(?:TO" + r"DO|FIX" + r"ME|XX" + r"X)\b|raise NotImplemented")
    silenced = re.compile(r"# (?:type: ignore|noqa)(?:\[[^\]]*\]|: ?[A-Z0-9, ]+)?\s*$")
    found = []
    for name in PACKAGES:
        for path in (ROOT / name).rglob("*.py"):
            for number, line in enumerate(path.read_text().splitlines(), 1):
                if marker.search(line) or silenced.search(line):
                    found.append(f"{path.relative_to(ROOT)}:{number}: {line.strip()}")
    assert not found
