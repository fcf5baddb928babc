"""The journal of a search: an append-only file that outlives a killed run."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from cblcast.frames.schema import StudyError

if TYPE_CHECKING:
    import optuna

_SIGNATURE = "signature"


def open_study(storage: Path | None, name: str, seed: int) -> optuna.Study:
    """The search `name` in the journal `storage`, begun or continued; without a file it lives in memory."""
    import optuna

    backend = None
    if storage is not None:
        from optuna.storages.journal import JournalFileBackend, JournalFileOpenLock

        storage = Path(storage)
        storage.parent.mkdir(parents=True, exist_ok=True)
        mend(storage)
        # A killed run leaves its lock behind; five seconds are far longer than one line takes to write.
        lock = JournalFileOpenLock(str(storage), grace_period=5)
        try:
            backend = optuna.storages.JournalStorage(JournalFileBackend(str(storage), lock_obj=lock))
        except (ValueError, KeyError) as error:
            raise StudyError(f"{storage.name} is no journal of a tuning ({error}): name another file") from error
    # One fold says little: the earliest verdict falls after the second.
    pruner = optuna.pruners.MedianPruner(n_startup_trials=5, n_warmup_steps=1)
    study = optuna.create_study(storage=backend, study_name=name, load_if_exists=True, pruner=pruner)
    for trial in study.get_trials(deepcopy=False, states=(optuna.trial.TrialState.RUNNING,)):
        study.tell(trial.number, state=optuna.trial.TrialState.FAIL)  # what a killed run had begun
    # A sampler that starts anew would repeat the draws of the run before.
    study.sampler = optuna.samplers.TPESampler(seed=seed + len(study.trials))
    return study


def mend(journal: Path) -> None:
    """Cut off the half line that a kill may leave at the end of a journal; the next line would be glued to it.

    Raises
    ------
    StudyError
        A file that is no journal: nothing of it may be cut.
    """
    if not journal.is_file():
        return
    content = journal.read_bytes()
    first = content.split(b"\n", 1)[0]
    if first and not (first.startswith(b"{") and b'"op_code"' in first):
        raise StudyError(f"{journal} is no journal of a tuning, and is left as it is: name another file with --journal")
    if content and not content.endswith(b"\n"):
        journal.write_bytes(content[: content.rfind(b"\n") + 1])


def check_same_search(study: optuna.Study, storage: Path | None, name: str, signature: dict[str, str]) -> None:
    """Remember what a search was begun with, or raise when it is continued with something else."""
    begun = study.user_attrs.get(_SIGNATURE)
    if begun is None:
        study.set_user_attr(_SIGNATURE, signature)
        return
    other = [what for what, part in signature.items() if begun.get(what) != part]
    if other:
        raise StudyError(
            f"the search {name!r} in {Path(str(storage)).name} was begun with another {other[0]}: "
            "give another name or file, or go back to what it was begun with"
        )
