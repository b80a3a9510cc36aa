"""Modules and functions stay small enough to read, and say what they promise."""

import ast
from statistics import median, quantiles

from tests.support.source import Function, Module, modules

MODULE_LIMIT, FUNCTION_LIMIT, FUNCTION_P90 = 500, 60, 30


def length(function: Function) -> int:
    return (function.end_lineno or function.lineno) - function.lineno + 1


def public_functions(body: list[ast.stmt]) -> list[Function | ast.ClassDef]:
    """Functions and classes people may call: not private, not nested in a function, not an
    overload or a protocol's `...`, not a property setter or an override of a documented method."""
    found: list[Function | ast.ClassDef] = []
    for node in body:
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
            found += [node, *(f for f in public_functions(node.body) if own_promise(node, f))]
        elif isinstance(node, Function) and not node.name.startswith("_"):
            found.append(node)
    return found


def own_promise(owner: ast.ClassDef, node: Function | ast.ClassDef) -> bool:
    """A method of a class that has bases may keep the promise written at its base."""
    return isinstance(node, ast.ClassDef) or not owner.bases


def test_no_module_is_longer_than_the_limit() -> None:
    sizes = {module.place: module.text.count("\n") + 1 for module in modules()}
    assert {place: size for place, size in sizes.items() if size > MODULE_LIMIT} == {}
    assert median(sizes.values()) <= 200


def test_no_function_is_longer_than_the_limit_and_nine_in_ten_are_short() -> None:
    sizes = {
        f"{module.place}:{function.lineno} {function.name}": length(function)
        for module in modules()
        for function in module.functions()
    }
    assert {place: size for place, size in sizes.items() if size > FUNCTION_LIMIT} == {}
    assert quantiles(sizes.values(), n=10)[-1] <= FUNCTION_P90


def undocumented(module: Module) -> list[str]:
    missing = [module.place] if module.tree.body and not ast.get_docstring(module.tree) else []
    return missing + [
        f"{module.place}:{node.lineno} {node.name}"
        for node in public_functions(module.tree.body)
        if not ast.get_docstring(node)
    ]


def test_every_module_and_public_name_says_what_it_promises() -> None:
    assert [place for module in modules() for place in undocumented(module)] == []
