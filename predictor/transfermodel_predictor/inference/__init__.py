"""From an encoded sample to labelled probabilities: trainer and predictor share it, so what is measured is served."""
