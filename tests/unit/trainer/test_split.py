"""The split by content."""

import numpy as np
from hypothesis import example, given
from hypothesis import strategies as st
from transfermodel_trainer.data.split import held_out, position

digests = st.lists(st.integers(0, 10**9).map(str), min_size=2, max_size=60, unique=True)


def split(names: list[str], classes: int, seed: int = 0, fraction: float = 0.2) -> dict[str, bool]:
    labels = np.array([int(name) % classes for name in names])
    return dict(zip(names, held_out(names, labels, fraction, seed).tolist(), strict=True))


def test_the_fraction_is_met() -> None:
    chosen = split([str(n) for n in range(5000)], 3)
    assert 0.18 < sum(chosen.values()) / len(chosen) < 0.22


def test_another_seed_holds_out_others() -> None:
    names = [str(n) for n in range(500)]
    assert split(names, 2, seed=0) != split(names, 2, seed=1)


def test_a_sample_never_changes_sides_when_others_come() -> None:
    few = [str(n) for n in range(400)]
    before, after = split(few, 2), split(few + [str(n) for n in range(400, 1200)], 2)
    assert all(after[name] == side for name, side in before.items())


@given(digests, st.integers(1, 5), st.floats(0.01, 0.99))
def test_every_class_keeps_a_training_sample(names: list[str], classes: int, fraction: float) -> None:
    chosen = split(names, classes, fraction=fraction)
    for label in {int(name) % classes for name in names}:
        assert not all(side for name, side in chosen.items() if int(name) % classes == label)


@given(digests, digests, st.integers(1, 5), st.floats(0.01, 0.6))
@example(names=["0", "5"], more=["1"], classes=2, fraction=0.5)  # a class of one, half of which rounds to one
def test_what_was_learned_from_is_never_held_out_later(
    names: list[str], more: list[str], classes: int, fraction: float
) -> None:
    before = split(names, classes, fraction=fraction)
    after = split([*dict.fromkeys(names + more)], classes, fraction=fraction)
    for label in range(classes):
        members = [name for name in names if int(name) % classes == label]
        too_small = len(members) < 2 or len(members) * fraction < 0.5
        if too_small or all(position(name, 0) < fraction for name in members):
            continue
        assert not [name for name in members if after[name] and not before[name]]


@given(digests, st.integers(1, 5), st.floats(0.01, 0.99))
def test_every_class_that_can_gives_one(names: list[str], classes: int, fraction: float) -> None:
    chosen = split(names, classes, fraction=fraction)
    for label in range(classes):
        members = [name for name in names if int(name) % classes == label]
        if len(members) > 1 and len(members) * fraction >= 0.5:
            assert any(chosen[name] for name in members)


def test_the_one_that_a_class_gives_has_the_lowest_position() -> None:
    names = [str(number) for number in range(100) if position(str(number), 0) >= 0.2][:5]
    chosen = split(names, 1)
    assert [name for name in names if chosen[name]] == [min(names, key=lambda name: position(name, 0))]


def test_few_samples_of_each_class() -> None:
    for per_class, most in ((1, 0), (2, 1), (3, 2), (4, 3), (5, 4)):
        for start in range(30):
            names = [str(start * 1000 + n) for n in range(per_class * 3)]
            chosen = split(names, 3)
            counts = [sum(chosen[name] for name in names if int(name) % 3 == label) for label in range(3)]
            assert max(counts) <= most
            assert sum(counts) >= (1 if per_class > 1 else 0)
            assert min(counts) >= (1 if per_class > 2 else 0)


def test_something_is_held_out_of_very_few() -> None:
    for start in range(40):
        assert any(split([str(start), str(start + 2)], 1, fraction=0.01).values())


def test_copies_stay_together() -> None:
    names = ["7", "7", "7", "8", "9"]
    chosen = held_out(names, np.zeros(5, dtype=np.int64), 0.5, 0)
    assert len(set(chosen[:3].tolist())) == 1


def test_position_is_a_hash() -> None:
    assert position("a", 0) == position("a", 0) != position("b", 0)
    assert 0 <= position("a", 0) < 1
