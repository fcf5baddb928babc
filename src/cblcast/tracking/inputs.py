"""The data set of a run, as MLflow shows it: name, digest, schema and size."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cblcast.frames.panel import Panel

_KINDS = {"f": "double", "i": "long", "u": "long", "b": "boolean", "M": "datetime"}


@dataclass(frozen=True)
class DataUsed:
    """A data set that a study read.

    Attributes
    ----------
    name : str
        Of the catalogue, or of the file without its folder.
    digest : str
        Of the values, their instants and their sites: the same readings have the same, whatever file held them.
    source : str
        Where it came from.
    columns : mapping column -> type of MLflow
    profile : mapping
        ``rows``, ``sites``, ``first`` and ``last`` (UTC), ``step_min``.
    """

    name: str
    digest: str
    source: str
    columns: Mapping[str, str]
    profile: Mapping[str, Any] = field(default_factory=dict)

    def entity(self, context: str) -> Any:
        """As MLflow takes it; `context` says what it was used for."""
        from mlflow.entities import Dataset, DatasetInput, InputTag

        schema = [{"name": name, "type": kind, "required": True} for name, kind in self.columns.items()]
        made = Dataset(
            name=self.name,
            digest=self.digest,
            source_type="local",
            source=json.dumps({"uri": self.source}),
            schema=json.dumps({"mlflow_colspec": schema}),
            profile=json.dumps(dict(self.profile)),
        )
        return DatasetInput(dataset=made, tags=[InputTag("mlflow.data.context", context)])


def data_used(panel: Panel, name: str, source: str) -> DataUsed:
    """The data set of a panel."""
    from pandas.util import hash_pandas_object

    frame = panel.data
    digest = hashlib.sha256(hash_pandas_object(frame, index=True).to_numpy().tobytes())
    digest.update(",".join(map(str, frame.columns)).encode())
    times = frame.index.get_level_values("time")
    columns = {"site_id": "string", "time": "datetime"}
    columns |= {str(column): _KINDS.get(frame[column].dtype.kind, "string") for column in frame.columns}
    profile = {
        "rows": len(frame),
        "sites": len(panel.site_ids),
        "first": times.min().isoformat(),
        "last": times.max().isoformat(),
        "step_min": panel.step.total_seconds() / 60,
    }
    return DataUsed(name, digest.hexdigest()[:16], source, columns, profile)
