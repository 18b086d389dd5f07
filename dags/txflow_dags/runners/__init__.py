"""Where tasks run: one module a runner, each with an operator of the same contract."""
