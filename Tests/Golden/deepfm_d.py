#!/usr/bin/env python3
"""DeepFM-D's logits, loss and gradients for one small slice, computed with numpy from the paper's equations alone.

    python3 deepfm_d.py > deepfm_d.json

Interactions are summed over pairs (not by Rendle's identity), gradients derived by hand for the loss of eq. 10.
"""
import json
import numpy as np

rng = np.random.default_rng(7)
rows, fields, k, hidden, uniques = 5, 4, 3, [6, 5], 9
w = rng.normal(0, 0.5, uniques)
V = rng.normal(0, 0.5, (uniques, k))
unique = rng.integers(0, uniques, (rows, fields))
values = np.round(rng.normal(1, 0.5, (rows, fields)) * 16) / 16  # exact in single precision
labels = np.array([1, 0, 0, 1, 0.0])
sizes = [fields * k] + hidden
W = [rng.normal(0, 0.6, (a, b)) for a, b in zip(sizes, hidden)]
b = [rng.normal(0, 0.3, n) for n in hidden]
wo = rng.normal(0, 0.6, hidden[-1])
bias = 0.2

E = V[unique] * values[:, :, None]
y = (w[unique] * values).sum(1)
for i in range(fields):
    for j in range(i + 1, fields):
        y += (E[:, i] * E[:, j]).sum(1)
a = [E.reshape(rows, -1)]
for Wl, bl in zip(W, b):
    a.append(np.tanh(a[-1] @ Wl + bl))
y = y + a[-1] @ wo + bias
loss = -(labels * np.log(1 / (1 + np.exp(-y))) + (1 - labels) * np.log(1 - 1 / (1 + np.exp(-y)))).sum()

d = 1 / (1 + np.exp(-y)) - labels
gwo, gbias = a[-1].T @ d, d.sum()
delta = np.outer(d, wo)
gW, gb = [None] * len(W), [None] * len(W)
for l in reversed(range(len(W))):
    z = delta * (1 - a[l + 1] ** 2)
    gW[l], gb[l] = a[l].T @ z, z.sum(0)
    delta = z @ W[l].T
gE = delta.reshape(rows, fields, k)
for i in range(fields):
    for j in range(fields):
        if i != j:
            gE[:, i] += d[:, None] * E[:, j]
gw, gV = np.zeros(uniques), np.zeros((uniques, k))
for r in range(rows):
    for f in range(fields):
        gw[unique[r, f]] += d[r] * values[r, f]
        gV[unique[r, f]] += gE[r, f] * values[r, f]

out = dict(rows=rows, fields=fields, k=k, hidden=hidden, uniqueCount=uniques, weights=w, vectors=V, unique=unique.ravel(),
           values=values.ravel(), labels=labels, hiddenWeights=[x.ravel() for x in W], hiddenBiases=b, outputWeights=wo,
           bias=bias, logits=y, loss=loss, weightGradient=gw, vectorGradient=gV, hiddenWeightGradients=[x.ravel() for x in gW],
           hiddenBiasGradients=gb, outputWeightGradient=gwo, biasGradient=gbias)
plain = lambda x: x.ravel().tolist() if isinstance(x, np.ndarray) else [plain(i) for i in x] if isinstance(x, list) else x
print(json.dumps({key: plain(value) for key, value in out.items()}, indent=1))
