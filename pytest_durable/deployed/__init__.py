"""Cloud mode in pytest: from options, markers and the code of a test to its runner, and to its report."""
