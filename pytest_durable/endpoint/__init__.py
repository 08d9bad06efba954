"""The simulated service behind Lambda's API, as boto3 and other clients speak it."""
