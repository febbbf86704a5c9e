"""What all tests share: the real servers (see `tests.stack`)."""

pytest_plugins = ["tests.stack.fixtures", "tests.faults.figures"]
