"""TransferModel files: read with line numbers, judged by the CRD's own rules, ready to be run."""
