"""What serving costs and takes, against KServe's documented custom predictor."""
