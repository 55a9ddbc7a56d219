#!/usr/bin/env python3
"""Five steps of each optimizer on one row, from the authors' algorithms with numpy in double precision.

    python3 optimizers.py > optimizers.json
"""
import json
import numpy as np

GRADIENTS = np.array([[4.0, -8.0, 0.5], [0.0, 2.0, -0.25], [-12.0, 0.0, 1.0], [1.0, 1.0, 1.0], [-3.0, 0.5, 0.0]])
SCALE, L2, START, RATE = 0.25, np.array([0.5, 0.0, 0.1]), np.array([1.0, -2.0, 0.3]), 0.1


def run(update, start=START):
    theta, state, out = start.copy(), {}, []
    for t, total in enumerate(GRADIENTS, 1):
        theta = update(theta, total * SCALE + L2 * theta, state, t)
        out.append(theta.tolist())
    return out


def sgd(w, g, s, t):
    return w - RATE * g


def momentum(w, g, s, t, beta=0.9):
    s["v"] = beta * s.get("v", 0) + g
    return w - RATE * s["v"]


def adagrad(w, g, s, t, eps=1e-6):
    s["n"] = s.get("n", 0) + g * g
    return w - RATE * g / (np.sqrt(s["n"]) + eps)


def rmsprop(w, g, s, t, rho=0.9, eps=1e-6):
    s["n"] = rho * s.get("n", 0) + (1 - rho) * g * g
    return w - RATE * g / (np.sqrt(s["n"]) + eps)


def adam(w, g, s, t, b1=0.9, b2=0.999, eps=1e-8, decay=0.0):
    s["m"] = b1 * s.get("m", 0) + (1 - b1) * g
    s["v"] = b2 * s.get("v", 0) + (1 - b2) * g * g
    return w - RATE * (s["m"] / (1 - b1**t)) / (np.sqrt(s["v"] / (1 - b2**t)) + eps) - RATE * decay * w


def ftrl(w, g, s, t, alpha=RATE, beta=1.0, l1=0.2, l2=0.3):
    n = s.get("n", np.zeros(3))
    sigma = (np.sqrt(n + g * g) - np.sqrt(n)) / alpha
    s["z"] = s.get("z", 0) + g - sigma * w
    s["n"] = n + g * g
    dense = -(s["z"] - np.sign(s["z"]) * l1) / ((beta + np.sqrt(s["n"])) / alpha + l2)
    return np.where(np.abs(s["z"]) <= l1, 0.0, dense)


print(json.dumps(dict(
    gradients=GRADIENTS.tolist(), scale=SCALE, l2=L2.tolist(), start=START.tolist(), rate=RATE,
    rows=dict(
        sgd=run(sgd), momentum=run(momentum), adagrad=run(adagrad), rmsprop=run(rmsprop), adam=run(adam),
        adamw=run(lambda w, g, s, t: adam(w, g, s, t, decay=0.05)), ftrl=run(ftrl, np.zeros(3))))))
