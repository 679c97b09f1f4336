"""spec.data: what to learn from and to be judged on."""

from transfermodel_operator.api.meta import ApiModel
from transfermodel_operator.api.scalars import ColumnName, DataUri, Fraction, ObjectName, rule, rules


class DataSource(ApiModel):
    """Labelled images, texts or recordings."""

    uri: DataUri
    """A folder with one sub-folder per class, a .tar, .tar.gz, .tgz or .zip of it, or an index file, .csv or .jsonl,
    whose rows hold texts, or name files relative to its own folder, and their labels: in a bucket (s3://, gs://, az://),
    or in a PersistentVolumeClaim of the namespace (pvc://<claim>/<path>); an archive also at https://."""


class Format(ApiModel):
    """What the columns of an index file (.csv, .jsonl) are called."""

    path_column: ColumnName = "file"
    """The column, or JSON key, with the path of the image, text or audio file, relative to the index file's folder."""
    text_column: ColumnName = "text"
    """Text: the column, or JSON key, with the text itself; a table of files has none, but pathColumn."""
    label_column: ColumnName = "label"
    """The column, or JSON key, with the label."""


class Data(ApiModel):
    """The data to learn from and to be judged on."""

    model_config = {
        "json_schema_extra": rules(
            rule(
                "!has(self.validation) || !has(self.validationFraction)",
                "set validation or validationFraction, not both",
            ),
            rule(
                "!has(self.format) || [self.train.uri, has(self.validation) ? self.validation.uri : '', "
                "has(self.test) ? self.test.uri : ''].exists(uri, uri.endsWith('.csv') || uri.endsWith('.jsonl'))",
                "format goes with an index file: a uri that ends in .csv or .jsonl",
            ),
        )
    }

    train: DataSource
    """What to learn from."""
    validation: DataSource | None = None
    """What to choose by; default: a part of train, by a hash of each sample, so that none that was learned from is held
    out later, as data is added."""
    test: DataSource | None = None
    """The holdout that the reported metrics come from; without it they are estimated."""
    validation_fraction: Fraction | None = None
    """The part of train that is held out when validation is not set; default "0.2"."""
    format: Format | None = None
    """What the columns of index files are called; default: file or text, and label."""
    credentials_secret_name: ObjectName | None = None
    """A Secret with the keys of the stores: AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and, where needed,
    AWS_SESSION_TOKEN, AWS_ENDPOINT_URL and AWS_REGION; GOOGLE_SERVICE_ACCOUNT_KEY; AZURE_STORAGE_ACCOUNT_NAME with
    AZURE_STORAGE_ACCOUNT_KEY or AZURE_STORAGE_SAS_TOKEN."""
