"""A model's hardware as tests: the pytest plugin, and what it asks of a model."""
