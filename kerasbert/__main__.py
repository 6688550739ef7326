"""`python -m kerasbert`: the command `kerasbert`."""

from kerasbert.cli import main

if __name__ == "__main__":
    main(prog_name="python -m kerasbert")
