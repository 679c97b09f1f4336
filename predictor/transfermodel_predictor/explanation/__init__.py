"""What an answer rests on: parts of a sample are left out, and the answer is asked for again. Imported when asked."""
