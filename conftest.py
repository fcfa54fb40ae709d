"""What every test of the project shares, wherever it lies."""

from hypothesis import HealthCheck, settings

# A property says nothing about how fast anything is: on a busy machine the first example may wait for its imports.
settings.register_profile("untimed", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("untimed")
