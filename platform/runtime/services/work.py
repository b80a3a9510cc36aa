"""What every service is given first: who asks, the model they ask about, and what they may do with it."""

from __future__ import annotations

from dataclasses import dataclass, replace

from dacheng.metadata.kinds import Kinds
from dacheng.metadata.problem import refuse
from dacheng.plugins.context import Actor, Automation, Cause, Context
from dacheng.plugins.manager import Plugins
from dacheng.runtime.services.policy import EntityPolicy, Policy, compile_policy
from dacheng.runtime.storage.model import Model


@dataclass(frozen=True, slots=True)
class Work:
    """One call's frame: context, model (definitions, labels, tables), the actor's policy, kinds and hooks."""

    context: Context
    model: Model
    policy: Policy
    kinds: Kinds
    hooks: Plugins

    def entity(self, ref: str) -> EntityPolicy:
        """What the actor may do with an entity; one unknown or unreadable raises `query.unknown_entity`."""
        found = self.policy.entity(ref)
        if found is None:
            raise refuse("query.unknown_entity")
        return found

    def as_automation(self, app: str, cause: Cause) -> Work:
        """The same call continued by an app's automation actor, limited to the app's granted permissions."""
        actor: Actor = Automation(id=f"automation:{app}", app=app)
        context = self.context.acting_as(actor).because(cause)
        return replace(self, context=context, policy=compile_policy(self.model.catalogue, actor))


def work_for(context: Context, model: Model, kinds: Kinds, hooks: Plugins) -> Work:
    """The frame of one call; the policy is compiled once per catalogue and set of roles."""
    return Work(context, model, compile_policy(model.catalogue, context.actor), kinds, hooks)
