"""What needs no transfer: the trainer's own head on the input itself, and on a trunk with random weights.

A figure of transfer says nothing where these two do as well.
"""

import numpy as np
import torch
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import RidgeClassifierCV
from transfermodel_trainer.training.feeds import feed_of
from transfermodel_trainer.training.inference import compute_features
from transfermodel_trainer.training.ridge import fit_ridge

from tests.bench.training.turns import Outcome, Stopwatch, Turn, accuracy, judge

PENALTIES = np.logspace(-2, 2, 9)


def raw_input(turn: Turn) -> Outcome:
    """Ridge regression, its penalty by leave-one-out, on pixels, log-mel values, or TF-IDF of words and pairs."""
    if turn.material.task == "TextClassification":
        return words(turn)
    train, test = turn.train, turn.material.test
    learning, judging = Stopwatch(turn.device), Stopwatch(turn.device)
    with learning.running():
        features = train.rows.flatten(1).float()
        head = fit_ridge(features[None], train.classes, len(turn.material.labels)).head
    with judging.running():
        logits = test.rows.flatten(1).float() @ head.weight.T + head.bias
    return Outcome(accuracy(logits, test.classes), learning.seconds, judging.seconds)


def words(turn: Turn) -> Outcome:
    """scikit-learn's TF-IDF of words and pairs of words, and its ridge classifier."""
    train, test, texts = turn.train, turn.material.test, turn.material.texts
    learning, judging = Stopwatch(turn.device), Stopwatch(turn.device)
    vectorizer = TfidfVectorizer(ngram_range=(1, 2))
    with learning.running():
        features = vectorizer.fit_transform([texts[name] for name in train.names])
        model = RidgeClassifierCV(PENALTIES).fit(features, train.classes.numpy())
    with judging.running():
        right = model.score(vectorizer.transform([texts[name] for name in test.names]), test.classes.numpy())
    return Outcome(float(right), learning.seconds, judging.seconds)


def untrained_trunk(turn: Turn) -> Outcome:
    """The same head on the features of the same architecture with random weights."""
    backbone = turn.material.untrained(turn.seed)
    network = backbone.network.to(turn.device.torch)
    feed = feed_of(backbone.preprocessing, turn.device.torch)
    watch = Stopwatch(turn.device)
    with watch.running():
        features = compute_features(network, turn.train, feed)
        head = fit_ridge(features[None], turn.train.classes, len(turn.material.labels)).head
        with torch.no_grad():
            network.head.weight.copy_(head.weight)
            network.head.bias.copy_(head.bias)
    right, seconds = judge(network, turn.material.test, feed, turn.device)
    return Outcome(right, watch.seconds, seconds)
