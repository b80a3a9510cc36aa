"""The inputs of a filter's tree, drawn line by line; every name in them says the node's place."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from html import escape

from markupsafe import Markup

from dacheng.metadata.definition import Field
from dacheng.runtime.services.policy import EntityPolicy
from dacheng.runtime.services.work import Work
from dacheng.runtime.web.fields import view_of
from dacheng.runtime.web.fields.base import Choices, Marks, Setting, select, symbol
from dacheng.runtime.web.markup import drawn
from dacheng.runtime.web.view import filters
from dacheng.runtime.web.view.filter_tree import MAX_DEPTH, Condition, Group, kept_json
from dacheng.runtime.web.view.filter_words import sentence
from dacheng.runtime.web.view.prepared import Prepared
from dacheng.runtime.web.view.setting import view_key
from dacheng.runtime.web.view.table import column_label, resolve

Pairs = Mapping[str, Sequence[tuple[str, str]]]
_offered: Prepared[dict[str, str]] = Prepared(256)


def fields_offered(work: Work, policy: EntityPolicy, setting: Setting) -> Mapping[str, str]:
    """Path → words of every field a condition can be put on: one's own, then those of linked records."""
    key = (*view_key(work), policy.entity.ref)
    return _offered.get(key, lambda: dict(_offer(work, policy, setting)))


def _offer(work: Work, policy: EntityPolicy, setting: Setting) -> Iterator[tuple[str, str]]:
    for name, each in policy.readable.items():
        if _filterable(each):
            yield name, setting.labels.field(setting.locale, each)
    for name, link in policy.readable.items():
        target = work.policy.entity(link.to or "") if link.is_link else None
        if target is None or name in ("created_by", "updated_by"):
            continue
        for inner, each in target.readable.items():
            if _filterable(each) and not each.system and inner != target.entity.title:
                yield f"{name}.{inner}", column_label(work.policy, policy, (name, inner), setting)


def _filterable(field: Field) -> bool:
    return bool(filters.operators_of(field)) and field.id != "id" and not field.spec.get("x-hidden")


def draw_tree(
    work: Work,
    policy: EntityPolicy,
    tree: Group,
    offered: Mapping[str, str],
    choices: Pairs,
    setting: Setting,
) -> Markup:
    """The whole tree as HTML."""
    drawing = _Drawing(work, policy, offered, choices, setting)
    return drawn([drawing.group(tree, "0")])


class _Drawing:
    """What every node's inputs need to be drawn."""

    def __init__(
        self,
        work: Work,
        policy: EntityPolicy,
        offered: Mapping[str, str],
        choices: Pairs,
        setting: Setting,
    ) -> None:
        self.work, self.policy, self.setting = work, policy, setting
        self.choices = {ref: Choices.of(pairs) for ref, pairs in choices.items()}
        self.fields = (("", setting.say("list.choose_field")), *offered.items())
        self.offered = offered
        say = setting.say
        self.joinings = tuple((one, say(f"list.join_{one}")) for one in filters.JOINING)

    def group(self, group: Group, place: str) -> str:
        """A group with its lines, and the buttons that add to it."""
        say, icons = self.setting.say, self.setting.icons
        inner = "".join(
            self.group(each, f"{place}-{at}") if isinstance(each, Group) else self.line(each, f"{place}-{at}")
            for at, each in enumerate(group.parts)
        )
        joining = select(f"m.{place}", f"m-{place}", self.joinings, group.joining, say("list.joining"), icons)
        deep = place.count("-") + 2 >= MAX_DEPTH
        more = "" if deep else self.button(f"group:{place}", "branch", say("list.add_group"))
        gone = "" if place == "0" else self.bin(place, say("list.remove_group"))
        return (
            f'<fieldset class="filter-group"><legend class="sr">{escape(say("list.group_of"))}</legend>'
            f'<div class="filter-joining">{joining}{gone}</div>{inner}'
            f'<div class="row wrap">{self.button(f"add:{place}", "plus", say("list.add_condition"))}{more}</div>'
            "</fieldset>"
        )

    def line(self, node: Condition, place: str) -> str:
        """One condition: field, operator, value; one that no form can show stands as a sentence."""
        say, icons = self.setting.say, self.setting.icons
        gone = self.bin(place, say("list.remove_condition"))
        if node.other is not None:
            words = sentence(node.other, self.find, self.setting, {})
            hidden = f'<input type="hidden" name="j.{place}" value="{escape(kept_json(node.other))}">'
            return f'<div class="filter-line">{hidden}<p class="grow">{escape(words)}</p>{gone}</div>'
        chosen = node.path if node.path in self.offered else ""
        field = resolve(self.work.policy, self.policy, node.path.split(".")) if chosen else None
        pick = select(f"f.{place}", f"f-{place}", self.fields, chosen, say("list.field"), icons)
        rest = self.comparison(field, node, place) if field is not None else ""
        return f'<div class="filter-line" data-refresh>{pick}{rest}{gone}</div>'

    def comparison(self, field: Field, node: Condition, place: str) -> str:
        """The operator's select, and the control of what it compares with."""
        setting = self.setting
        known = filters.operators_of(field)
        operator = node.operator if node.operator in known else known[0]
        pairs = tuple((one, filters.operator_text(field, one, setting)) for one in known)
        verb = select(
            f"o.{place}", f"o-{place}", pairs, operator, setting.say("list.operator"), setting.icons
        )
        wanted, name = filters.wants(operator), f"v.{place}"
        if wanted == "days":
            days = escape(node.texts.get("v.days", "7"))
            label = escape(setting.say("list.days"))
            return (
                f'{verb}<input class="in num" name="{name}.days" value="{days}" inputmode="numeric"'
                f' maxlength="4" aria-label="{label}">'
            )
        if not wanted:
            return verb
        view, ident = view_of(field), f"v-{place}"
        control = view.filter_control(replace(field, required=False), setting, name, ident)
        texts = {name + key.removeprefix("v"): text for key, text in node.texts.items()}
        label = escape(setting.say("list.value"))
        drawn_control = control(texts, Marks(choices=self.choices))
        return f'{verb}<span class="filter-value"><label class="sr" for="{ident}">{label}</label>{drawn_control}</span>'

    def find(self, path: tuple[str, ...]) -> Field | None:
        """The field at the end of a path, for sentences."""
        return resolve(self.work.policy, self.policy, path)

    def button(self, do: str, icon: str, words: str) -> str:
        """A button that takes one step."""
        sign = symbol(self.setting.icons, icon)
        return f'<button class="btn btn-small" type="submit" name="do" value="{do}">{sign}{escape(words)}</button>'

    def bin(self, place: str, words: str) -> str:
        """The button that takes a node away."""
        sign, said = symbol(self.setting.icons, "x"), escape(words)
        return (
            f'<button class="btn btn-quiet btn-icon btn-small" type="submit" name="do" value="remove:{place}"'
            f' aria-label="{said}" title="{said}">{sign}</button>'
        )


def operator_options(field: Field, setting: Setting) -> Markup:
    """The operators of one field for the quick builder; each option says what it compares with."""
    parts = []
    for one in filters.operators_of(field):
        text = filters.operator_text(field, one, setting)
        parts.append(
            f'<option value="{escape(one)}" data-wants="{filters.wants(one)}">{escape(text)}</option>'
        )
    return drawn(parts)
