"""What a survey says, as JSON."""

from transfermodel_operator.api import ApiModel


class Labelled(ApiModel):
    """A class and its samples."""

    label: str
    count: int


class Unreadable(ApiModel):
    """A file that is no sample of the task."""

    name: str
    problem: str


class Duplicates(ApiModel):
    """Samples with the same content."""

    splits: tuple[str, str]
    """Of one split: the same name twice."""
    count: int
    """Samples of the second split that are in the first, too; within one: samples beyond the first of their kind."""
    examples: list[list[str]]
    """Names with the same content."""
    mislabelled: int = 0
    """Of them, how many have another class there."""


class Surveyed(ApiModel):
    """One data source."""

    role: str
    uri: str
    bytes: int
    samples: int | None = None
    """None: it lies in an archive that was not read."""
    classes: list[Labelled] = []
    outside: int = 0
    """Files in no class folder."""
    decoded: int = 0
    """How many samples were decoded to see whether they can be."""
    unreadable: list[Unreadable] = []
    """The first few."""
    unreadable_count: int = 0
    tiny: list[str] = []
    """The first few images of less than 16 pixels a side."""
    tiny_count: int = 0
    median_side: int | None = None
    """The median of the images' shorter sides, in pixels; None: there are no images."""
    looked_into: bool = False
    """Whether the files themselves were read."""


class Problem(ApiModel):
    """What would end the run."""

    reason: str
    message: str


class Survey(ApiModel):
    """What the data holds."""

    sources: list[Surveyed] = []
    duplicates: list[Duplicates] = []
    duplicates_by: str = "content"
    """content, or listing: size and ETag."""
    problems: list[Problem] = []
    inputs_digest: str | None = None
    """As the run's result will have it."""
    weights_bytes: int | None = None
    """Of weights.uri."""
    data_seconds: float | None = None
    """What reading, decoding and resizing takes a run, by what it took here; None: not everything was read."""
