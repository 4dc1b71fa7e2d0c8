from attendance.cli.main import main

main()
