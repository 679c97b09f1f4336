"""How values of the library look: tables and cards for people."""
