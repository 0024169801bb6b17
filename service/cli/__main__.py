"""``python -m service.cli`` is ``telltale``."""

from service.cli import main

if __name__ == "__main__":
    main()
