"""Learning: a closed-form head on frozen features, and fine-tuning."""
