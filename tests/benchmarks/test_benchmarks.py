"""The two contestants keep the same entity, so that a ratio compares like with like."""

from pathlib import Path

from benchmarks.limit.records import CUSTOMER_SCHEMA, gen_records
from benchmarks.load import Cell
from benchmarks.loader import Load, _quoted
from benchmarks.product_data import as_definition
from benchmarks.run import ratios
from dacheng.metadata.builtin import part
from dacheng.metadata.kinds import Kinds
from dacheng.metadata.lint import lint
from dacheng.metadata.package import read_folder
from tests.support.source import ROOT

KINDS = Kinds.of([part()])
BENCH = read_folder(ROOT / "benchmarks" / "bench_app", KINDS)


def test_the_definition_has_no_problems() -> None:
    core = read_folder(ROOT / "apps" / "core", KINDS)
    assert lint(BENCH, KINDS, {"core": core}) == ()


def test_both_sides_have_the_same_fields_with_the_same_bounds() -> None:
    defined = dict(BENCH.items["entity", "customer"]["properties"])
    defined["account_manager_id"] = defined.pop("account_manager")
    written = CUSTOMER_SCHEMA["properties"]
    assert len(written) == 20
    assert set(defined) == set(written)
    required = {name for name, spec in defined.items() if spec.get("x-required")}
    assert required == set(CUSTOMER_SCHEMA["required"])
    for name, spec in defined.items():
        assert spec.get("maxLength") == written[name].get("maxLength"), name
        options = [option.lower() for option in written[name].get("enum", [])]
        assert list(spec.get("x-options", {})) == options, name


def test_records_are_the_same_in_each_run_and_fit_the_definition() -> None:
    first, second = (next(gen_records(1, seed=1)) for _ in range(2))
    assert first == second
    currencies = BENCH.items["entity", "customer"]["properties"]["currency"]["x-options"]
    assert as_definition(first)["currency"] in currencies


def test_a_ratio_is_work_done_per_second_of_the_server() -> None:
    def load(cpu_ms: float) -> Load:
        return Load(rps=100, p50=1, p99=2, errors=0, cpu_ms=cpu_ms, foreign=0)

    found: dict[Cell, Load] = {}
    for scenario in ("list_page", "form_page", "list_json", "create"):
        found[scenario, 1, "limit"] = found[scenario, 1, "product"] = load(9)
        found[scenario, 16, "limit"], found[scenario, 16, "product"] = load(1), load(4)
    assert ratios(found) == dict.fromkeys(("list_page", "form_page", "list_json", "create"), 0.25)


def test_text_reaches_the_load_script_byte_for_byte() -> None:
    assert _quoted('a"b\\ö'.encode()) == '"a\\034b\\092\\195\\182"'


def test_targets_name_both_contestants() -> None:
    names = {file.stem for file in Path(ROOT / "benchmarks" / "targets").glob("*.toml")}
    assert names == {"limit", "product"}
