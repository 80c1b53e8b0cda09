"""The example and the schema are written from the settings, and so can never be wrong."""

import json
import re
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner
from pydantic import BaseModel, TypeAdapter

from gateway.cli.main import main
from gateway.example import example, schema
from gateway.mistakes import bare, keys_at
from gateway.settings import Settings, load_settings
from gateway.yamlmarks import read_yaml
from keys.keyring import KeyRing

ROOT = Path(__file__).parents[3]


def models(model: type[BaseModel]) -> list[type[BaseModel]]:
    """The model and all that stand in it."""
    found = [model]
    for field in model.model_fields.values():
        todo = [field.annotation]
        while todo:
            kind = bare(todo.pop())
            if isinstance(kind, type) and issubclass(kind, BaseModel):
                found += models(kind)
            else:
                todo += [arg for arg in getattr(kind, "__args__", ()) if arg is not type(None)]
    return found


def test_the_example_in_the_repository_is_the_one_that_is_printed() -> None:
    assert (ROOT / "config.example.yaml").read_text() == example(), "sealgate config example > config.example.yaml"


def test_the_example_loads(tmp_path: Path) -> None:
    text = example()
    document = read_yaml(text, "example")
    assert document.problems == []
    text = text.replace("/var/lib/sealgate", "data").replace("file:///etc/sealgate/keyring.json", "file:keyring.json")
    (tmp_path / "config.yaml").write_text(text)
    KeyRing.create(tmp_path / "keyring.json")
    shutil.copy(ROOT / "gateway" / "policy.example.yaml", tmp_path / "policy.yaml")
    settings = load_settings(tmp_path / "config.yaml")
    assert settings.hostname == "gate.example.com"


def test_what_stands_in_it_is_required_or_the_default(tmp_path: Path) -> None:
    data = read_yaml(example(), "example").data
    for name, field in Settings.model_fields.items():
        if name in data and not field.is_required() and name not in ("rules", "profiles"):
            default = field.get_default(call_default_factory=True, validated_data={})
            assert TypeAdapter(field.rebuild_annotation()).validate_python(data[name]) == default, name


def test_every_key_is_in_the_example() -> None:
    text = example()
    for model in models(Settings):
        for name, field in model.model_fields.items():
            if field.annotation is not type(None):
                assert re.search(rf"^[ #-]*{field.alias or name}:", text, re.MULTILINE), (model.__name__, name)


def test_every_key_says_what_it_is_for() -> None:
    for model in models(Settings):
        for name, field in model.model_fields.items():
            assert field.description, (model.__name__, name)


def test_the_schema_knows_every_key() -> None:
    found = json.loads(schema())
    assert set(found["properties"]) == set(Settings.model_fields)
    assert set(found["required"]) == {
        *("hostname", "domains", "data", "keys", "listeners", "next_hop", "policy", "portal")
    }
    assert found["additionalProperties"] is False
    assert found["$defs"]["QueueSettings"]["properties"]["expire"]["default"] == "5 days"
    assert found["properties"]["limits"]["default"]["message"] == "50 MiB"


def test_keys_are_found_in_depth() -> None:
    assert keys_at(Settings, ("partners", "st-mary", "tls")) == (
        *("verify", "ca", "names", "fingerprints", "public_keys", "minimum", "client_certificate", "client_key"),
    )
    assert "address" in keys_at(Settings, ("listeners", 0))
    assert keys_at(Settings, ("hostname",)) == ()


@pytest.mark.parametrize("name", ["example", "schema"])
def test_they_are_printed(name: str) -> None:
    result = CliRunner().invoke(main, ["config", name])
    assert result.exit_code == 0
    assert result.stdout.strip() == {"example": example, "schema": schema}[name]().strip()
