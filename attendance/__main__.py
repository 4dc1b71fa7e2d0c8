"""`python -m attendance`, the same as the console script."""

from attendance.cli.main import main

main()
