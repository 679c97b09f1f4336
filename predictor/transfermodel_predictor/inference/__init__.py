"""From an encoded image to labelled probabilities; used by trainer and predictor: what is measured is what is served."""
