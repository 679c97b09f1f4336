"""What a run would find, and what it would take: two programs that spend next to nothing."""
