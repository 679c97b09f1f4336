"""From bytes to labels: decode, preprocess, run, softmax. Knows no server; the trainer scores with it too."""
