"""Run one target under libFuzzer: `python -m tests.fuzz TARGET [FILE... | FOLDER...] [-option=value...]`."""

import sys

import atheris


def main() -> None:
    with atheris.instrument_imports(include=["crypt4gh", "shared", "services.intercept"], enable_loader_override=False):
        from tests.fuzz.targets import TARGETS
    if len(sys.argv) < 2 or sys.argv[1] not in TARGETS:
        sys.exit(f"usage: python -m tests.fuzz TARGET [FILE...] [-OPTION=VALUE...], TARGET one of {', '.join(TARGETS)}")
    atheris.Setup([sys.argv[0], *sys.argv[2:]], TARGETS[sys.argv[1]])
    atheris.Fuzz()


if __name__ == "__main__":
    main()
