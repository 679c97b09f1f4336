"""What a run would cost and what may go wrong in it, before anything is spent."""
