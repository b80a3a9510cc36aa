"""Why a rule did or did not do something to a record, as far as the asker may see the values it looked at."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from dacheng.metadata.kinds import Json
from dacheng.metadata.problem import refuse
from dacheng.runtime.services import gate, read_records
from dacheng.runtime.services.work import Work
from dacheng.runtime.storage import traces
from dacheng.runtime.storage.reader import Reader
from dacheng.runtime.storage.traces import TraceRow

MAX_TRACES = 50


@dataclass(frozen=True, slots=True)
class Why:
    """One look of one rule at the record: `outcome` is applied, refused or near (its condition did not hold).

    `condition` is the tree of `conditions.explain`; what the asker may not see stands as {"hidden": true}.
    `waited` is of a rule that waits {"since": tree, "span": tree, "due": instant}. `effects` are {"kind", "params", "result"}; `by` is the person behind it, `at` ms since 1970 UTC.
    """

    seq: int
    rule: str
    outcome: str
    trigger: str
    condition: Json
    effects: tuple[Mapping[str, Json], ...]
    chain: tuple[str, ...]
    by: str
    at: int
    waited: Json = None


def why(reader: Reader, work: Work, ref: str, record_id: str, limit: int = MAX_TRACES) -> list[Why]:
    """What rules made of a record that may be seen, the latest first."""
    work.entity(ref)
    if record_id not in read_records.visible(reader, work, ref, [record_id]):
        raise refuse("record.missing")
    return shown(work, ref, traces.of_record(reader, ref, record_id, min(limit, MAX_TRACES)))


def shown(work: Work, ref: str, rows: Sequence[TraceRow]) -> list[Why]:
    """Traces as the asker may see them; that the record may be seen has been looked at before."""
    return [
        Why(
            seq=row.seq,
            rule=row.rule,
            outcome=row.outcome,
            trigger=row.body["trigger"],
            condition=_seen(work, ref, row.body["condition"]),
            effects=tuple(_effect(work, ref, each) for each in row.body["effects"]),
            chain=tuple(row.body["chain"]),
            by=row.body["by"],
            at=row.at,
            waited=_waited(work, ref, row.body.get("waited")),
        )
        for row in rows
    ]


def _seen(work: Work, ref: str, tree: Any) -> Json:
    """The tree without what the asker may not see, nor anything worked out from it."""
    if not isinstance(tree, Mapping):
        return tree
    if "path" in tree:
        return tree if _readable(work, ref, tree["path"]) else {"hidden": True}
    below = [_seen(work, ref, each) for each in tree.get("args", ())]
    if any(_hides(each) for each in below):
        return {"op": tree["op"], "hidden": True, "args": below}
    return {**tree, "args": below} if below else dict(tree)


def _waited(work: Work, ref: str, waited: Any) -> Json:
    """What a waiting rule saw; when it was due is told to who may see what that came from."""
    if not isinstance(waited, Mapping):
        return None
    seen = {name: _seen(work, ref, waited[name]) for name in ("since", "span")}
    hidden = any(_hides(each) for each in seen.values())
    return {**seen, "due": {"hidden": True} if hidden else waited["due"]}


def _hides(tree: Json) -> bool:
    return isinstance(tree, Mapping) and bool(tree.get("hidden"))


def _readable(work: Work, ref: str, path: str) -> bool:
    """Own fields that are readable, and those of linked records where every row is."""
    steps = path.split(".")
    if steps[0] == "$user":
        return True
    if steps[0] == "$before":
        steps = steps[1:]
    if len(steps) > 1 and steps[-1] in ("id", "amount", "currency"):
        steps = steps[:-1]
    found = gate.resolve(work, ref, ".".join(steps)) if steps else None
    if found is None:
        return False
    targets = [work.policy.entity(each.to or "") for each in found if each.leads_to_records]
    return all(target is not None and target.rows["read"] is True for target in targets)


def _effect(work: Work, ref: str, effect: Mapping[str, Any]) -> Mapping[str, Json]:
    params = effect["params"]
    if work.policy.admin:
        return effect
    policy = work.policy.entity(ref)
    own = effect["kind"] == "set_field" and policy is not None and params.get("field") in policy.readable
    shown: Sequence[str] = ("field", "value") if own else ("entity", "kind", "slot")
    return {**effect, "params": {name: params[name] for name in shown if name in params}}
