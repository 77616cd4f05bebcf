"""What the checks of the tool have in common: running it, and counting what was found."""

import subprocess

TIME_LIMIT = 120


class Report:
    """Counts checks and prints one line for each."""

    def __init__(self):
        """Starts with no checks."""
        self.passed = 0
        self.failed = 0

    def check(self, label, problem):
        """Counts one check, which has failed if there is a problem to tell."""
        if problem:
            self.failed += 1
            print(f"FAILED {label}: {problem}", flush=True)
        else:
            self.passed += 1
            print(f"ok     {label}", flush=True)

    def finish(self):
        """Prints the last line and returns the exit code."""
        print(f"{self.passed} passed, {self.failed} failed")
        return 1 if self.failed or not self.passed else 0


def run_tool(tool, arguments):
    """Runs the tool and returns what is wrong with how it ended, None if it ended well."""
    command = [str(tool), *map(str, arguments)]
    try:
        ended = subprocess.run(command, capture_output=True, timeout=TIME_LIMIT, check=False)
    except subprocess.TimeoutExpired:
        return f"no end after {TIME_LIMIT} seconds"
    except OSError as error:
        return f"cannot be run: {error}"
    if ended.returncode == 0:
        return None
    talk = ended.stderr.decode("utf-8", "replace").strip()
    return f"exit code {ended.returncode}: {talk}"
