"""Prints Wilson intervals as statsmodels computes them, for interval_test.go.

uv run --with statsmodels==0.14.5 python wilson.py > wilson.json
"""

import json

import statsmodels
from statsmodels.stats.proportion import proportion_confint

CASES = [(0, 1), (1, 1), (0, 10), (3, 10), (10, 10), (1, 100), (50, 100), (99, 100), (7, 33),
         (0, 5000), (123, 4567), (250_000, 1_000_000), (999_999, 1_000_000)]

print(json.dumps({
    "statsmodels": statsmodels.__version__,
    "cases": [
        {"successes": k, "assessed": n, "level": level, "lower": float(lower), "upper": float(upper)}
        for k, n in CASES
        for level in (0.8, 0.95, 0.99)
        for lower, upper in [proportion_confint(k, n, alpha=1 - level, method="wilson")]
    ],
}, indent=1))
