"""The historical store: every market event, in Parquet, exactly once, with its gaps beside it."""
