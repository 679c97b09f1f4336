"""The trunk runs for what is new, whatever happens to the cache."""

import copy
import hashlib
import os
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torchvision
from msgspec import structs
from torch import Tensor, nn
from transfermodel_predictor.artifact.description import ImagePreprocessing, WeightsSource
from transfermodel_predictor.artifact.storage import Storage, open_store
from transfermodel_predictor.inference.pipelines import pipeline_of
from transfermodel_trainer.backbones.load import LoadedBackbone, plan
from transfermodel_trainer.backbones.network import Network
from transfermodel_trainer.data.samples import Samples
from transfermodel_trainer.features.cache import MOST_SMALL, FeatureCache
from transfermodel_trainer.features.opening import key_of, open_cache
from transfermodel_trainer.features.packs import MOST_ROWS, START_BYTES, DamagedPack, digests_at, name_of, pack, unpack
from transfermodel_trainer.limits import Interrupted, Limits
from transfermodel_trainer.training.device import Device
from transfermodel_trainer.training.feeds import ImageFeed, feed_of
from transfermodel_trainer.training.inference import compute_features, compute_logits

from tests.support import encoders
from tests.unit.trainer.test_backbones import backbone as backbone_request

CPU = Device(torch.device("cpu"), "cpu")
PREPROCESSING = ImagePreprocessing(size=32, mean=(0.5, 0.5, 0.5), std=(0.2, 0.2, 0.2))
FEED = ImageFeed(PREPROCESSING, CPU.torch)


def digest(text: object) -> str:
    return hashlib.sha256(str(text).encode()).hexdigest()


def images(numbers: range | list[int]) -> Samples:
    """Images that are their number's own."""
    rows = [
        torch.randint(0, 256, (3, 32, 32), generator=torch.Generator().manual_seed(number), dtype=torch.uint8)
        for number in numbers
    ]
    names = [str(number) for number in numbers]
    return Samples(torch.stack(rows), torch.zeros(len(rows), dtype=torch.long), names, list(map(digest, names)), [])


class Counting(Network):
    """A trunk of torchvision's that counts how many images it saw."""

    def __init__(self, name: str = "squeezenet1_1") -> None:
        nn.Module.__init__(self)
        trunk = torchvision.models.get_model(name, weights=None, num_classes=24)
        self.trunk, self.width, self.seen = trunk, 24, 0

    def features(self, *arguments: Tensor) -> Tensor:
        self.seen += len(arguments[0])
        return super().features(*arguments)


@pytest.fixture
def network() -> Counting:
    return Counting()


@pytest.fixture
def storage(tmp_path: Path) -> Storage:
    return open_store((tmp_path / "outputs").as_uri(), {})


@pytest.fixture
def said() -> list[str]:
    return []


def files(storage: Storage) -> list[Path]:
    return sorted(Path(storage.uri.removeprefix("file://")).rglob("*.safetensors"))


# -- packs


def test_a_pack_is_what_was_packed_and_says_so_at_its_start() -> None:
    digests = [digest(number) for number in range(MOST_ROWS)]
    features = torch.randn(MOST_ROWS, 7)
    content = pack(digests, features)
    assert digests_at(content[:START_BYTES]) == digests
    found, same = unpack(name_of(content), content, 7)
    assert found == digests
    assert torch.equal(same, features)


@pytest.mark.parametrize(
    "content", [b"", b"\xff" * 40, b"\x02\0\0\0\0\0\0\0{}", pack([digest(1)], torch.ones(1, 3))[:-9]]
)
def test_what_is_no_pack_is_damaged(content: bytes) -> None:
    with pytest.raises(DamagedPack):
        unpack(name_of(content), content, 3)


def test_another_byte_or_another_width_is_damage() -> None:
    content = pack([digest(1)], torch.ones(1, 3))
    with pytest.raises(DamagedPack):
        unpack(name_of(content), content[:-1] + b"\x01", 3)
    with pytest.raises(DamagedPack):
        unpack(name_of(content), content, 4)


# -- the trunk runs for what is new


def test_only_what_is_new_is_computed(network: Counting, storage: Storage, said: list[str]) -> None:
    first = compute_features(network, images(range(100)), FEED, cache=FeatureCache(storage, "key", said.append))
    network.seen = 0
    again = compute_features(network, images(range(99, -1, -1)), FEED, cache=FeatureCache(storage, "key", said.append))
    assert network.seen == 0
    assert torch.equal(again.flip(0), first)
    more = compute_features(network, images(range(103)), FEED, cache=FeatureCache(storage, "key", said.append))
    assert network.seen == 16, "three, in a rounded batch"
    network.seen = 0
    compute_features(network, images([102]), FEED, cache=FeatureCache(storage, "key", said.append))
    assert network.seen == 0
    assert torch.equal(more[:100], first)
    assert said == [
        f"The features of {count} samples (plain) were computed before."
        for count in ("100 of 100", "100 of 103", "1 of 1")
    ]


def test_what_came_from_the_cache_has_the_bits_of_what_did_not(storage: Storage) -> None:
    """However the samples were batched: that decides whether equal runs give equal models."""
    network = Counting("resnet18")
    for part in (range(3), range(40, 57), range(90, 91)):
        compute_features(network, images(part), FEED, cache=FeatureCache(storage, "key", print))
    found = compute_features(network, images(range(300)), FEED, cache=FeatureCache(storage, "key", print))
    assert torch.equal(found, compute_features(network, images(range(300)), FEED))


def test_texts_have_the_same_bits_too_and_short_ones_are_computed_together(
    tmp_path: Path, storage: Storage, monkeypatch: pytest.MonkeyPatch
) -> None:
    request = backbone_request(
        "TextClassification",
        name="transformers/tiny",
        weights={"uri": f"file://{encoders.write(tmp_path / 'encoder', 'bert')}"},
    )
    loaded = plan(request, {}, tmp_path, tmp_path).load(2)
    pipeline, feed = pipeline_of(loaded.preprocessing, loaded.files), feed_of(loaded.preprocessing, CPU.torch)
    texts = [" ".join(["good film"] * (1 + number % 9)) + f" {number}" for number in range(60)]
    rows = torch.stack([torch.from_numpy(pipeline.row(text)) for text in texts])
    samples = Samples(rows, torch.zeros(60, dtype=torch.long), texts, list(map(digest, texts)), list(range(60)))
    seen: list[int] = []
    features = loaded.network.features

    def watched(*arguments: Tensor) -> Tensor:
        seen.append(arguments[0].shape[1])
        return features(*arguments)

    monkeypatch.setattr(loaded.network, "features", watched)
    for part in ([1], [2, 3, 4], list(range(30, 50))):
        known = samples.select(np.array(part))
        compute_features(loaded.network, known, feed, cache=FeatureCache(storage, "key", print))
    found = compute_features(loaded.network, samples, feed, cache=FeatureCache(storage, "key", print))
    seen.clear()
    assert torch.equal(found, compute_features(loaded.network, samples, feed))
    assert seen == sorted(set(seen)), "one batch of each length"
    assert len(seen) > 1
    logits = compute_logits(loaded.network, samples, feed)
    torch.testing.assert_close(logits, loaded.network.head(found).detach(), rtol=1e-4, atol=1e-5)


def test_views_and_keys_are_kept_apart(network: Counting, storage: Storage) -> None:
    samples = images(range(20))
    plain = compute_features(network, samples, FEED, cache=FeatureCache(storage, "key", print))
    mirrored = compute_features(network, samples, FEED, flip=True, cache=FeatureCache(storage, "key", print))
    assert not torch.equal(plain, mirrored)
    network.seen = 0
    assert torch.equal(
        compute_features(network, samples, FEED, flip=True, cache=FeatureCache(storage, "key", print)), mirrored
    )
    assert network.seen == 0
    compute_features(network, samples, FEED, cache=FeatureCache(storage, "other", print))
    assert network.seen == 32


def test_copies_are_computed_once(network: Counting) -> None:
    features = compute_features(network, images([1, 2, 1, 1, 2] * 16), FEED)
    assert network.seen == 16
    assert torch.equal(features[0], features[3])
    assert torch.equal(features[1], features[79])
    assert not torch.equal(features[0], features[1])


# -- what can go wrong


def test_a_damaged_pack_is_removed_and_computed_again(network: Counting, storage: Storage, said: list[str]) -> None:
    features = compute_features(network, images(range(20)), FEED, cache=FeatureCache(storage, "key", said.append))
    (path,) = files(storage)
    content = path.read_bytes()
    path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    network.seen = 0
    again = compute_features(network, images(range(20)), FEED, cache=FeatureCache(storage, "key", said.append))
    assert network.seen == 32
    assert torch.equal(again, features)
    assert len(said) == 1
    assert "damaged" in said[0]
    assert path.read_bytes() == content, "written again, under the name of its content"


def test_a_pack_that_another_run_removed_meanwhile(network: Counting, storage: Storage, said: list[str]) -> None:
    compute_features(network, images(range(20)), FEED, cache=FeatureCache(storage, "key", said.append))
    cache = FeatureCache(storage, "key", said.append)
    assert len(cache._packs("plain")) == 1
    files(storage)[0].unlink()
    network.seen = 0
    compute_features(network, images(range(20)), FEED, cache=cache)
    assert network.seen == 32
    assert len(files(storage)) == 1
    assert said == []


def test_storage_that_refuses_is_said_once(network: Counting, tmp_path: Path, said: list[str]) -> None:
    (tmp_path / "outputs").write_text("in the way")
    storage = open_store((tmp_path / "outputs").as_uri(), {})
    cache = FeatureCache(storage, "key", said.append)
    features = compute_features(network, images(range(20)), FEED, cache=cache)
    compute_features(network, images(range(20)), FEED, flip=True, cache=cache)
    assert torch.equal(features, compute_features(network, images(range(20)), FEED))
    assert len(said) == 1
    assert "the run goes on" in said[0]


def test_it_is_bounded_and_what_was_used_least_recently_goes_first(
    network: Counting, storage: Storage, said: list[str]
) -> None:
    size = len(pack([digest(0)] * 20, torch.zeros(20, network.width)))
    for number, key in enumerate(("old", "older", "new")):
        compute_features(network, images(range(20)), FEED, cache=FeatureCache(storage, key, said.append))
        (path,) = (path for path in files(storage) if path.parts[-3] == key)
        days = {"old": 20, "older": 30, "new": 0}[key]
        stamp = (datetime.now(UTC) - timedelta(days=days)).timestamp() + number
        os.utime(path, (stamp, stamp))
    # Used again, `older` is the newest but one.
    compute_features(network, images(range(20)), FEED, cache=FeatureCache(storage, "older", said.append))
    cache = FeatureCache(storage, "newest", said.append, most_bytes=round(3.5 * size))
    compute_features(network, images(range(20)), FEED, cache=cache)
    assert sorted(path.parts[-3] for path in files(storage)) == ["new", "newest", "older"]
    assert not any("Warning" in line for line in said)


def test_a_run_larger_than_the_bound_keeps_what_fits(network: Counting, storage: Storage, said: list[str]) -> None:
    size = len(pack([digest(0)] * 16, torch.zeros(16, network.width)))
    cache = FeatureCache(storage, "key", said.append, interval_seconds=0, most_bytes=2 * size + 100)
    feed = ImageFeed(PREPROCESSING, CPU.torch)
    feed.batch_size = lambda: 16  # type: ignore[method-assign]
    features = compute_features(network, images(range(64)), feed, cache=cache)
    assert torch.equal(features, compute_features(network, images(range(64)), feed))
    assert len(files(storage)) == 2
    assert len(said) == 1
    assert "MiB" in said[0]


def test_many_small_packs_become_full_ones(network: Counting, storage: Storage) -> None:
    for number in range(MOST_SMALL + 1):
        compute_features(network, images([number]), FEED, cache=FeatureCache(storage, "key", print))
    assert len(files(storage)) == MOST_SMALL + 1
    everything = images(range(MOST_SMALL + 1))
    compute_features(network, everything, FEED, cache=FeatureCache(storage, "key", print))
    assert len(files(storage)) == 1
    network.seen = 0
    compute_features(network, everything, FEED, cache=FeatureCache(storage, "key", print))
    assert network.seen == 0


def test_runs_at_the_same_time(storage: Storage, said: list[str]) -> None:
    """Each with its own trunk and share of the samples, all in one folder that is nearly full."""
    torch.manual_seed(0)
    network = Counting().eval()
    expected = compute_features(network, images(range(60)), FEED)
    size = len(pack([digest(0)] * 30, torch.zeros(30, network.width)))
    wrong: list[int] = []

    def run(number: int) -> None:
        own = copy.deepcopy(network)
        for first in range(0, 30, 10):
            cache = FeatureCache(storage, "key", said.append, interval_seconds=0, most_bytes=3 * size)
            found = compute_features(own, images(range(first, first + 30)), FEED, cache=cache)
            if not torch.equal(found, expected[first : first + 30]):
                wrong.append(number)

    threads = [threading.Thread(target=run, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


# -- interruption


class Ended(Limits):
    """Says after so many questions that the process is to end."""

    def __init__(self, after: int) -> None:
        super().__init__({}, lambda: 0.0)
        self.questions = after

    def interrupted(self) -> bool:
        self.questions -= 1
        return self.questions < 0


def test_an_interrupted_run_keeps_what_it_computed(network: Counting, storage: Storage) -> None:
    feed = ImageFeed(PREPROCESSING, CPU.torch)
    feed.batch_size = lambda: 16  # type: ignore[method-assign]
    # Asked once for the cache and once for the run, at each batch.
    with pytest.raises(Interrupted):
        compute_features(network, images(range(64)), feed, cache=FeatureCache(storage, "key", print), limits=Ended(4))
    assert network.seen == 48
    network.seen = 0
    found = compute_features(network, images(range(64)), feed, cache=FeatureCache(storage, "key", print))
    assert network.seen == 16
    assert torch.equal(found, compute_features(network, images(range(64)), feed))


def test_at_most_an_interval_is_lost(network: Counting, storage: Storage, monkeypatch: pytest.MonkeyPatch) -> None:
    clock: Iterator[float] = iter(range(0, 10_000, 4))
    monkeypatch.setattr("time.monotonic", lambda: float(next(clock)))
    cache = FeatureCache(storage, "key", print, interval_seconds=10)
    cache.fill("plain", [digest(0)], torch.empty(1, 3))
    for number in range(6):
        cache.add("plain", [digest(number)], torch.ones(1, 3))
    assert len(files(storage)) == 2


# -- the key


def backbone(**changes: Any) -> LoadedBackbone:
    source = WeightsSource(kind="uri", reference="s3://weights/a.safetensors", digest="sha256:1")
    loaded = LoadedBackbone(None, PREPROCESSING, "torchvision/resnet18", source, True, {"a": b"1"})  # type: ignore[arg-type]
    return replace(loaded, **changes)


def test_all_that_decides_about_features_is_in_the_key() -> None:
    key = key_of(backbone(), CPU)
    moved = WeightsSource(kind="uri", reference="file:///elsewhere.safetensors", digest="sha256:1")
    assert key_of(backbone(source=moved), CPU) == key
    others = [
        key_of(backbone(source=WeightsSource(kind="uri", reference="s3://weights/a", digest="sha256:2")), CPU),
        key_of(backbone(preprocessing=structs.replace(PREPROCESSING, resize_to=40)), CPU),
        key_of(backbone(files={"a": b"2"}), CPU),
        key_of(backbone(name="torchvision/resnet34"), CPU),
        key_of(backbone(), Device(torch.device("cuda"), "cuda")),
    ]
    assert len({key, *others}) == 6


def test_random_weights_are_not_cached(storage: Storage) -> None:
    assert open_cache(storage, backbone(), CPU, print, 60) is not None
    assert open_cache(None, backbone(), CPU, print, 60) is None
    scratch = backbone(source=WeightsSource(kind="scratch"), pretrained=False)
    assert open_cache(storage, scratch, CPU, print, 60) is None
