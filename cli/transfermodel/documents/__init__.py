"""TransferModel files: read with line numbers, judged by the CRD's own rules, ready to be run."""

from transfermodel.documents.check import STANDARD_INPUT, check, check_text, load
from transfermodel.documents.ordering import in_order, with_bases
from transfermodel.documents.places import as_file_uri, is_local, local_path
from transfermodel.documents.types import DEFAULT_NAMESPACE, Checked, Document, Finding, Target
from transfermodel.documents.validating import Verdict, Wanted, validate

__all__ = [
    "DEFAULT_NAMESPACE",
    "STANDARD_INPUT",
    "Checked",
    "Document",
    "Finding",
    "Target",
    "Verdict",
    "Wanted",
    "as_file_uri",
    "check",
    "check_text",
    "in_order",
    "is_local",
    "load",
    "local_path",
    "validate",
    "with_bases",
]
