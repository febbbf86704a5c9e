"""What each message does in each state: the legal transitions, and no other."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial

from shared.broker.outcomes import Outcome
from shared.database.states import DATASET_TRANSITIONS, FILE_TRANSITIONS, DatasetState, FileState
from tests.faults.model.model import Model
from tests.faults.model.values import Lease, Message, ModelFile, Plan

F = FileState
ARCHIVED = {F.ARCHIVED, F.VERIFIED, F.READY}
Rule = Callable[[Model, Plan, Message], None]


def decide(model: Model, message: Message) -> Plan:
    """Decide a delivery in the present state; what a claim changes is changed at once."""
    plan = Plan(message, at=model.tick())
    RULES[message.queue](model, plan, message)
    return plan


def _route(model: Model, plan: Plan, message: Message) -> None:
    if message.kind == "dac":
        plan.effects.append(lambda: model.dead.append(message))
        return
    queue = {"ingest": "ingest", "cancel": "ingest", "accession": "accession"}.get(message.kind, "mappings")
    plan.sent.append(replace(message, queue=queue, again=False))


def _ingest(model: Model, plan: Plan, message: Message) -> None:
    file = model.find(plan, message)
    if file is None:
        _refuse(model, plan)
    elif message.kind == "cancel":
        _cancel(model, plan, file)
    elif file.state is F.CANCELLED and message.again and message.sent < file.cancelled:
        _withdraw(model, plan, file)
    elif file.state is F.REGISTERED:
        _not_yet(model, plan)
    elif file.state not in ARCHIVED:
        _archive(model, plan, file)


def _archive(model: Model, plan: Plan, file: ModelFile) -> None:
    if not (file.in_inbox and model.in_store(file)):
        _refuse(model, plan, fatal=file.state is not F.CANCELLED)
        return
    leased = file.content.large or file.state in {F.SUBMITTED, F.CANCELLED}
    if leased and not _claim(model, plan, file, F.SUBMITTED):
        return
    if not file.content.opens:
        _refuse(model, plan, fatal=True)
        return
    if not leased:
        plan.event(file, F.SUBMITTED)
    plan.move(file, F.ARCHIVED, archived=True)
    plan.tell("archived", file)


def _cancel(model: Model, plan: Plan, file: ModelFile) -> None:
    if file.state is F.CANCELLED:
        if plan.message.sent > file.cancelled:
            plan.event(file, F.CANCELLED)
            plan.change(file, cancelled=plan.at)
        _withdraw(model, plan, file)
    elif plan.message.again and plan.message.sent < file.cancelled:
        return
    elif model.datasets_of(file):
        _refuse(model, plan)
    elif file.state is F.REGISTERED:
        _not_yet(model, plan)
    else:
        _withdraw(model, plan, file)


def _withdraw(model: Model, plan: Plan, file: ModelFile) -> None:
    if _claim(model, plan, file, F.CANCELLED):
        plan.change(file, archived=False, backed_up=False, accession=None)


def _archived(model: Model, plan: Plan, message: Message) -> None:
    file = model.find(plan, message)
    assert file is not None
    if file.state is not F.ARCHIVED:
        return
    if file.content.large and not _claim(model, plan, file):
        return
    if file.content.whole:
        plan.move(file, F.VERIFIED)
        plan.tell("verified", file)
    else:
        _refuse(model, plan, fatal=True)


def _accession(model: Model, plan: Plan, message: Message) -> None:
    file = model.find(plan, message)
    holder = model.holder(message.accession)
    if file is None or holder not in {None, file}:
        _refuse(model, plan)
    elif file.state is F.READY:
        if file.accession != message.accession:
            _refuse(model, plan)
    elif file.state is F.CANCELLED:
        if _claim(model, plan, file):
            _refuse(model, plan)
    elif file.state is not F.VERIFIED:
        _not_yet(model, plan)
    elif not file.content.large or _claim(model, plan, file):
        _finalize(model, plan, file, message.accession)


def _finalize(model: Model, plan: Plan, file: ModelFile, accession: str | None) -> None:
    plan.event(file, "backed up")
    plan.move(file, F.READY, accession=accession, backed_up=True)
    plan.conditions.append(lambda: model.holder(accession) in {None, file})
    plan.tell("completed", file, accession=accession)


def _mappings(model: Model, plan: Plan, message: Message) -> None:
    assert message.dataset is not None
    if message.kind == "mapping":
        _map(model, plan, message.dataset)
        return
    state = model.datasets.get(message.dataset)
    to = DatasetState.RELEASED if message.kind == "release" else DatasetState.DEPRECATED
    if state is None:
        _missing(model, plan)
    elif to in DATASET_TRANSITIONS[state]:
        plan.conditions.append(lambda: model.datasets[str(message.dataset)] is state)
        plan.effects.append(lambda: model.datasets.update({str(message.dataset): to}))
    elif state is not to:
        _refuse(model, plan)


def _map(model: Model, plan: Plan, dataset: str) -> None:
    found = [model.holder(name) for name in plan.message.names]
    files = [file for file in found if file is not None and file.state is F.READY]
    if len(files) < len(found):
        _missing(model, plan)
        return
    for file in files:
        plan.conditions.append(partial(_is_ready, file))
        plan.change(file, changed=plan.at)
        plan.event(file, "mapped")
    members = {file.id for file in files}
    plan.effects.append(lambda: model.datasets.setdefault(dataset, DatasetState.REGISTERED))
    plan.effects.append(lambda: model.members.setdefault(dataset, set()).update(members))
    waste = tuple(sorted(file.id for file in files if file.in_inbox))
    if waste:
        plan.send("cleanup", names=waste)


def _is_ready(file: ModelFile) -> bool:
    return file.state is F.READY


def _cleanup(model: Model, plan: Plan, message: Message) -> None:
    for file in (model.files[name] for name in message.names):
        if file.in_inbox:
            plan.change(file, in_inbox=False, changed=plan.at)
            plan.event(file, "left inbox")


def _inbox(model: Model, plan: Plan, message: Message) -> None:
    if message.kind == "upload":
        plan.send("ingest", file=message.file, path=message.path)


def _verified(model: Model, plan: Plan, message: Message) -> None:
    file = model.find(plan, message)
    assert file is not None
    accession = file.accession or f"urn:strongroom:{file.id}"
    plan.send("accession", file=message.file, path=message.path, accession=accession)


def _claim(model: Model, plan: Plan, file: ModelFile, to: FileState | None = None) -> bool:
    if file.lease is not None and not file.lease.expired:
        _not_yet(model, plan)
        return False
    at, lease = model.tick(), Lease()
    if to not in {None, file.state}:
        claim = Plan(plan.message, at)
        claim.move(file, to or file.state)
        assert model.commit(claim)
    file.lease, file.changed = lease, at
    plan.lease = lease
    plan.conditions.append(lambda: file.lease is lease)
    plan.change(file, lease=None)
    return True


def _refuse(model: Model, plan: Plan, *, fatal: bool = False) -> None:
    plan.outcome, file = Outcome.REFUSED, plan.file
    if file is not None and fatal and F.ERROR in FILE_TRANSITIONS[file.state]:
        plan.move(file, F.ERROR, faulty=True)
    elif file is not None:
        plan.change(file, faulty=True)
        plan.event(file, F.ERROR)
    plan.send("error", file=plan.message.file)


def _not_yet(model: Model, plan: Plan) -> None:
    plan.effects.clear()
    if plan.message.old:
        plan.outcome = Outcome.DEAD
        plan.effects.append(lambda: model.dead.append(plan.message))
    else:
        plan.outcome = Outcome.NOT_YET
        plan.sent.append(replace(plan.message, again=True))


def _missing(model: Model, plan: Plan) -> None:
    if plan.message.old:
        _refuse(model, plan)
    else:
        _not_yet(model, plan)


RULES: dict[str, Rule] = {
    "from_cega": _route,
    "ingest": _ingest,
    "archived": _archived,
    "accession": _accession,
    "mappings": _mappings,
    "cleanup": _cleanup,
    "inbox": _inbox,
    "verified": _verified,
}
