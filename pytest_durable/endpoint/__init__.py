"""The simulated service behind real boto3: inside moto's mocks, and over HTTP."""
