"""Bodies that are one sample as it is, as `curl --data-binary @cat.jpg -H 'Content-Type: image/jpeg'` sends them."""

from typing import Final

from transfermodel_predictor.configuration import Limits
from transfermodel_predictor.protocol.errors import MediaTypeUnsupported, RequestInvalid
from transfermodel_predictor.protocol.forms import FORMS, SampleForm
from transfermodel_predictor.protocol.sources import EncodedSample, encoded_sample

PLACE: Final = "The body"
ANY: Final = "application/octet-stream"
OGG: Final = "application/ogg"
CHARSETS: Final = ("utf-8", "us-ascii", "iso-8859-1", "iso-8859-15", "windows-1252", "utf-16", "utf-16le", "utf-16be")
"""Python knows some that are no charsets, and some that take long."""


def read_raw(content_type: str, body: bytes, form: SampleForm, limits: Limits) -> EncodedSample | None:
    """Return the sample that the body is, or None where it is JSON, or must be.

    Programs often send JSON with another media type, or with none: so what begins as an object is JSON, unless its
    type says that it is a sample of this model. What begins as a file of a known format is that file.

    Raises:
        MediaTypeUnsupported: It is neither, or a sample that this model has no use for.
        RequestTooLarge: It has more bytes than a sample may have.
    """
    media_type, charset = parsed(content_type)
    if not media_type or media_type == "application/x-www-form-urlencoded":
        # No type at all, and what curl says of every body.
        found = bool(form.beginnings) and body.startswith(form.beginnings)
        return encoded_sample(PLACE, body, form, limits) if found else None
    if media_type == ANY:
        return encoded_sample(PLACE, body, form, limits)
    if media_type == "text/plain" and not form.file:
        return encoded_sample(PLACE, _utf_8(encoded_sample(PLACE, body, form, limits).data, charset), form, limits)
    if form.file and (media_type.startswith(form.family) or (media_type == OGG and form.name == "audio")):
        return encoded_sample(PLACE, body, form, limits)
    sample_of_another = any(other.file and media_type.startswith(other.family) for other in FORMS.values())
    if not sample_of_another and (media_type.endswith(("/json", "+json")) or body[:1024].lstrip().startswith(b"{")):
        return None
    said = f"The body is {media_type[:80]!r}"
    if media_type.startswith("multipart/"):
        said += ": a form, as `curl -F` sends it; `curl --data-binary` sends the file itself"
    raise MediaTypeUnsupported(
        f"{said}. This model takes {form.many}: send one with the Content-Type {form.media_types[0]!r}, or JSON: "
        f"{form.example}."
    )


def parsed(content_type: str) -> tuple[str, str]:
    """Return a media type without its parameters, and its charset, both in small letters; empty where there is none."""
    media_type, *parameters = content_type.split(";")
    pairs = [parameter.partition("=") for parameter in parameters]
    charset = next((value for name, _, value in pairs if name.strip().lower() == "charset"), "")
    return media_type.strip().lower(), charset.strip().strip('"').lower()


def _utf_8(data: bytes, charset: str) -> bytes:
    if charset in ("", "utf-8", "utf8", "us-ascii"):
        return data  # whether it is shows when it is decoded
    if charset not in CHARSETS:
        raise MediaTypeUnsupported(f"The charset {charset[:40]!r} is not known here: send the text in UTF-8.")
    try:
        return data.decode(charset).encode()
    except UnicodeError as error:
        raise RequestInvalid(f"The body is not a text in {charset}: {error}. Send it in UTF-8.") from error
