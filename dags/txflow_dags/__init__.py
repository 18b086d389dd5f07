"""What the DAGs share: the factory of tasks, their runners, links and parameters.

A task is a command of txflow: arguments in, one manifest out, an exit code that says what to do. Nothing here knows
more of txflow than that.
"""
