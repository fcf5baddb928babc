"""The page of an experiment: which of its claims hold, which do not, its text and pictures."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

from cblcast.report.page import Facts, Page, Part, Picture, Prose, Section, Source, Tiles, sections, table
from cblcast.report.words import Words


def experiment_page(
    name: str,
    claims: Sequence[Mapping[str, Any]],
    readme: str,
    pictures: Mapping[str, bytes],
    pairs: Sequence[tuple[str, str]],
    issued: dt.datetime,
    words: Words,
) -> Page:
    """The page of an experiment.

    Parameters
    ----------
    claims : sequence of mappings
        ``claim``, ``source``, ``target``, ``sense``, ``measured``, ``unit``, ``holds``.
    readme : str
    pictures : mapping name -> PNG
    pairs : sequence of (name, value)
        Versions and hashes.
    """
    told = [each for each in claims if each.get("target") is not None]
    held = [each for each in told if each["holds"]]
    failed = [each for each in told if not each["holds"]]
    reported = [each for each in claims if each.get("target") is None]
    lead = words("verdict_claims", holds=len(held), n=len(told), fails=len(failed), reported=len(reported))
    groups = {"claims_failed": failed, "claims_held": held, "claims_reported": reported}
    tables = tuple(_claims(words, key, each) for key, each in groups.items() if each)
    title = readme.partition("\n")[0].lstrip("# ").strip() or name
    pngs: tuple[Part, ...] = tuple(
        Picture(content, words("picture_of", name=file)) for file, content in pictures.items()
    )
    found = sections(
        Section(
            "verdict",
            words("verdict"),
            (Prose(lead, "lead"), Tiles(_counts(words, held, failed, reported))),
            in_mail=True,
        ),
        Section("claims", words("claims"), tables, in_mail=True),
        Section("pictures", words("pictures"), pngs),
        Section("about", words("readme"), (Source(f"{name}/README.md", readme),) if readme else ()),
        Section("provenance", words("provenance"), (Facts(tuple(pairs)),)),
    )
    return Page(words("experiment"), title, words, found, issued, name)


def _counts(words: Words, *groups: Sequence[Any]) -> tuple[tuple[str, str, str], ...]:
    keys = ("claims_held", "claims_failed", "claims_reported")
    return tuple((words.number(len(group)), words(key), "") for key, group in zip(keys, groups, strict=True))


def _claims(words: Words, key: str, claims: Sequence[Mapping[str, Any]]) -> Part:
    rows = [
        [
            str(each["claim"]),
            _target(each, words),
            _figure(each.get("measured"), words),
            *(str(each.get(key) or "") for key in ("unit", "source")),
        ]
        for each in claims
    ]
    return table(
        words(key), words.each("claim", "target", "measured", "unit", "source"), rows, [False, True, True, False, False]
    )


def _target(claim: Mapping[str, Any], words: Words) -> str:
    if claim.get("target") is None:
        return words.number(None)
    return f"{claim.get('sense') or ''} {_figure(claim['target'], words)}".strip()


def _figure(value: Any, words: Words) -> str:
    if isinstance(value, bool) or value is None or isinstance(value, str):
        return words.number(None) if value is None else str(value)
    if isinstance(value, (list, tuple)):
        return " – ".join(_figure(each, words) for each in value)
    return words.number(value) if isinstance(value, int) else words.number(float(f"{value:.4g}"))
