"""What a sample says, against exact arithmetic in whole numbers, the rule of three, and published tables."""

from __future__ import annotations

from fractions import Fraction
from math import comb

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deid.sampling import Sample, drawn, highest_share, most_leaks, sentence, size_for


def exactly(sample: Sample, confidence: Fraction = Fraction(95, 100)) -> int:
    """`most_leaks` by trying every number."""
    found = sample.leaks
    for leaking in range(sample.leaks, sample.population - (sample.looked - sample.leaks) + 1):
        clean = sample.population - leaking
        ways = sum(comb(leaking, k) * comb(clean, sample.looked - k) for k in range(sample.leaks + 1))
        if Fraction(ways, comb(sample.population, sample.looked)) > 1 - confidence:
            found = leaking
    return found


SAMPLES = st.integers(1, 60).flatmap(
    lambda population: st.integers(0, population).flatmap(
        lambda looked: st.integers(0, looked).map(lambda leaks: Sample(population, looked, leaks))
    )
)


@given(SAMPLES)
def test_the_bound_is_the_exact_one(sample: Sample) -> None:
    assert most_leaks(sample) == exactly(sample)


def test_no_leak_in_300_of_12000_rules_out_one_per_cent() -> None:
    sample = Sample(12_000, 300)
    assert highest_share(sample) < 0.01
    assert most_leaks(sample) == exactly(sample)


@pytest.mark.parametrize("looked", [100, 300, 1000, 3000])
def test_in_a_very_large_population_it_is_the_rule_of_three(looked: int) -> None:
    assert highest_share(Sample(10_000_000, looked)) == pytest.approx(3 / looked, rel=0.02)


@pytest.mark.parametrize("population", [200, 500, 1000, 5000, 10_000])
def test_sizes_are_those_that_show_one_of_one_per_cent(population: int) -> None:
    leaking = population // 100
    exact = next(
        size
        for size in range(population + 1)
        if Fraction(comb(population - leaking, size), comb(population, size)) <= Fraction(5, 100)
    )
    assert size_for(population, 0.01) == exact


def test_a_published_size_at_99_per_cent_is_ours() -> None:
    """1 % of 1,600 at a confidence of 99 %: Cannon and Roe, Livestock Disease Surveys (1982), table 1: 399."""
    assert size_for(1600, 0.01, 0.99) == 399


@pytest.mark.parametrize(
    ("population", "sizes"),
    [
        (100, (25, 45, 78, 96)),
        (200, (27, 51, 105, 155)),
        (500, (28, 56, 129, 225)),
        (1_000, (29, 57, 138, 258)),
        (10_000, (29, 59, 148, 294)),
    ],
)
def test_published_sizes_for_10_5_2_and_1_per_cent_are_ours(population: int, sizes: tuple[int, ...]) -> None:
    """Sizes to detect a disease in a finite herd at a confidence of 95 %: Cannon and Roe, Livestock Disease Surveys:
    A Field Manual for Veterinarians (1982), table 1."""
    assert tuple(size_for(population, share) for share in (0.10, 0.05, 0.02, 0.01)) == sizes


@pytest.mark.parametrize(
    ("looked", "per_cent"), [(10, 26), (20, 14), (30, 10), (50, 6), (100, 3)], ids=lambda value: f"{value}"
)
def test_published_risks_after_nothing_went_wrong_are_ours(looked: int, per_cent: int) -> None:
    """Largest risk at 95 % after none in so many: Hanley and Lippman-Hand, If Nothing Goes Wrong, Is Everything All
    Right?, JAMA 249 (1983), 1743-1745."""
    assert round(100 * highest_share(Sample(10_000_000, looked))) == per_cent


def test_the_published_exact_limit_of_clopper_and_pearson_is_ours() -> None:
    """4 of 20, 0.401029: NIST/SEMATECH e-Handbook of Statistical Methods, 7.2.4.1, the upper of two limits at 90 %,
    which is the one limit at 95 %."""
    assert highest_share(Sample(10_000_000, 20, 4)) == pytest.approx(0.401029, abs=2e-6)


@pytest.mark.parametrize(
    ("leaks", "limit"),
    [(0, 3.00), (1, 4.74), (2, 6.30), (3, 7.75), (4, 9.15), (5, 10.51)],
    ids=lambda value: f"{value}",
)
def test_published_limits_of_rare_events_are_ours(leaks: int, limit: float) -> None:
    """Upper limit at 95 % of a Poisson variable's expectation: Pearson and Hartley, Biometrika Tables for
    Statisticians, volume 1 (1966), table 40. Leaks in many of very many files come to that."""
    assert 100_000 * highest_share(Sample(100_000_000, 100_000, leaks)) == pytest.approx(limit, abs=0.01)


def test_one_less_would_not_do() -> None:
    for population in (50, 300, 12_000):
        size = size_for(population, 0.02)
        assert highest_share(Sample(population, size)) < 0.02
        assert highest_share(Sample(population, size - 1)) >= 0.02


def test_leaks_that_were_found_raise_the_bound() -> None:
    bounds = [highest_share(Sample(12_000, 300, leaks)) for leaks in range(4)]
    assert bounds == sorted(set(bounds))


def test_looking_at_all_leaves_what_was_found() -> None:
    assert most_leaks(Sample(40, 40, 3)) == 3
    assert most_leaks(Sample(40, 0)) == 40


@pytest.mark.parametrize("wrong", [(5, 6, 0), (5, 3, 4), (5, 3, -1)], ids=str)
def test_what_is_no_sample_is_refused(wrong: tuple[int, int, int]) -> None:
    with pytest.raises(ValueError, match="not a sample"):
        Sample(*wrong)


def test_the_draw_is_the_same_each_time_and_in_order() -> None:
    items = list("abcdefghij")
    assert drawn(items, 4, 1) == drawn(items, 4, 1)
    assert drawn(items, 4, 1) != drawn(items, 4, 2)
    assert list(drawn(items, 4, 1)) == sorted(drawn(items, 4, 1))
    assert drawn(items, 99, 1) == tuple(items)


def test_it_is_said_in_a_sentence() -> None:
    assert sentence(Sample(12_000, 300)) == "no leak in 300 of 12,000: at most 0.98 % with 95 % confidence"
    assert sentence(Sample(10, 10)) == "no leak in 10 of 10: none left with 95 % confidence"
