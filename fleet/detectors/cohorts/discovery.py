"""False-discovery control over all comparisons of a scan.

Benjamini and Hochberg's procedure and not that of Benjamini and Yekutieli: metrics of one member rise and fall
together, which is the positive dependence under which the former holds (PRDS); members of one cohort are compared with
one another's mean, whose negative correlation of one over their number is too weak to matter (measured in the tests).
The latter would hold under any dependence, and ask of a single bad member among 800 comparisons a probability seven
times smaller.

Source: Y. Benjamini and Y. Hochberg, JRSS B 57, 1995; Y. Benjamini and D. Yekutieli, Annals of Statistics 29, 2001.
"""

from __future__ import annotations

import numpy as np

from fleet.detectors.cohorts.trimmed import FloatArray


def q_values(chances: FloatArray) -> FloatArray:
    """For each probability the least false-discovery rate at which it counts as a discovery; NaN stays NaN."""
    result = np.full(chances.shape, np.nan)
    known = np.flatnonzero(np.isfinite(chances))
    order = known[np.argsort(chances[known], kind="stable")]
    raised = chances[order] * known.size / np.arange(1, known.size + 1)
    result[order] = np.minimum(np.minimum.accumulate(raised[::-1])[::-1], 1)
    return result
