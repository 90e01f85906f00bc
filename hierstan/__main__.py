"""Run the command line as ``python -m hierstan``."""

from hierstan.cli import main

if __name__ == "__main__":
    main()
