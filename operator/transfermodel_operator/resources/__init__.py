"""The objects that a TransferModel owns, built as plain dicts; pure."""
