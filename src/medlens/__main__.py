"""`python -m medlens`."""

from medlens.cli import main

if __name__ == "__main__":
    main()
