"""Strings and numbers of the API with their rules, for the API server (CEL) and for pydantic."""

from typing import Annotated, Any

from pydantic import Field


def rule(expression: str, message: str) -> dict[str, str]:
    """Return one CEL rule of a structural schema (x-kubernetes-validations)."""
    return {"rule": expression, "message": message}


def rules(*entries: dict[str, str]) -> dict[str, Any]:
    """Return the schema extension that carries CEL rules, for `json_schema_extra`."""
    return {"x-kubernetes-validations": list(entries)}


ObjectName = Annotated[str, Field(min_length=1, max_length=253, pattern=r"^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$")]
TransferModelName = Annotated[str, Field(min_length=1, max_length=40, pattern=r"^[a-z]([-a-z0-9]*[a-z0-9])?$")]

ColumnName = Annotated[str, Field(min_length=1, max_length=253)]

# Kubernetes API conventions: no floats. The pattern keeps `double()` in the CEL rules from failing.
DECIMAL_PATTERN = r"^[0-9]{1,9}(\.[0-9]{1,12})?([eE]-?[0-9]{1,2})?$"
Fraction = Annotated[
    str,
    Field(
        max_length=24,
        pattern=DECIMAL_PATTERN,
        json_schema_extra=rules(
            rule("double(self) > 0.0 && double(self) < 1.0", 'must lie between 0 and 1, such as "0.2"')
        ),
    ),
]
PositiveDecimal = Annotated[
    str,
    Field(
        max_length=24,
        pattern=DECIMAL_PATTERN,
        json_schema_extra=rules(rule("double(self) > 0.0", 'must be a positive number as a string, such as "1e-3"')),
    ),
]
Decimal = Annotated[str, Field(max_length=24, pattern=r"^-?[0-9]{1,9}(\.[0-9]{1,12})?$")]

STORED = rule(
    "['s3://', 'gs://', 'az://', 'https://'].exists(scheme, self.startsWith(scheme))",
    "must begin with s3://, gs://, az:// or https://",
)
STORED_OR_MOUNTED = rule(
    "['s3://', 'gs://', 'az://', 'https://', 'pvc://'].exists(scheme, self.startsWith(scheme))",
    "must begin with s3://, gs://, az://, https:// or pvc://",
)
READ_RULES = (STORED, STORED_OR_MOUNTED)
"""Of what is only read: on a machine of one's own, a path will do as well."""

DataUri = Annotated[
    str,
    Field(
        min_length=6,
        max_length=2048,
        json_schema_extra=rules(
            STORED_OR_MOUNTED,
            rule(
                "!self.startsWith('https://') || self.endsWith('.tar') || self.endsWith('.tar.gz') "
                "|| self.endsWith('.tgz') || self.endsWith('.zip')",
                "over https:// the data must be one archive: .tar, .tar.gz, .tgz or .zip",
            ),
            rule(
                "!self.startsWith('pvc://') || (self.matches('^pvc://[a-z0-9]([-a-z0-9.]*[a-z0-9])?(/.*)?$') && "
                "!self.matches('/[.][.](/|$)'))",
                "must be pvc://<claim>/<path>: a PersistentVolumeClaim of the same namespace, and a path in it "
                "without ..",
            ),
        ),
    ),
]
WeightsUri = Annotated[
    str,
    Field(
        min_length=6,
        max_length=2048,
        json_schema_extra=rules(
            STORED,
        ),
    ),
]
OutputUri = Annotated[
    str,
    Field(
        min_length=6,
        max_length=2048,
        json_schema_extra=rules(
            rule(
                "['s3://', 'gs://', 'az://'].exists(scheme, self.startsWith(scheme))",
                "must begin with s3://, gs:// or az://",
            )
        ),
    ),
]
Quantity = Annotated[
    str | int,
    Field(
        json_schema_extra={
            "x-kubernetes-int-or-string": True,
            "maxLength": 40,
            # That of Kubernetes' own resource.Quantity.
            "pattern": r"^(\+|-)?(([0-9]+(\.[0-9]*)?)|(\.[0-9]+))"
            r"(([KMGTPE]i)|[numkMGTPE]|([eE](\+|-)?(([0-9]+(\.[0-9]*)?)|(\.[0-9]+))))?$",
        }
        | rules(rule("type(self) == int || isQuantity(self)", "must be a quantity, such as 500m, 4Gi or 1")),
    ),
]


BackboneName = Annotated[
    str,
    Field(
        max_length=127,
        pattern=r"^[a-z-]+/[A-Za-z0-9][A-Za-z0-9._-]*(/[A-Za-z0-9][A-Za-z0-9._-]*)?$",
        json_schema_extra=rules(
            rule(
                "['torchvision/', 'timm/', 'sentence-transformers/', 'transformers/'].exists(library, "
                "self.startsWith(library))",
                "must be <library>/<architecture>, such as torchvision/resnet18, timm/resnet18 or "
                "sentence-transformers/all-MiniLM-L6-v2",
            )
        ),
    ),
]


def _cron_field(value: str) -> str:
    part = f"([*]|{value}(-{value})?)(/[1-9][0-9]?)?"
    return f"{part}(,{part})*"


CRON_PATTERN = "(?i)^" + " +".join(
    _cron_field(value)
    for value in (
        "[0-5]?[0-9]",
        "([01]?[0-9]|2[0-3])",
        "(0?[1-9]|[12][0-9]|3[01])",
        "(0?[1-9]|1[0-2]|JAN|FEB|MAR|APR|MAY|JUN|JUL|AUG|SEP|OCT|NOV|DEC)",
        "([0-7]|SUN|MON|TUE|WED|THU|FRI|SAT)",
    )
) + "$"  # fmt: skip
"""Five fields of crontab. Not told by it: ranges that run backwards, and dates that no year has."""
CronSchedule = Annotated[
    str,
    Field(
        min_length=9,
        max_length=120,
        json_schema_extra=rules(
            rule(
                f"self.matches('{CRON_PATTERN}')",
                "must be the five fields of crontab (minute, hour, day of the month, month, day of the week), such as "
                '"30 8 * * 1-5"',
            )
        ),
    ),
]
TimeZoneName = Annotated[
    str,
    Field(
        min_length=1,
        max_length=64,
        json_schema_extra=rules(
            rule(
                "self.matches('^[A-Za-z][A-Za-z0-9_+-]*(/[A-Za-z0-9_+-]+){0,2}$')",
                "must be a name of the IANA time zone database, such as Europe/Berlin or UTC",
            )
        ),
    ),
]
