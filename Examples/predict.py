"""Click probabilities of libfm rows by a model that `deepfm export` wrote, with numpy alone.

    deepfm export runs/first --slim --to model.safetensors
    python3 Examples/predict.py model.safetensors new.libfm > probabilities.txt

Reads models of one vector a feature (lr, fm, dnn, deepfm-d). `deepfm predict` says the same, much faster.
"""

import json
import sys

import numpy as np


def load(path):
    """The tensors by name, and the metadata."""
    with open(path, "rb") as file:
        header = json.loads(file.read(int.from_bytes(file.read(8), "little")))
        data = file.read()
    types = {"F32": "<f4", "U32": "<u4", "U64": "<u8"}
    metadata = header.pop("__metadata__")
    return {
        name: np.frombuffer(data[slice(*entry["data_offsets"])], types[entry["dtype"]]).reshape(entry["shape"])
        for name, entry in header.items()
    }, metadata


def rows(path, fields):
    """Keys and values of each row, [fields]: libfm has one feature a field, in the order of the fields."""
    for line in open(path):
        entries = [entry.split(":") for entry in line.split()[1:]]
        assert len(entries) == fields, f"{path}: a row of {len(entries)} features, not {fields}"
        yield [int(key) for key, _ in entries], [float(value) for _, value in entries]


tensors, metadata = load(sys.argv[1])
model = json.loads(metadata["model"])
place = {int(key): number for number, key in enumerate(tensors["sparse.keys"])}
nothing = len(place)


def table(name, width):
    """Rows of the features by place; zeros for one that training never saw."""
    known = tensors.get(name, np.zeros((nothing, width))).reshape(nothing, width)
    return np.vstack([known, np.zeros((1, width))]).astype(np.float64)


weights, vectors = table("sparse.weight", 1), table("sparse.vector", model["embedding"])
own = table("sparse.embedding", model["embedding"] + 1) if "sparse.embedding" in tensors else vectors
for keys, values in rows(sys.argv[2], model["fields"]):
    at, x = [place.get(key, nothing) for key in keys], np.array(values)[:, None]
    logit = (weights[at] * x).sum() + tensors["bias"][0] + model.get("logitShift", 0)
    v = vectors[at] * x
    logit += 0.5 * ((v.sum(0) ** 2) - (v**2).sum(0)).sum()
    if "hidden0.weights" in tensors:
        a = (own[at] * x).reshape(-1)
        for layer in range(len(model["hidden"])):
            a = np.maximum(a @ tensors[f"hidden{layer}.weights"] + tensors[f"hidden{layer}.bias"], 0)
        logit += a @ tensors["output.weights"].reshape(-1)
    print(1 / (1 + np.exp(-logit)))
