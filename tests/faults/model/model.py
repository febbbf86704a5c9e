"""The model: files and datasets as they should be, and what submitters may do to them."""

from collections.abc import Callable
from dataclasses import dataclass, field

from shared.database.states import DatasetState, FileState
from tests.faults.model.contents import Content
from tests.faults.model.values import Message, ModelFile, Plan

F = FileState
WITHDRAWN = {F.UPLOADED, F.ERROR, F.CANCELLED}


@dataclass
class Model:
    """A node as it should be; `in_store` asks the real inbox store whether it still has an upload."""

    in_store: Callable[[ModelFile], bool]
    files: dict[str, ModelFile] = field(default_factory=dict)
    datasets: dict[str, DatasetState] = field(default_factory=dict)
    members: dict[str, set[str]] = field(default_factory=dict)
    dead: list[Message] = field(default_factory=list)
    clock: int = 0

    def tick(self) -> int:
        self.clock += 1
        return self.clock

    # ---- questions

    def find(self, plan: Plan, message: Message) -> ModelFile | None:
        """Find the file that a message means, and note it in the plan."""
        if message.file is not None:
            plan.file = self.files[message.file]
        else:
            named = [file for file in self.files.values() if file.path == message.path and file.state != F.REGISTERED]
            # files are kept in the order in which they were registered
            plan.file = next((file for file in named if file.in_inbox), named[-1] if named else None)
        return plan.file

    def holder(self, accession: str | None) -> ModelFile | None:
        return next((file for file in self.files.values() if accession and file.accession == accession), None)

    def datasets_of(self, file: ModelFile) -> set[str]:
        return {dataset for dataset, files in self.members.items() if file.id in files}

    def current(self, path: str) -> ModelFile | None:
        return next((file for file in self.files.values() if file.in_inbox and file.path == path), None)

    def unfinished(self, path: str) -> ModelFile | None:
        return next((f for f in self.files.values() if f.state is F.REGISTERED and f.path == path), None)

    # ---- commits

    def commit(self, plan: Plan) -> bool:
        """Carry a plan out; whether nobody was in its way."""
        if not all(holds() for holds in plan.conditions):
            return False
        for effect in plan.effects:
            effect()
        return True

    def abandon(self, plan: Plan) -> None:
        """Give back the lease of a plan that came to nothing."""
        if plan.file is not None and plan.lease is not None and plan.file.lease is plan.lease:
            plan.file.lease = None

    # ---- what submitters do; each returns the messages that go out, or None if it is refused

    def begin(self, file_id: str, path: str, content: Content) -> None:
        abandoned = self.unfinished(path)
        if abandoned is not None:
            self._give_up(abandoned)
        self.files[file_id] = ModelFile(file_id, path, content, changed=self.tick())

    def finish(self, file: ModelFile) -> list[Message]:
        plan, earlier = self._plan(), self.current(file.path)
        if earlier is not None:
            self._leave(plan, earlier)
        plan.move(file, F.UPLOADED, in_inbox=True, stored=False)
        plan.tell("inbox", file, kind="upload")
        return self._done(plan)

    def rename(self, old: str, new: str) -> list[Message] | None:
        file, earlier = self.current(old), self.current(new)
        if self.unfinished(old) or file is None:
            return None
        if old == new:
            return []
        if self.unfinished(new) or file.state not in WITHDRAWN or (earlier and earlier.state is F.SUBMITTED):
            return None
        plan = self._plan()
        if earlier is not None:
            self._leave(plan, earlier)
        plan.change(file, path=new, changed=plan.at)
        plan.event(file, "renamed")
        plan.send("inbox", "rename", file=file.id, path=new)
        return self._done(plan)

    def remove(self, path: str) -> list[Message] | None:
        file, unfinished = self.current(path), self.unfinished(path)
        if (file is None and unfinished is None) or (file is not None and file.state is F.SUBMITTED):
            return None
        if unfinished is not None:
            self._give_up(unfinished)
        plan = self._plan()
        if file is not None:
            self._leave(plan, file)
        return self._done(plan)

    def _plan(self) -> Plan:
        return Plan(Message("", ""), at=self.tick())

    def _done(self, plan: Plan) -> list[Message]:
        assert self.commit(plan)
        return plan.sent

    def _leave(self, plan: Plan, file: ModelFile) -> None:
        if file.state in WITHDRAWN:
            plan.move(file, F.CANCELLED, faulty=True)
            if file.archived:
                plan.tell("ingest", file, kind="cancel")
        plan.change(file, in_inbox=False, changed=plan.at)
        plan.event(file, "removed")
        plan.tell("inbox", file, kind="remove")
        plan.send("cleanup", file=file.id, names=(file.id,))

    def _give_up(self, file: ModelFile) -> None:
        plan = self._plan()
        plan.move(file, F.CANCELLED, faulty=True)
        plan.change(file, stored=False)
        plan.event(file, "abandoned")
        self._done(plan)
