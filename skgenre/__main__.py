"""`python -m skgenre` is the command `skgenre`."""

from .cli import main

if __name__ == "__main__":
    main()
