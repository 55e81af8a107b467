"""Hands jobs to an engine, watches them, and starts those again that died."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from attrax_vot.run import notes
from attrax_vot.run.engine import Engine, Running, WorkerDiedError, WorkerFailedError
from attrax_vot.run.jobs import Job
from attrax_vot.run.notes import Note
from attrax_vot.run.runner import Outcome

# A job whose process dies is started again: a worker may be killed for reasons that are not its
# own.
TRIES = 3
# The error of a job that was not started because its tracker's others failed.
NOT_STARTED = "not started"
# How often jobs are looked at, in seconds.
INTERVAL = 0.5


@dataclass
class JobState:
    """The state of one job, for those who look on.

    Attributes:
        job: which.
        state: `waiting`, `running`, `done` or `failed`.
        note: how far it is.
        tries: how often it was started.
        outcome: how it went, once it has ended.
    """

    job: Job
    state: str = "waiting"
    note: Note = field(default_factory=Note)
    tries: int = 0
    outcome: Outcome | None = None


def run(
    planned: list[Job],
    engine: Engine,
    show: Callable[[list[JobState]], None],
    then: Callable[[Job], list[Job]] | None = None,
) -> list[Outcome]:
    """Runs jobs, in their order, as many at a time as the engine has slots for.

    Args:
        planned: the jobs.
        engine: to hand them to.
        show: called again and again with the state of all.
        then: called with each job that ended well; returns the jobs that follow it, before those that wait.

    Returns:
        How each went, in their order; a job that died too often or was not started has an error.

    Raises:
        KeyboardInterrupt: the user ended it; every job is ended too.
    """
    everything = [JobState(job) for job in planned]
    free = list(range(min(engine.slots, len(planned))))
    active: dict[int, tuple[JobState, Running]] = {}
    waiting = list(everything)
    try:
        while waiting or active:
            if free and waiting:
                count = min(len(free), len(waiting))
                handed = dict(zip(free[:count], waiting[:count], strict=True))
                del free[:count], waiting[:count]
                for progress in handed.values():
                    progress.state, progress.tries = "running", progress.tries + 1
                for slot, running in engine.submit({slot: each.job for slot, each in handed.items()}):
                    # Each at once: whatever ends this run ends all that is in here.
                    active[slot] = handed[slot], running
            for slot, (progress, running) in list(active.items()):
                progress.note = notes.read_note(progress.job)
                if running.done():
                    del active[slot]
                    free.append(slot)
                    if not _end(progress, running):
                        waiting.insert(0, progress)
                    elif then and progress.state == "done":
                        more = [JobState(job) for job in then(progress.job)]
                        everything += more
                        waiting[:0] = more
                    if hopeless(progress.job.tracker, everything):
                        waiting = _give_up(progress.job.tracker, waiting)
            show(everything)
            if active:
                time.sleep(INTERVAL)
    finally:
        for _, running in active.values():
            running.cancel()
    return [progress.outcome for progress in everything if progress.outcome is not None]


def _end(progress: JobState, running: Running) -> bool:
    """Takes down how a job went; false where it is to be started again."""
    try:
        progress.outcome = running.outcome()
    except WorkerFailedError as failure:
        progress.outcome = Outcome(progress.job.sequence, error=str(failure), log=failure.log, ready=False)
    except WorkerDiedError as death:
        if progress.tries < TRIES:
            progress.state = "waiting"
            return False
        text = f"its process died {TRIES} times; the last time: {death}"
        progress.outcome = Outcome(progress.job.sequence, error=text)
    progress.state = "failed" if progress.outcome.error else "done"
    return True


def hopeless(tracker: str, everything: list[JobState]) -> bool:
    """Whether a tracker's other jobs would fail as well.

    So it is where a job could not be prepared, and where two jobs have failed before the tracker answered anything.
    """
    mine = [each for each in everything if each.job.tracker == tracker]
    failed = [each.outcome for each in mine if each.outcome is not None and each.outcome.error]
    silent = not any(each.note.tracked or each.state == "done" for each in mine)
    return any(not outcome.ready for outcome in failed) or (silent and len(failed) > 1)


def _give_up(tracker: str, waiting: list[JobState]) -> list[JobState]:
    """Marks a tracker's jobs as failed that were not started; gives the others."""
    for progress in waiting:
        if progress.job.tracker == tracker:
            progress.state, progress.outcome = "failed", Outcome(progress.job.sequence, error=NOT_STARTED)
    return [each for each in waiting if each.job.tracker != tracker]
