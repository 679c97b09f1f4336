"""What is odd about the data of a run, though nothing that ends it: sentences for people."""

import re
import unicodedata
from collections import defaultdict
from collections.abc import Mapping

import numpy as np
from transfermodel_operator.api.spec import Task

from transfermodel_trainer.data.nouns import Nouns, nouns
from transfermodel_trainer.data.samples import Samples
from transfermodel_trainer.data.sources import Role
from transfermodel_trainer.errors import listed

IMBALANCE = 10
"""How many times the samples of the rarest class the most frequent one may have without a word."""


def review(task: Task, samples: Mapping[Role, Samples], labels: tuple[str, ...]) -> list[str]:
    """Return what should be looked at: copies, torn labels, overlaps, imbalance, labels that look alike."""
    words = nouns(task)
    found = [
        *alike_labels(labels),
        *copies(samples["train"], words),
        *imbalance(samples["train"], labels, words),
    ]
    roles = list(samples)
    for number, role in enumerate(roles):
        for other in roles[number + 1 :]:
            found += overlap((role, samples[role]), (other, samples[other]), labels, words)
    return found


def alike_labels(labels: tuple[str, ...]) -> list[str]:
    """Return a warning when labels differ in case, spaces, hyphens or underscores alone."""
    groups: dict[str, list[str]] = defaultdict(list)
    for label in labels:
        groups[re.sub(r"[\s_-]+", " ", unicodedata.normalize("NFKC", label).casefold()).strip()].append(label)
    pairs = [" and ".join(group) for group in groups.values() if len(group) > 1]
    if not pairs:
        return []
    return [
        f"Labels differ in case, spaces or hyphens alone ({listed(pairs, 3)}): if they mean one class, give it one "
        "label."
    ]


def copies(train: Samples, words: Nouns) -> list[str]:
    """Return a warning when training samples have one content."""
    first: dict[str, int] = {}
    again = [index for index, digest in enumerate(train.digests) if first.setdefault(digest, index) != index]
    if not again:
        return []
    classes = train.classes.tolist()
    torn = [index for index in again if classes[index] != classes[first[train.digests[index]]]]
    if torn:
        pairs = [f"{train.names[index]} is {train.names[first[train.digests[index]]]}" for index in torn]
        return [
            f"{len(torn)} of {len(train)} {words.many} of spec.data.train have the content of one of another class "
            f"({listed(pairs, 2)}): one of the two labels is wrong."
        ]
    names = [train.names[index] for index in again]
    return [
        f"{len(again)} of {len(train)} {words.many} of spec.data.train are copies of others ({listed(names, 3)}): they "
        "weigh double."
    ]


def overlap(
    known: tuple[Role, Samples], judged: tuple[Role, Samples], labels: tuple[str, ...], words: Nouns
) -> list[str]:
    """Return warnings when samples of one split are in another, too, and when their labels differ there."""
    (role, samples), (other_role, others) = known, judged
    first = {digest: index for index, digest in reversed(list(enumerate(samples.digests)))}
    both = [index for index, digest in enumerate(others.digests) if digest in first]
    if not both:
        return []
    harm = "its metrics are too good" if role == "train" else "what was chosen by one is judged by the other"
    names = [others.names[index] for index in both]
    found = [
        f"{len(both)} of {len(others)} {words.many} of spec.data.{other_role} are also in spec.data.{role} "
        f"({listed(names, 3)}): {harm}."
    ]
    torn = [index for index in both if others.classes[index] != samples.classes[first[others.digests[index]]]]
    if torn:
        pairs = [
            f"{others.names[index]} is {labels[int(others.classes[index])]}, "
            f"{samples.names[first[others.digests[index]]]} is "
            f"{labels[int(samples.classes[first[others.digests[index]]])]}"
            for index in torn
        ]
        found.append(
            f"{len(torn)} of them have another label in spec.data.{role} ({listed(pairs, 2)}): one of the two is wrong."
        )
    return found


def imbalance(train: Samples, labels: tuple[str, ...], words: Nouns) -> list[str]:
    """Return a warning when one class has many times the samples of another."""
    counts = np.bincount(train.classes.numpy(), minlength=len(labels))
    most, least = int(counts.argmax()), int(counts.argmin())
    if counts[most] < IMBALANCE * counts[least]:
        return []
    return [
        f"Class {labels[most]} has {counts[most]} {words.many} in spec.data.train, {labels[least]} only "
        f"{counts[least]}: rare classes will be missed more often; add {words.many} to them, and look at the recall of "
        "each class."
    ]
