"""The commands, a file for each: they alone read the command line and choose exit codes."""
