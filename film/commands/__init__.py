"""The subcommands of `film`: one module each, with `main(arguments)` that returns the exit code."""
