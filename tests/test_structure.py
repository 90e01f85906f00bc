"""How factors lie to each other."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import hierstan as hs
from hierstan.design import Design
from hierstan.evaluate import build_design
from hierstan.structure import chain, nesting, parents, relate, relations


def design_of(formula: str, **columns: object) -> Design:
    data = pd.DataFrame(columns)
    return build_design(formula, data.assign(y=np.arange(len(data)) % 7.0))


def test_three_levels_make_a_chain_in_any_order() -> None:
    cell = np.arange(48) // 2
    columns = {"room": cell, "school": cell // 4, "town": cell // 12}
    written = design_of("y ~ 1 + (1 | town) + (1 | room) + (1 | school)", **columns)
    assert chain(written.factors) == (1, 2, 0)
    assert nesting(written) == {
        "town": (), "room": ("school", "town"), "school": ("town",),
    }  # fmt: skip
    nested = design_of("y ~ 1 + (1 | town/school/room)", **columns)
    assert chain(nested.factors) == (2, 1, 0)
    up = parents(nested.factors[2], nested.factors[1])
    assert up is not None
    assert up.tolist() == np.repeat(np.arange(6), 4).tolist()


def test_one_factor_is_a_chain(radon_design: Design) -> None:
    assert chain(radon_design.factors) == (0,)
    assert nesting(radon_design) == {"county": ()}
    assert relations(radon_design) == ()


def test_labels_used_again_are_crossed() -> None:
    data = hs.data.pastes()
    crossed = build_design("strength ~ 1 + (1 | batch) + (1 | cask)", data)
    assert chain(crossed.factors) is None
    assert parents(*crossed.factors) is None
    assert relate(*crossed.factors).kind == "crossed"
    nested = build_design("strength ~ 1 + (1 | batch) + (1 | sample)", data)
    relation = relate(*nested.factors)
    assert (relation.one, relation.other, relation.kind) == ("sample", "batch", "nested")
    assert relate(*reversed(nested.factors)) == relation


@pytest.mark.parametrize("drop", [0, 1, 5])
def test_empty_cells_are_counted(drop: int) -> None:
    data = hs.data.penicillin().iloc[drop:]
    design = build_design("diameter ~ 1 + (1 | plate) + (1 | sample)", data)
    relation = relate(*design.factors)
    assert (relation.cells, relation.possible) == (144 - drop, 144)
    assert relation.kind == ("partly crossed" if drop else "crossed")
    assert relation.filled == (144 - drop) / 144


def test_a_pair_and_a_stranger_are_no_chain() -> None:
    data = hs.data.pastes().assign(day=np.arange(60) % 4)
    design = build_design("strength ~ 1 + (1 | day) + (1 | batch/cask)", data)
    assert chain(design.factors) is None
    assert nesting(design) == {"day": (), "batch": (), "batch:cask": ("batch",)}
    assert [r.kind for r in relations(design)] == ["crossed", "partly crossed", "nested"]


@settings(max_examples=40, deadline=None, derandomize=True)
@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=8, max_size=30))
def test_relations_are_those_of_the_pairs(rows: list[tuple[int, int]]) -> None:
    """Against the definition, by sets, on arbitrary pairs."""
    start = [(0, 0), (0, 1), (1, 1), (0, 0), (1, 1)]  # crossed or nested, never the same
    a, b = zip(*start, *rows, strict=True)
    design = design_of("y ~ 1 + (1 | a) + (1 | b)", a=a, b=b)
    cells = set(zip(a, b, strict=True))
    relation = relate(*design.factors)
    assert relation.cells == len(cells)
    assert relation.possible == len(set(a)) * len(set(b))
    assert relation.nested == (len(cells) in (len(set(a)), len(set(b))))
    assert (chain(design.factors) is None) == (not relation.nested)
