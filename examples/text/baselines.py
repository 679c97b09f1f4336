"""What needs no transfer: words counted, and the same encoder before it has learned anything."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from transfermodel_predictor.artifact.description import TextPreprocessing
from transfermodel_predictor.inference.text import TextPipeline
from transfermodel_trainer.training.ridge import fit_ridge

from examples.text.dataset import Sentences

MAX_TOKENS = 256
BATCH = 20
SEED = 0
PENALTIES = np.logspace(-3, 3, 13)


@dataclass(frozen=True)
class Baselines:
    """Accuracies on the test set."""

    untrained_encoder: float
    words: float


def measure(train: Sentences, test: Sentences, encoder: Path) -> Baselines:
    """Learn from the training sentences, judge on the test sentences."""
    torch.set_num_threads(1)  # whatever trains meanwhile needs the other processors
    return Baselines(untrained_encoder(train, test, encoder), words(train, test))


def words(train: Sentences, test: Sentences) -> float:
    """Return the accuracy of ridge regression on TF-IDF, the penalty chosen by leave-one-out: scikit-learn alone."""
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import RidgeClassifierCV

    vectorizer = TfidfVectorizer()
    features = vectorizer.fit_transform(train.texts).toarray()
    classifier = RidgeClassifierCV(PENALTIES).fit(features, train.labels)
    return float(classifier.score(vectorizer.transform(test.texts).toarray(), test.labels))


def untrained_encoder(train: Sentences, test: Sentences, folder: Path) -> float:
    """Return the accuracy of FeatureExtraction's head on the encoder with random weights."""
    from transformers import AutoConfig, AutoModel

    torch.manual_seed(SEED)
    untrained = AutoModel.from_config(AutoConfig.from_pretrained(folder))  # type: ignore[no-untyped-call]
    network: torch.nn.Module = untrained.eval()
    pipeline = TextPipeline(TextPreprocessing(max_tokens=MAX_TOKENS), (folder / "tokenizer.json").read_bytes())
    seen, unseen = (features(network, pipeline, part.texts) for part in (train, test))
    classes = torch.tensor([train.classes.index(label) for label in train.labels])
    head = fit_ridge(seen[None], classes, len(train.classes)).head
    guesses = (unseen @ head.weight.T + head.bias).argmax(1).tolist()
    right = [train.classes[guess] == label for guess, label in zip(guesses, test.labels, strict=True)]
    return float(np.mean(right))


def features(network: torch.nn.Module, pipeline: TextPipeline, texts: tuple[str, ...]) -> Tensor:
    """Return the mean of each text's token vectors, (N, D)."""
    parts = []
    for start in range(0, len(texts), BATCH):
        rows = np.stack([pipeline.row(text) for text in texts[start : start + BATCH]])
        feeds = {name: torch.from_numpy(values) for name, values in pipeline.feeds(rows).items()}
        with torch.inference_mode():
            tokens = network(**feeds).last_hidden_state  # (N, L, D)
        mask = feeds["attention_mask"][:, :, None]
        parts.append((tokens * mask).sum(1) / mask.sum(1))
    return torch.cat(parts)
