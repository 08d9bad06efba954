"""pytest_durable: deterministic tests for AWS Lambda durable functions."""
