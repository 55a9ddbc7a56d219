#!/usr/bin/env python3
"""Logits, loss and gradients of the paper's thirteen models on one small slice, from the paper's equations with numpy.

    python3 models.py > models.json

Nothing is shared with the code that is tested: interactions are sums over pairs, and gradients are complex-step
derivatives (W. Squire, G. Trapp 1998), exact to rounding since all of it is analytic.
"""
import json
import numpy as np

ROWS, FIELDS, K, HIDDEN, UNIQUES = 5, 4, 3, [6, 5], 9
#        name         wide    deep vectors  inner  outer
MODELS = [
    ("lr",        "linear", None,     False, False), ("fm",        "fm",     None,     False, False),
    ("dnn",       None,     "own",    False, False), ("fnn",       None,     "row",    False, False),
    ("ipnn",      None,     "own",    True,  False), ("opnn",      None,     "own",    False, True),
    ("pnn",       None,     "own",    True,  True),  ("lr-dnn",    "linear", "own",    False, False),
    ("fm-dnn",    "fm",     "own",    False, False), ("deepfm-d",  "fm",     "shared", False, False),
    ("deepfm-ip", "fm",     "shared", True,  False), ("deepfm-op", "fm",     "shared", False, True),
    ("deepfm-p",  "fm",     "shared", True,  True),
]


def pair_sum(E):
    return sum((E[:, i] * E[:, j]).sum(1) for i in range(FIELDS) for j in range(i + 1, FIELDS))


def logits(model, sparse, dense, unique, values):
    _, wide, deep, inner, outer = model
    rows = sparse[unique] * values[:, :, None]          # [rows, fields, width], scaled by x
    y = 0
    if wide:
        y = y + rows[:, :, 0].sum(1)
    if wide == "fm":
        y = y + pair_sum(rows[:, :, 1:1 + K])
    if not deep:
        return y + dense["bias"][0]
    E = rows if deep == "row" else rows[:, :, 1:1 + K] if deep == "shared" else rows[:, :, -(K + 1):]
    parts = [E.reshape(ROWS, -1)]
    if inner:
        parts.append(np.stack([(E[:, i] * E[:, j]).sum(1) for i in range(FIELDS) for j in range(i + 1, FIELDS)], 1))
    if outer:
        s = E.sum(1)
        parts.append(np.einsum("ra,rb->rab", s, s).reshape(ROWS, -1))
    a = np.concatenate(parts, 1)
    for l in range(len(HIDDEN)):
        a = np.tanh(a @ dense[f"hidden{l}.weights"] + dense[f"hidden{l}.bias"])
    return y + a @ dense["output.weights"] + dense["bias"][0]


def loss(y, labels):
    p = 1 / (1 + np.exp(-y))
    return -(labels * np.log(p) + (1 - labels) * np.log(1 - p)).sum()


def gradient(f, x):
    g = np.zeros(x.shape)
    for i in np.ndindex(x.shape):
        z = x.astype(complex)
        z[i] += 1e-30j
        g[i] = f(z).imag / 1e-30
    return g


def case(model, seed):
    name, wide, deep, inner, outer = model
    rng = np.random.default_rng(seed)
    width = (1 if wide or deep == "row" else 0) + (K if wide == "fm" or deep == "row" else 0) + (K + 1 if deep == "own" else 0)
    k = K if deep == "shared" else K + 1
    inputs = FIELDS * k + (FIELDS * (FIELDS - 1) // 2 if inner else 0) + (k * k if outer else 0)
    sparse = rng.normal(0, 0.5, (UNIQUES, width))
    dense = {"bias": np.array([0.2])}
    if deep:
        for l, (a, b) in enumerate(zip([inputs] + HIDDEN, HIDDEN)):
            dense[f"hidden{l}.weights"] = rng.normal(0, 0.4, (a, b))
            dense[f"hidden{l}.bias"] = rng.normal(0, 0.3, b)
        dense["output.weights"] = rng.normal(0, 0.6, HIDDEN[-1])
    unique = rng.integers(0, UNIQUES, (ROWS, FIELDS))
    values = np.round(rng.normal(1, 0.5, (ROWS, FIELDS)) * 16) / 16    # exact in single precision
    labels = rng.integers(0, 2, ROWS).astype(float)
    y = logits(model, sparse, dense, unique, values)
    total = lambda s, d: loss(logits(model, s, d, unique, values), labels)
    return dict(
        model=name, unique=unique, values=values, labels=labels, sparse=sparse, dense=dense, logits=y,
        loss=loss(y, labels), sparseGradient=gradient(lambda s: total(s, dense), sparse),
        denseGradients={n: gradient(lambda t: total(sparse, {**dense, n: t}), dense[n]) for n in dense})


def plain(x):
    if isinstance(x, np.ndarray):
        return x.ravel().tolist()
    if isinstance(x, dict):
        return {k: plain(v) for k, v in x.items()}
    return [plain(i) for i in x] if isinstance(x, list) else x


print(json.dumps(plain(dict(
    rows=ROWS, fields=FIELDS, k=K, hidden=HIDDEN, uniqueCount=UNIQUES,
    cases=[case(model, seed) for seed, model in enumerate(MODELS)]))))
