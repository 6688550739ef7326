"""The data after the first model: labels that are probably wrong, and texts that are worth labelling."""
