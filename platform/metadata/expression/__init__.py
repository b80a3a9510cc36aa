"""The expression language: JSON in, a checked tree out, and its authoritative evaluation."""

from dacheng.metadata.expression.ast import Call, Items, Literal, Node, Var, walk
from dacheng.metadata.expression.canonical import shape, to_json
from dacheng.metadata.expression.check import check
from dacheng.metadata.expression.evaluate import environment, evaluate, prepare
from dacheng.metadata.expression.moments import WEEKDAYS, Calendar
from dacheng.metadata.expression.operators import OPERATORS, Operator
from dacheng.metadata.expression.parse import Macro, parse
from dacheng.metadata.expression.trace import TraceNode, trace
from dacheng.metadata.expression.typed import Environment, Expression, Parameter, Typed
from dacheng.metadata.expression.types import (
    BOOLEAN,
    DATE,
    DURATION,
    INSTANT,
    MISSING,
    NUMBER,
    TEXT,
    ListOf,
    RecordOf,
    Type,
    type_name,
)

__all__ = [
    "BOOLEAN",
    "DATE",
    "DURATION",
    "INSTANT",
    "MISSING",
    "NUMBER",
    "OPERATORS",
    "TEXT",
    "WEEKDAYS",
    "Calendar",
    "Call",
    "Environment",
    "Expression",
    "Items",
    "ListOf",
    "Literal",
    "Macro",
    "Node",
    "Operator",
    "Parameter",
    "RecordOf",
    "TraceNode",
    "Type",
    "Typed",
    "Var",
    "check",
    "environment",
    "evaluate",
    "parse",
    "prepare",
    "shape",
    "to_json",
    "trace",
    "type_name",
    "walk",
]
