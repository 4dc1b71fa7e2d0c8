"""A site before and after each choice."""
