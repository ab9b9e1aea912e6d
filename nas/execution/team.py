"""The workers of this machine: start, follow, replace those that die."""

from typing import TYPE_CHECKING

from nas.errors import StudyError
from nas.execution import worker
from nas.execution.events import Done, Ended, Warned, WorkerEvent
from nas.execution.monitor import Monitor
from nas.execution.pool import Gone, Member, Pool, pool_of
from nas.execution.processes import advice
from nas.execution.worker import Work
from nas.records import COUNTED, trials
from nas.storage.retry import is_away, line

if TYPE_CHECKING:
    import optuna

    from nas.execution.processes import Context

MAX_RESTARTS = 10  # in a row, without a trained candidate in between


class Team:
    """Worker processes on this machine."""

    def __init__(self, context: "Context", work: Work, monitor: Monitor) -> None:
        self._context = context
        self._work = work
        self._monitor = monitor
        self._observer, self._progress = monitor.observer, monitor.progress
        self._pool: Pool | None = None
        self._done: dict[Member, str] = {}  # reasons of workers that finished
        self._restarts = 0

    def run(self) -> str:
        """Run all workers to completion; returns the last one's reason for ending."""
        wanted = self._monitor.begin()
        if not wanted:
            return "complete"
        machine = self._work.machine
        self._pool = pool_of(self._context, machine, self._monitor.config.workers, wanted)
        if hint := advice(self._pool.size, machine.gpus):
            self._observer.warn(hint)
        for slot in self._pool.free:
            self._start(self._pool, slot)
        reason = "complete"
        with self._pool.guarded():
            while self._pool:
                for member, message in self._pool.messages():
                    if isinstance(message, Gone) and member in self._done:
                        reason = self._done[member]
                    elif isinstance(message, Gone):
                        self._replace(self._pool, member, message.how)
                    else:
                        self._handle(member, message)
                self._observer.tick(self._progress)
                self._monitor.look()
        return reason

    def end(self) -> None:
        """Stop the running workers and requeue their candidates."""
        for member, message in self._pool.stop() if self._pool else ():
            self._progress.update(member.name, message)
        try:
            self._give_back(self._monitor.study, "the search was stopped")
            self._monitor.look(now=True)  # trials without an owner yet
        except Exception as error:
            if not is_away(error):
                raise
            self._observer.warn(
                f"candidates in training are requeued when the study is next opened: {line(error)}"
            )

    def _start(self, pool: Pool, slot: int) -> None:
        pool.start(slot, self._work.name(slot), worker.main, self._work, slot)

    def _handle(self, member: Member, event: WorkerEvent) -> None:
        if isinstance(event, Warned):
            self._observer.warn(event.message)
        if isinstance(event, Done):
            self._done[member] = event.reason
        if isinstance(event, Ended) and event.record.state in COUNTED:
            self._restarts = 0
        self._progress.update(member.name, event)
        self._observer.event(member.name, event, self._progress)

    def _replace(self, pool: Pool, member: Member, how: str) -> None:
        """Requeue a dead worker's candidate, and start another worker in its slot."""
        self._progress.forget(member.name)
        self._give_back(self._monitor.waiting, f"{member.name} died ({how})", member.name)
        self._monitor.look(now=True)  # a trial without an owner yet
        self._restarts += 1
        if self._restarts > MAX_RESTARTS:
            raise StudyError(
                f"{self._restarts} workers died in a row, the last with {how}: if memory is short, "
                "run the same command with fewer --workers to resume"
            )
        self._observer.warn(f"{member.name} died ({how}); its candidate is tried again")
        self._start(pool, member.slot)

    def _give_back(self, study: "optuna.Study", reason: str, name: str | None = None) -> None:
        """Requeue the candidates of our workers, or of the worker called `name`."""
        for trial in trials.running(study):
            ours = trial.user_attrs.get(trials.OWNER) == self._work.owner
            if ours and name in (None, trial.user_attrs["worker"]):
                trials.give_back(study, trial, reason)
