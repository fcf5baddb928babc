"""Every reader of meter files keeps the same promises: what is no such file is one sentence, never a foreign error."""

import pytest

from cblcast import registry
from cblcast.errors import DataError, StudyError

BROKEN = {
    "empty": b"",
    "blank": b"\n\n\n",
    "binary": bytes(range(256)) * 8,
    "prose": b"Nothing here was metered.\nNot a number in sight.\n",
    "header_only": b"site_id,time,observed_kw\n",
    "torn_xml": b"<feed><entry><content>",
    "torn_nem12": b"100,NEM12,2024",
}


@pytest.mark.parametrize("name", sorted(registry.READERS))
@pytest.mark.parametrize("what", sorted(BROKEN))
def test_a_broken_file_is_one_sentence(tmp_path, name, what):
    path = tmp_path / f"{what}.csv"
    path.write_bytes(BROKEN[what])
    with pytest.raises((DataError, StudyError)) as told:
        registry.READERS.resolve(name)(path, tz="Europe/Rome")
    assert "\n" not in str(told.value)
    assert len(str(told.value)) > 20


@pytest.mark.parametrize("name", sorted(registry.READERS))
def test_a_file_that_is_not_there_is_named(tmp_path, name):
    with pytest.raises((DataError, StudyError), match="nowhere"):
        registry.READERS.resolve(name)(tmp_path / "nowhere.csv", tz="Europe/Rome")
