"""A cluster for the tests."""
