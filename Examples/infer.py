"""What `deepfm schema infer` proposes, untouched, beside scikit-learn's logistic regression on the same rows.

    python3 Examples/infer.py DATA_DIR [NAME...]     (wants scikit-learn, scipy, pyyaml, and a built deepfm)

Each data set is split 7:1:2 by `deepfm split --random`. DeepFM-D trains on the first part and keeps the checkpoint that is best on
the second; the regression chooses its C there. Both are measured on the third. The regression reads the columns as the schema says:
categories one-hot, numbers standardised after the schema's transform, those that are missing by a column of their own.
"""

import csv
import json
import math
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import yaml
from scipy import sparse
from sklearn.feature_extraction import DictVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

DEEPFM = os.environ.get("DEEPFM", str(Path(__file__).parent.parent / ".build/release/deepfm"))
SETS = {
    "adult": "adult/train.csv.gz", "avazu_9k": "avazu_9k/rows.csv.gz", "criteo_head80k": "criteo_head80k/train.tsv.gz",
    "criteo_narrow46k": "criteo_narrow46k/rows.csv.gz", "criteo_random4k": "criteo_random4k/rows.tsv.gz",
    "frappe_x1": "frappe_x1/train.libfm.gz", "ml1m_implicit": "ml1m_implicit/valid.csv.gz",
    "movielens-100k": "movielens-100k/train.csv.gz", "obd_60k": "obd_60k/rows.csv.gz",
}
CRITEO = ["label"] + [f"I{i}" for i in range(1, 14)] + [f"C{i}" for i in range(1, 27)]


def run(*arguments):
    ended = subprocess.run([DEEPFM, *map(str, arguments)], capture_output=True, text=True)
    if ended.returncode:
        raise SystemExit(f"deepfm {' '.join(map(str, arguments))}\n{ended.stderr}")
    return ended.stdout


def is_click(rule, row):
    """As the schema's label says."""
    if isinstance(rule, dict):
        return row[rule["column"]].strip() in np.atleast_1d(rule["positive"]).astype(str)
    if " >= " in rule:
        column, threshold = rule.split(" >= ")
        return float(row[column]) >= float(threshold)
    return row[rule].strip().lower() in ("1", "true", "yes", "t", "y", "1.0")


def features(schema, row):
    for field in schema["fields"]:
        field = {"name": field} if isinstance(field, str) else field
        name, text = field["name"], row[field["name"]].strip()
        if text in schema.get("missing", [""]):
            yield name + " is missing", 1
        elif field.get("type") == "numeric":
            x = float(text)
            transform = field.get("transform")
            if transform == "log-squared":
                yield f"{name}={math.floor(math.log(x) ** 2) if x > 2 else x}", 1
            else:
                yield name, math.copysign(math.log1p(abs(x)), x) if transform == "log1p" else x
        elif field.get("type") == "multi-valued":
            for part in text.split(field["separator"]):
                yield f"{name}={part}", 1
        else:
            yield f"{name}={text}", 1


def read(path, schema):
    """Features by name, and labels."""
    kind = schema.get("format", "csv")
    if kind in ("libfm", "libsvm"):
        rows = [line.split() for line in open(path)]
        return [{key: float(x) for key, x in (t.split(":") for t in row[1:])} for row in rows], [row[0] in ("1", "+1") for row in rows]
    if kind == "criteo":
        schema = dict(schema, fields=[{"name": n, "type": "numeric", "transform": "log-squared"} if n[0] == "I" else n for n in CRITEO[1:]])
    reader = csv.DictReader(
        open(path, newline=""), fieldnames=CRITEO if kind == "criteo" else schema.get("columns"),
        delimiter="\t" if kind in ("criteo", "tsv") else schema.get("separator", ","))
    rows = list(reader)
    return [dict(features(schema, row)) for row in rows], [is_click(schema.get("label", "label"), row) for row in rows]


def regression(parts, schema):
    vectorizer = DictVectorizer()
    (train, train_y), (valid, valid_y), (test, test_y) = [read(path, schema) for path in parts]
    train = vectorizer.fit_transform(train)
    # Standardised without moving zeros, which stay sparse.
    scale = np.sqrt(train.multiply(train).mean(axis=0).A1 - np.square(train.mean(axis=0).A1))
    largest = abs(train).max(axis=0).toarray().ravel()
    scale = np.where(largest > 1, 1 / np.maximum(scale, 1e-9), 1)
    prepare = lambda x: x @ sparse.diags(scale)
    best = max(
        (roc_auc_score(valid_y, model.decision_function(prepare(vectorizer.transform(valid)))), c, model)
        for c in (0.01, 0.03, 0.1, 0.3, 1.0)
        for model in [LogisticRegression(C=c, max_iter=300).fit(prepare(train), train_y)])
    return roc_auc_score(test_y, best[2].decision_function(prepare(vectorizer.transform(test))))


def main(data, names):
    print("| data | rows | fields: categories, numbers | logistic regression | DeepFM-D |\n|---|---|---|---|---|", flush=True)
    for name in names or SETS:
        with tempfile.TemporaryDirectory() as folder:
            folder, source = Path(folder), Path(data) / SETS[name]
            (folder / "schema.yaml").write_text(run("schema", "infer", source))
            schema = yaml.safe_load((folder / "schema.yaml").read_text())
            parts = [folder / part for part in ("train", "valid", "test")]
            run("split", source, "--schema", folder / "schema.yaml", "--random", "7:1:2", "--out", *parts)
            run(
                "train", "--train", parts[0], "--valid", parts[1], "--schema", folder / "schema.yaml", "--model", "deepfm-d",
                "--epochs", 8, "--batch", 1024, "--run-dir", folder / "run", "--json")
            report = json.loads(run("evaluate", "--run-dir", folder / "run", "--data", parts[2], "--checkpoint", "best", "--json"))
            fields = schema.get("fields", [])
            numbers = sum(isinstance(f, dict) and f.get("type") == "numeric" for f in fields)
            kinds = f"{len(fields) - numbers}, {numbers}" if fields else schema.get("format")
            print(
                f"| {name} | {report['rows']:,} of test | {kinds} | {regression(parts, schema):.4f} | {report['auc']:.4f} |",
                flush=True)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
