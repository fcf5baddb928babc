"""What every world of the registry must do, so that one line is enough to add one."""

import inspect

import pytest
from pydantic import BaseModel

from cblcast import registry
from cblcast.config.problems import validated
from cblcast.errors import StudyError


@pytest.mark.parametrize("name", registry.WORLDS)
def test_a_world_can_be_named_checked_and_run(name):
    world = registry.WORLDS.resolve(name)()
    assert issubclass(world.section, BaseModel)
    assert world.section.model_config["extra"] == "forbid", "an unknown key must be an error"
    assert "world" in world.section.model_fields, "the file's key world: stands in its section"
    assert list(inspect.signature(world.run).parameters) == ["settings", "folder"]
    assert inspect.getdoc(type(world))
    with pytest.raises(StudyError, match="unknown key 'no_such_key'"):
        validated(world.section, {"world": name, "no_such_key": 1}, "file.yaml")
