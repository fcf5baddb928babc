"""The folder of a training over a store: features, results of passes and models that are finished, so that it goes on after a kill."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from cblcast.errors import DataError, StudyError, why_not
from cblcast.forecast.forecaster import Forecaster
from cblcast.scaling.asked import SIZE
from cblcast.version import __version__

HEAD, LOCK = "training.json", ".training.lock"
_MODEL, _NOTE = "model", "model.json"


@dataclass(frozen=True)
class TrainingFolder:
    """Where a training keeps what is finished; every method has a folder of its own in it.

    Attributes
    ----------
    path : Path
    keep : bool
        Whether it stays when all is done.
    """

    path: Path
    keep: bool

    def of(self, number: int) -> Path:
        """The folder of a method, or of a stage, by its number in the study."""
        return self.path / f"{number:03d}"

    def features(self, number: int) -> Path:
        """Where the features of a method are."""
        return self.of(number) / "features"

    def judged(self, question: str) -> Path:
        """Where the measures of all methods are, of models that are made from what `question` digests."""
        return self.path / f"judged_{question[:12]}"

    def size(self, wanted: Callable[[], int]) -> int:
        """Bytes of a partition: what the training was begun with, so that one that goes on cuts alike."""
        head = json.loads((self.path / HEAD).read_text(encoding="utf-8")) if (self.path / HEAD).is_file() else {}
        if SIZE not in head:
            head[SIZE] = wanted()
            _write_json(self.path / HEAD, head)
        return int(head[SIZE])

    def model(self, number: int, question: str) -> Forecaster | None:
        """The trained model of a method, where it was made from the same."""
        note = self.of(number) / _NOTE
        try:
            if json.loads(note.read_text(encoding="utf-8"))["question"] != question:
                return None
            return Forecaster.load(self.of(number) / _MODEL)
        except (OSError, ValueError, KeyError, DataError):
            return None

    def model_path(self, number: int) -> Path:
        """Where the trained model of a method is."""
        return self.of(number) / _MODEL

    def keep_model(self, number: int, forecaster: Forecaster, question: str) -> None:
        """Write a trained model, whole or not at all."""
        own, place = self.of(number), self.model_path(number)
        draft = own / f"{_MODEL}.{os.getpid()}.draft"
        try:
            own.mkdir(parents=True, exist_ok=True)
            shutil.rmtree(draft, ignore_errors=True)
            forecaster.save(draft)
            shutil.rmtree(place, ignore_errors=True)
            draft.rename(place)
            _write_json(own / _NOTE, {"question": question})
        except OSError as error:
            raise StudyError(f"the model {forecaster.name} cannot be kept in {own}: {why_not(error)}") from None

    def forget_features(self, number: int) -> None:
        """The model is there: its features are not needed any more."""
        shutil.rmtree(self.features(number), ignore_errors=True)

    def done(self) -> None:
        """All is finished: what only served to go on is taken away, unless the folder was asked for."""
        if not self.keep:
            _clear(self.path)


@contextmanager
def training_folder(path: Path | None, question: str, resume: bool, keep: bool) -> Iterator[TrainingFolder]:
    """The folder of a training, begun or gone on with, which no other training can have meanwhile; a temporary one without `path`.

    Parameters
    ----------
    question : str
        Digest of what is asked: a folder of another question is refused.
    resume : bool
        Go on with what is finished; otherwise it is taken away.
    keep : bool
        Whether the folder stays when all is done.

    Raises
    ------
    StudyError
        A folder that holds other things, or a training of something else, or in which another is at work.
    """
    from filelock import FileLock, Timeout

    if path is None:
        with TemporaryDirectory(prefix="cblcast_training_") as made:
            yield TrainingFolder(Path(made), keep=True)
        return
    try:
        if path.is_dir() and not (path / HEAD).is_file() and any(one.name != LOCK for one in path.iterdir()):
            raise StudyError(f"{path} is not empty and holds no training: name a new or an empty folder (--parts)")
        path.mkdir(parents=True, exist_ok=True)
        lock = FileLock(path / LOCK)
        lock.acquire(timeout=0)
    except Timeout:
        raise StudyError(
            f"another training is at work in {path}: wait for it, or name another folder (--parts)"
        ) from None
    except OSError as error:
        raise StudyError(f"{path} cannot be written: {why_not(error)}; or name another folder (--parts)") from None
    try:
        if not resume:
            _clear(path)
        _check_head(path, question)
        yield TrainingFolder(path, keep)
    finally:
        lock.release()
        with suppress(OSError):
            if not (path / HEAD).exists():
                (path / LOCK).unlink(missing_ok=True)
                path.rmdir()


def _check_head(path: Path, question: str) -> None:
    own = {"cblcast": __version__, "question": question}
    try:
        if not (path / HEAD).is_file():
            _write_json(path / HEAD, own)
        head = json.loads((path / HEAD).read_text(encoding="utf-8"))
        same = {name: head.get(name) for name in own} == own
    except OSError as error:
        raise StudyError(f"{path / HEAD} cannot be used: {why_not(error)}") from None
    except (ValueError, AttributeError):
        raise StudyError(
            f"{path / HEAD} is damaged: name another folder (--parts), or begin anew with --no-resume"
        ) from None
    if not same:
        raise StudyError(
            f"{path} holds a training of another study, or of another cblcast, and it is not taken for this one: name another "
            "folder (--parts), or begin anew with --no-resume"
        )


def _write_json(path: Path, document: Mapping[str, Any]) -> None:
    draft = path.with_name(f"{path.name}.draft")
    draft.write_text(json.dumps(document), encoding="utf-8")
    draft.replace(path)


def _clear(path: Path) -> None:
    """Take away what trainings write, and nothing else; the head last."""
    for own in (*path.glob("[0-9][0-9][0-9]"), *path.glob("judged_*")):
        shutil.rmtree(own, ignore_errors=True)
    (path / HEAD).unlink(missing_ok=True)
