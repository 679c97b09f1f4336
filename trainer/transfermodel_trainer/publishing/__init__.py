"""The artifact: written whole, checked, uploaded, its manifest last."""
