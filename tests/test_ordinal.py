"""Texts that have an order, which networks take as a number."""

import random

import pytest

from fathom.new_dataset.ordinal import infer_order

ORDERED = [  # lowest first
    ["Fair", "Good", "Very Good", "Premium", "Ideal"],
    ["I1", "SI2", "SI1", "VS2", "VS1", "VVS2", "VVS1", "IF"],
    ["Po", "Fa", "TA", "Gd", "Ex"],
    ["S", "M", "L", "XL", "XXL"],
    ["small", "medium", "large"],
    ["low", "Medium", "HIGH"],
    ["very_low", "low", "medium", "high", "very_high"],
    ["1-low", "2-medium", "3-high"],
    ["Strongly disagree", "Disagree", "Neutral", "Agree", "Strongly agree"],
    ["never", "rarely", "sometimes", "often", "always"],
    ["none", "mild", "moderate", "severe"],
    ["Thur", "Fri", "Sat", "Sun"],
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"],
    ["Januar", "Februar", "März", "Mai"],
    ["sehr niedrig", "niedrig", "mittel", "hoch"],
    ["First", "Second", "Third"],
    ["High School", "Bachelor's", "Master's", "PhD"],
    ["primary", "secondary", "tertiary"],
    ["C", "B-", "B", "A", "A+"],
    ["Q1", "Q2", "Q3", "Q4"],
    ["Stage I", "Stage II", "Stage III", "Stage IV"],
    ["level 2", "level 9", "level 10"],
    ["20-29", "30-39", "40-49", "100-109"],
    ["<18", "18-24", "25-34", "65+"],
    ["under 18", "18 to 24", "25 to 64", "65 and over"],
    ["< 1 year", "1 year", "2 years", "10+ years"],
    ["1 year or less", "2 - 4 years", "5-7 years", "41 years or more"],
    ["Under 18 years old", "18-24 years old", "65 years or older"],
    ["0", "1-5", "6+"],
    ["<0", "0<=X<200", ">=200"],
    ["Less than $15,000", "$15,000 - $24,999", "$25,000 - $99,999", "$100,000 or more"],
    ["$0-$50k", "$50k-$100k", "$100k-$1m", "$1m+"],
    ["(0, 10]", "(10, 20]", "(20, 30]"],
    ["0.0–0.5", "0.5–1.5", "1.5–2"],
    ["0-9%", "10-19%", "20-100%"],
]
UNORDERED = [
    [],
    ["low", "high"],  # two have no order that matters
    ["<1H OCEAN", "INLAND", "ISLAND", "NEAR BAY", "NEAR OCEAN"],
    ["low", "Low", "high"],
    ["low", "medium", "red"],
    ["S", "C", "Q"],
    ["A", "B", "G"],
    ["store 1", "store 2", "store 3"],
    ["2-1", "0-0", "1-2"],  # scores
    ["10-20", "15-25", "20-30"],
    ["30-39", "40-49", "<50"],
    ["<1 hour", "1-2 days", "3 days"],
    ["0-6 months", "6 months to 2 years", "2 years or more"],
    ["1 min", "15 min", "30 min"],  # numbers with a unit
    ["1", "2", "3"],
    ["555-0100", "555-0199", "555-0123"],
    ["<0", "0<=X<200", "no checking"],
    ["2020-01-05", "2020-01-06", "2020-01-07"],
    ["Paris", "Lyon", "Nice"],
    ["level 1", "stage 2", "level 3"],
    ["level i", "level xi", "level x"],
]


@pytest.mark.parametrize("texts", ORDERED, ids=str)
def test_texts_in_order(texts: list[str]) -> None:
    shuffled = random.Random(0).sample(texts, len(texts))
    assert infer_order(shuffled) == infer_order(texts[::-1]) == texts


@pytest.mark.parametrize("texts", UNORDERED, ids=str)
def test_texts_without_order(texts: list[str]) -> None:
    assert infer_order(texts) is None
