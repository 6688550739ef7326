import pytest
from click.testing import CliRunner

from kerasbert.cli import main


@pytest.fixture(scope="session")
def kerasbert_command():
    """Runs the command line and returns its lines."""

    def run(*arguments) -> list[str]:
        result = CliRunner().invoke(main, [str(argument) for argument in arguments])
        assert result.exit_code == 0, result.output
        return result.stdout.splitlines()

    return run
