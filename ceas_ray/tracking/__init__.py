"""Where runs are recorded: journal, summary, MLflow, progress."""
