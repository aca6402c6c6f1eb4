"""Reports on runs and studies: charts, tables and pages."""
