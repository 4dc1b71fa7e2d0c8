"""`python -m attendance`, the same as the console script."""

from attendance.cli import main

main()
